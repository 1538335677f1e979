//! Eight years of daily bars against an independent engine: every trade, equity at every bar, and
//! every statistic, where definitions differ by theirs computed from our records.

mod support;

use std::path::Path;

use barhive_engine::{
    instrument::FeeSchedule,
    money::Money,
    record::{Records, Trade},
    registry::factory,
    result::{AccountResult, Statistics},
    strategy::Sizing,
    timeframe::Timeframe,
};
use barhive_feeds::import::ImportSpec;
use barhive_strategies::{SmaCross, SmaCrossParams};
use support::*;

/// Lines of a CSV file without its header.
fn rows(path: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).expect("a readable file");
    text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

fn number(cell: &str) -> f64 {
    cell.parse().expect("a number")
}

fn assert_near(found: f64, expected: f64, what: &str) {
    let tolerance = 1e-9 * expected.abs().max(1.0);
    assert!((found - expected).abs() <= tolerance, "{what}: found {found}, expected {expected}");
}

/// A run beside what the other engine says of it.
struct Case {
    account: AccountResult,
    records: Records,
    trades: Vec<Vec<String>>,
    equity: Vec<Vec<String>>,
    theirs: serde_json::Value,
}

impl Case {
    fn run(name: &str, close_at_end: bool) -> Option<Self> {
        let folder = shared("parity/goog")?;
        let catalog = tempfile::tempdir().expect("a folder");
        let report = import(&folder.join("GOOG.csv"), &ImportSpec::default(), catalog.path());
        assert_eq!(report.unwrap_or_else(|fault| panic!("{fault}")).rows_kept, 2_148);
        let params = SmaCrossParams { fast: 10, slow: 20, ..SmaCrossParams::default() };
        let mut cross = strategy("goog".to_owned(), "sma_cross", factory(params, SmaCross::new), 0);
        (cross.timeframe, cross.sizing) = (Timeframe::D1, Sizing::AllIn);
        let mut spec = set(open_catalog(catalog.path()).expect("a catalog"), vec![account(vec![cross])]);
        let container = &mut spec.containers[0];
        container.cash = Money::from_units(10_000);
        container.fees = Some(FeeSchedule { rate_ppb: 2_000_000, ..FeeSchedule::default() });
        container.fill.close_at_end = close_at_end;
        let (result, recorder) = run_recorded(spec, &registry());
        let text = std::fs::read_to_string(folder.join(format!("{name}_stats.json"))).expect("a file");
        Some(Self {
            account: only(&result).clone(),
            records: recorder.take(),
            trades: rows(&folder.join(format!("{name}_trades.csv"))),
            equity: rows(&folder.join(format!("{name}_equity.csv"))),
            theirs: serde_json::from_str(&text).expect("JSON"),
        })
    }

    fn theirs(&self, name: &str) -> f64 {
        self.theirs[name].as_f64().unwrap_or_else(|| panic!("no statistic {name}"))
    }

    /// The bar of a step, counted from 0.
    fn bar(&self, ts_ns: i64) -> usize {
        self.records.equity.partition_point(|point| point.ts_ns < ts_ns)
    }

    /// Equity at every bar.
    fn curve(&self) -> Vec<f64> {
        self.records.equity.iter().map(|point| point.equity).collect()
    }

    fn assert_trades(&self) {
        assert_eq!(self.records.trades.len(), self.trades.len());
        for (trade, row) in self.records.trades.iter().zip(&self.trades) {
            assert_eq!((trade.side.sign() * trade.lots) as f64, number(&row[0]), "{row:?}");
            // A fill is posted at the close of the bar that it happened in.
            assert_eq!(self.bar(trade.entry_ts_ns).to_string(), row[1]);
            assert_eq!(self.bar(trade.exit_ts_ns).to_string(), row[2]);
            let price = |value: Money| value.to_f64() / trade.lots as f64;
            assert_near(price(trade.entry_value), number(&row[3]), "entry price");
            assert_near(price(trade.exit_value), number(&row[4]), "exit price");
            assert_near(trade.pnl.to_f64(), number(&row[7]), "profit");
            assert_near(trade.fees.to_f64(), number(&row[8]), "commission");
            assert_near(return_of(trade), number(&row[9]), "return");
        }
    }

