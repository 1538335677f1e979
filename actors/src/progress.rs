//! How far a run has come: counters that anybody may look at while it works.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use serde::Serialize;

/// Rows done by each shard, and rows in all.
#[derive(Debug, Default)]
pub struct Progress {
    rows_total: AtomicU64,
    shards: OnceLock<Box<[AtomicU64]>>,
    restarts: AtomicU64,
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Rows that every shard is done with.
    pub rows_done: u64,
    /// Rows in all; 0 while it is not known.
    pub rows_total: u64,
    /// Containers that failed and were rerun.
    pub restarts: u64,
}

impl Progress {
    /// How far the run has come.
    pub fn status(&self) -> Status {
        let shards = self.shards.get().map_or(&[][..], |shards| shards);
        Status {
            rows_done: shards.iter().map(|rows| rows.load(Relaxed)).min().unwrap_or(0),
            rows_total: self.rows_total.load(Relaxed),
            restarts: self.restarts.load(Relaxed),
        }
    }

    pub(crate) fn begin(&self, shards: usize, rows_total: u64) {
        self.rows_total.store(rows_total, Relaxed);
        // A progress that is used for a second run keeps the first one's shards: counts may then be
        // off, results are not.
        let _ = self.shards.set((0..shards).map(|_| AtomicU64::new(0)).collect());
    }

    pub(crate) fn rows(&self, shard: usize, rows: u64) {
        if let Some(done) = self.shards.get().and_then(|shards| shards.get(shard)) {
            done.fetch_add(rows, Relaxed);
        }
    }

    pub(crate) fn restarted(&self) {
        self.restarts.fetch_add(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_shard_says_how_far_the_run_is() {
        let progress = Progress::default();
        assert_eq!(progress.status(), Status::default());
        progress.begin(2, 100);
        progress.rows(0, 50);
        progress.rows(1, 20);
        progress.restarted();
        assert_eq!(progress.status(), Status { rows_done: 20, rows_total: 100, restarts: 1 });
    }
}
