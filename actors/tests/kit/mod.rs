//! A market in memory, strategies that trade on it, and ways to make parts fail.

#![allow(dead_code, reason = "every test file takes what it needs")]

use std::sync::{
    Arc,
    atomic::{AtomicU32, AtomicU64, Ordering::SeqCst},
};

use barhive_engine::{
    Registry,
    data::{Bar, BarColumns, Feed, FeedError, MemorySource, Pull, SeriesInfo, SeriesRequest, Source},
    indicator::{IndicatorDef, IndicatorSpec, Input, InputKind, Kernel, Output, builtin},
    instrument::{Currency, FeeSchedule, Instrument, InstrumentId},
    money::Money,
    order::Side,
    registry::{StrategyFactory, factory},
    set::{ContainerSpec, FillSpec, Limits, Machinery, Placement, Retention, RunSpec, StrategySpec},
    strategy::{Bars, Context, Inst, Sizing, Strategy, Value},
    time::NS_PER_MINUTE,
    timeframe::Timeframe,
};

/// 2024-01-01, UTC.
const START_NS: i64 = 1_704_067_200_000_000_000;
/// The instruments of the market, by symbol.
pub const SYMBOLS: [&str; 3] = ["AAA", "BBB", "CCC"];

fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Random walks of `minutes` one-minute bars; about one minute in 40 is missing.
pub fn market(minutes: i64) -> MemorySource {
    let usd = Currency::new("USD").expect("a currency");
    let fees = FeeSchedule { rate_ppb: 500_000, ..FeeSchedule::default() };
    SYMBOLS.iter().enumerate().fold(MemorySource::new(), |source, (index, symbol)| {
        let (mut state, mut cents) = (index as u64 + 1, 10_000i64);
        let mut bars = Vec::new();
        for minute in 0..minutes {
            let mut draw = |bound: u64| (next(&mut state) % bound) as i64;
            let open = (cents + draw(21) - 10).max(100);
            let close = (open + draw(81) - 40).max(100);
            let (high, low) = (open.max(close) + draw(15), (open.min(close) - draw(15)).max(1));
            cents = close;
            if draw(40) == 0 {
                continue;
            }
            let ts_open_ns = START_NS + minute * NS_PER_MINUTE;
            let [open, high, low, close] = [open, high, low, close].map(|cents| cents as f64 / 100.0);
            let ts_close_ns = ts_open_ns + NS_PER_MINUTE;
            bars.push(Bar { ts_open_ns, ts_close_ns, open, high, low, close, volume: 1.0 });
        }
        let instrument = Instrument { fees, ..Instrument::new(symbol, 2, usd.clone()) };
        source.with(instrument, Timeframe::M1, BarColumns::from_bars(&bars))
    })
}

/// Two averages that cross, with an optional panic of its own making.
struct Cross {
    bars: Vec<(Bars, Value, Value)>,
    calls: u64,
    fails: Option<Fails>,
    long: Vec<Option<bool>>,
}

/// When a strategy panics.
#[derive(Clone)]
pub struct Fails {
    /// At which of its calls, counted from 1.
    pub at_call: u64,
    /// How many of its lives fail there.
    pub lives: u32,
    /// Lives so far.
    pub lived: Arc<AtomicU32>,
}

impl Fails {
    pub fn at(at_call: u64, lives: u32) -> Self {
        Self { at_call, lives, lived: Arc::default() }
    }
}

impl Strategy for Cross {
    fn on_bar(&mut self, ctx: &mut Context<'_>, bars: Bars) {
        self.calls += 1;
        if let Some(fails) = &self.fails
            && self.calls == fails.at_call
            && fails.lived.fetch_add(1, SeqCst) < fails.lives
        {
            panic!("made to fail at call {}", self.calls);
        }
        let Some(index) = self.bars.iter().position(|(known, ..)| *known == bars) else { return };
        let (bars, fast, slow) = self.bars[index];
        let long = ctx.value(fast) > ctx.value(slow);
        if ctx.value(slow).is_nan() || self.long[index] == Some(long) {
            return;
        }
        self.long[index] = Some(long);
        let inst: Inst = bars.instrument();
        ctx.enter(inst, if long { Side::Buy } else { Side::Sell });
    }
}

/// A crossing of averages of `fast` and `slow` bars.
pub fn cross(fast: u32, slow: u32, fails: Option<Fails>) -> Arc<dyn StrategyFactory> {
    averages("sma", fast, slow, fails)
}

/// As [`cross`], with another indicator.
pub fn averages(
    indicator: &'static str,
    fast: u32,
    slow: u32,
    fails: Option<Fails>,
) -> Arc<dyn StrategyFactory> {
    factory((fast, slow), move |(fast, slow), setup| {
        let insts: Vec<Inst> = setup.instruments().collect();
        let mut bars = Vec::new();
        for inst in insts {
            let series = setup.bars(inst);
            let spec = |period: u32| IndicatorSpec::new(indicator).with("period", period);
            bars.push((series, setup.indicator(series, spec(fast))?, setup.indicator(series, spec(slow))?));
        }
        let long = vec![None; bars.len()];
        Ok(Cross { bars, calls: 0, fails: fails.clone(), long })
    })
}

