//! Attached stop-losses and take-profits.

use barhive_engine::{
    order::{Cause, OrderKind, OrderRequest, OrderState, Quantity},
    set::{ContainerSpec, MarketFill},
    strategy::Inst,
};

use crate::kit::{Ran, run_script};

const X: Inst = Inst(0);
const FLAT: (f64, f64, f64, f64) = (10.0, 10.1, 9.9, 10.0);

fn bracket(request: OrderRequest, stop_loss: f64, take_profit: f64) -> OrderRequest {
    request.with_stop_loss(stop_loss).with_take_profit(take_profit)
}

/// Submits one order at the first bar.
fn after_first(prices: &[(f64, f64, f64, f64)], request: OrderRequest) -> Ran {
    run_script(
        prices,
        |_| {},
        move |ctx, _, bar| {
            if bar == 1 {
                ctx.submit(request);
            }
        },
    )
}

#[test]
fn the_stop_comes_first_when_both_are_in_range() {
    let order = bracket(OrderRequest::market(X, 1), 9.0, 11.0);
    let ran = after_first(&[FLAT, FLAT, (10.0, 11.5, 8.5, 11.0)], order);
    assert_eq!(ran.fills(), [(2, 1, 1000), (3, -1, 900)]);
    let ends = [
        (OrderState::Filled, Cause::Matched),
        (OrderState::Filled, Cause::Matched),
        (OrderState::Cancelled, Cause::PositionClosed),
    ];
    assert_eq!(ran.ends(), ends);
}

#[test]
fn exits_are_live_in_the_bar_of_an_entry_at_the_open() {
    let order = bracket(OrderRequest::market(X, 1), 9.5, 11.0);
    let stopped = after_first(&[FLAT, (10.0, 10.2, 9.4, 10.0)], order);
    assert_eq!(stopped.fills(), [(2, 1, 1000), (2, -1, 950)]);
    let taken = after_first(&[FLAT, (10.0, 11.2, 9.6, 10.0)], order);
    assert_eq!(taken.fills(), [(2, 1, 1000), (2, -1, 1100)]);
}

#[test]
fn the_target_of_an_entry_in_mid_bar_counts_only_where_the_close_reached_it() {
    let order = bracket(OrderRequest::limit(X, 1, 9.5), 9.0, 10.5);
    // The high may have come before the entry.
    let before = after_first(&[FLAT, (10.0, 10.6, 9.4, 10.4)], order);
    assert_eq!(before.fills(), [(2, 1, 950)]);
    let reached = after_first(&[FLAT, (10.0, 10.6, 9.4, 10.5)], order);
    assert_eq!(reached.fills(), [(2, 1, 950), (2, -1, 1050)]);
    let next = after_first(&[FLAT, (10.0, 10.6, 9.4, 10.4), (10.4, 10.6, 10.4, 10.5)], order);
    assert_eq!(next.fills(), [(2, 1, 950), (3, -1, 1050)]);
}

#[test]
fn the_stop_of_an_entry_in_mid_bar_is_hit_when_the_bar_reached_it() {
    let order = bracket(OrderRequest::limit(X, 1, 9.5), 9.0, 10.5);
    let ran = after_first(&[FLAT, (10.0, 10.6, 8.9, 10.5)], order);
    assert_eq!(ran.fills(), [(2, 1, 950), (2, -1, 900)]);
}

#[test]
fn a_stop_beyond_its_entry_in_mid_bar_takes_the_entry_price() {
    // The stop-loss lies above the entry: it is met at once, at no better a price than the entry.
    let order = OrderRequest::limit(X, 1, 9.5).with_stop_loss(9.8);
    let ran = after_first(&[FLAT, (10.0, 10.6, 9.4, 10.5)], order);
    assert_eq!(ran.fills(), [(2, 1, 950), (2, -1, 950)]);
}

