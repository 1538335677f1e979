//! Markets with weekends, holes, runs of volatility and many equal prices; and real ones.

use std::path::Path;

use barhive_engine::{data::Bar, timeframe::Timeframe};

use crate::kit::MINUTE_NS;

/// A small seeded generator (SplitMix64).
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A whole number from 0 to `bound` - 1.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// Bars of one instrument with two decimals.
pub struct Market {
    pub timeframe: Timeframe,
    pub bars: Vec<Bar>,
}

fn minutes(minutes: i64) -> Timeframe {
    format!("{minutes}m").parse().expect("a timeframe")
}

impl Market {
    /// `rows` bars of so many minutes from Wednesday 2020-01-01 on: open from Sunday 23:00 to Friday 22:00,
    /// a week of a few bars now and then, single bars missing.
    pub fn made_up(rows: usize, bar_minutes: i64, seed: u64) -> Self {
        const START_NS: i64 = 1_577_836_800 * 1_000_000_000;
        const WEEK: i64 = 7 * 24 * 60;
        let mut random = Random(seed);
        let mut bars = Vec::with_capacity(rows);
        let (mut minute, mut price, mut calm, mut drift) = (0i64, 150_000i64, 1i64, 0i64);
        while bars.len() < rows {
            let open_minute = minute;
            minute += bar_minutes;
            // The start is 48 hours into its week.
            let of_week = (open_minute + 48 * 60).rem_euclid(WEEK);
            let week = (open_minute + 48 * 60).div_euclid(WEEK);
            let is_open = !(118 * 60..167 * 60).contains(&of_week);
            let is_holiday = week % 5 == 3 && of_week / bar_minutes > 4 + week % 11;
            if !is_open || is_holiday || random.below(200) == 0 {
                continue;
            }
            if random.below(60) == 0 {
                calm = 1 + random.below(12) as i64;
                drift = random.below(9) as i64 - 4;
            }
            let reach = 20 * calm;
            let mut draw = |reach: i64| random.below(2 * reach as u64 + 1) as i64 - reach;
            let open = price + draw(3);
            // The sum of several draws now and then makes a big bar.
            let big = if draw(12) > 9 { 4 } else { 1 };
            let close = (open + drift * calm * 2 + big * draw(reach)).max(5_000);
            let (up, down) = (draw(reach).max(0), draw(reach).max(0));
            let cents = |cents: i64| cents as f64 / 100.0;
            price = close;
            bars.push(Bar {
                ts_open_ns: START_NS + open_minute * MINUTE_NS,
                ts_close_ns: START_NS + minute * MINUTE_NS,
                open: cents(open),
                high: cents(open.max(close) + up),
                low: cents(open.min(close) - down),
                close: cents(close),
                volume: 1.0,
            });
        }
        Self { timeframe: minutes(bar_minutes), bars }
    }

    /// Bars of a file of the shared data (milliseconds, open, high, low, close, ...); `None`, with a note,
    /// where it is not there.
    pub fn of_file(file: &str, bar_minutes: i64) -> Option<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(file);
        let Ok(text) = std::fs::read_to_string(&path) else {
            println!("skipped: {} is not there", path.display());
            return None;
        };
        let bar = |line: &str| {
            let cells: Vec<f64> = line.split(',').map(|cell| cell.parse().expect("a number")).collect();
            let ts_open_ns = cells[0] as i64 * 1_000_000;
            Bar {
                ts_open_ns,
                ts_close_ns: ts_open_ns + bar_minutes * MINUTE_NS,
                open: cells[1],
                high: cells[2],
                low: cells[3],
                close: cells[4],
                volume: cells[5],
            }
        };
        Some(Self { timeframe: minutes(bar_minutes), bars: text.lines().skip(1).map(bar).collect() })
    }

    /// Coarser bars that open at multiples of so many minutes; the last one only if a bar ends with it.
    pub fn aggregated(&self, bar_minutes: i64) -> Self {
        let length_ns = bar_minutes * MINUTE_NS;
        let bucket = |bar: &Bar| bar.ts_open_ns.div_euclid(length_ns);
        let merged = self.bars.chunk_by(|a, b| bucket(a) == bucket(b)).map(|bars| Bar {
            ts_open_ns: bucket(&bars[0]) * length_ns,
            ts_close_ns: (bucket(&bars[0]) + 1) * length_ns,
            open: bars[0].open,
            high: bars.iter().fold(f64::MIN, |high, bar| high.max(bar.high)),
            low: bars.iter().fold(f64::MAX, |low, bar| low.min(bar.low)),
            close: bars[bars.len() - 1].close,
            volume: bars.iter().map(|bar| bar.volume).sum(),
        });
        let mut bars: Vec<Bar> = merged.collect();
        if self.bars.last().map(|bar| bar.ts_close_ns) != bars.last().map(|bar| bar.ts_close_ns) {
            bars.pop();
        }
        Self { timeframe: minutes(bar_minutes), bars }
    }
}
