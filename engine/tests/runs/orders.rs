//! What becomes of orders that may not rest, are replaced, taken back or overtaken by a halt.

use barhive_engine::{
    money::Money,
    order::{Cause, OrderKind, OrderRequest, OrderState, Quantity},
    set::ContainerSpec,
    strategy::{Context, Inst},
};

use crate::kit::{Ran, run_script};

const X: Inst = Inst(0);
const FLAT: (f64, f64, f64, f64) = (10.0, 10.5, 9.5, 10.0);

fn end_of(change: impl FnOnce(&mut ContainerSpec), request: OrderRequest) -> (OrderState, Cause) {
    let ran = run_script(&[FLAT, FLAT], change, move |ctx, _, bar| {
        if bar == 1 {
            ctx.submit(request);
        }
    });
    ran.ends()[0]
}

#[test]
fn a_rejection_says_its_cause() {
    let rejected = |cause| (OrderState::Rejected, cause);
    let plain = |request| end_of(|_| {}, request);
    assert_eq!(plain(OrderRequest::limit(X, 1, 9.995)), rejected(Cause::OffTick));
    assert_eq!(plain(OrderRequest::limit(X, 1, f64::NAN)), rejected(Cause::OffTick));
    assert_eq!(plain(OrderRequest::market(X, 1).with_stop_loss(9.001)), rejected(Cause::OffTick));
    assert_eq!(plain(OrderRequest::market(X, 0)), rejected(Cause::BadQuantity));
    assert_eq!(plain(OrderRequest::market(X, i64::MIN)), rejected(Cause::BadQuantity));
    assert_eq!(plain(OrderRequest::market(X, 101)), rejected(Cause::BuyingPower));
    assert_eq!(
        plain(OrderRequest::new(X, Quantity::Target(0), OrderKind::Market)),
        rejected(Cause::NothingToDo)
    );
    let few = |account: &mut ContainerSpec| account.strategies[0].limits.order_lots_max = Some(2);
    assert_eq!(end_of(few, OrderRequest::market(X, 3)), rejected(Cause::Limit));
    let small = |account: &mut ContainerSpec| account.strategies[0].limits.position_lots_max = Some(2);
    assert_eq!(end_of(small, OrderRequest::market(X, -3)), rejected(Cause::Limit));
    let cheap = |account: &mut ContainerSpec| account.strategies[0].limits.order_notional_max = Some(29.0);
    assert_eq!(end_of(cheap, OrderRequest::market(X, 3)), rejected(Cause::Limit));
}

#[test]
fn a_quantity_beyond_the_ledger_is_refused_and_not_a_failure_of_the_account() {
    let ran = run_script(
        &[FLAT, FLAT, FLAT, FLAT],
        |_| {},
        |ctx, _, bar| match bar {
            1 => _ = ctx.submit(OrderRequest::market(X, 1)),
            2 => _ = ctx.submit(OrderRequest::market(X, i64::MAX)),
            _ => {}
        },
    );
    assert!(ran.result.quarantined.is_empty(), "{:?}", ran.result.quarantined);
    assert_eq!(ran.ends()[1], (OrderState::Rejected, Cause::BadQuantity));
}

#[test]
fn a_limit_on_the_position_also_holds_for_orders_that_rest_together() {
    let small = |account: &mut ContainerSpec| account.strategies[0].limits.position_lots_max = Some(3);
    let ran = run_script(&[FLAT, FLAT, FLAT], small, |ctx, _, bar| {
        if bar == 1 {
            ctx.submit(OrderRequest::market(X, 2));
            ctx.submit(OrderRequest::market(X, 2));
        }
    });
    assert_eq!(ran.fills(), [(2, 2, 1000)]);
    assert_eq!(ran.ends()[1], (OrderState::Rejected, Cause::Limit));
}

#[test]
fn what_a_refused_reversal_closes_stays_closed() {
    let ran = run_script(
        &[FLAT, FLAT, FLAT, FLAT],
        |_| {},
        |ctx, _, bar| match bar {
            1 => _ = ctx.target(X, 50),
            2 => _ = ctx.target(X, -500),
            _ => {}
        },
    );
    assert_eq!(ran.fills(), [(2, 50, 1000), (3, -50, 1000)]);
    assert_eq!(ran.ends()[1], (OrderState::Rejected, Cause::BuyingPower));
}

