//! All that the author of a strategy needs: `use barhive::prelude::*`.

pub use barhive_engine::{
    data::{Bar, BarColumns, Batch, Feed, FeedError, Pull, SeriesInfo, SeriesKind, SeriesRequest, Source},
    indicator::{
        IndicatorDef, IndicatorDoc, IndicatorSpec, Input, InputKind, Kernel, Output, ParamDef, ParamKind,
        Params, PriceField,
    },
    instrument::{Currency, FeeSchedule, Instrument, InstrumentId},
    money::Money,
    order::{OrderId, OrderKind, OrderRequest, Quantity, Side},
    pass::RunError,
    record::Fill,
    recorder::MemoryRecorder,
    registry::{FeedContext, factory},
    result::{AccountResult, RunResult},
    set::{FillSpec, MarketFill},
    strategy::{Bars, Context, Inst, Setup, SetupError, Sizing, Strategy, Value},
    timeframe::Timeframe,
};
pub use schemars::JsonSchema;
pub use serde::{Deserialize, Serialize};

pub use crate::{Backtest, Registry};