/// An account of 100,000 with one strategy on these instruments.
pub fn account(name: &str, strategy: Arc<dyn StrategyFactory>, instruments: &[u32]) -> ContainerSpec {
    ContainerSpec {
        strategies: vec![StrategySpec {
            id: format!("{name}-strategy"),
            kind: "cross".to_owned(),
            factory: strategy,
            instruments: instruments.iter().map(|id| InstrumentId(*id)).collect(),
            timeframe: Timeframe::M1,
            sizing: Sizing::Lots(10),
            limits: Limits::default(),
        }],
        fill: FillSpec { slippage_bps: 1.0, ..FillSpec::default() },
        retention: Retention::Minimal,
        ..ContainerSpec::new(name, Money::from_units(100_000), Currency::new("USD").expect("a currency"))
    }
}

/// `count` accounts with different strategies on one to three instruments each.
pub fn accounts(count: u32) -> Vec<ContainerSpec> {
    (0..count)
        .map(|n| {
            let instruments: &[u32] = [&[0][..], &[1], &[0, 1], &[0, 1, 2]][n as usize % 4];
            account(&format!("account-{n:02}"), cross(3 + n % 5, 12 + n, None), instruments)
        })
        .collect()
}

/// A run of these accounts on `source`.
pub fn spec(source: impl Source + 'static, containers: Vec<ContainerSpec>) -> RunSpec {
    let instruments = source.instruments().expect("instruments");
    RunSpec {
        name: "test".to_owned(),
        instruments,
        source: Arc::new(source),
        containers,
        bars_max: None,
        machinery: Machinery { monitor_interval_ms: 20, ..Machinery::default() },
    }
}

/// `spec` with other sizes of the machinery.
pub fn sized(spec: &RunSpec, batch_rows: usize, shards: usize, placement: Placement) -> RunSpec {
    let machinery = Machinery { batch_rows, shards, placement, ..spec.machinery.clone() };
    RunSpec { machinery, ..spec.clone() }
}

/// The built-in indicators.
pub fn registry() -> Registry {
    builtin().into_iter().fold(Registry::empty(), Registry::indicator)
}

/// A source whose feeds panic.
pub struct FlakySource {
    inner: MemorySource,
    /// Pulls over all feeds until the next panic, and how many panics are left.
    pulls: Arc<AtomicU64>,
    panics: Arc<AtomicU32>,
    every: u64,
}

impl FlakySource {
    /// Panics at every `every`th pull, `panics` times.
    pub fn new(inner: MemorySource, every: u64, panics: u32) -> Self {
        Self { inner, pulls: Arc::default(), panics: Arc::new(AtomicU32::new(panics)), every }
    }
}

impl Source for FlakySource {
    fn instruments(&self) -> Result<Vec<Instrument>, FeedError> {
        self.inner.instruments()
    }

    fn series(&self, symbol: &str) -> Result<Vec<SeriesInfo>, FeedError> {
        self.inner.series(symbol)
    }

    fn open(&self, request: &SeriesRequest) -> Result<Box<dyn Feed>, FeedError> {
        Ok(Box::new(FlakyFeed {
            inner: self.inner.open(request)?,
            pulls: Arc::clone(&self.pulls),
            panics: Arc::clone(&self.panics),
            every: self.every,
        }))
    }
}

struct FlakyFeed {
    inner: Box<dyn Feed>,
    pulls: Arc<AtomicU64>,
    panics: Arc<AtomicU32>,
    every: u64,
}

impl Feed for FlakyFeed {
    fn pull(&mut self, rows_max: usize, lead: usize) -> Result<Pull, FeedError> {
        let pull = self.pulls.fetch_add(1, SeqCst) + 1;
        let left = |left: u32| left.checked_sub(1);
        if pull.is_multiple_of(self.every) && self.panics.fetch_update(SeqCst, SeqCst, left).is_ok() {
            panic!("the feed broke at pull {pull}");
        }
        self.inner.pull(rows_max, lead)
    }
}

/// An average whose kernel panics at row `at_row` of one series, `panics` times over all its lives.
pub fn flaky_average(at_row: u64, panics: u32) -> IndicatorDef {
    let sma = builtin().into_iter().find(|def| def.name == "sma").expect("an average");
    let (build, left) = (Arc::clone(&sma.build), Arc::new(AtomicU32::new(panics)));
    IndicatorDef {
        name: "flaky",
        input: InputKind::Value,
        build: Arc::new(move |params| {
            Box::new(FlakyKernel { inner: build(params), rows: 0, at_row, left: Arc::clone(&left) })
        }),
        ..sma
    }
}

struct FlakyKernel {
    inner: Box<dyn Kernel>,
    rows: u64,
    at_row: u64,
    left: Arc<AtomicU32>,
}

impl Kernel for FlakyKernel {
    fn update(&mut self, input: &Input<'_>, output: &mut Output<'_, '_>) {
        let before = self.rows;
        self.rows += input.x.len() as u64;
        if (before..self.rows).contains(&self.at_row)
            && self.left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok()
        {
            panic!("the kernel broke at row {}", self.at_row);
        }
        self.inner.update(input, output);
    }

    fn snapshot(&self) -> Box<dyn Kernel> {
        Box::new(Self {
            inner: self.inner.snapshot(),
            rows: self.rows,
            at_row: self.at_row,
            left: Arc::clone(&self.left),
        })
    }
}