    fn assert_equity(&self) {
        let curve = self.curve();
        assert_eq!(curve.len(), self.equity.len());
        for (equity, row) in curve.iter().zip(&self.equity) {
            assert_near(*equity, number(&row[1]), &row[0]);
        }
    }

    fn assert_same_statistics(&self) {
        let ours = &self.account.statistics;
        let same = [
            ("Equity Final [$]", self.account.final_equity.to_f64()),
            ("Equity Peak [$]", ours.equity_peak),
            ("Return [%]", 100.0 * ours.total_return),
            // Both take the first and the last bar and 365.25 days to the year.
            ("CAGR [%]", 100.0 * ours.annual_return.expect("a growth")),
            ("Max. Drawdown [%]", -100.0 * ours.max_drawdown),
            ("# Trades", self.account.trades as f64),
            ("Win Rate [%]", 100.0 * ours.win_rate.expect("trades")),
            ("SQN", ours.sqn.expect("trades")),
        ];
        for (name, found) in same {
            assert_near(found, self.theirs(name), name);
        }
    }

    /// Theirs are built on returns of trading days, compounded to a year of 252 days; ours are mean and
    /// deviation of the same returns, scaled by the root of the days per year.
    fn assert_daily_statistics(&self) {
        let curve = self.curve();
        let returns: Vec<f64> = curve.windows(2).map(|pair| pair[1] / pair[0] - 1.0).collect();
        let n = returns.len() as f64;
        let mean = returns.iter().sum::<f64>() / n;
        let variance = returns.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0);
        let downside = (returns.iter().map(|x| x.min(0.0) * x.min(0.0)).sum::<f64>() / n).sqrt();
        // Their mean is geometric.
        let growth = (curve[curve.len() - 1] / curve[0]).powf(1.0 / n);
        let annual_return = growth.powf(252.0) - 1.0;
        let annual_volatility = ((variance + growth * growth).powf(252.0) - growth.powf(504.0)).sqrt();
        let theirs = [
            ("Return (Ann.) [%]", 100.0 * annual_return),
            ("Volatility (Ann.) [%]", 100.0 * annual_volatility),
            ("Sharpe Ratio", annual_return / annual_volatility),
            ("Sortino Ratio", annual_return / (downside * 252f64.sqrt())),
            ("Calmar Ratio", annual_return / self.account.statistics.max_drawdown),
        ];
        for (name, found) in theirs {
            assert_near(found, self.theirs(name), name);
        }
        // Ours count the first bar as a day, too: one on which nothing was gained or lost.
        let ours = &self.account.statistics;
        let days = n + 1.0;
        let first_day = mean * n / days;
        let deviation =
            ((returns.iter().map(|x| (x - first_day).powi(2)).sum::<f64>() + first_day * first_day) / n)
                .sqrt();
        let root = ours.days_per_year.sqrt();
        assert_near(ours.annual_volatility.expect("days"), deviation * root, "our volatility");
        assert_near(ours.sharpe.expect("days"), first_day / deviation * root, "our Sharpe ratio");
        let downside = downside * (n / days).sqrt();
        assert_near(ours.sortino.expect("days"), first_day / downside * root, "our Sortino ratio");
        let calmar = ours.annual_return.expect("a growth") / ours.max_drawdown;
        assert_near(ours.calmar.expect("a drawdown"), calmar, "our Calmar ratio");
    }

    /// Theirs are built on the returns of trades in per cent of their entry value, ours on money.
    fn assert_trade_statistics(&self) {
        let returns: Vec<f64> = self.records.trades.iter().map(return_of).collect();
        let n = returns.len() as f64;
        let sum = |keep: fn(f64) -> bool| returns.iter().filter(|x| keep(**x)).sum::<f64>();
        let count = |keep: fn(f64) -> bool| returns.iter().filter(|x| keep(**x)).count() as f64;
        let (gains, losses) = (sum(|x| x > 0.0), -sum(|x| x < 0.0));
        let growth = returns.iter().map(|x| x.ln_1p()).sum::<f64>() / n;
        let theirs = [
            ("Best Trade [%]", 100.0 * returns.iter().copied().fold(f64::MIN, f64::max)),
            ("Worst Trade [%]", 100.0 * returns.iter().copied().fold(f64::MAX, f64::min)),
            // Their average is geometric, and their expectancy the plain mean.
            ("Avg. Trade [%]", 100.0 * growth.exp_m1()),
            ("Expectancy [%]", 100.0 * (gains - losses) / n),
            ("Profit Factor", gains / losses),
        ];
        for (name, found) in theirs {
            assert_near(found, self.theirs(name), name);
        }
        let pnl: Vec<f64> = self.records.trades.iter().map(|trade| trade.pnl.to_f64()).collect();
        let (won, lost) = pnl.iter().fold((0.0, 0.0), |(won, lost), x| (won + x.max(0.0), lost - x.min(0.0)));
        let Statistics { profit_factor, average_trade, best_trade, worst_trade, .. } =
            self.account.statistics;
        assert_near(profit_factor.expect("losses"), won / lost, "our profit factor");
        assert_near(average_trade.expect("trades"), (won - lost) / n, "our average round trip");
        assert_near(best_trade.expect("trades"), pnl.iter().copied().fold(f64::MIN, f64::max), "best");
        assert_near(worst_trade.expect("trades"), pnl.iter().copied().fold(f64::MAX, f64::min), "worst");
        let (wins, all) = (count(|x| x > 0.0), n);
        assert_near(self.theirs("Win Rate [%]"), 100.0 * wins / all, "win rate by returns");
    }
}

