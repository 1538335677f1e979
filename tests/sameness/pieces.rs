//! Batch borders change nothing.

use barhive::engine::set::{Machinery, Retention, Trace};
use proptest::prelude::*;

use crate::sets::{assert_same, market, run, set, usual_accounts};

#[test]
fn every_batch_size_gives_the_same_result() {
    let market = market();
    let mut spec = set(&market, usual_accounts());
    let expected = run(&spec);
    assert!(expected.accounts.iter().all(|account| account.fills > 20), "the set must trade");
    for batch_rows in [1, 2, 7, 64, 1_024, 4_096, 1_000_000] {
        spec.machinery = Machinery { batch_rows, ..Machinery::default() };
        let found = run(&spec);
        assert_same(&found, &expected, &format!("batches of {batch_rows}"));
        assert_eq!(found.hub.computed, found.hub.expected, "batches of {batch_rows}");
        assert_eq!((found.hub.recomputed, found.hub.keys), (0, expected.hub.keys));
    }
}

#[test]
fn what_is_recorded_does_not_change_the_result() {
    let market = market();
    let mut spec = set(&market, usual_accounts());
    let expected = run(&spec);
    for (trace, retention) in [
        (Trace::Minimal, Retention::Minimal),
        (Trace::Normal, Retention::TradeComplete),
        (Trace::Full, Retention::SlidingWindow(3)),
    ] {
        for account in &mut spec.containers {
            (account.trace, account.retention) = (trace, retention);
        }
        assert_same(&run(&spec), &expected, &format!("{trace:?} {retention:?}"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_sizes_of_the_machinery_give_the_same_result(
        batch_rows in 1usize..3_000,
        hub_cache_entries in 1usize..8,
        hub_cache_bytes in 0usize..100_000,
        bars in 50u64..700,
    ) {
        let market = market();
        let mut spec = set(&market, usual_accounts());
        spec.bars_max = Some(bars);
        let expected = run(&spec);
        spec.machinery = Machinery { batch_rows, hub_cache_entries, hub_cache_bytes, ..Machinery::default() };
        assert_same(&run(&spec), &expected, "other sizes");
    }
}
