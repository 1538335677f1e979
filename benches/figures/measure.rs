//! Measuring: medians of repeated runs on one core, and the lines that are printed.

pub use barhive::bench::{median, timed};

/// Prints figures, those that were asked for.
pub struct Figures {
    filter: Option<String>,
    printed: usize,
}

impl Figures {
    pub fn new(filter: Option<String>) -> Self {
        Self { filter, printed: 0 }
    }

    /// Whether a figure (or one of several that are measured together) was asked for.
    pub fn wants(&self, names: &[&str]) -> bool {
        self.filter.as_ref().is_none_or(|filter| names.iter().any(|name| name.contains(filter.as_str())))
    }

    /// Prints a figure.
    pub fn print(&mut self, name: &str, value: f64, unit: &str) {
        let digits = if value.abs() < 10.0 {
            3
        } else if value.abs() < 1000.0 {
            2
        } else {
            0
        };
        println!("FIGURE {name} {value:.digits$} {unit}");
        self.printed += 1;
    }

    /// Ends the run; a name that matches nothing is a mistake.
    pub fn finish(self) {
        if self.printed == 0 {
            eprintln!("no figure is named so");
            std::process::exit(2);
        }
    }
}

/// Pins this process to the first core that it may use.
pub fn pin_to_one_core() {
    let allowed = rustix::thread::sched_getaffinity(None).expect("the kernel tells the allowed cores");
    let first = (0..rustix::thread::CpuSet::MAX_CPU).find(|core| allowed.is_set(*core)).unwrap_or(0);
    let mut one = rustix::thread::CpuSet::new();
    one.set(first);
    rustix::thread::sched_setaffinity(None, &one).expect("a process may give up cores");
}

/// Gives this thread all cores back that the process may use; answers how many they are.
pub fn unpin() -> usize {
    let mut all = rustix::thread::CpuSet::new();
    (0..rustix::thread::CpuSet::MAX_CPU).for_each(|core| all.set(core));
    rustix::thread::sched_setaffinity(None, &all).expect("the kernel takes those that there are");
    let allowed = rustix::thread::sched_getaffinity(None).expect("the kernel tells the allowed cores");
    (0..rustix::thread::CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).count()
}

/// The median of `runs` durations, in nanoseconds; one run before them warms up.
pub fn median_ns(runs: usize, mut work: impl FnMut()) -> f64 {
    work();
    median((0..runs).map(|_| timed(&mut work).0.as_nanos() as f64).collect())
}

/// The medians of two kinds of work run in turns, in nanoseconds: what disturbs one disturbs both.
pub fn paired_median_ns(runs: usize, mut one: impl FnMut(), mut other: impl FnMut()) -> (f64, f64) {
    one();
    other();
    let mut times = (Vec::with_capacity(runs), Vec::with_capacity(runs));
    for _ in 0..runs {
        times.0.push(timed(&mut one).0.as_nanos() as f64);
        times.1.push(timed(&mut other).0.as_nanos() as f64);
    }
    (median(times.0), median(times.1))
}
