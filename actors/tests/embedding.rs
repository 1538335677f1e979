//! Runs as embedders start them: handles, cancelling, pausing, and nothing left behind.

mod kit;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use barhive_actors::{Control, Engine, Handle, RunOptions, Threads, run};
use barhive_engine::{
    Registry, backtest,
    indicator::{IndicatorDef, Input, Kernel, Output, builtin},
    pass::RunError,
    registry::factory,
    set::{Placement, StrategySpec},
    strategy::{Bars, Context, Setup, Strategy},
};
use kit::{account, accounts, market, registry, sized, spec};

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

/// Takes its time over every bar, and cancels the run at one of all calls.
struct Slow {
    control: Arc<Control>,
    calls: Arc<AtomicUsize>,
}

/// The call at which the run is cancelled.
const LAST_CALL: usize = 900;

impl Strategy for Slow {
    fn on_bar(&mut self, _: &mut Context<'_>, _: Bars) {
        std::thread::sleep(Duration::from_micros(20));
        if self.calls.fetch_add(1, SeqCst) + 1 == LAST_CALL {
            self.control.cancel();
        }
    }
}

#[test]
fn cancelling_reaches_a_container_between_two_of_its_steps() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for placement in [Placement::Fused, Placement::Actors] {
        let (control, calls) = (Arc::new(Control::default()), Arc::new(AtomicUsize::new(0)));
        let slow = {
            let (control, calls) = (Arc::clone(&control), Arc::clone(&calls));
            factory((), move |(), setup: &mut Setup<'_>| {
                let instrument = setup.instrument();
                setup.bars(instrument);
                Ok(Slow { control: Arc::clone(&control), calls: Arc::clone(&calls) })
            })
        };
        // 200 strategies of 20 microseconds: one step takes longer than a slice, a frame some seconds.
        let mut account = account("slow", slow, &[0]);
        account.strategies =
            (0..200).map(|n| StrategySpec { id: format!("s{n}"), ..account.strategies[0].clone() }).collect();
        let spec = sized(&spec(market(2_000), vec![account]), 1_024, 1, placement);
        let options = RunOptions { control: Some(control), ..RunOptions::default() };
        assert!(matches!(run(spec, &registry(), options), Err(RunError::Cancelled)));
        assert_eq!(calls.load(SeqCst), 1_000, "the fifth step is the last, {placement:?}");
    }
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

/// An average that takes its time over every row.
struct SlowAverage {
    rows: Arc<AtomicUsize>,
}

impl Kernel for SlowAverage {
    fn update(&mut self, input: &Input<'_>, output: &mut Output<'_, '_>) {
        for (x, out) in input.x.iter().zip(output.column(0)) {
            std::thread::sleep(Duration::from_millis(5));
            self.rows.fetch_add(1, SeqCst);
            *out = *x;
        }
    }

    fn snapshot(&self) -> Box<dyn Kernel> {
        Box::new(Self { rows: Arc::clone(&self.rows) })
    }
}

#[test]
fn cancelling_reaches_the_hub_between_two_rows_of_a_slow_indicator() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let rows = Arc::new(AtomicUsize::new(0));
    let sma = builtin().into_iter().find(|def| def.name == "sma").expect("it is built in");
    let seen = Arc::clone(&rows);
    let slow =
        IndicatorDef { build: Arc::new(move |_| Box::new(SlowAverage { rows: Arc::clone(&seen) })), ..sma };
    let registry = Registry::empty().indicator(slow);
    for threads in [Threads::One, Threads::PerPart] {
        rows.store(0, SeqCst);
        // All rows are one frame.
        let spec = sized(&spec(market(1_000), accounts(2)), 1_024, 1, Placement::Fused);
        let handle = Engine::start(spec, &registry, RunOptions { threads, ..RunOptions::default() }).unwrap();
        until("it computes", || rows.load(SeqCst) >= 2);
        handle.cancel();
        assert!(matches!(handle.wait(), Err(RunError::Cancelled)));
        assert!(rows.load(SeqCst) < 1_000, "not to the end of the frame");
    }
}
