//! The engine inside another program: engines side by side, inside a foreign runtime, and no thread
//! left behind. Threads are counted by process, so all of it is one test.

mod support;

use std::sync::Arc;

use barhive_actors::{Engine, Handle, RunOptions, Threads};
use barhive_engine::{backtest, set::RunSpec};
use barhive_feeds::{SyntheticParams, SyntheticSource};
use support::*;

fn spec(seed: u64) -> RunSpec {
    let params = SyntheticParams { seed, instruments: 3, bars: 3_000, ..SyntheticParams::default() };
    let source = SyntheticSource::new(params).expect("sound parameters");
    let accounts = (0..6u32).map(|index| {
        let mut account = account(vec![sma_cross("cross".to_owned(), 3 + index, 20, index % 3)]);
        account.name = format!("account {index}");
        account
    });
    let mut spec = set(Arc::new(source), accounts.collect());
    (spec.machinery.batch_rows, spec.machinery.shards) = (64, 3);
    spec
}

fn start(seed: u64) -> Handle {
    let options = RunOptions { threads: Threads::PerPart, ..RunOptions::default() };
    Engine::start(spec(seed), &registry(), options).expect("the engine starts")
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

#[test]
fn engines_run_side_by_side_in_a_foreign_runtime_and_leave_no_thread() {
    let hash = |seed| backtest::run(&spec(seed), &registry()).expect("the set runs").result_hash;
    let (first, second) = (hash(1), hash(2));
    assert_ne!(first, second);
    let before = threads();

    let (one, two) = (start(1), start(2));
    assert_eq!(two.wait().expect("the second runs").result.result_hash, second);
    assert_eq!(one.wait().expect("the first runs").result.result_hash, first);
    assert_eq!(threads(), before, "waiting joins everything");

    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let (one, two) = tokio::join!(start(1), start(2));
        assert_eq!(one.expect("the first runs").result.result_hash, first);
        assert_eq!(two.expect("the second runs").result.result_hash, second);
        // A blocking call holds the runtime's thread and disturbs nothing else.
        let blocking = run_actors(spec(1), &registry()).expect("the set runs");
        assert_eq!(blocking.result.result_hash, first);
    });
    drop(runtime);
    drop(start(1));
    assert_eq!(threads(), before, "dropping joins everything");
}
