//! Accounts that close at their end: the last step is sampled once, after the closing fills.

use barhive_engine::{
    order::OrderRequest,
    set::{ContainerSpec, FillSpec, MarketFill},
    strategy::{Bars, Context, Inst},
};
use proptest::prelude::*;

use crate::{
    kit::{Ran, close_of, run, run_script, set},
    random::{Looks, markets, source, traded},
};

const FLAT: (f64, f64, f64, f64) = (10.0, 10.5, 9.5, 10.0);

fn closing(account: &mut ContainerSpec) {
    account.fill.close_at_end = true;
}

fn buy_at(bar_of_order: usize, lots: i64) -> impl Fn(&mut Context<'_>, Bars, usize) + Send + Sync + 'static {
    move |ctx, _, bar| {
        if bar == bar_of_order {
            ctx.submit(OrderRequest::market(Inst(0), lots));
        }
    }
}

fn equity(ran: &Ran) -> Vec<(i64, f64)> {
    ran.records[0].equity.iter().map(|point| (point.ts_ns, point.equity)).collect()
}

#[test]
fn the_last_step_is_sampled_once_and_knows_no_price_that_nobody_got() {
    // The last bar opens at 10.30, climbs to a close of 20 and is left at its open.
    let prices = [FLAT, FLAT, (10.3, 20.0, 10.0, 20.0)];
    let ran = run_script(&prices, closing, buy_at(1, 2));
    assert_eq!(ran.fills(), [(2, 2, 1000), (3, -2, 1030)]);
    assert_eq!(equity(&ran), [(close_of(1), 1000.0), (close_of(2), 1000.0), (close_of(3), 1000.6)]);
    let statistics = &ran.result.accounts[0].statistics;
    assert_eq!((statistics.steps, ran.result.steps), (3, 3));
    assert_eq!(statistics.equity_peak, 1000.6, "20 was a close at which nothing was held any more");
    assert_eq!(statistics.max_drawdown, 0.0);
    assert_eq!(statistics.exposure, 1.0 / 3.0, "one close of three saw a position");
    assert_eq!(statistics.span_ns, Some((close_of(1), close_of(3))));
}

#[test]
fn a_drawdown_that_only_the_last_close_knew_is_taken_back() {
    let prices = [FLAT, FLAT, (10.0, 10.0, 1.0, 1.0)];
    let ran = run_script(&prices, closing, buy_at(1, 50));
    assert_eq!(ran.result.accounts[0].statistics.max_drawdown, 0.0);
    let held = run_script(&prices, |_| {}, buy_at(1, 50));
    assert_eq!(held.result.accounts[0].statistics.max_drawdown, 1.0 - 550.0 / 1000.0);
}

#[test]
fn what_fills_at_the_last_close_is_closed_too() {
    let at_close = |account: &mut ContainerSpec| {
        closing(account);
        account.fill.market = MarketFill::DecidingClose;
    };
    let prices = [FLAT, FLAT, (10.3, 11.0, 10.0, 10.9)];
    let ran = run_script(&prices, at_close, buy_at(3, 2));
    assert_eq!(ran.fills(), [(3, 2, 1090), (3, -2, 1030)]);
    assert_eq!(equity(&ran).last(), Some(&(close_of(3), 998.8)));
    assert_eq!(ran.result.accounts[0].statistics.exposure, 0.0);
}

#[test]
fn a_last_sample_knows_what_was_sold_at_the_last_close() {
    let at_close = |account: &mut ContainerSpec| {
        closing(account);
        account.fill = FillSpec { market: MarketFill::DecidingClose, slippage_bps: 100.0, ..account.fill };
    };
    // Bought and sold at a close of 10.00, with slippage of ten cents each time.
    let trades = |ctx: &mut Context<'_>, _: Bars, bar: usize| match bar {
        1 => _ = ctx.target(Inst(0), 2),
        3 => _ = ctx.target(Inst(0), 0),
        _ => {}
    };
    let ran = run_script(&[FLAT, FLAT, FLAT], at_close, trades);
    assert_eq!(ran.fills(), [(1, 2, 1010), (3, -2, 990)]);
    assert_eq!(equity(&ran), [(close_of(1), 1000.0), (close_of(2), 999.8), (close_of(3), 999.6)]);
    assert_eq!(ran.result.accounts[0].statistics.exposure, 1.0 / 3.0);
}

#[test]
fn an_account_with_nothing_open_keeps_its_last_sample() {
    let idle = |_: &mut Context<'_>, _: Bars, _: usize| {};
    let prices = [FLAT, FLAT];
    assert_eq!(equity(&run_script(&prices, closing, idle)), equity(&run_script(&prices, |_| {}, idle)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn closing_changes_the_last_sample_only(
        markets in markets(), seed in any::<u32>(), at_close in any::<bool>(), batch_rows in 1usize..60,
        looks in prop_oneof![Just(Looks::Alone), Just(Looks::Everywhere)],
    ) {
        let ran = |close_at_end: bool, batch_rows: usize| {
            let instruments = if looks == Looks::Alone { 1 } else { markets.len() };
            let mut account = traded("a", u64::from(seed), instruments, looks);
            account.fill.market = if at_close { MarketFill::DecidingClose } else { MarketFill::NextOpen };
            account.fill.close_at_end = close_at_end;
            let mut spec = set(source(&markets), vec![account]);
            spec.machinery.batch_rows = batch_rows;
            run(&spec)
        };
        let (closed, open) = (ran(true, batch_rows), ran(false, batch_rows));
        let (result, left) = (&closed.result.accounts[0], &open.result.accounts[0]);
        let (points, others) = (&closed.records[0].equity, &open.records[0].equity);
        prop_assert!(points.is_sorted_by(|a, b| a.ts_ns < b.ts_ns), "one point per time stamp");
        let last = points.len() - 1;
        prop_assert_eq!(&points[..last], &others[..last]);
        prop_assert_eq!(points[last].ts_ns, others[last].ts_ns);
        prop_assert!((points[last].equity - result.final_equity.to_f64()).abs() < 1e-6);
        prop_assert_eq!(result.statistics.steps, left.statistics.steps);
        prop_assert_eq!(result.statistics.steps, points.len() as u64);

        // The curve's statistics are those of the points that were recorded.
        let (mut peak, mut deepest) = (result.start_cash.to_f64(), 0f64);
        for point in points {
            peak = peak.max(point.equity);
            deepest = deepest.max(1.0 - point.equity / peak);
        }
        prop_assert_eq!(result.statistics.equity_peak, peak);
        prop_assert_eq!(result.statistics.max_drawdown, deepest);
        prop_assert!(result.statistics.exposure <= left.statistics.exposure);
        prop_assert_eq!(&result.hash, &ran(true, 1024).result.accounts[0].hash);
        prop_assert_eq!(&closed.records, &ran(true, 1).records);
    }
}
