//! Shards, threads and the placement of parts change nothing, a panic in mid-run included.

use barhive::{
    actors::{RunOptions, Threads},
    engine::set::{Machinery, Placement, RunSpec},
    prelude::*,
};

use crate::{
    parts::Fragile,
    sets::{account, assert_same, market, run, set, usual_accounts},
};

fn run_on_actors(spec: &RunSpec, machinery: Machinery, threads: Threads) -> RunResult {
    let spec = RunSpec { machinery, ..spec.clone() };
    let options = RunOptions { threads, ..RunOptions::default() };
    barhive::actors::run(spec, Registry::builtin().as_engine(), options).expect("the set runs").result
}

#[test]
fn actors_on_any_number_of_shards_give_the_result_of_one_thread() {
    let spec = set(&market(), usual_accounts());
    let expected = run(&spec);
    for placement in [Placement::Fused, Placement::Actors] {
        for shards in [1, 2, 5] {
            for (batch_rows, threads) in [(64, Threads::One), (1_024, Threads::PerPart)] {
                let machinery = Machinery { shards, batch_rows, placement, ..Machinery::default() };
                let found = run_on_actors(&spec, machinery, threads);
                assert_same(&found, &expected, &format!("{placement:?}, {shards} shards, {threads:?}"));
            }
        }
    }
}

#[test]
fn a_panic_on_a_shard_is_rerun_with_the_same_result() {
    let expected = run(&set(&market(), usual_accounts()));
    for placement in [Placement::Fused, Placement::Actors] {
        let mut accounts = usual_accounts();
        accounts.push(account("fragile", factory(13u32, Fragile::builder(900, u32::MAX)), 1, "1m"));
        let machinery = Machinery { shards: 3, batch_rows: 64, placement, ..Machinery::default() };
        let found = run_on_actors(&set(&market(), accounts), machinery, Threads::PerPart);
        assert_same(&found, &expected, &format!("{placement:?}"));
        assert_eq!(found.quarantined.len(), 1, "{placement:?}");
        assert_eq!(found.quarantined[0].container, "fragile");
    }
}
