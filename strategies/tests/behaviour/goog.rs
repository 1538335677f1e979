//! Eight years of daily bars against an independent engine, trade by trade. The data live beside the
//! project; without them this test passes.

use std::{path::Path, sync::Arc};

use barhive_engine::{
    backtest::{Backtest, run_recorded},
    data::{Bar, BarColumns, MemorySource},
    instrument::{Currency, FeeSchedule, Instrument},
    money::Money,
    recorder::MemoryRecorder,
    registry::factory,
    strategy::Sizing,
    timeframe::Timeframe,
};
use barhive_strategies::{SmaCross, SmaCrossParams};

use crate::kit::registry;

const DAY_NS: i64 = 86_400_000_000_000;

fn rows(path: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).expect("a readable file");
    text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

fn number(cell: &str) -> f64 {
    cell.parse().expect("a number")
}

#[test]
fn goog_trades_as_an_independent_engine_trades_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/parity/goog");
    if !folder.exists() {
        println!("skipped: {} is not there", folder.display());
        return;
    }
    // Only the order of the days matters here: each is taken to last 24 hours.
    let bars: Vec<Bar> = (0..)
        .zip(rows(&folder.join("GOOG.csv")))
        .map(|(day, row): (i64, _)| Bar {
            ts_open_ns: day * DAY_NS,
            ts_close_ns: (day + 1) * DAY_NS,
            open: number(&row[1]),
            high: number(&row[2]),
            low: number(&row[3]),
            close: number(&row[4]),
            volume: number(&row[5]),
        })
        .collect();
    let usd = Currency::new("USD").expect("a currency");
    let instrument = Instrument::new("GOOG", 2, usd.clone());
    let source = MemorySource::new().with(instrument, Timeframe::D1, BarColumns::from_bars(&bars));
    let params = SmaCrossParams { fast: 10, slow: 20, ..SmaCrossParams::default() };
    let (spec, registry) = Backtest::new(registry(), Arc::new(source), Money::from_units(10_000), usd)
        .and_then(|test| {
            let strategy = factory(params, SmaCross::new);
            test.strategy("goog", strategy, &["GOOG"], Timeframe::D1, Sizing::AllIn)
        })
        .expect("a good set")
        .fees(FeeSchedule { rate_ppb: 2_000_000, ..FeeSchedule::default() })
        .into_spec();
    let recorder = MemoryRecorder::full();
    let (result, _) = run_recorded(&spec, &registry, &|_| Box::new(recorder.clone())).expect("a run");

    let expected = rows(&folder.join("goog_smacross_trades.csv"));
    let trades = recorder.take().trades;
    assert_eq!((trades.len(), expected.len()), (93, 93));
    for (trade, row) in trades.iter().zip(&expected) {
        let lots = trade.side.sign() * trade.lots;
        assert_eq!(lots, number(&row[0]) as i64, "{row:?}");
        // A fill is posted at the close of its bar.
        assert_eq!(trade.entry_ts_ns / DAY_NS - 1, number(&row[1]) as i64, "{row:?}");
        assert_eq!(trade.exit_ts_ns / DAY_NS - 1, number(&row[2]) as i64, "{row:?}");
        let value = |price: &str| trade.lots as f64 * number(price);
        assert!((trade.entry_value.to_f64() - value(&row[3])).abs() < 1e-6, "{row:?}");
        assert!((trade.exit_value.to_f64() - value(&row[4])).abs() < 1e-6, "{row:?}");
        assert!((trade.pnl.to_f64() - number(&row[7])).abs() < 1e-6, "{row:?}");
        assert!((trade.fees.to_f64() - number(&row[8])).abs() < 1e-6, "{row:?}");
    }
    assert_eq!(result.accounts[0].final_equity.to_string(), "56263.51934");
}
