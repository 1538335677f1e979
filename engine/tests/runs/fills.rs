//! At which price an order fills, and on which bar.

use barhive_engine::{
    instrument::FeeSchedule,
    money::Money,
    order::{Cause, OrderKind, OrderRequest, OrderState, Quantity, Side},
    set::{ContainerSpec, FillSpec, MarketFill},
    strategy::{Context, Inst, Sizing},
};

use crate::kit::{close_of, run_script};

const X: Inst = Inst(0);
const FLAT: (f64, f64, f64, f64) = (10.0, 10.5, 9.5, 10.0);

fn as_it_is(_: &mut ContainerSpec) {}

/// Submits one order at the first bar, and nothing else.
fn first(request: OrderRequest) -> impl Fn(&mut Context<'_>, barhive_engine::strategy::Bars, usize) {
    move |ctx, _, bar| {
        if bar == 1 {
            ctx.submit(request);
        }
    }
}

#[test]
fn a_market_order_fills_at_the_open_of_the_next_bar() {
    let ran =
        run_script(&[FLAT, (10.2, 11.0, 10.0, 10.7), FLAT], as_it_is, first(OrderRequest::market(X, 3)));
    assert_eq!(ran.fills(), [(2, 3, 1020)]);
    assert_eq!(ran.records[0].fills[0].ts_ns, close_of(2));
    // 1000 - 3 x 10.20 + 3 x 10.00
    assert_eq!(ran.result.accounts[0].final_equity.to_string(), "999.4");
}

#[test]
fn an_order_of_the_last_bar_never_fills() {
    let ran = run_script(&[FLAT], as_it_is, first(OrderRequest::market(X, 3)));
    assert!(ran.fills().is_empty());
    assert_eq!(ran.ends(), [(OrderState::Cancelled, Cause::EndOfRun)]);
}

#[test]
fn a_limit_fills_on_touch_at_its_price() {
    let buy = first(OrderRequest::limit(X, 1, 9.8));
    let not_yet = (10.0, 10.5, 9.81, 10.0);
    let touched = (10.0, 10.5, 9.8, 10.0);
    assert_eq!(run_script(&[FLAT, not_yet, touched], as_it_is, buy).fills(), [(3, 1, 980)]);
    let sell = first(OrderRequest::limit(X, -1, 10.5));
    assert_eq!(run_script(&[FLAT, (10.0, 10.49, 9.0, 10.0), FLAT], as_it_is, sell).fills(), [(3, -1, 1050)]);
}

#[test]
fn a_limit_takes_the_better_open_on_a_gap() {
    let buy = first(OrderRequest::limit(X, 1, 9.8));
    assert_eq!(run_script(&[FLAT, (9.0, 9.9, 8.5, 9.5)], as_it_is, buy).fills(), [(2, 1, 900)]);
    let sell = first(OrderRequest::limit(X, -1, 10.5));
    assert_eq!(run_script(&[FLAT, (11.0, 11.5, 10.0, 10.2)], as_it_is, sell).fills(), [(2, -1, 1100)]);
}

#[test]
fn a_stop_fills_at_the_stop() {
    let buy = first(OrderRequest::stop(X, 1, 10.4));
    assert_eq!(run_script(&[FLAT, (10.0, 10.39, 9.0, 10.0), FLAT], as_it_is, buy).fills(), [(3, 1, 1040)]);
    let sell = first(OrderRequest::stop(X, -1, 9.5));
    assert_eq!(run_script(&[FLAT, (10.0, 11.0, 9.51, 10.0), FLAT], as_it_is, sell).fills(), [(3, -1, 950)]);
}

#[test]
fn a_stop_takes_the_worse_open_on_a_gap() {
    let buy = first(OrderRequest::stop(X, 1, 10.4));
    assert_eq!(run_script(&[FLAT, (11.0, 11.5, 10.9, 11.0)], as_it_is, buy).fills(), [(2, 1, 1100)]);
    let sell = first(OrderRequest::stop(X, -1, 9.5));
    assert_eq!(run_script(&[FLAT, (9.0, 9.2, 8.5, 9.0)], as_it_is, sell).fills(), [(2, -1, 900)]);
}

