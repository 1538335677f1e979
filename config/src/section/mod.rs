//! What a strategy set may say, section by section. The comments here are the reference that users read.

mod account;
mod http;
mod instrument;
mod live;
mod machinery;
mod origin;
mod server;
mod set;
mod strategy;
mod sweep;

pub(crate) use account::{AccountKind, AccountSection, RiskSection};
pub(crate) use http::{HttpSection, TelegramSection, TlsSection};
pub(crate) use instrument::{FeesSection, InstrumentSection};
pub(crate) use live::{LiveProcessSection, LiveSection};
pub(crate) use machinery::{BusSection, EngineSection, HubSection, PlacementSection, ReportSection};
pub use origin::Origin;
pub(crate) use server::{
    AgeingSection, JobsMaxSection, LevelsSection, ServerModeSection, ServerQueueSection, ServerSection,
    ThresholdsSection,
};
pub(crate) use set::{FeedSection, FillSection, MarketSection, RetentionSection, SetSection, TraceSection};
pub(crate) use strategy::{LimitsSection, SizingSection, StrategySection};
pub(crate) use sweep::{
    IsolationSection, ProcessSection, SweepFileSection, SweepSection, SweepStrategySection, SweptSection,
    ThrottleSection,
};

use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::read::{Captured, TextOrMapping};

/// Parameters of a registered part; the part itself reads them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Params;

impl JsonSchema for Params {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Params".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "object" })
    }
}

/// Fees: the name of a schedule, or the schedule itself.
pub(crate) type FeesEntry = Captured<TextOrMapping<FeesSection>>;
/// An instrument: a symbol or wildcard, or a mapping with a `symbol`.
pub(crate) type InstrumentEntry = TextOrMapping<InstrumentSection>;
