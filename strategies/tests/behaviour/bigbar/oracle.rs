//! The rules of big bars as a plain loop over arrays of doubles, each side written out.
//!
//! Cash alone is counted in whole cents: an account's money is exact, and a sum of doubles that drifts by its
//! last digit buys one unit less where equity is a whole number of closes.

use barhive_engine::data::Bar;
use barhive_strategies::BigBarParams;

/// Parameters of one run.
pub struct Point {
    atr_period: usize,
    k_atr: f64,
    up_tail: f64,
    prev_weight: f64,
    buffer: f64,
}

impl From<&BigBarParams> for Point {
    fn from(params: &BigBarParams) -> Self {
        let BigBarParams { atr_period, k_atr, up_tail, prev_weight, buffer } = *params;
        Self { atr_period: atr_period as usize, k_atr, up_tail, prev_weight, buffer }
    }
}

/// A position: the bar and price of its entry, signed units, the bar and price of its exit.
#[derive(Clone, Debug, PartialEq)]
pub struct Deal {
    pub entry: usize,
    pub units: f64,
    pub entry_price: f64,
    pub exit: Option<(usize, f64)>,
}

pub struct Outcome {
    pub deals: Vec<Deal>,
    pub final_equity_cents: i64,
}

fn cents(price: f64) -> i64 {
    (price * 100.0).round() as i64
}

/// Whether each bar is among the first or last six of its week.
fn restricted(bars: &[Bar]) -> Vec<bool> {
    // 1970-01-05 was a Monday.
    let week =
        |row: usize| (bars[row].ts_open_ns - 4 * 86_400_000_000_000).div_euclid(7 * 86_400_000_000_000);
    let mut edges = vec![false; bars.len()];
    let mut start = 0;
    while start < bars.len() {
        let mut end = start;
        while end < bars.len() && week(end) == week(start) {
            end += 1;
        }
        for (row, edge) in edges.iter_mut().enumerate().take(end).skip(start) {
            *edge = row - start < 6 || end - row <= 6;
        }
        start = end;
    }
    edges
}

fn average_true_range(bars: &[Bar], n: usize) -> Vec<f64> {
    let mut ranges = vec![0.0; bars.len()];
    for i in 1..bars.len() {
        let before = bars[i - 1].close;
        ranges[i] =
            (bars[i].high - bars[i].low).max((bars[i].high - before).abs()).max((bars[i].low - before).abs());
    }
    let mut atr = vec![f64::NAN; bars.len()];
    for i in n..bars.len() {
        if i == n {
            let mut sum = 0.0;
            for range in &ranges[1..=n] {
                sum += range;
            }
            atr[i] = sum / n as f64;
        } else {
            atr[i] = (atr[i - 1] * (n - 1) as f64 + ranges[i]) / n as f64;
        }
    }
    atr
}

pub fn run(bars: &[Bar], p: &Point) -> Outcome {
    let restricted = restricted(bars);
    let atr = average_true_range(bars, p.atr_period);
    let mut cash_cents = 10_000_000;
    let mut deals: Vec<Deal> = Vec::new();
    // Signed units; entry bar; stop.
    let (mut units, mut entry, mut stop) = (0.0, 0, 0.0);
    for i in p.atr_period + 4..bars.len() {
        let Bar { open, high, low, close, .. } = bars[i];
        let entry_size = bars[entry].high - bars[entry].low;
        let leave;
        if units == 0.0 {
            leave = false;
            if restricted[i] {
                continue;
            }
            let size = high - low;
            let body = (close - open).abs();
            let moved = |k: usize| bars[i - k].close - bars[i - k].open;
            let prev3 =
                if body == 0.0 { 0.0 } else { (1.0 * moved(3) + 2.0 * moved(2) + 3.0 * moved(1)) / body };
            let equity = cash_cents as f64 / 100.0;
            let count = (equity / close).floor();
            if count < 1.0 {
                continue;
            }
            if close > open
                && size >= p.k_atr * atr[i]
                && prev3 >= p.prev_weight
                && high - close < p.up_tail * size
            {
                units = count;
                stop = low - p.buffer * size;
            } else if close < open
                && size >= p.k_atr * atr[i]
                && prev3 <= -p.prev_weight
                && close - low < p.up_tail * size
            {
                units = -count;
                stop = high + p.buffer * size;
            }
            if units != 0.0 {
                entry = i;
                cash_cents -= units as i64 * cents(close);
                deals.push(Deal { entry, units, entry_price: close, exit: None });
            }
        } else if restricted[i] {
            leave = true;
        } else if units > 0.0 {
            if i == entry + 1 {
                leave = !(close > open && high > bars[entry].high);
                if low - 0.01 * entry_size > stop {
                    stop = low - 0.01 * entry_size;
                }
            } else {
                let lower = low.min(bars[i - 1].low);
                if lower > stop {
                    stop = lower;
                }
                leave = low <= stop;
            }
        } else if i == entry + 1 {
            leave = !(close < open && low < bars[entry].low);
            if high + 0.01 * entry_size < stop {
                stop = high + 0.01 * entry_size;
            }
        } else {
            let higher = high.max(bars[i - 1].high);
            if higher < stop {
                stop = higher;
            }
            leave = high >= stop;
        }
        if leave {
            cash_cents += units as i64 * cents(close);
            units = 0.0;
            let count = deals.len();
            deals[count - 1].exit = Some((i, close));
        }
    }
    let last = bars.last().map_or(0.0, |bar| bar.close);
    Outcome { deals, final_equity_cents: cash_cents + units as i64 * cents(last) }
}