#[test]
fn slippage_is_against_the_trader_on_market_and_stop_orders_only() {
    let slipping = |account: &mut ContainerSpec| account.fill.slippage_bps = 100.0;
    let fills = |request| run_script(&[FLAT, FLAT], slipping, first(request)).fills();
    assert_eq!(fills(OrderRequest::market(X, 1)), [(2, 1, 1010)]);
    assert_eq!(fills(OrderRequest::market(X, -1)), [(2, -1, 990)]);
    assert_eq!(fills(OrderRequest::stop(X, 1, 10.2)), [(2, 1, 1030)]);
    assert_eq!(fills(OrderRequest::stop(X, -1, 9.8)), [(2, -1, 970)]);
    assert_eq!(fills(OrderRequest::limit(X, 1, 9.9)), [(2, 1, 990)]);
}

#[test]
fn slippage_never_leaves_the_range_of_the_bar() {
    let slipping = |account: &mut ContainerSpec| account.fill.slippage_bps = 5_000.0;
    let fills = |request| run_script(&[FLAT, FLAT], slipping, first(request)).fills();
    assert_eq!(fills(OrderRequest::market(X, 1)), [(2, 1, 1050)]);
    assert_eq!(fills(OrderRequest::stop(X, -1, 9.6)), [(2, -1, 950)]);
}

#[test]
fn a_fill_costs_its_rate_and_the_fixed_fee_or_the_minimum() {
    let fees =
        FeeSchedule { rate_ppb: 10_000_000, fixed: "0.05".parse().unwrap(), minimum: "0.2".parse().unwrap() };
    let charged = |lots: i64| {
        let ran = run_script(
            &[FLAT, FLAT],
            |account| account.fees = Some(fees),
            first(OrderRequest::market(X, lots)),
        );
        assert_eq!(ran.result.accounts[0].fees, ran.records[0].fills[0].fee);
        ran.records[0].fills[0].fee.to_string()
    };
    assert_eq!(charged(1), "0.2");
    assert_eq!(charged(-4), "0.45");
}

#[test]
fn a_reversal_is_one_fill_that_closes_one_trade_and_opens_the_next() {
    let ran = run_script(&[FLAT, FLAT, (11.0, 11.0, 11.0, 11.0), FLAT], as_it_is, |ctx, _, bar| match bar {
        1 => _ = ctx.target(X, 2),
        2 => _ = ctx.target(X, -3),
        _ => {}
    });
    assert_eq!(ran.fills(), [(2, 2, 1000), (3, -5, 1100)]);
    let [trade] = ran.records[0].trades[..] else { panic!("one trade closed") };
    assert_eq!((trade.side, trade.lots, trade.pnl), (Side::Buy, 2, Money::from_units(2)));
    let open = &ran.result.accounts[0].open_positions[0];
    assert_eq!((open.quantity.as_str(), open.average_price), ("-3", 11.0));
}

#[test]
fn all_in_takes_what_cash_pays_for_fees_included() {
    let fees = FeeSchedule { rate_ppb: 2_000_000, ..FeeSchedule::default() };
    let lots = |leverage| {
        let ran = run_script(
            &[FLAT, FLAT],
            |account| {
                account.fees = Some(fees);
                account.leverage_max = leverage;
                account.strategies[0].sizing = Sizing::AllIn;
            },
            |ctx, _, bar| {
                if bar == 1 {
                    ctx.enter(X, Side::Sell);
                }
            },
        );
        ran.fills()[0].1
    };
    // floor(1000 / (10 x 1.002)), and with leverage n the fee is paid from the book that is multiplied.
    assert_eq!(lots(1), -99);
    assert_eq!(lots(3), -298);
}

