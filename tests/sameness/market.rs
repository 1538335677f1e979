//! A small market in memory: random walks with missing minutes, handed out in pieces.

use std::collections::BTreeMap;

use barhive::engine::{
    data::{Bar, BarColumns, Batch, Feed, FeedError, Pull, SeriesInfo, SeriesKind, SeriesRequest, Source},
    instrument::{Currency, FeeSchedule, Instrument},
    time::NS_PER_MINUTE,
    timeframe::Timeframe,
};

/// 2024-01-01, UTC.
pub const START_NS: i64 = 1_704_067_200_000_000_000;

/// One-minute bars of some instruments.
#[derive(Clone)]
pub struct Market {
    bars: BTreeMap<String, Vec<Bar>>,
}

/// A sequence of random numbers that is the same everywhere (SplitMix64; Steele, Lea, Flood 2014).
pub struct Draws(pub u64);

impl Draws {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

impl Market {
    /// `minutes` of `symbols`; about one minute in 40 is missing, and the open gaps away from the close.
    pub fn walk(symbols: &[&str], minutes: i64, seed: u64) -> Self {
        let bars = symbols.iter().enumerate().map(|(index, symbol)| {
            let mut draws = Draws(seed.wrapping_mul(1_000_003).wrapping_add(index as u64));
            ((*symbol).to_owned(), walk(&mut draws, minutes))
        });
        Self { bars: bars.collect() }
    }

    /// The same up to and including the bars that close at `ts_ns`; other prices after it.
    pub fn scrambled_after(&self, ts_ns: i64, seed: u64) -> Self {
        let mut other = self.clone();
        let mut draws = Draws(seed);
        for bar in other.bars.values_mut().flatten().filter(|bar| bar.ts_close_ns > ts_ns) {
            let cents = |draws: &mut Draws| (1_000 + draws.below(30_000)) as f64 / 100.0;
            let prices = [cents(&mut draws), cents(&mut draws), cents(&mut draws), cents(&mut draws)];
            bar.high = prices.into_iter().fold(prices[0], f64::max);
            bar.low = prices.into_iter().fold(prices[0], f64::min);
            (bar.open, bar.close) = (prices[0], prices[1]);
        }
        other
    }

    /// Its instruments: two decimals, whole units, a fee of 0.05 %.
    pub fn listed(&self) -> Vec<Instrument> {
        let usd = Currency::new("USD").expect("a currency");
        let fees = FeeSchedule { rate_ppb: 500_000, ..FeeSchedule::default() };
        let listed =
            self.bars.keys().map(|symbol| Instrument { fees, ..Instrument::new(symbol, 2, usd.clone()) });
        listed.collect()
    }

    /// The bars of one instrument.
    pub fn bars(&self, symbol: &str) -> &[Bar] {
        &self.bars[symbol]
    }

    /// The close time of the bar in the middle.
    pub fn middle_ns(&self) -> i64 {
        let bars = self.bars.values().next().expect("an instrument");
        bars[bars.len() / 2].ts_close_ns
    }
}

fn walk(draws: &mut Draws, minutes: i64) -> Vec<Bar> {
    let mut bars = Vec::new();
    let mut cents: i64 = 10_000;
    for minute in 0..minutes {
        let open = (cents + draws.below(21) as i64 - 10).max(100);
        let close = (open + draws.below(81) as i64 - 40).max(100);
        let high = open.max(close) + draws.below(15) as i64;
        let low = (open.min(close) - draws.below(15) as i64).max(1);
        let volume = draws.below(1_000) as f64;
        cents = close;
        if draws.below(40) == 0 {
            continue;
        }
        let ts_open_ns = START_NS + minute * NS_PER_MINUTE;
        let [open, high, low, close] = [open, high, low, close].map(|cents| cents as f64 / 100.0);
        bars.push(Bar {
            ts_open_ns,
            ts_close_ns: ts_open_ns + NS_PER_MINUTE,
            open,
            high,
            low,
            close,
            volume,
        });
    }
    bars
}

impl Source for Market {
    fn instruments(&self) -> Result<Vec<Instrument>, FeedError> {
        Ok(self.listed())
    }

    fn series(&self, symbol: &str) -> Result<Vec<SeriesInfo>, FeedError> {
        let Some(bars) = self.bars.get(symbol) else { return Ok(Vec::new()) };
        Ok(vec![SeriesInfo {
            symbol: symbol.to_owned(),
            kind: SeriesKind::BAR,
            timeframe: Timeframe::M1,
            rows: Some(bars.len() as u64),
            span_ns: Some((bars[0].ts_close_ns, bars[bars.len() - 1].ts_close_ns)),
            prices_on_scale: true,
            data_hash: None,
            notes: Vec::new(),
        }])
    }

    fn open(&self, request: &SeriesRequest) -> Result<Box<dyn Feed>, FeedError> {
        let bars = self.bars.get(&request.symbol).ok_or_else(|| FeedError::Unknown {
            origin: "market".to_owned(),
            what: request.symbol.clone(),
        })?;
        let wanted = |bar: &&Bar| {
            request.from_ns.is_none_or(|from| bar.ts_open_ns >= from)
                && request.to_ns.is_none_or(|to| bar.ts_close_ns <= to)
        };
        let columns = BarColumns::from_bars(bars.iter().filter(wanted));
        Ok(Box::new(Pieces { columns, at: 0, draws: Draws(7) }))
    }
}

/// Hands rows out in pieces of uneven length, now and then none at all.
struct Pieces {
    columns: BarColumns,
    at: usize,
    draws: Draws,
}

impl Feed for Pieces {
    fn pull(&mut self, rows_max: usize, _lead: usize) -> Result<Pull, FeedError> {
        let left = self.columns.len() - self.at;
        if left == 0 {
            return Ok(Pull::End);
        }
        if self.draws.below(8) == 0 {
            return Ok(Pull::Pending);
        }
        let rows = left.min(rows_max).min(1 + self.draws.below(300) as usize);
        let piece = self.columns.slice(self.at, rows);
        self.at += rows;
        Ok(Pull::Rows(Batch::new(piece)))
    }
}
