//! How soon an overload has its first refusal: with samples that are told, and with programs that take every core.

use std::{
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use barhive::{
    engine::{
        governor::{BreakerState, ResourceSample},
        jobs::{Job, JobRequest, Resources},
    },
    machine::{
        MachineStatus, MonitorOptions, ResourceMonitor,
        clock::{Stopwatch, SystemClock},
        gauge::Gauge,
    },
    serve::{
        Answer, Client, ExecutionManager, GovernedAdmission, JobRunner, ManagerOptions, Report, Request,
        RunningJob,
    },
};

use crate::measure::{Figures, unpin};

/// How often each is tried; what is promised holds for the slowest.
const TRIES: usize = 3;
/// Between two submissions.
const EVERY: Duration = Duration::from_millis(2);

pub fn figures(figures: &mut Figures) {
    if !figures.wants(&["breaker_ms", "breaker_ms_floor"]) {
        return;
    }
    let slowest = |times: [f64; TRIES]| times.into_iter().fold(0.0, f64::max);
    let faked = slowest([(); TRIES].map(|()| faked()));
    let real = slowest([(); TRIES].map(|()| real()));
    figures.print("breaker_ms", faked.max(real), "ms");
    // Three red samples in a row cannot come sooner.
    figures.print("breaker_ms_floor", 2.0 * Gauge::INTERVAL.as_secs_f64() * 1e3, "ms");
}

/// Nothing is started here.
struct Nobody;

impl JobRunner for Nobody {
    fn start(&mut self, _: &Job, _: Report) -> Result<Box<dyn RunningJob>, String> {
        unreachable!("all that is submitted is overdue")
    }
}

/// A job whose deadline has passed: it is taken in, and nothing is to be done.
fn request() -> JobRequest {
    JobRequest { deadline_ns: Some(0), ..JobRequest::new("late", "") }
}

/// Submits until it is refused; answers how many were taken in, and why this one was not.
fn until_refused(mut submit: impl FnMut() -> Result<(), String>) -> (usize, String) {
    for taken in 0.. {
        match submit() {
            Ok(()) => thread::sleep(EVERY),
            Err(why) => return (taken, why),
        }
    }
    unreachable!("it goes on until it is refused")
}

fn check(taken: usize, why: &str, status: &MachineStatus) {
    assert!(taken > 0, "some are taken in before: {why}");
    assert!(why.starts_with("overloaded: CPU without our workers"), "{why}");
    assert_eq!(status.breaker, BreakerState::Open, "{}", status.explanation);
}

/// Milliseconds from the moment in which others begin to take everything: a sample has just been taken.
fn faked() -> f64 {
    let folder = tempfile::tempdir().expect("a folder");
    let monitor = ResourceMonitor::told(MonitorOptions::default(), Arc::new(SystemClock));
    let monitor = Arc::new(monitor.expect("the defaults are sound"));
    let admission = GovernedAdmission::new(Arc::clone(&monitor), Resources::new(1 << 30, 1));
    let options = ManagerOptions { admission: Some(Box::new(admission)), ..ManagerOptions::default() };
    let manager = ExecutionManager::start(folder.path(), options, Box::new(Nobody), Arc::new(SystemClock));
    let manager = manager.expect("it starts");
    let sample = |number: u64, cpu_percent| {
        let at_ns = number * Gauge::INTERVAL.as_nanos() as u64;
        monitor.observe(ResourceSample { at_ns, cpu_percent, ..ResourceSample::default() });
    };
    sample(1, 3.0);
    let since = Stopwatch::start();
    let (taken, why, elapsed) = thread::scope(|scope| {
        scope.spawn(|| {
            for number in 2..10 {
                let due = Gauge::INTERVAL * (number as u32 - 1);
                thread::sleep(due.saturating_sub(since.elapsed()));
                sample(number, 100.0);
            }
        });
        let (taken, why) =
            until_refused(|| manager.submit(request()).map(drop).map_err(|why| why.to_string()));
        (taken, why, since.elapsed())
    });
    check(taken, &why, &monitor.latest());
    milliseconds(elapsed)
}

/// Milliseconds from the start of programs that keep every core busy, through the real command.
fn real() -> f64 {
    // Not on this thread's one core.
    thread::scope(|scope| scope.spawn(on_all_cores).join().expect("it is refused"))
}

fn on_all_cores() -> f64 {
    let cores = unpin();
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    let mut server = Command::new(env!("CARGO_BIN_EXE_barhive"));
    server.args(["serve", "--quiet", "--state"]).arg(&state).stdout(Stdio::null()).stderr(Stdio::null());
    let _server = Killed(vec![server.spawn().expect("the program starts")]);
    let mut client = loop {
        match Client::connect(&state) {
            Ok(client) => break client,
            Err(_) => thread::sleep(EVERY),
        }
    };
    until_quiet(&mut client);
    let since = Stopwatch::start();
    let spin = |_| {
        let mut program = Command::new("sh");
        program.args(["-c", "while :; do :; done"]).spawn().expect("a shell starts")
    };
    let load = Killed((0..2 * cores).map(spin).collect());
    let (taken, why) = until_refused(|| {
        let asked = client.ask(&Request::Submit { request: request() });
        asked.map(drop).map_err(|why| why.to_string())
    });
    let elapsed = since.elapsed();
    check(taken, &why, &machine(&mut client));
    drop(load);
    milliseconds(elapsed)
}

/// Programs that end when this is dropped.
struct Killed(Vec<Child>);

impl Drop for Killed {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // One that has ended does not mind.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn machine(client: &mut Client) -> MachineStatus {
    match client.ask(&Request::Status) {
        Ok(Answer::Status(status)) => status.machine.expect("this machine can be measured"),
        other => panic!("{other:?}"),
    }
}

/// Waits until nobody else loads the machine: a breaker that is strained already is no measure.
fn until_quiet(client: &mut Client) {
    let mut quiet = 0;
    for _ in 0..6_000 {
        let seen = machine(client);
        let is_quiet = seen.breaker == BreakerState::Closed
            && seen.hold.is_none()
            && (0.0..70.0).contains(&seen.sample.cpu_percent)
            && seen.at_ns > 0;
        quiet = if is_quiet { quiet + 1 } else { 0 };
        if quiet == 5 {
            return;
        }
        thread::sleep(Gauge::INTERVAL / 2);
    }
    panic!("other programs load this machine: try again when it is left alone");
}

fn milliseconds(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}