#[test]
fn all_in_first_closes_what_is_open_on_the_other_side() {
    let all_in = |side| OrderRequest::new(X, Quantity::AllIn(side), OrderKind::Market);
    let ran =
        run_script(&[FLAT, FLAT, (12.0, 12.0, 12.0, 12.0), FLAT], as_it_is, move |ctx, _, bar| match bar {
            1 => _ = ctx.submit(all_in(Side::Buy)),
            2 => _ = ctx.submit(all_in(Side::Sell)),
            3 => _ = ctx.submit(all_in(Side::Sell)),
            _ => {}
        });
    assert_eq!(ran.fills(), [(2, 100, 1000), (3, -100, 1200), (3, -100, 1200)]);
    assert_eq!(ran.ends()[2], (OrderState::Cancelled, Cause::NothingToDo), "it holds that side already");
}

#[test]
fn all_in_stays_within_every_limit() {
    let all_in = |limit: fn(&mut ContainerSpec)| {
        let request = OrderRequest::new(X, Quantity::AllIn(Side::Buy), OrderKind::Market);
        run_script(&[FLAT, FLAT], limit, first(request)).fills()
    };
    let limited = |fills: Vec<(i64, i64, i64)>| fills[0].1;
    assert_eq!(limited(all_in(|account| account.strategies[0].limits.position_lots_max = Some(7))), 7);
    assert_eq!(limited(all_in(|account| account.strategies[0].limits.order_lots_max = Some(8))), 8);
    assert_eq!(limited(all_in(|account| account.strategies[0].limits.order_notional_max = Some(99.0))), 9);
}

#[test]
fn the_deciding_close_fills_at_once_and_is_told_at_the_next_step() {
    let told = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let prices = [FLAT, (10.0, 11.0, 10.0, 10.9), FLAT, FLAT];
    let mut account = crate::kit::account(
        "account",
        vec![crate::kit::strategy("teller", teller(std::sync::Arc::clone(&told)), &[0])],
    );
    account.fill = FillSpec { market: MarketFill::DecidingClose, ..FillSpec::default() };
    let ran = crate::kit::run(&crate::kit::set(crate::kit::one(crate::kit::minutes(&prices)), vec![account]));
    assert_eq!(ran.fills(), [(2, 1, 1090)]);
    assert_eq!(*told.lock().unwrap(), [(close_of(3), close_of(2))]);
}

type Told = std::sync::Arc<std::sync::Mutex<Vec<(i64, i64)>>>;

/// Buys at the second bar and notes when it hears of which fill.
fn teller(told: Told) -> std::sync::Arc<dyn barhive_engine::registry::StrategyFactory> {
    use barhive_engine::{
        record::Fill,
        strategy::{Bars, Setup, Strategy},
    };
    struct Teller(Told, usize);
    impl Strategy for Teller {
        fn on_bar(&mut self, ctx: &mut Context<'_>, bars: Bars) {
            self.1 += 1;
            if self.1 == 2 {
                ctx.submit(OrderRequest::market(bars.instrument(), 1));
            }
        }
        fn on_fill(&mut self, ctx: &mut Context<'_>, fill: &Fill) {
            self.0.lock().unwrap().push((ctx.now_ns(), fill.ts_ns));
        }
    }
    barhive_engine::registry::factory((), move |(), setup: &mut Setup<'_>| {
        let instrument = setup.instrument();
        setup.bars(instrument);
        Ok(Teller(std::sync::Arc::clone(&told), 0))
    })
}

#[test]
fn closing_at_the_end_takes_the_open_of_the_last_bar() {
    let closing = |account: &mut ContainerSpec| account.fill.close_at_end = true;
    let ran = run_script(&[FLAT, FLAT, (10.3, 11.0, 10.0, 10.9)], closing, first(OrderRequest::market(X, 2)));
    assert_eq!(ran.fills(), [(2, 2, 1000), (3, -2, 1030)]);
    assert_eq!(ran.records[0].trades.len(), 1);
    assert_eq!(ran.result.accounts[0].final_equity.to_string(), "1000.6");
}
