//! How far a sweep has come: numbers that anybody may look at while it works.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use barhive_engine::sweep::{Lease, VariantRange, VariantSet};
use serde::Serialize;

use super::expected::Expected;
use crate::clock::Stopwatch;

/// How far a sweep has come, and how long it will take.
#[derive(Debug, Default)]
pub struct SweepProgress(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    started: Option<Stopwatch>,
    total: u64,
    before: u64,
    done: u64,
    failed: u64,
    /// Rows that all variants to be run will see, each counted, and how many of them those that are done
    /// have seen.
    rows: f64,
    rows_done: f64,
    expected: Expected,
    workers: Vec<WorkerStatus>,
}

/// A look at a sweep.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SweepStatus {
    /// Variants that are to be run, those of earlier runs not counted.
    pub total: u64,
    /// Variants that have results, or have failed for good.
    pub done: u64,
    /// Those that have failed.
    pub failed: u64,
    /// Variants that an earlier run had done already.
    pub done_before: u64,
    /// What is done as a fraction of what is to be done, in rows that variants see, passes under way
    /// counted in part.
    pub fraction: f64,
    /// Since the start.
    pub elapsed_s: f64,
    /// Until the end at the rate so far; `None` before anything is known.
    pub remaining_s: Option<f64>,
    /// Backtests per second.
    pub per_s: f64,
    /// What each worker does.
    pub workers: Vec<WorkerStatus>,
}

/// What a worker does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct WorkerStatus {
    /// The variants that it has in hand.
    pub range: Option<VariantRange>,
    /// How far it has come with them.
    pub fraction: f64,
    /// Variants that it has done.
    pub done: u64,
    /// How often it was replaced.
    pub restarts: u64,
}

impl SweepProgress {
    /// How far the sweep has come.
    pub fn status(&self) -> SweepStatus {
        let inner = self.lock();
        inner.status(inner.started.map_or(Duration::ZERO, Stopwatch::elapsed).as_secs_f64())
    }

    pub(super) fn begin(&self, left: &VariantSet, before: u64, workers: usize, expected: Expected) {
        *self.lock() = Inner {
            started: Some(Stopwatch::start()),
            total: left.len(),
            before,
            rows: left.ranges().iter().map(|range| expected.weight(*range)).sum(),
            expected,
            workers: vec![WorkerStatus::default(); workers],
            ..Inner::default()
        };
    }

    pub(super) fn took(&self, worker: usize, lease: &Lease) {
        let worker = &mut self.lock().workers[worker];
        worker.range = Some(lease.range);
        worker.fraction = 0.0;
    }

    /// A worker has fed its variants so many rows, each variant counted.
    pub(super) fn fed(&self, worker: usize, rows: u64) {
        let mut inner = self.lock();
        // Of a sweep that has not begun, as of workers that are only looked at, nobody asks how far it is.
        let Some(range) = inner.workers.get(worker).and_then(|worker| worker.range) else { return };
        let Some(of_pass) = inner.expected.rows_of_pass(range) else { return };
        inner.workers[worker].fraction = (rows as f64 / (of_pass as f64 * range.len() as f64)).min(1.0);
    }

    pub(super) fn done(&self, worker: usize, range: VariantRange, failed: u64) {
        let mut inner = self.lock();
        inner.done += range.len();
        inner.rows_done += inner.expected.weight(range);
        inner.failed += failed;
        let worker = &mut inner.workers[worker];
        worker.range = None;
        worker.fraction = 0.0;
        worker.done += range.len();
    }