#[test]
fn an_exit_that_fills_cancels_its_partner() {
    // Two entries: the exit of one leaves the position open and takes only its own partner along.
    let first = bracket(OrderRequest::market(X, 1), 9.0, 11.0);
    let second = bracket(OrderRequest::market(X, 1), 8.0, 12.0);
    let prices = [FLAT, FLAT, FLAT, (10.0, 11.2, 9.9, 11.0), (11.0, 12.1, 9.0, 9.5), FLAT];
    let ran = run_script(
        &prices,
        |_| {},
        move |ctx, _, bar| match bar {
            1 => _ = ctx.submit(first),
            2 => _ = ctx.submit(second),
            _ => {}
        },
    );
    assert_eq!(ran.fills(), [(2, 1, 1000), (3, 1, 1000), (4, -1, 1100), (5, -1, 1200)]);
    let cancelled = |cause| ran.ends().iter().filter(|end| **end == (OrderState::Cancelled, cause)).count();
    assert_eq!((cancelled(Cause::Partner), cancelled(Cause::PositionClosed)), (1, 1));
}

#[test]
fn a_closed_position_takes_its_exits_along() {
    let order = bracket(OrderRequest::market(X, 1), 9.0, 11.0);
    let low = (9.0, 9.0, 8.0, 8.5);
    let ran = run_script(
        &[FLAT, FLAT, FLAT, low, low],
        |_| {},
        move |ctx, _, bar| match bar {
            1 => _ = ctx.submit(order),
            2 => _ = ctx.exit(X),
            _ => {}
        },
    );
    assert_eq!(ran.fills(), [(2, 1, 1000), (3, -1, 1000)]);
    assert_eq!(ran.ends()[2..], [(OrderState::Cancelled, Cause::PositionClosed); 2]);
}

#[test]
fn an_exit_closes_no_more_than_is_open() {
    let order = OrderRequest::market(X, 5).with_stop_loss(9.0);
    let ran = run_script(
        &[FLAT, FLAT, FLAT, (10.0, 10.0, 8.0, 8.5), FLAT],
        |_| {},
        move |ctx, _, bar| match bar {
            1 => _ = ctx.submit(order),
            2 => _ = ctx.submit(OrderRequest::market(X, -3)),
            _ => {}
        },
    );
    assert_eq!(ran.fills(), [(2, 5, 1000), (3, -3, 1000), (4, -2, 900)]);
}

#[test]
fn a_reversal_drops_the_exits_of_the_old_side_and_attaches_its_own() {
    let long = bracket(OrderRequest::market(X, 1), 9.0, 11.0);
    let short = bracket(OrderRequest::new(X, Quantity::Target(-1), OrderKind::Market), 11.0, 9.0);
    let ran = run_script(
        &[FLAT, FLAT, FLAT, (10.0, 10.5, 8.8, 9.2)],
        |_| {},
        move |ctx, _, bar| match bar {
            1 => _ = ctx.submit(long),
            2 => _ = ctx.submit(short),
            _ => {}
        },
    );
    assert_eq!(ran.fills(), [(2, 1, 1000), (3, -2, 1000), (4, 1, 900)]);
}

#[test]
fn cancelling_all_orders_leaves_exits_in_place() {
    let order = OrderRequest::market(X, 1).with_stop_loss(9.0);
    let ran = run_script(
        &[FLAT, FLAT, (10.0, 10.0, 8.0, 8.5)],
        |_| {},
        move |ctx, _, bar| match bar {
            1 => _ = ctx.submit(order),
            2 => ctx.cancel_all(X),
            _ => {}
        },
    );
    assert_eq!(ran.fills(), [(2, 1, 1000), (3, -1, 900)]);
}

#[test]
fn exits_of_an_entry_at_the_deciding_close_wait_for_the_next_bar() {
    let at_close = |account: &mut ContainerSpec| account.fill.market = MarketFill::DecidingClose;
    let order = OrderRequest::market(X, 1).with_stop_loss(9.95);
    let ran = run_script(&[FLAT, (10.0, 10.0, 9.9, 9.9)], at_close, move |ctx, _, bar| {
        if bar == 1 {
            ctx.submit(order);
        }
    });
    assert_eq!(ran.fills(), [(1, 1, 1000), (2, -1, 995)]);
}
