//! Counters: how long things take, how many there are, how much they use.
//!
//! Every value is kept in a histogram: recording one takes tens of nanoseconds and neither locks nor allocates, so
//! that it may stand in the path that it measures.

mod histogram;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::histogram::Histogram;
use crate::clock::Stopwatch;

/// What a counter counts; it says in which unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CounterKind {
    /// How long a piece of work takes, in nanoseconds.
    Timing,
    /// How many things are done at a time; their sum over time is the throughput.
    Throughput,
    /// How long something waits until it is dealt with, in nanoseconds.
    Latency,
    /// How much of a resource is in use, in bytes.
    Resource,
    /// Whatever its name says.
    #[default]
    Custom,
}

/// Counts values of one kind, from any number of threads.
///
/// ```
/// use std::time::Duration;
///
/// use barhive_machine::counters::{Counter, CounterKind};
///
/// let rounds = Counter::new("rounds", CounterKind::Timing);
/// for _ in 0..100 {
///     let _timer = rounds.start(); // records when it is dropped
/// }
/// rounds.record_time(Duration::from_millis(150));
/// let summary = rounds.summary();
/// assert_eq!((summary.count, summary.max), (101, 150_000_000));
/// assert!(summary.p50 <= summary.p90 && summary.p999 <= summary.max);
///
/// let rows = Counter::new("rows", CounterKind::Throughput);
/// rows.record(1_024);
/// assert_eq!(rows.summary().sum, 1_024);
/// ```
#[derive(Debug)]
pub struct Counter {
    name: String,
    kind: CounterKind,
    values: Histogram,
    since: Stopwatch,
}

impl Counter {
    /// A counter that has counted nothing. It takes 15 KB.
    pub fn new(name: impl Into<String>, kind: CounterKind) -> Self {
        Self { name: name.into(), kind, values: Histogram::new(), since: Stopwatch::start() }
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Counts a value, in the unit of its kind.
    pub fn record(&self, value: u64) {
        self.values.record(value);
    }

    /// Counts a time.
    pub fn record_time(&self, time: Duration) {
        self.record(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Measures from now until the timer is dropped or stopped.
    pub fn start(&self) -> Timer<'_> {
        Timer { counter: Some(self), watch: Stopwatch::start() }
    }

    /// What it has counted so far.
    pub fn summary(&self) -> CounterSummary {
        let (count, [p50, p90, p95, p99, p999]) = self.values.percentiles([0.5, 0.9, 0.95, 0.99, 0.999]);
        let (sum, max) = (self.values.sum(), self.values.max());
        let over_s = self.since.elapsed().as_secs_f64();
        let mean = if count == 0 { 0.0 } else { sum as f64 / count as f64 };
        let (name, kind) = (self.name.clone(), self.kind);
        CounterSummary { name, kind, count, sum, mean, p50, p90, p95, p99, p999, max, over_s }
    }
}

/// Measures a piece of work; what it took is counted when this is dropped.
#[derive(Debug)]
pub struct Timer<'c> {
    counter: Option<&'c Counter>,
    watch: Stopwatch,
}

impl Timer<'_> {
    /// Counts now, and answers what it took.
    pub fn stop(mut self) -> Duration {
        let time = self.watch.elapsed();
        if let Some(counter) = self.counter.take() {
            counter.record_time(time);
        }
        time
    }

    /// Counts nothing: the work was not done.
    pub fn forget(mut self) {
        self.counter = None;
    }
}

impl Drop for Timer<'_> {
    fn drop(&mut self) {
        if let Some(counter) = self.counter.take() {
            counter.record_time(self.watch.elapsed());
        }
    }
}

/// What a counter has counted, in the unit of its kind. A percentile is exact below 32 and else at most 1/32 too high.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CounterSummary {
    /// What the counter is called.
    pub name: String,
    /// What it counts.
    pub kind: CounterKind,
    /// How many values.
    pub count: u64,
    /// All of them added up.
    pub sum: u64,
    /// Their mean; 0 where there is none.
    pub mean: f64,
    /// What half of them do not exceed.
    pub p50: u64,
    /// What 90 % of them do not exceed.
    pub p90: u64,
    /// What 95 % of them do not exceed.
    pub p95: u64,
    /// What 99 % of them do not exceed.
    pub p99: u64,
    /// What 99.9 % of them do not exceed.
    pub p999: u64,
    /// The highest.
    pub max: u64,
    /// Over how many seconds they were counted.
    pub over_s: f64,
}

impl CounterSummary {
    /// Values per second; things per second of a throughput.
    pub fn per_s(&self) -> f64 {
        let things = if self.kind == CounterKind::Throughput { self.sum } else { self.count };
        if self.over_s > 0.0 { things as f64 / self.over_s } else { 0.0 }
    }

    /// Whether its values are times, in nanoseconds.
    pub fn is_time(&self) -> bool {
        matches!(self.kind, CounterKind::Timing | CounterKind::Latency)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn values_of_many_threads_are_all_counted() {
        let counter = Counter::new("values", CounterKind::Custom);
        thread::scope(|scope| {
            for thread in 0..4u64 {
                let counter = &counter;
                scope.spawn(move || (0..10_000).for_each(|value| counter.record(value * 4 + thread)));
            }
        });
        let summary = counter.summary();
        assert_eq!((summary.count, summary.sum, summary.max), (40_000, (0..40_000).sum(), 39_999));
        assert!((19_999..=20_625).contains(&summary.p50), "{summary:?}");
    }

    #[test]
    fn a_timer_counts_once_and_one_that_is_forgotten_does_not() {
        let counter = Counter::new("work", CounterKind::Timing);
        drop(counter.start());
        let took = counter.start().stop();
        counter.start().forget();
        let summary = counter.summary();
        assert_eq!(summary.count, 2);
        assert!(u128::from(summary.max) >= took.as_nanos() && summary.is_time());
    }

    #[test]
    fn a_throughput_is_what_was_done_in_a_second() {
        let counter = Counter::new("rows", CounterKind::Throughput);
        counter.record(300);
        counter.record(700);
        let summary = CounterSummary { over_s: 2.0, ..counter.summary() };
        assert_eq!(summary.per_s(), 500.0);
        assert_eq!(CounterSummary { kind: CounterKind::Custom, ..summary }.per_s(), 1.0);
    }
}