#[test]
fn a_newer_target_replaces_an_older_one_that_rests() {
    let limit = OrderRequest::new(X, Quantity::Target(5), OrderKind::Limit(5.0));
    let ran = run_script(
        &[FLAT, FLAT, FLAT, (4.0, 4.0, 4.0, 4.0)],
        |_| {},
        move |ctx, _, bar| match bar {
            1 => _ = ctx.submit(limit),
            2 => _ = ctx.target(X, 1),
            _ => {}
        },
    );
    assert_eq!(ran.fills(), [(3, 1, 1000)]);
    assert_eq!(ran.ends()[0], (OrderState::Cancelled, Cause::Replaced));
}

#[test]
fn an_order_taken_back_never_fills() {
    let rest = OrderRequest::limit(X, 1, 9.0);
    let ran = run_script(
        &[FLAT, FLAT, (9.0, 9.0, 8.0, 8.5)],
        |_| {},
        move |ctx, _, bar| match bar {
            1 => {
                let order = ctx.submit(rest);
                ctx.submit(rest);
                ctx.cancel(order);
            }
            2 => ctx.cancel_all(X),
            _ => {}
        },
    );
    assert!(ran.fills().is_empty());
    assert_eq!(ran.ends(), [(OrderState::Cancelled, Cause::Strategy); 2]);
}

/// Buys all at 10; the market falls by a fifth at bar 3, which is more than the limit of 10 %.
fn halted(act: impl Fn(&mut Context<'_>, usize) + Send + Sync + 'static) -> Ran {
    let low = (8.0, 8.0, 8.0, 8.0);
    let prices = [FLAT, FLAT, low, (7.5, 7.6, 7.4, 7.5), low];
    run_script(
        &prices,
        |account| account.drawdown_max = Some(0.1),
        move |ctx, _, bar| {
            if bar == 1 {
                ctx.submit(OrderRequest::market(X, 100));
            }
            act(ctx, bar);
        },
    )
}

#[test]
fn a_drawdown_limit_stops_trading_and_closes_at_the_next_open() {
    let ran = halted(|ctx, bar| {
        if bar >= 4 {
            assert!(ctx.is_halted());
            ctx.submit(OrderRequest::market(X, 1));
        }
    });
    assert_eq!(ran.fills(), [(2, 100, 1000), (4, -100, 750)]);
    assert_eq!(ran.result.accounts[0].halted_ts_ns, Some(crate::kit::close_of(3)));
    assert_eq!(ran.result.accounts[0].rejected, [("halted".to_owned(), 2)]);
    assert_eq!(ran.result.accounts[0].final_equity, Money::from_units(750));
}

#[test]
fn no_strategy_can_take_back_the_order_that_closes_a_halted_account() {
    let closed = [(2, 100, 1000), (4, -100, 750)];
    assert_eq!(
        halted(|ctx, bar| if bar == 3 {
            ctx.cancel_all(X)
        })
        .fills(),
        closed
    );
    assert_eq!(
        halted(|ctx, bar| if bar == 3 {
            _ = ctx.target(X, 90)
        })
        .fills(),
        closed
    );
}

#[test]
fn orders_of_a_step_are_matched_by_instrument_whatever_the_timeframes() {
    use crate::kit::{account, instrument, minute_bar, run, scripted, set, strategy};
    use barhive_engine::data::{BarColumns, MemorySource};
    use barhive_engine::timeframe::Timeframe;
    // A is priced by five-minute bars, B by the minute; both orders meet the step of minute 10, and the
    // cash pays for one of them.
    let bars: Vec<_> = (0..10).map(|minute| minute_bar(minute, 10.0, 10.5, 9.5, 10.0)).collect();
    let source = ["A", "B"].into_iter().fold(MemorySource::new(), |source, symbol| {
        source.with(instrument(symbol), Timeframe::M1, BarColumns::from_bars(&bars))
    });
    let buy_at = |at: usize| {
        scripted(move |ctx: &mut Context<'_>, bars, bar| {
            if bar == at {
                ctx.submit(OrderRequest::market(bars.instrument(), 60));
            }
        })
    };
    let mut coarse = strategy("a", buy_at(1), &[0]);
    coarse.timeframe = "5m".parse().unwrap();
    let ran = run(&set(source, vec![account("both", vec![strategy("b", buy_at(9), &[1]), coarse])]));
    let [fill] = ran.records[0].fills[..] else { panic!("one is paid for") };
    assert_eq!((fill.instrument.index(), fill.ts_ns), (0, crate::kit::close_of(10)));
}