/// Profit after fees over what the position cost.
fn return_of(trade: &Trade) -> f64 {
    trade.pnl.to_f64() / trade.entry_value.to_f64()
}

#[test]
fn goog_leaves_its_last_position_open() {
    let Some(case) = Case::run("goog_smacross", false) else { return };
    assert_eq!(case.account.final_equity.to_string(), "56263.51934");
    case.assert_trades();
    case.assert_equity();
    case.assert_same_statistics();
    case.assert_daily_statistics();
    case.assert_trade_statistics();
    // Theirs adds up closed trades; ours is what was paid, the open position's entry included.
    let of_trades: f64 = case.records.trades.iter().map(|trade| trade.fees.to_f64()).sum();
    assert_near(of_trades, case.theirs("Commissions [$]"), "commissions");
    assert_near(case.account.fees.to_f64(), of_trades + 69.0 * 702.24 * 0.002, "our fees");
    // Theirs counts the bars of closed trades, entry and exit included; ours the closes at which a
    // position was open, the one that still is included.
    let (first, last) = (case.bar(case.records.trades[0].entry_ts_ns), case.records.equity.len() - 1);
    let closed = case.bar(case.records.trades[92].exit_ts_ns);
    let bars = case.records.equity.len() as f64;
    assert_near(case.theirs("Exposure Time [%]"), 100.0 * (closed - first + 1) as f64 / bars, "exposure");
    assert_near(case.account.statistics.exposure, (last - first + 1) as f64 / bars, "our exposure");
}

#[test]
fn goog_closes_everything_at_the_last_open_when_asked() {
    let Some(case) = Case::run("goog_smacross_finalized", true) else { return };
    assert_eq!(case.account.final_equity.to_string(), "55574.51294");
    assert!(case.account.open_positions.is_empty());
    case.assert_trades();
    case.assert_equity();
    case.assert_same_statistics();
    case.assert_daily_statistics();
    case.assert_trade_statistics();
    assert_near(case.account.fees.to_f64(), case.theirs("Commissions [$]"), "commissions");
    let first = case.bar(case.records.trades[0].entry_ts_ns);
    let bars = case.curve().len();
    let held = (bars - first) as f64;
    assert_near(case.theirs("Exposure Time [%]"), 100.0 * held / bars as f64, "exposure");
    // Theirs counts the bar of an exit; ours the closes at which a position was open, and at the last
    // one, which is sampled after the closing orders, none was.
    assert_near(case.account.statistics.exposure, (held - 1.0) / bars as f64, "our exposure");
    assert_eq!(case.account.statistics.steps, bars as u64);
}
