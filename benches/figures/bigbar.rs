//! The big-bar sweep: 112,840 combinations over 20,040 bars, and what a hand-written loop takes.

use std::path::Path;

use barhive::{
    actors::sweep::{SweepOptions, run_sweep},
    config::{LoadOptions, load_sweep},
    engine::{
        data::{BarColumns, Pull, SeriesKind, SeriesRequest},
        sweep::{PassBlock, SweepSpec},
    },
};
use std::sync::Arc;

use crate::{
    fixtures,
    measure::{Figures, timed},
};

/// The shipped sweep.
pub fn spec() -> SweepSpec {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/bigbar.yaml");
    let loaded = load_sweep(&path, &fixtures::registry_with_feeds(), &LoadOptions::default());
    loaded.unwrap_or_else(|faults| panic!("{faults}")).spec
}

/// One worker, one chunk, a pass per period; answers combinations per second and asserts that each
/// average true range is worked out once.
pub fn run(spec: SweepSpec) -> f64 {
    let variants = spec.variants();
    let options = SweepOptions {
        workers: 1,
        chunk: Some(variants),
        batch: Some(spec.definitions[0].grid.block()),
        ..SweepOptions::default()
    };
    let (mut done, mut traded) = (0, 0);
    let mut sink = |block: &PassBlock| {
        done += block.variants.len() as u64;
        traded +=
            block.variants.iter().filter(|v| v.evaluation().is_some_and(|done| done.trades > 0)).count();
        Ok(())
    };
    let registry = Arc::new(fixtures::registry_with_feeds());
    let spec = Arc::new(spec);
    let (time, outcome) = timed(|| run_sweep(&spec, &registry, options, &mut sink));
    let outcome = outcome.expect("the sweep runs");
    assert_eq!((done, outcome.failed.len()), (variants, 0));
    assert!(traded > 0, "some combination trades");
    let columns = spec.definitions[0].grid.axes()[0].values.len() as u64;
    assert_eq!(outcome.work.hub.computed, columns * bars(&spec).len() as u64, "each column once");
    variants as f64 / time.as_secs_f64()
}

fn bars(spec: &SweepSpec) -> BarColumns {
    let definition = &spec.definitions[0];
    let request = SeriesRequest {
        symbol: spec.instruments[0].symbol.clone(),
        kind: SeriesKind::BAR,
        timeframe: definition.timeframes[0],
        from_ns: None,
        to_ns: None,
    };
    let mut feed = spec.source.open(&request).expect("the series opens");
    let mut builder = barhive::engine::data::BarColumnsBuilder::default();
    while let Pull::Rows(batch) = feed.pull(8_192, 0).expect("rows are made") {
        builder.extend(&batch.columns);
    }
    builder.finish()
}

pub fn figures(figures: &mut Figures) {
    if figures.wants(&["bigbar_per_s", "bigbar_per_s_floor"]) {
        figures.print("bigbar_per_s", run(spec()), "combinations/s");
        figures.print("bigbar_per_s_floor", floor(&bars(&spec())), "combinations/s");
    }
}

/// Rounds of the hand-written loop.
const FLOOR_ROUNDS: u32 = 400;

/// The rules over plain arrays of doubles, an average true range in hand; combinations per second.
fn floor(bars: &BarColumns) -> f64 {
    let atr = average_true_range(bars, 14);
    let edges = week_edges(bars);
    let (time, equity) = timed(|| {
        (0..FLOOR_ROUNDS).map(|round| one(bars, &atr, &edges, 1.0 + f64::from(round % 31) * 0.1)).sum::<f64>()
    });
    assert!(equity > 0.0);
    f64::from(FLOOR_ROUNDS) / time.as_secs_f64()
}

fn week_edges(bars: &BarColumns) -> Vec<bool> {
    const WEEK_NS: i64 = 7 * 86_400_000_000_000;
    let week = |row: usize| (bars.ts_open_ns[row] + WEEK_NS / 7 * 3).div_euclid(WEEK_NS);
    (0..bars.len())
        .map(|row| {
            row < 6 || row + 6 >= bars.len() || week(row - 6) != week(row) || week(row + 6) != week(row)
        })
        .collect()
}

fn average_true_range(bars: &BarColumns, n: usize) -> Vec<f64> {
    let range = |i: usize| {
        let before = bars.close[i - 1];
        (bars.high[i] - bars.low[i]).max((bars.high[i] - before).abs()).max((bars.low[i] - before).abs())
    };
    let mut atr = vec![f64::NAN; bars.len()];
    atr[n] = (1..=n).map(range).sum::<f64>() / n as f64;
    for i in n + 1..bars.len() {
        atr[i] = (atr[i - 1] * (n - 1) as f64 + range(i)) / n as f64;
    }
    atr
}

fn one(bars: &BarColumns, atr: &[f64], edges: &[bool], k_atr: f64) -> f64 {
    let (opens, highs, lows, closes) = (&bars.open, &bars.high, &bars.low, &bars.close);
    let (mut cash, mut units, mut entry, mut stop) = (100_000.0f64, 0.0, 0, 0.0);
    let (mut peak, mut deepest) = (cash, 0.0f64);
    for i in 18..bars.len() {
        let (open, high, low, close) = (opens[i], highs[i], lows[i], closes[i]);
        let size = high - low;
        if units == 0.0 {
            if size >= k_atr * atr[i] && !edges[i] && close != open {
                let side = if close > open { 1.0 } else { -1.0 };
                let moved = |k: usize| closes[i - k] - opens[i - k];
                let weighed = (moved(3) + 2.0 * moved(2) + 3.0 * moved(1)) / (close - open).abs();
                let tail = if side > 0.0 { high - close } else { close - low };
                if side * weighed >= 0.3 && tail < 0.7 * size {
                    units = side * (cash / close).floor();
                    stop = if side > 0.0 { low - 0.01 * size } else { high + 0.01 * size };
                    cash -= units * close;
                    entry = i;
                }
            }
        } else {
            let long = units > 0.0;
            let entry_size = highs[entry] - lows[entry];
            let leave = if edges[i] {
                true
            } else if i == entry + 1 {
                let raised = if long { low - 0.01 * entry_size } else { high + 0.01 * entry_size };
                stop = if long == (raised > stop) { raised } else { stop };
                if long {
                    !(close > open && high > highs[entry])
                } else {
                    !(close < open && low < lows[entry])
                }
            } else if long {
                stop = stop.max(low.min(lows[i - 1]));
                low <= stop
            } else {
                stop = stop.min(high.max(highs[i - 1]));
                high >= stop
            };
            if leave {
                cash += units * close;
                units = 0.0;
            }
        }
        let equity: f64 = cash + units * close;
        peak = peak.max(equity);
        deepest = deepest.max(1.0 - equity / peak);
    }
    std::hint::black_box(deepest);
    cash + units * closes[closes.len() - 1]
}
