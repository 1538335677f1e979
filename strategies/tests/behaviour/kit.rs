//! Bars made of whole cents, and a run that gives back what filled.

use std::sync::Arc;

use barhive_engine::{
    Registry,
    backtest::{Backtest, run_recorded},
    data::{Bar, BarColumns, MemorySource},
    indicator::builtin,
    instrument::{Currency, Instrument, InstrumentId},
    money::Money,
    pass::RunError,
    record::Fill,
    recorder::MemoryRecorder,
    registry::StrategyFactory,
    result::RunResult,
    set::Machinery,
    strategy::Sizing,
    timeframe::Timeframe,
};

pub const MINUTE_NS: i64 = 60_000_000_000;

/// Bars of one instrument, in cents.
#[derive(Clone, Debug, Default)]
pub struct Prices {
    pub open: Vec<i64>,
    pub high: Vec<i64>,
    pub low: Vec<i64>,
    pub close: Vec<i64>,
}

impl Prices {
    /// Bars with these closes: each opens a few cents from the close before, so that a fill in the
    /// wrong bar has the wrong price.
    pub fn of_closes(closes: &[i64]) -> Self {
        let mut prices = Self::default();
        let mut last = closes.first().copied().unwrap_or_default();
        for (row, close) in closes.iter().enumerate() {
            let open = last + row as i64 % 7 - 3;
            prices.push(open, open.max(*close) + 2, open.min(*close) - 2, *close);
            last = *close;
        }
        prices
    }

    pub fn push(&mut self, open: i64, high: i64, low: i64, close: i64) {
        self.open.push(open);
        self.high.push(high);
        self.low.push(low);
        self.close.push(close);
    }

    /// A random walk of `rows` bars.
    pub fn walk(rows: usize, seed: u64) -> Self {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut close = 10_000i64;
        let closes: Vec<i64> = (0..rows)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                close = (close + (state % 101) as i64 - 50).max(2_000);
                close
            })
            .collect();
        Self::of_closes(&closes)
    }

    pub fn len(&self) -> usize {
        self.close.len()
    }

    /// Closes as prices.
    pub fn closes(&self) -> Vec<f64> {
        self.close.iter().map(|cents| *cents as f64 / 100.0).collect()
    }

    fn columns(&self) -> BarColumns {
        let price = |cents: i64| cents as f64 / 100.0;
        let bars: Vec<Bar> = (0..self.len())
            .map(|row| Bar {
                ts_open_ns: row as i64 * MINUTE_NS,
                ts_close_ns: (row as i64 + 1) * MINUTE_NS,
                open: price(self.open[row]),
                high: price(self.high[row]),
                low: price(self.low[row]),
                close: price(self.close[row]),
                volume: 1.0,
            })
            .collect();
        BarColumns::from_bars(&bars)
    }
}

/// One fill: the bar it happened in, lots, and the price in cents.
pub type Filled = (usize, i64, i64);

/// What a run left behind.
pub struct Ran {
    pub result: RunResult,
    fills: Vec<Fill>,
}

impl Ran {
    /// Fills of the instrument at `index` in order of symbols.
    pub fn fills_of(&self, index: u32) -> Vec<Filled> {
        self.fills
            .iter()
            .filter(|fill| fill.instrument == InstrumentId(index))
            .map(|fill| ((fill.ts_ns / MINUTE_NS) as usize - 1, fill.lots, fill.price))
            .collect()
    }

    pub fn fills(&self) -> Vec<Filled> {
        self.fills_of(0)
    }
}

pub fn registry() -> Registry {
    barhive_strategies::register(builtin().into_iter().fold(Registry::empty(), Registry::indicator))
}

/// Runs one strategy on instruments `A`, `B`, ... with a size of one lot.
pub fn run(factory: Arc<dyn StrategyFactory>, markets: &[Prices]) -> Ran {
    run_in_batches(factory, markets, Machinery::default().batch_rows)
}

pub fn run_in_batches(factory: Arc<dyn StrategyFactory>, markets: &[Prices], batch_rows: usize) -> Ran {
    try_run(factory, markets, batch_rows).expect("a run without faults")
}

pub fn try_run(
    factory: Arc<dyn StrategyFactory>,
    markets: &[Prices],
    batch_rows: usize,
) -> Result<Ran, RunError> {
    let usd = Currency::new("USD").expect("a currency");
    let symbols: Vec<String> = (0..markets.len()).map(|i| char::from(b'A' + i as u8).to_string()).collect();
    let mut source = MemorySource::new();
    for (symbol, prices) in symbols.iter().zip(markets) {
        let instrument = Instrument::new(symbol, 2, usd.clone());
        source = source.with(instrument, Timeframe::M1, prices.columns());
    }
    let symbols: Vec<&str> = symbols.iter().map(String::as_str).collect();
    let machinery = Machinery { batch_rows, ..Machinery::default() };
    let (spec, registry) = Backtest::new(registry(), Arc::new(source), Money::from_units(1_000_000), usd)?
        .strategy("it", factory, &symbols, Timeframe::M1, Sizing::Lots(1))?
        .machinery(machinery)
        .into_spec();
    let recorder = MemoryRecorder::full();
    let (result, _) = run_recorded(&spec, &registry, &|_| Box::new(recorder.clone()))?;
    assert!(result.quarantined.is_empty(), "{:?}", result.quarantined);
    Ok(Ran { result, fills: recorder.take().fills })
}

/// The fills that bring a position to `wanted` (decided at that bar's close) at the next bar's open.
pub fn fills_for(wanted: &[i64], prices: &Prices) -> Vec<Filled> {
    let mut held = 0;
    let mut fills = Vec::new();
    for (row, wanted) in wanted.iter().enumerate().take(prices.len() - 1) {
        if *wanted != held {
            fills.push((row + 1, wanted - held, prices.open[row + 1]));
            held = *wanted;
        }
    }
    fills
}
