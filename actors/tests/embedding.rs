//! Runs as embedders start them: handles, cancelling, pausing, and nothing left behind.

mod kit;

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use barhive_actors::{Engine, Handle, RunOptions, Threads, run};
use barhive_engine::{backtest, pass::RunError, set::Placement};
use kit::{accounts, market, registry, sized, spec};

/// Threads of runs are counted by process: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// Threads that a run has started and that have not ended. (The test harness has its own.)
fn threads_left() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|name| name.starts_with("barhive-") || name.starts_with("actix-rt")).count()
}

fn long_run() -> Handle {
    // Small batches: it takes long enough to be caught at it.
    let spec = sized(&spec(market(60_000), accounts(8)), 16, 2, Placement::Fused);
    Engine::start(spec, &registry(), RunOptions::default()).unwrap()
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..5_000 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("never: {what}");
}

#[test]
fn all_threads_have_ended_when_a_run_returns() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(threads_left(), 0);
    let spec = sized(&spec(market(1_000), accounts(6)), 64, 3, Placement::Fused);
    for threads in [Threads::One, Threads::PerPart] {
        let options = RunOptions { threads, ..RunOptions::default() };
        run(spec.clone(), &registry(), options).unwrap();
        // A joined thread may be listed for a moment longer.
        until("no thread is left", || threads_left() == 0);
    }
    let handle = long_run();
    until("threads were started", || threads_left() > 0);
    drop(handle);
    until("dropping a handle joins everything", || threads_left() == 0);
}

#[test]
#[allow(clippy::disallowed_methods, reason = "measures how long cancelling takes")]
fn a_cancelled_run_ends_at_once_and_says_so() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let handle = long_run();
    until("rows were done", || handle.status().rows_done > 0);
    assert!(!handle.is_over());
    let asked = Instant::now();
    handle.cancel();
    assert!(matches!(handle.wait(), Err(RunError::Cancelled)));
    assert!(asked.elapsed() < Duration::from_millis(500), "{:?}", asked.elapsed());
}

#[test]
fn a_paused_run_stands_still_and_goes_on_to_the_same_result() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let handle = long_run();
    until("rows were done", || handle.status().rows_done > 0);
    handle.pause();
    std::thread::sleep(Duration::from_millis(20));
    let stood = handle.status().rows_done;
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(handle.status().rows_done, stood);
    handle.resume();
    let outcome = handle.wait().unwrap();
    let reference = backtest::run(&spec(market(60_000), accounts(8)), &registry()).unwrap();
    assert_eq!(outcome.result.result_hash, reference.result_hash);
    assert!(outcome.resources.samples > 0 && outcome.resources.process_rss_bytes_peak > 0);
}

#[test]
fn two_engines_run_side_by_side_within_a_foreign_runtime() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let reference = backtest::run(&spec(market(2_000), accounts(5)), &registry()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let start = || Engine::start(spec(market(2_000), accounts(5)), &registry(), RunOptions::default());
        let (one, two) = (start().unwrap(), start().unwrap());
        let (one, two) = tokio::join!(one, two);
        assert_eq!(one.unwrap().result.result_hash, reference.result_hash);
        assert_eq!(two.unwrap().result.result_hash, reference.result_hash);
        let blocking = run(spec(market(2_000), accounts(5)), &registry(), RunOptions::default());
        assert_eq!(blocking.unwrap().result.result_hash, reference.result_hash);
    });
}

#[test]
fn what_is_wrong_with_a_set_is_the_error_of_its_run() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let empty = run(spec(market(10), Vec::new()), &registry(), RunOptions::default());
    assert!(matches!(empty, Err(RunError::Empty)));
    let unknown =
        run(spec(market(10), accounts(1)), &barhive_engine::Registry::empty(), RunOptions::default());
    assert!(matches!(unknown, Err(RunError::Setup(_))));
}

#[test]
fn a_handle_can_be_shared_between_threads() {
    fn is_send_and_sync<T: Send + Sync>() {}
    is_send_and_sync::<Handle>();
}
