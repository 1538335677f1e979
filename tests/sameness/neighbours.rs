//! Neither neighbours nor the order of registration change an account.

use barhive::prelude::*;

use crate::{
    market::Draws,
    parts::Everything,
    sets::{account, hash_of, market, run, set, shared_account, usual_accounts},
};

#[test]
fn an_account_is_the_same_alone_and_among_a_hundred_others() {
    let market = market();
    let alone = run(&set(&market, vec![shared_account("shared")]));
    let mut crowd: Vec<_> = (0..100u32)
        .map(|index| {
            let timeframe = ["1m", "2m", "5m", "30m"][index as usize % 4];
            let part = factory(9 + 12 * (index % 2), Everything::new);
            account(&format!("neighbour_{index}"), part, index % 3, timeframe)
        })
        .collect();
    crowd.insert(57, shared_account("shared"));
    let among = run(&set(&market, crowd));
    assert_eq!(hash_of(&among, "shared"), hash_of(&alone, "shared"));
    assert_eq!(among.hub.computed, among.hub.expected);
    assert!(among.hub.subscriptions > 2 * among.hub.keys, "neighbours must share indicators");
}

#[test]
fn the_order_of_accounts_does_not_change_any_of_them() {
    let market = market();
    let expected = run(&set(&market, usual_accounts()));
    let mut draws = Draws(11);
    for _ in 0..8 {
        let mut shuffled = usual_accounts();
        for at in (1..shuffled.len()).rev() {
            shuffled.swap(at, draws.below(at as u64 + 1) as usize);
        }
        let found = run(&set(&market, shuffled));
        for account in &expected.accounts {
            assert_eq!(hash_of(&found, &account.name), account.hash, "{}", account.name);
        }
    }
}

#[test]
fn the_order_of_registration_does_not_change_anything() {
    fn new(window: u32, setup: &mut Setup<'_>) -> Result<Everything, SetupError> {
        Everything::new(window, setup)
    }
    let market = market();
    let spec = set(&market, usual_accounts());
    let expected = run(&spec);
    let mut defs: Vec<_> = Registry::builtin().as_engine().indicators().cloned().collect();
    defs.reverse();
    let reversed = defs.into_iter().fold(Registry::empty(), Registry::indicator).strategy("last", new);
    let found = barhive::run(&spec, reversed.as_engine()).expect("the set runs");
    assert_eq!(found.result_hash, expected.result_hash);
}

#[test]
fn two_engines_in_one_process_do_not_meet() {
    let market = market();
    let expected = run(&set(&market, usual_accounts()));
    let spec = set(&market, usual_accounts());
    let hashes = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(|| run(&spec).result_hash)).collect();
        threads.into_iter().map(|thread| thread.join().expect("an engine")).collect::<Vec<_>>()
    });
    assert!(hashes.iter().all(|hash| *hash == expected.result_hash));
}
