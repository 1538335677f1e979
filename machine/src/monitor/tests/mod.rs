use std::{
    fs,
    process::{Child, Command},
    sync::atomic::{AtomicU64, Ordering::SeqCst},
    time::Duration,
};

use barhive_engine::{
    governor::{BreakerState, Resource},
    time::SimClock,
};

use super::*;
use crate::clock::SystemClock;

fn told(options: MonitorOptions) -> ResourceMonitor {
    ResourceMonitor::told(options, Arc::new(SimClock::at(7))).unwrap()
}

fn sample(tenth: u64, cpu_percent: f64, memory_percent: f64) -> ResourceSample {
    let at_ns = tenth * 100_000_000;
    ResourceSample { at_ns, cpu_percent, memory_percent, memory_bytes: 1_000, ..ResourceSample::default() }
}

#[test]
fn whoever_acts_is_called_when_something_changes_and_only_then() {
    let monitor = told(MonitorOptions::default());
    let calls = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&calls);
    monitor.on_change(move || {
        counted.fetch_add(1, SeqCst);
    });
    let mut expected = 0;
    for (tenth, cpu_percent, changes) in
        [(1, 10.0, 0), (2, 80.0, 0), (3, 86.0, 1), (4, 96.0, 0), (5, 96.0, 1), (6, 96.0, 1), (7, 96.0, 0)]
    {
        monitor.observe(sample(tenth, cpu_percent, 10.0));
        expected += changes;
        assert_eq!(calls.load(SeqCst), expected, "sample {tenth}: {}", monitor.latest().explanation);
    }
    assert_eq!(monitor.latest().breaker, BreakerState::Open);
    let seen = monitor.latest();
    monitor.observe(sample(7, 3.0, 3.0));
    assert_eq!(monitor.latest(), seen, "a sample of the same moment is not counted");
    monitor.set_mode(ExecutionMode::Concurrent);
    assert_eq!(calls.load(SeqCst), expected, "it was so already");
}

#[test]
fn a_breaker_that_is_off_is_shown_and_does_nothing() {
    let breaker = BreakerConfig { enabled: false, ..BreakerConfig::default() };
    let monitor = told(MonitorOptions { breaker, ..MonitorOptions::default() });
    for tenth in 1..100 {
        monitor.observe(sample(tenth, 100.0, 99.0));
    }
    let status = monitor.latest();
    assert_eq!((&status.hold, &status.refusal, status.memory_is_short), (&None, &None, false));
    assert_eq!(status.alert_level, barhive_engine::governor::AlertLevel::Red);
    assert!(status.explanation.starts_with("off (`breaker.enabled: false`)"), "{}", status.explanation);
    assert!(status.decisions.is_empty());
}

#[test]
fn memory_that_rises_is_foreseen_and_what_is_kept_is_bounded() {
    let monitor = told(MonitorOptions::default());
    for tenth in 1..=5_000u64 {
        // A percent a minute, at last from 65 % on.
        monitor.observe(sample(tenth, 10.0, 57.0 + tenth as f64 / 600.0));
    }
    let status = monitor.latest();
    let memory = status.outlooks.iter().filter(|outlook| outlook.resource == Resource::Memory);
    let seconds: Vec<_> = memory.map(|outlook| (outlook.limit, outlook.seconds)).collect();
    let [(90.0, to_orange), (95.0, to_red)] = seconds[..] else { panic!("{seconds:?}") };
    assert!((to_orange - 1_480.0).abs() < 2.0 && (to_red - 1_780.0).abs() < 2.0, "{seconds:?}");
    assert_eq!(status.memory_free_bytes, Some(246), "up to orange");
    let history = monitor.history();
    assert_eq!((history.len(), history.first().unwrap().at_ns), (3_000, 200_100_000_000));
    assert!(history.is_sorted_by(|a, b| a.at_ns < b.at_ns));
}

#[test]
fn settings_that_contradict_each_other_are_all_told() {
    let breaker =
        BreakerConfig { failure_threshold: 0, recovery_cpu_percent: 99.0, ..BreakerConfig::default() };
    let options = MonitorOptions { breaker, ..MonitorOptions::default() };
    let fault = ResourceMonitor::told(options, Arc::new(SimClock::at(0))).err().unwrap();
    assert_eq!(fault.faults().len(), 2, "{fault}");
}

/// A process that works and holds memory; killed when it goes out of sight.
struct Worker(Child);

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn what_a_process_tree_uses_is_within_five_percent_of_the_kernels() {
    if !std::path::Path::new("/proc/self/smaps_rollup").exists() {
        println!("skipped: this kernel does not count what the test compares with");
        return;
    }
    let monitor = ResourceMonitor::start(MonitorOptions::default(), Arc::new(SystemClock)).unwrap();
    // A shell that works without end and holds a text of some megabytes.
    let script = "x=$(head -c 8000000 /dev/zero | tr '\\0' a); while :; do :; done";
    let worker = Worker(Command::new("sh").args(["-c", script]).spawn().unwrap());
    let pid = worker.0.id();
    // Clock ticks are a hundred a second wherever /proc tells them to programs.
    let cpu_s = || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let after_name: Vec<_> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        after_name[11..13].iter().map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / 100.0
    };
    let memory = || smaps(pid);
    while memory() < 8_000_000 || cpu_s() < 0.2 {
        std::thread::sleep(Duration::from_millis(10));
    }
    let from_s = cpu_s();
    monitor.watch(pid, Role::Worker);
    let tree = || monitor.latest().trees.iter().find(|tree| tree.pid == pid).cloned().unwrap_or_default();
    while cpu_s() - from_s < 2.5 || tree().memory_bytes == 0 {
        std::thread::sleep(Duration::from_millis(50));
    }
    // Compared in the moment of a sample: on a machine that is too busy to do so at once, the next one will do.
    let (cpu, kernel, seen) = loop {
        let before = monitor.latest().sample.at_ns;
        while monitor.latest().sample.at_ns == before {
            std::thread::yield_now();
        }
        let (asked_s, seen, answered_s) = (cpu_s() - from_s, tree(), cpu_s() - from_s);
        if answered_s - asked_s <= 0.01 && monitor.latest().trees.contains(&seen) {
            break (seen.cpu_ns as f64 / 1e9, asked_s, seen);
        }
    };
    println!("{cpu:.2} s (kernel {kernel:.2} s), {} bytes (kernel {})", seen.memory_bytes, memory());
    assert!((cpu / kernel - 1.0).abs() <= 0.05, "{cpu:.3} s, the kernel says {kernel:.3} s");
    assert!((seen.memory_bytes as f64 / memory() as f64 - 1.0).abs() <= 0.05);
    assert_eq!(seen.processes, [pid]);
    let last = monitor.forget(pid).unwrap();
    assert!(last.cpu_ns >= seen.cpu_ns && last.memory_bytes > 8_000_000, "{last:?}");
}

/// The proportional memory of a process, by the kernel's sum.
fn smaps(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps")).unwrap_or_default();
    let pages = text.lines().filter_map(|line| line.strip_prefix("Pss:"));
    pages.map(|rest| rest.split_whitespace().next().unwrap().parse::<u64>().unwrap() << 10).sum()
}
