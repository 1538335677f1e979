//! Sweeps on worker processes: the same results as on threads, and faults that stay with the variant
//! that has them, whatever they do to its process.
//!
//! This test is its own program: it starts itself anew as the workers.

mod kit;
mod workers;

use std::{
    process::{Command, ExitCode, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use barhive_actors::{
    Control,
    sweep::{
        Affinity, Isolation, Patience, ProcessSpec, SweepError, SweepOptions, SweepProgress, inspect_workers,
        restart_times, run_sweep,
    },
};
use barhive_engine::{
    governor::ThrottleConfig,
    sweep::{PassBlock, VariantRange, run_pass},
};
use workers::{
    COORDINATOR, Chaos, Fault, children, hash, is_alive, process, registry, run, run_slowly, serve, spec,
    wait_until,
};

/// No process, thread or descriptor of a sweep is there when it is over.
fn nobody_is_left() {
    assert!(children().is_empty(), "left: {:?}", children());
    // Threads that have nothing to listen to any more are about to end.
    wait_until(|| workers::threads() == 1);
    let before = DESCRIPTORS.load(SeqCst);
    assert_eq!(workers::descriptors(), before, "descriptors before the sweep and after it");
}

/// How many descriptors were open when the program began.
static DESCRIPTORS: AtomicUsize = AtomicUsize::new(0);

fn processes(workers: usize, spec: ProcessSpec) -> SweepOptions {
    SweepOptions { workers, isolation: Isolation::Process(Box::new(spec)), ..SweepOptions::default() }
}

fn the_hash_is_the_same_from_threads_and_from_any_number_of_processes() {
    let faults = [Fault::None];
    let spec = spec(&faults, 700);
    let (_, expected) = run(&spec, SweepOptions { workers: 2, ..SweepOptions::default() });
    for (workers, chunk, batch) in
        [(1, None, None), (2, Some(7), Some(2)), (3, Some(50), Some(1)), (2, None, None)]
    {
        let options = SweepOptions { chunk, batch, ..processes(workers, process(&faults, 700)) };
        let (outcome, variants) = run(&spec, options);
        assert_eq!(variants, expected, "{workers} {chunk:?} {batch:?}");
        assert_eq!(hash(&spec, &variants), hash(&spec, &expected));
        assert_eq!((outcome.worker_failures, outcome.workers, outcome.failed.len()), (0, workers, 0));
    }
    let throttle = ThrottleConfig { cooldown_seconds: 0.05, ..ThrottleConfig::default() };
    let held = SweepOptions { batch: Some(4), throttle, ..processes(2, process(&faults, 700)) };
    let (outcome, variants) = run(&spec, held);
    assert_eq!((variants, outcome.worker_failures), (expected, 0), "held and let go on");
    nobody_is_left();
}

/// Runs a sweep of which one parameter set has `fault`, and expects all others to be delivered.
fn alone(fault: Fault, reason: &str, adjust: impl FnOnce(&mut ProcessSpec)) {
    let faults = [Fault::None, fault, Fault::None];
    let (_, expected) = run(&spec(&[Fault::None, Fault::Calm, Fault::None], 300), SweepOptions::default());
    let mut process = process(&faults, 300);
    process.patience = Patience { end_max: Duration::from_millis(200), ..process.patience };
    adjust(&mut process);
    let (outcome, variants) = run(&spec(&faults, 300), processes(2, process));
    assert_eq!(variants.len(), expected.len());
    for (variant, expected) in variants.iter().zip(&expected) {
        if variant.index != 16 {
            assert_eq!(variant, expected);
        }
    }
    let [(16, said)] = &outcome.failed[..] else { panic!("{fault:?}: {:?}", outcome.failed) };
    assert!(said.contains(reason), "expected {reason:?}, found {said:?}");
    nobody_is_left();
}

fn a_variant_that_panics_is_named_and_costs_no_worker() {
    alone(Fault::Panic, "made to panic", |_| {});
}

fn a_variant_that_ends_its_process_is_named_and_everything_else_is_delivered() {
    alone(Fault::Exit, "exited with code 3", |_| {});
    alone(Fault::Abort, "killed by signal 6", |_| {});
    alone(Fault::Overflow, "stack overflow", |_| {});
}

fn a_variant_that_hangs_is_named_and_everything_else_is_delivered() {
    let hurry = |process: &mut ProcessSpec| process.patience.heartbeat = Duration::from_millis(300);
    alone(Fault::Hang, "no heartbeat for 0.9 s", hurry);
    alone(Fault::Stop, "no heartbeat for 0.9 s", hurry);
}

fn a_variant_that_takes_all_memory_is_tried_with_twice_as_much_and_named() {
    let limit = |process: &mut ProcessSpec| process.memory_max = 64 << 20;
    alone(Fault::Hog, "out of memory (limit 128 MiB)", limit);
}

fn a_variant_that_needs_twice_the_memory_gets_it() {
    let faults = [Fault::None, Fault::Large];
    let mut process = process(&faults, 300);
    process.memory_max = 64 << 20;
    let (outcome, variants) = run(&spec(&faults, 300), processes(1, process));
    assert_eq!(outcome.failed, []);
    assert_eq!((variants.len(), outcome.worker_failures), (17, 1));
}

fn what_a_variant_prints_disturbs_nobody() {
    let faults = [Fault::Print];
    let (outcome, variants) = run(&spec(&faults, 100), processes(1, process(&faults, 100)));
    assert_eq!((outcome.failed.len(), outcome.worker_failures, variants.len()), (0, 0, 1));
}

fn a_program_that_is_no_worker_is_told_so() {
    let said = |mut process: ProcessSpec, program: &str, arguments: &[&str]| {
        process.program = program.into();
        process.args = arguments.iter().map(Into::into).collect();
        let options = processes(1, process);
        run_sweep(&spec(&[Fault::None], 100), &registry(), options, &mut |_: &PassBlock| Ok(())).unwrap_err()
    };
    let faults = [Fault::None];
    let broke = said(process(&faults, 100), "/bin/sh", &["-c", "echo I am not who you think"]);
    let expected = "its process broke the protocol: expected a frame, found other bytes";
    assert_eq!(broke, SweepError::Worker(expected.to_owned()));
    let ended = said(process(&faults, 100), "/bin/sh", &["-c", "exit 7"]);
    assert_eq!(ended, SweepError::Worker("exited with code 7".to_owned()));
    assert!(matches!(said(process(&faults, 100), "/nowhere/at/all", &[]), SweepError::Worker(_)));
    let mut unreadable = process(&faults, 100);
    unreadable.payload = b"no sweep".to_vec();
    let program = unreadable.program.clone();
    let fatal = said(unreadable, &program.to_string_lossy(), &[]);
    assert!(matches!(&fatal, SweepError::Run(reason) if reason.contains("expected")), "{fatal:?}");
    nobody_is_left();
}

fn limits_are_taken_as_far_as_the_system_gives_them() {
    let faults = [Fault::None];
    let spec = spec(&faults, 300);
    let (_, expected) = run(&spec, SweepOptions::default());
    for affinity in [Affinity::Automatic, Affinity::Cores(vec![0]), Affinity::Cores(vec![900])] {
        let process = ProcessSpec { affinity, nice: 5, ..process(&faults, 300) };
        assert_eq!(run(&spec, processes(2, process)).1, expected);
    }
}

fn kills(times: u64, minutes: i64) {
    let faults = [Fault::None; 4];
    let spec = spec(&faults, minutes);
    let (_, expected) = run(&spec, SweepOptions { workers: 2, batch: Some(8), ..SweepOptions::default() });
    let mut killed = 0;
    let mut round = 0;
    while killed < times {
        round += 1;
        let chaos = Chaos::start(round, |process| {
            rustix::process::kill_process(process, rustix::process::Signal::KILL).is_ok()
        });
        let options = SweepOptions { batch: Some(8), ..processes(2, process(&faults, minutes)) };
        let (outcome, variants) = run(&spec, options);
        killed += chaos.end();
        // Whoever dies twice with the same variant is given up: what is left must be the same.
        let given_up: Vec<u64> = outcome.failed.iter().map(|(index, _)| *index).collect();
        assert_eq!(variants.len(), expected.len());
        for (variant, expected) in variants.iter().zip(&expected) {
            assert!(variant == expected || given_up.contains(&variant.index), "{variant:?}");
        }
        assert!(
            outcome.failed.iter().all(|(_, why)| why.ends_with("killed by signal 9")),
            "{:?}",
            outcome.failed
        );
        nobody_is_left();
    }
    println!("{killed} kills in {round} sweeps");
}

fn workers_killed_at_random_lose_nothing_and_deliver_nothing_twice() {
    kills(50, 3_000);
}

fn ten_thousand_workers_killed_at_random_lose_nothing() {
    kills(10_000, 3_000);
}

/// Stops random workers that hold a pass, and lets them go on after they were replaced: they do not end
/// when they are asked to, so that they have results to deliver which nobody wants any more.
fn stops(times: u64, minutes: i64) {
    let faults = [Fault::None; 4];
    let spec = spec(&faults, minutes);
    let (_, expected) = run(&spec, SweepOptions { workers: 2, batch: Some(8), ..SweepOptions::default() });
    let mut process = process(&faults, minutes);
    process.args = ["-c", "trap '' TERM; exec \"$0\""].iter().map(Into::into).collect();
    process.args.push(std::mem::replace(&mut process.program, "/bin/sh".into()).into());
    process.patience = Patience {
        heartbeat: Duration::from_millis(100),
        end_max: Duration::from_secs(5),
        ..process.patience
    };
    let (mut stopped, mut failures, mut given_up) = (0, 0, 0);
    while stopped < times {
        let chaos = Chaos::start(stopped + 1, |process| {
            let is_stopped = rustix::process::kill_process(process, rustix::process::Signal::STOP).is_ok();
            std::thread::sleep(Duration::from_millis(500));
            let _ = rustix::process::kill_process(process, rustix::process::Signal::CONT);
            is_stopped
        });
        let options = SweepOptions { batch: Some(8), ..processes(2, process.clone()) };
        // A disk that is slow, so that the sweep outlasts those who come late.
        let (outcome, variants) = run_slowly(&spec, options, Duration::from_millis(100));
        stopped += chaos.end();
        failures += outcome.worker_failures;
        given_up += outcome.failed.len();
        let failed: Vec<u64> = outcome.failed.iter().map(|(index, _)| *index).collect();
        assert_eq!(variants.len(), expected.len());
        for (variant, expected) in variants.iter().zip(&expected) {
            assert!(variant == expected || failed.contains(&variant.index), "{variant:?}");
        }
        nobody_is_left();
    }
    println!("{stopped} stops, {failures} replaced, {given_up} given up");
}

fn a_stopped_worker_is_replaced_and_what_it_says_later_is_not_used() {
    stops(5, 3_000);
}

fn a_thousand_stopped_workers_are_replaced() {
    stops(1_000, 3_000);
}

fn a_cancelled_sweep_leaves_no_process_even_of_those_that_hang() {
    let faults = [Fault::Hang, Fault::Hang];
    let control = Arc::new(Control::default());
    let progress = Arc::<SweepProgress>::default();
    let options = SweepOptions {
        control: Arc::clone(&control),
        progress: Arc::clone(&progress),
        batch: Some(1),
        ..processes(2, process(&faults, 300))
    };
    let canceller = std::thread::spawn(move || {
        wait_until(|| progress.status().workers.iter().any(|worker| worker.range.is_some()));
        std::thread::sleep(Duration::from_millis(200));
        control.cancel();
    });
    let (outcome, _) = run(&spec(&faults, 300), options);
    canceller.join().expect("it cancels");
    assert!(outcome.cancelled);
    nobody_is_left();
}

fn a_paused_sweep_holds_still_and_goes_on_to_the_same() {
    let faults = [Fault::None; 4];
    let spec = spec(&faults, 3_000);
    let (_, expected) = run(&spec, SweepOptions { workers: 2, ..SweepOptions::default() });
    for options in
        [processes(2, process(&faults, 3_000)), SweepOptions { workers: 2, ..SweepOptions::default() }]
    {
        let control = Arc::new(Control::default());
        let progress = Arc::<SweepProgress>::default();
        let options = SweepOptions {
            control: Arc::clone(&control),
            progress: Arc::clone(&progress),
            batch: Some(1),
            ..options
        };
        // From the start, so that no machine is quick enough to be done before.
        control.pause();
        let pauser = std::thread::spawn(move || {
            // Longer than a silent worker would be left alone.
            std::thread::sleep(Duration::from_millis(2_000));
            let done = progress.status().done;
            control.resume();
            done
        });
        let (outcome, variants) = run(&spec, options);
        assert_eq!(pauser.join().expect("it pauses"), 0);
        assert_eq!((outcome.worker_failures, outcome.cancelled), (0, false));
        assert_eq!(variants, expected);
    }
}

fn a_sink_that_panics_leaves_no_process() {
    let faults = [Fault::None];
    let options = processes(2, process(&faults, 300));
    let panics = std::panic::catch_unwind(|| {
        run_sweep(&spec(&faults, 300), &registry(), options, &mut |_: &PassBlock| panic!("made to panic"))
    });
    assert!(panics.is_err());
    nobody_is_left();
}

fn workers_die_with_their_coordinator() {
    let me = std::env::current_exe().expect("a program");
    let mut coordinator =
        Command::new(me).env(COORDINATOR, "1").stdout(Stdio::null()).spawn().expect("it starts");
    let id = coordinator.id();
    wait_until(|| workers::children_of(id).len() == 2);
    let workers = workers::children_of(id);
    coordinator.kill().expect("it is there");
    coordinator.wait().expect("it is there");
    wait_until(|| !workers.iter().any(|worker| is_alive(*worker)));
}

fn a_killed_worker_is_replaced() {
    let times = restart_times(&process(&[Fault::None], 300), 3).expect("workers start");
    assert_eq!(times.len(), 3);
    println!("ready again after {times:?}");
    nobody_is_left();
}

fn workers_hold_still_while_they_are_looked_at() {
    let (faults, bars) = ([Fault::None], 300);
    let passes = [VariantRange { start: 0, end: 4 }, VariantRange { start: 4, end: 16 }];
    let mut seen = Vec::new();
    let blocks = inspect_workers(&process(&faults, bars), 3, &passes, &mut |done, processes| {
        assert!(processes.iter().all(|id| is_alive(*id)), "after {done} passes");
        seen.push((done, processes.to_vec()));
    });
    let blocks = blocks.expect("workers start");
    assert_eq!(seen.iter().map(|(done, _)| *done).collect::<Vec<_>>(), [0, 1, 2]);
    assert!(seen.iter().all(|(_, processes)| processes.len() == 3 && *processes == seen[0].1));
    let alone = run_pass(&spec(&faults, bars), &registry(), passes[1], &mut |_| true).expect("it runs");
    assert_eq!(blocks.len(), 6);
    assert!(blocks[3..].iter().all(|block| *block == alone), "the results of a pass, once a worker");
    nobody_is_left();
}

/// Is a coordinator that has work for ever.
fn coordinate() -> ExitCode {
    let faults = [Fault::Hang, Fault::Hang];
    let mut process = process(&faults, 300);
    process.patience.missed_max = 1_000;
    let options = SweepOptions { chunk: Some(1), batch: Some(1), ..processes(2, process) };
    let ended = run_sweep(&spec(&faults, 300), &registry(), options, &mut |_: &PassBlock| Ok(()));
    eprintln!("not expected to end: {ended:?}");
    ExitCode::FAILURE
}

macro_rules! tests {
    ($($name:ident),* $(,)?) => { [$((stringify!($name), $name as fn())),*] };
}

fn main() -> ExitCode {
    if std::env::var_os(workers::WORKER).is_some() {
        return serve();
    }
    if std::env::var_os(COORDINATOR).is_some() {
        return coordinate();
    }
    DESCRIPTORS.store(workers::descriptors(), SeqCst);
    let quick = tests![
        the_hash_is_the_same_from_threads_and_from_any_number_of_processes,
        a_variant_that_panics_is_named_and_costs_no_worker,
        a_variant_that_ends_its_process_is_named_and_everything_else_is_delivered,
        a_variant_that_hangs_is_named_and_everything_else_is_delivered,
        a_variant_that_takes_all_memory_is_tried_with_twice_as_much_and_named,
        a_variant_that_needs_twice_the_memory_gets_it,
        what_a_variant_prints_disturbs_nobody,
        a_program_that_is_no_worker_is_told_so,
        limits_are_taken_as_far_as_the_system_gives_them,
        workers_killed_at_random_lose_nothing_and_deliver_nothing_twice,
        a_stopped_worker_is_replaced_and_what_it_says_later_is_not_used,
        a_cancelled_sweep_leaves_no_process_even_of_those_that_hang,
        a_paused_sweep_holds_still_and_goes_on_to_the_same,
        a_sink_that_panics_leaves_no_process,
        workers_die_with_their_coordinator,
        a_killed_worker_is_replaced,
        workers_hold_still_while_they_are_looked_at,
    ];
    let full =
        tests![ten_thousand_workers_killed_at_random_lose_nothing, a_thousand_stopped_workers_are_replaced,];
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let wanted = arguments.iter().find(|argument| !argument.starts_with('-'));
    let chosen =
        if arguments.iter().any(|argument| argument == "--ignored") { &full[..] } else { &quick[..] };
    for (name, test) in chosen {
        if wanted.is_none_or(|wanted| name.contains(wanted.as_str())) {
            test();
            println!("test {name} ... ok");
        }
    }
    ExitCode::SUCCESS
}
