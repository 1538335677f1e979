//! Nothing later changes anything earlier, and no order meets a bar that had opened before it.

use std::collections::BTreeMap;

use barhive::{
    engine::{
        order::{Cause, OrderState},
        record::Records,
    },
    prelude::*,
};
use proptest::prelude::*;

use crate::{
    market::Market,
    sets::{SYMBOLS, market, run_recorded, set, usual_accounts},
};

/// The records up to and including a time.
fn until(records: &Records, ts_ns: i64) -> Records {
    Records {
        equity: records.equity.iter().filter(|one| one.ts_ns <= ts_ns).copied().collect(),
        orders: records.orders.iter().filter(|one| one.ts_ns <= ts_ns).copied().collect(),
        fills: records.fills.iter().filter(|one| one.ts_ns <= ts_ns).copied().collect(),
        trades: records.trades.iter().filter(|one| one.exit_ts_ns <= ts_ns).copied().collect(),
    }
}

fn assert_causal(market: &Market, at_ns: i64, seed: u64) {
    let (_, expected) = run_recorded(&set(market, usual_accounts()));
    let (_, found) = run_recorded(&set(&market.scrambled_after(at_ns, seed), usual_accounts()));
    for (index, (expected, found)) in expected.iter().zip(&found).enumerate() {
        assert_eq!(until(found, at_ns), until(expected, at_ns), "account {index}");
        assert_ne!(found.equity, expected.equity, "account {index}: the scrambling must be felt");
    }
}

#[test]
fn scrambling_all_data_after_the_middle_changes_nothing_before_it() {
    let market = market();
    assert_causal(&market, market.middle_ns(), 5);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn scrambling_all_data_after_any_time_changes_nothing_before_it(
        row in 30usize..2_700, seed in any::<u64>(), symbol in 0usize..3
    ) {
        let market = market();
        assert_causal(&market, market.bars(SYMBOLS[symbol])[row].ts_close_ns, seed);
    }
}

#[test]
fn no_order_fills_in_a_bar_that_opened_before_its_decision() {
    let market = market();
    let (_, accounts) = run_recorded(&set(&market, usual_accounts()));
    // The bar of a fill is the finest that the account looks at; one that closes at the fill's step.
    let finest_minutes = |account: usize| [1, 1, 3, 15, 1, 3, 15][account];
    let mut checked = 0;
    for (index, records) in accounts.iter().enumerate() {
        let mut decided: BTreeMap<_, (i64, Option<OrderId>)> = BTreeMap::new();
        for event in &records.orders {
            decided.entry(event.order).or_insert((event.ts_ns, event.parent));
        }
        for fill in &records.fills {
            let bars = market.bars(SYMBOLS[fill.instrument.index()]);
            // Attached orders live from the entry's fill on, in the very bar of the entry.
            let (at_ns, parent) = decided[&fill.order];
            let decided_ns = parent.map_or(at_ns, |parent| decided[&parent].0);
            let width_ns = finest_minutes(index) * 60_000_000_000;
            let opened_ns = (fill.ts_ns - 1).div_euclid(width_ns) * width_ns;
            let bar_opened_ns =
                bars.iter().find(|bar| bar.ts_open_ns >= opened_ns).map_or(i64::MAX, |bar| bar.ts_open_ns);
            assert!(bar_opened_ns >= decided_ns, "account {index}: {fill:?} was decided at {decided_ns}");
            checked += 1;
        }
    }
    assert!(checked > 1_000, "only {checked} fills");
}

#[test]
fn every_order_runs_through_the_one_state_machine() {
    let market = market();
    let (_, accounts) = run_recorded(&set(&market, usual_accounts()));
    let mut causes: BTreeMap<&str, u64> = BTreeMap::new();
    for records in &accounts {
        let mut states: BTreeMap<_, OrderState> = BTreeMap::new();
        for event in &records.orders {
            *causes.entry(event.cause.as_str()).or_default() += 1;
            match states.insert(event.order, event.state) {
                // A stop-loss or take-profit was checked with its entry: it begins when that fills.
                None if event.parent.is_some() => assert_eq!(event.state, OrderState::Working, "{event:?}"),
                None => assert_eq!(event.state, OrderState::Submitted, "{event:?}"),
                Some(before) => assert!(before.may_become(event.state), "{before:?} -> {event:?}"),
            }
        }
        assert!(states.values().all(|state| state.is_final()), "every order ends");
    }
    for cause in [Cause::Matched, Cause::Attached, Cause::Partner, Cause::PositionClosed, Cause::Strategy] {
        assert!(causes.contains_key(cause.as_str()), "no order was {}: {causes:?}", cause.as_str());
    }
}
