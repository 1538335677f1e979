//! How far a sweep has come: numbers that anybody may look at while it works.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use barhive_engine::sweep::{Lease, VariantRange};
use serde::Serialize;

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
    rows_per_variant: Option<u64>,
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
    /// What is done as a fraction of what is to be done, passes under way counted in part.
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
        let elapsed = inner.started.map_or(Duration::ZERO, Stopwatch::elapsed).as_secs_f64();
        let in_hand: f64 = inner
            .workers
            .iter()
            .map(|worker| worker.range.map_or(0.0, |range| range.len() as f64) * worker.fraction)
            .sum();
        let reached = inner.done as f64 + in_hand;
        let fraction = if inner.total > 0 { (reached / inner.total as f64).min(1.0) } else { 1.0 };
        let per_s = if elapsed > 0.0 { reached / elapsed } else { 0.0 };
        SweepStatus {
            total: inner.total,
            done: inner.done,
            failed: inner.failed,
            done_before: inner.before,
            fraction,
            elapsed_s: elapsed,
            remaining_s: (per_s > 0.0).then(|| (inner.total as f64 - reached).max(0.0) / per_s),
            per_s,
            workers: inner.workers.clone(),
        }
    }

    pub(super) fn begin(&self, total: u64, before: u64, workers: usize, rows_per_variant: Option<u64>) {
        *self.lock() = Inner {
            started: Some(Stopwatch::start()),
            total,
            before,
            rows_per_variant,
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
        let Some(rows_per_variant) = inner.rows_per_variant else { return };
        let worker = &mut inner.workers[worker];
        let variants = worker.range.map_or(0, |range| range.len());
        worker.fraction = (rows as f64 / (rows_per_variant as f64 * variants.max(1) as f64)).min(1.0);
    }

    pub(super) fn done(&self, worker: usize, variants: u64, failed: u64) {
        let mut inner = self.lock();
        inner.done += variants;
        inner.failed += failed;
        let worker = &mut inner.workers[worker];
        worker.range = None;
        worker.fraction = 0.0;
        worker.done += variants;
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
