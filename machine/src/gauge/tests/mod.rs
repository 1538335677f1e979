//! What the gauge says over an interval, beside what the kernel counted for it in another place.

use std::{
    fs,
    path::Path,
    process::{Child, Command},
};

use super::*;
use crate::clock::Stopwatch;

/// Processes that end with the test.
struct Spinner(Child);

impl Spinner {
    /// A shell whose child keeps a core busy.
    fn start() -> Self {
        let script = "sh -c 'while :; do :; done' & trap 'kill $!' TERM; wait";
        let shell = Self(Command::new("sh").args(["-c", script]).spawn().unwrap());
        while shell.children().is_empty() {
            std::thread::yield_now();
        }
        shell
    }

    fn children(&self) -> Vec<u32> {
        let pid = self.0.id();
        let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        text.split_ascii_whitespace().map(|pid| pid.parse().unwrap()).collect()
    }

    /// Nanoseconds on a core, of the shell and its child, as the scheduler counts them.
    fn on_core_ns(&self) -> u64 {
        let of = |pid: u32| -> u64 {
            let text = fs::read_to_string(format!("/proc/{pid}/schedstat")).unwrap();
            text.split_ascii_whitespace().next().unwrap().parse().unwrap()
        };
        of(self.0.id()) + self.children().into_iter().map(of).sum::<u64>()
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        for pid in self.children() {
            let _ = Command::new("kill").arg("-9").arg(pid.to_string()).status();
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Ticks not idle, of every core by itself.
fn busy_ticks() -> (u64, u64) {
    let stat = fs::read_to_string("/proc/stat").unwrap();
    let cores = stat.lines().filter(|line| line.starts_with("cpu") && !line.starts_with("cpu "));
    let (mut idle, mut total) = (0, 0);
    for core in cores {
        let ticks: Vec<u64> =
            core.split_ascii_whitespace().skip(1).take(8).map(|t| t.parse().unwrap()).collect();
        idle += ticks[3] + ticks[4];
        total += ticks.iter().sum::<u64>();
    }
    (total - idle, total)
}

fn is_told() -> bool {
    let told = Path::new("/proc/self/schedstat").exists() && Path::new("/proc/thread-self/children").exists();
    if !told {
        println!("skipped: this kernel does not count what the test compares with");
    }
    told
}

#[test]
fn processor_time_of_a_tree_and_of_the_machine_is_within_five_percent_of_the_kernels() {
    if !is_told() {
        return;
    }
    let spinner = Spinner::start();
    let watch = Stopwatch::start();
    let now_ns = || watch.elapsed().as_nanos() as u64;
    let cores = std::thread::available_parallelism().unwrap().get();
    let all_cores = fs::read_to_string("/proc/stat").unwrap();
    let machine_cores = all_cores.lines().filter(|line| line.starts_with("cpu")).count() - 1;
    assert!(machine_cores >= cores);

    let mut gauge = Gauge::new(now_ns()).unwrap();
    gauge.watch(spinner.0.id(), Role::Worker);
    let (mut last_ns, busy_from, on_core_from) = (now_ns(), busy_ticks(), spinner.on_core_ns());
    let (mut busy, mut tree, mut span) = (0.0, 0.0, 0.0);
    // Until it had two seconds on a core, or never on a machine that is too busy.
    while spinner.on_core_ns() - on_core_from < 2_000_000_000 {
        std::thread::sleep(Gauge::INTERVAL);
        let sample = gauge.sample(now_ns());
        let seconds = (sample.at_ns - last_ns) as f64 / 1e9;
        last_ns = sample.at_ns;
        span += seconds;
        busy += sample.cpu_percent * seconds;
        tree += sample.workers_cpu_percent * seconds;
        assert_eq!(sample.live_cpu_percent, 0.0);
        assert!(sample.cpu_percent + 10.0 >= sample.workers_cpu_percent, "{sample:?}");
    }
    let (busy_to, on_core_to) = (busy_ticks(), spinner.on_core_ns());

    let kernel_busy = 100.0 * (busy_to.0 - busy_from.0) as f64 / (busy_to.1 - busy_from.1) as f64;
    let kernel_tree = 100.0 * (on_core_to - on_core_from) as f64 / 1e9 / span / machine_cores as f64;
    let (busy, tree) = (busy / span, tree / span);
    println!("machine {busy:.2} % (kernel {kernel_busy:.2} %), tree {tree:.2} % (kernel {kernel_tree:.2} %)");
    assert!(
        (busy / kernel_busy - 1.0).abs() <= 0.05,
        "machine: {busy:.2} %, the kernel says {kernel_busy:.2} %"
    );
    assert!(
        (tree / kernel_tree - 1.0).abs() <= 0.05,
        "tree: {tree:.2} %, the kernel says {kernel_tree:.2} %"
    );
}

#[test]
fn a_role_is_inherited_and_a_watched_child_has_its_own() {
    if !is_told() {
        return;
    }
    let spinner = Spinner::start();
    let child = spinner.children()[0];
    let mut gauge = Gauge::new(0).unwrap();
    gauge.watch(spinner.0.id(), Role::Worker);
    gauge.watch(child, Role::Live);
    let (mut workers, mut live) = (0.0, 0.0);
    for step in 1..=1_000 {
        std::thread::sleep(Gauge::INTERVAL / 10);
        let sample = gauge.sample(step * 10_000_000);
        workers += sample.workers_cpu_percent;
        live += sample.live_cpu_percent;
        if live > 100.0 {
            break;
        }
    }
    assert!(live > 100.0 && workers < live / 10.0, "workers {workers}, live {live}");
    // What is not watched any longer does not count.
    gauge.forget(child);
    gauge.forget(spinner.0.id());
    let quiet = (1_001..1_020).map(|step| {
        std::thread::sleep(Gauge::INTERVAL / 10);
        gauge.sample(step * 10_000_000)
    });
    let last = quiet.last().unwrap();
    assert_eq!((last.workers_cpu_percent, last.live_cpu_percent), (0.0, 0.0));
}

#[test]
#[ignore = "a measurement: run with --ignored --nocapture"]
fn what_a_sample_costs() {
    let mut gauge = Gauge::new(0).unwrap();
    let _others = [Spinner::start(), Spinner::start()].map(|spinner| {
        gauge.watch(spinner.0.id(), Role::Worker);
        spinner
    });
    let watch = Stopwatch::start();
    for step in 1..=1_000 {
        std::hint::black_box(gauge.sample(step * 100_000_000));
    }
    println!("{:?} per sample: {:?}", watch.elapsed() / 1_000, gauge.sample(200_000_000_000));
}
