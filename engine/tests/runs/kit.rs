//! A market in a few lines: bars, accounts with scripted strategies, runs with everything recorded.

use std::sync::Arc;

use barhive_engine::{
    Registry, backtest,
    data::{Bar, BarColumns, MemorySource, Source},
    indicator::IndicatorSpec,
    instrument::{Currency, Instrument, InstrumentId},
    money::Money,
    order::{Cause, OrderState},
    pass::RunError,
    record::{Fill, Recorder, Records},
    recorder::MemoryRecorder,
    registry::{StrategyFactory, factory},
    result::RunResult,
    set::{ContainerSpec, Limits, Machinery, RunSpec, StrategySpec, Trace},
    strategy::{Bars, Context, Setup, Sizing, Strategy},
    time::NS_PER_MINUTE,
    timeframe::Timeframe,
};

/// The open of the first bar: 2024-01-01, midnight.
pub const START_NS: i64 = 1_704_067_200 * 1_000_000_000;

pub fn usd() -> Currency {
    Currency::new("USD").unwrap()
}

/// An instrument with cents and whole lots.
pub fn instrument(symbol: &str) -> Instrument {
    Instrument::new(symbol, 2, usd())
}

/// One-minute bars (open, high, low, close), one after the other.
pub fn minutes(prices: &[(f64, f64, f64, f64)]) -> BarColumns {
    let bar = |(index, &(open, high, low, close)): (usize, &(f64, f64, f64, f64))| {
        minute_bar(index as i64, open, high, low, close)
    };
    BarColumns::from_bars(&prices.iter().enumerate().map(bar).collect::<Vec<_>>())
}

/// The one-minute bar that opens `minute` minutes after the start.
pub fn minute_bar(minute: i64, open: f64, high: f64, low: f64, close: f64) -> Bar {
    let ts_open_ns = START_NS + minute * NS_PER_MINUTE;
    Bar { ts_open_ns, ts_close_ns: ts_open_ns + NS_PER_MINUTE, open, high, low, close, volume: 1.0 }
}

/// The close time of one-minute bar `number`, counted from 1.
pub fn close_of(number: i64) -> i64 {
    START_NS + number * NS_PER_MINUTE
}

type Act = dyn Fn(&mut Context<'_>, Bars, usize) + Send + Sync;

struct Scripted {
    act: Arc<Act>,
    bars_seen: usize,
}

impl Strategy for Scripted {
    fn on_bar(&mut self, ctx: &mut Context<'_>, bars: Bars) {
        self.bars_seen += 1;
        (self.act)(ctx, bars, self.bars_seen);
    }
}

/// A strategy that does `act` at every bar, which is told its number, counted from 1.
pub fn scripted(
    act: impl Fn(&mut Context<'_>, Bars, usize) + Send + Sync + 'static,
) -> Arc<dyn StrategyFactory> {
    let act: Arc<Act> = Arc::new(act);
    factory((), move |(), setup: &mut Setup<'_>| {
        for instrument in setup.instruments() {
            setup.bars(instrument);
        }
        Ok(Scripted { act: Arc::clone(&act), bars_seen: 0 })
    })
}

/// A strategy on one-minute bars of `instruments`.
pub fn strategy(id: &str, factory: Arc<dyn StrategyFactory>, instruments: &[u32]) -> StrategySpec {
    StrategySpec {
        id: id.to_owned(),
        kind: id.to_owned(),
        factory,
        instruments: instruments.iter().map(|id| InstrumentId(*id)).collect(),
        timeframe: Timeframe::M1,
        sizing: Sizing::Lots(1),
        limits: Limits::default(),
    }
}

/// An account with a thousand dollars.
pub fn account(name: &str, strategies: Vec<StrategySpec>) -> ContainerSpec {
    ContainerSpec {
        strategies,
        trace: Trace::Full,
        ..ContainerSpec::new(name, Money::from_units(1_000), usd())
    }
}

/// A run of `containers` on whatever `source` offers.
pub fn set(source: impl Source + 'static, containers: Vec<ContainerSpec>) -> RunSpec {
    RunSpec {
        name: "test".to_owned(),
        instruments: source.instruments().unwrap(),
        source: Arc::new(source),
        containers,
        bars_max: None,
        machinery: Machinery::default(),
    }
}

/// One-minute bars of one instrument.
pub fn one(columns: BarColumns) -> MemorySource {
    MemorySource::new().with(instrument("X"), Timeframe::M1, columns)
}

/// What came of a run: the result, and the records by container.
pub struct Ran {
    pub result: RunResult,
    pub records: Vec<Records>,
}

pub fn try_run(spec: &RunSpec) -> Result<Ran, RunError> {
    try_run_with(spec, &registry())
}

fn try_run_with(spec: &RunSpec, registry: &Registry) -> Result<Ran, RunError> {
    let kept: std::cell::RefCell<Vec<(String, MemoryRecorder)>> = std::cell::RefCell::default();
    let (result, _) = backtest::run_recorded(spec, registry, &|container| {
        let recorder = MemoryRecorder::full();
        let mut kept = kept.borrow_mut();
        kept.retain(|(name, _)| *name != container.name);
        kept.push((container.name.clone(), recorder.clone()));
        Box::new(recorder) as Box<dyn Recorder>
    })?;
    let kept = kept.into_inner();
    let records =
        |name: &str| kept.iter().find(|(kept, _)| kept == name).map(|(_, recorder)| recorder.take());
    let records =
        spec.containers.iter().map(|container| records(&container.name).unwrap_or_default()).collect();
    Ok(Ran { result, records })
}

pub fn run(spec: &RunSpec) -> Ran {
    try_run(spec).unwrap()
}

pub fn run_with(spec: &RunSpec, registry: &Registry) -> Ran {
    try_run_with(spec, registry).unwrap()
}

/// Runs one scripted strategy on one instrument.
pub fn run_script(
    prices: &[(f64, f64, f64, f64)],
    change: impl FnOnce(&mut ContainerSpec),
    act: impl Fn(&mut Context<'_>, Bars, usize) + Send + Sync + 'static,
) -> Ran {
    let mut account = account("account", vec![strategy("script", scripted(act), &[0])]);
    change(&mut account);
    run(&set(one(minutes(prices)), vec![account]))
}

impl Ran {
    /// Fills of the only account: (bar number, lots, price in cents).
    pub fn fills(&self) -> Vec<(i64, i64, i64)> {
        fills_of(&self.records[0].fills)
    }

    /// The last transition of every order of the only account, in the order of their numbers.
    pub fn ends(&self) -> Vec<(OrderState, Cause)> {
        let mut orders = self.records[0].orders.clone();
        orders.sort_by_key(|event| event.order);
        let last = orders.chunk_by(|a, b| a.order == b.order).filter_map(|events| events.last());
        last.map(|event| (event.state, event.cause)).collect()
    }

    pub fn hash(&self) -> &str {
        &self.result.result_hash
    }
}

pub fn fills_of(fills: &[Fill]) -> Vec<(i64, i64, i64)> {
    fills.iter().map(|fill| ((fill.ts_ns - START_NS) / NS_PER_MINUTE, fill.lots, fill.price)).collect()
}

/// An indicator with a period.
pub fn with_period(name: &str, period: i64) -> IndicatorSpec {
    IndicatorSpec::new(name).with("period", period)
}

/// All built-in indicators.
pub fn registry() -> Registry {
    barhive_engine::indicator::builtin().into_iter().fold(Registry::empty(), Registry::indicator)
}
