//! A panic costs its own account a rerun, and nobody else anything.

use std::sync::Arc;

use barhive::{engine::registry::StrategyFactory, prelude::*};

use crate::{
    market::Market,
    parts::{Everything, Fragile},
    sets::{account, assert_same, hash_of, market, run, set, usual_accounts},
};

/// A run with one account more, which panics `fuse` times at its bar `at`.
fn with_fragile(market: &Market, at: u64, fuse: u32) -> RunResult {
    let mut accounts = usual_accounts();
    let fragile: Arc<dyn StrategyFactory> = factory(13u32, Fragile::builder(at, fuse));
    accounts.insert(3, account("fragile", fragile, 1, "1m"));
    run(&set(market, accounts))
}

fn without_panic(market: &Market) -> RunResult {
    let mut accounts = usual_accounts();
    accounts.insert(3, account("fragile", factory(13u32, Everything::new), 1, "1m"));
    run(&set(market, accounts))
}

#[test]
fn an_account_that_panics_once_is_rerun_with_the_same_result() {
    let market = market();
    let expected = without_panic(&market);
    for at in [1, 700, 2_900] {
        let found = with_fragile(&market, at, 1);
        assert_eq!(found.result_hash, expected.result_hash, "a panic at bar {at}");
        assert!(found.quarantined.is_empty());
        assert_eq!(found.restarts.len(), 1);
        let restart = &found.restarts[0];
        assert!(restart.part.contains("fragile") && restart.reason.contains("burns at bar"), "{restart:?}");
    }
}

#[test]
fn an_account_that_panics_twice_at_one_row_is_quarantined_and_the_others_are_as_ever() {
    let market = market();
    let expected = run(&set(&market, usual_accounts()));
    let found = with_fragile(&market, 700, u32::MAX);
    assert_same(&found, &expected, "the others");
    assert_eq!(found.quarantined.len(), 1);
    let quarantine = &found.quarantined[0];
    assert_eq!(quarantine.container, "fragile");
    assert!(quarantine.reason.contains("burns at bar 700"), "{quarantine:?}");
    let clean = without_panic(&market);
    assert!(found.accounts.iter().all(|account| account.hash == hash_of(&clean, &account.name)));
}
