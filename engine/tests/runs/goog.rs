//! Eight years of daily bars, closed at the end as an independent engine closes them, trade by trade.
//! The data live beside the project; without them this test passes.

use std::path::Path;

use barhive_engine::{
    data::{Bar, BarColumns, MemorySource},
    instrument::FeeSchedule,
    money::Money,
    order::Side,
    registry::factory,
    strategy::{Bars, Context, Setup, Sizing, Strategy, Value},
    timeframe::Timeframe,
};

use crate::kit::{account, instrument, run, set, strategy, with_period};

const DAY_NS: i64 = 86_400_000_000_000;

struct Cross {
    fast: Value,
    slow: Value,
    sign: f64,
}

impl Strategy for Cross {
    fn on_bar(&mut self, ctx: &mut Context<'_>, bars: Bars) {
        let difference = ctx.value(self.fast) - ctx.value(self.slow);
        if difference.is_nan() || difference == 0.0 {
            return;
        }
        let sign = difference.signum();
        if self.sign + sign == 0.0 {
            ctx.enter(bars.instrument(), if sign > 0.0 { Side::Buy } else { Side::Sell });
        }
        self.sign = sign;
    }
}

fn rows(path: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

#[test]
fn what_is_open_at_the_end_closes_at_the_open_of_the_last_bar() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/parity/goog");
    if !folder.exists() {
        println!("skipped: {} is not there", folder.display());
        return;
    }
    let number = |cell: &str| cell.parse::<f64>().unwrap();
    // Only the order of the days matters here: each is taken to last 24 hours.
    let bar = |(day, row): (i64, Vec<String>)| Bar {
        ts_open_ns: day * DAY_NS,
        ts_close_ns: (day + 1) * DAY_NS,
        open: number(&row[1]),
        high: number(&row[2]),
        low: number(&row[3]),
        close: number(&row[4]),
        volume: number(&row[5]),
    };
    let bars: Vec<Bar> = (0..).zip(rows(&folder.join("GOOG.csv"))).map(bar).collect();
    let cross = factory((), |(), setup: &mut Setup<'_>| {
        let instrument = setup.instrument();
        let bars = setup.bars(instrument);
        let fast = setup.indicator(bars, with_period("sma", 10))?;
        let slow = setup.indicator(bars, with_period("sma", 20))?;
        Ok(Cross { fast, slow, sign: 0.0 })
    });
    let mut cross = strategy("cross", cross, &[0]);
    (cross.timeframe, cross.sizing) = (Timeframe::D1, Sizing::AllIn);
    let mut account = account("goog", vec![cross]);
    account.cash = Money::from_units(10_000);
    account.fees = Some(FeeSchedule { rate_ppb: 2_000_000, ..FeeSchedule::default() });
    account.fill.close_at_end = true;
    let source = MemorySource::new().with(instrument("GOOG"), Timeframe::D1, BarColumns::from_bars(&bars));
    let ran = run(&set(source, vec![account]));

    let expected = rows(&folder.join("goog_smacross_finalized_trades.csv"));
    let trades = &ran.records[0].trades;
    assert_eq!((trades.len(), expected.len()), (94, 94));
    for (trade, row) in trades.iter().zip(&expected) {
        assert_eq!(trade.side.sign() * trade.lots, number(&row[0]) as i64, "{row:?}");
        // A fill is posted at the close of its bar.
        assert_eq!(trade.entry_ts_ns / DAY_NS - 1, number(&row[1]) as i64, "{row:?}");
        assert_eq!(trade.exit_ts_ns / DAY_NS - 1, number(&row[2]) as i64, "{row:?}");
        assert!((trade.pnl.to_f64() - number(&row[7])).abs() < 1e-6, "{row:?}");
    }
    assert_eq!(ran.result.accounts[0].final_equity.to_string(), "55574.51294");
}