    pub(super) fn lost(&self, worker: usize) {
        let worker = &mut self.lock().workers[worker];
        worker.range = None;
        worker.fraction = 0.0;
        worker.restarts += 1;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn status(&self, elapsed_s: f64) -> SweepStatus {
        let in_hand = |measure: &dyn Fn(VariantRange) -> f64| -> f64 {
            let parts = self.workers.iter().map(|worker| worker.range.map_or(0.0, measure) * worker.fraction);
            parts.sum()
        };
        let reached = self.done as f64 + in_hand(&|range| range.len() as f64);
        let rows = self.rows_done + in_hand(&|range| self.expected.weight(range));
        let fraction = if self.rows > 0.0 { (rows / self.rows).min(1.0) } else { 1.0 };
        SweepStatus {
            total: self.total,
            done: self.done,
            failed: self.failed,
            done_before: self.before,
            fraction,
            elapsed_s,
            remaining_s: (fraction > 0.0 && elapsed_s > 0.0).then(|| elapsed_s * (1.0 - fraction) / fraction),
            per_s: if elapsed_s > 0.0 { reached / elapsed_s } else { 0.0 },
            workers: self.workers.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sequence of numbers from 0 to 1.
    struct Numbers(u64);

    impl Numbers {
        fn next(&mut self) -> f64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 11) as f64 / (1u64 << 53) as f64
        }
    }

    /// Replays a sweep of passes that take so long, by workers that take one when they are free; answers
    /// the worst error of the predicted end after a fifth of the time, as a fraction of the truth.
    fn worst_error(passes: &[(VariantRange, f64)], expected: Expected, workers: usize) -> f64 {
        let progress = SweepProgress::default();
        let all = VariantRange { start: 0, end: passes.last().map_or(0, |(range, _)| range.end) };
        progress.begin(&VariantSet::from(all), 0, workers, expected);
        let mut left = passes.iter().copied().enumerate();
        // When each worker took its pass and when it will be done.
        let mut hands: Vec<Option<(VariantRange, f64, f64)>> = vec![None; workers];
        let mut now = 0.0;
        let mut said: Vec<(f64, f64)> = Vec::new();
        loop {
            for (worker, hand) in hands.iter_mut().enumerate() {
                if hand.is_none()
                    && let Some((id, (range, took_s))) = left.next()
                {
                    progress.took(worker, &Lease { id: id as u64, range, failures: 0 });
                    *hand = Some((range, now, now + took_s));
                }
            }
            let at_work = hands.iter().enumerate().filter_map(|(worker, hand)| Some((worker, (*hand)?)));
            let Some((worker, (range, _, end))) = at_work.min_by(|a, b| a.1.2.total_cmp(&b.1.2)) else {
                break;
            };
            now = end;
            hands[worker] = None;
            progress.done(worker, range, 0);
            for (worker, hand) in hands.iter().enumerate() {
                if let Some((range, began, end)) = hand {
                    let rows = progress.lock().expected.rows_of_pass(*range).unwrap_or(1) * range.len();
                    progress.fed(worker, (rows as f64 * (now - began) / (end - began)) as u64);
                }
            }
            let status = progress.lock().status(now);
            said.push((now, now + status.remaining_s.expect("known")));
        }
        let late = said.iter().filter(|(at, _)| *at >= now * 0.2);
        late.map(|(_, predicted)| (predicted - now).abs() / now).fold(0.0, f64::max)
    }

    /// Passes of a variant whose time is that of its rows, more or less by up to half.
    fn passes(stretches: &[(u64, u64)], numbers: &mut Numbers) -> Vec<(VariantRange, f64)> {
        let expected = Expected::of_stretches(stretches);
        let total: u64 = stretches.iter().map(|(variants, _)| variants).sum();
        let ranges = (0..total).map(|start| VariantRange { start, end: start + 1 });
        ranges.map(|range| (range, expected.weight(range) * (0.5 + numbers.next()) / 1e6)).collect()
    }

    #[test]
    fn nine_ends_of_ten_are_told_within_a_tenth_after_a_fifth_of_the_time() {
        let mut numbers = Numbers(7);
        for stretches in [&[(1_000, 5_000)][..], &[(100, 60), (300, 6_000), (600, 60_000)]] {
            let mut errors: Vec<f64> = (0..100)
                .map(|_| worst_error(&passes(stretches, &mut numbers), Expected::of_stretches(stretches), 2))
                .collect();
            errors.sort_by(f64::total_cmp);
            assert!(errors[89] <= 0.1, "{:?}: {:?}", stretches, &errors[80..]);
        }
    }
}
