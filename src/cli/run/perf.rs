//! `perf.json`: what a run took, part by part. It says how a result came about and is none.

use std::{path::Path, time::Duration};

use barhive_actors::{PartTimes, run_usage::ResourceSummary};
use barhive_engine::{
    bus::PoolUse,
    result::{RunResult, TopicCounters},
};
use barhive_report::store::write_whole;
use serde::{Deserialize, Serialize};

use crate::cli::outcome::CliError;

/// In the folder of a run.
pub(in crate::cli) const PERF: &str = "perf.json";

/// What a run took.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(in crate::cli) struct RunPerf {
    /// Version of the program.
    pub(in crate::cli) version: String,
    /// By the wall clock, set-up included.
    pub(in crate::cli) elapsed_s: f64,
    /// Accounts that were stepped.
    pub(in crate::cli) containers: u64,
    /// Bars read, over all series.
    pub(in crate::cli) rows: u64,
    /// Bars per second.
    pub(in crate::cli) rows_per_s: f64,
    /// Events that went through queues.
    pub(in crate::cli) events: u64,
    /// Those per second.
    pub(in crate::cli) events_per_s: f64,
    /// What it used of the machine.
    pub(in crate::cli) resources: ResourceSummary,
    /// How long each part worked on a frame.
    pub(in crate::cli) parts: Vec<PartTimes>,
    /// Frames that were used again.
    pub(in crate::cli) frame_pool: PoolUse,
    /// The same as a share.
    pub(in crate::cli) frame_pool_hit_rate: f64,
    /// The queues between the parts.
    pub(in crate::cli) queues: Vec<TopicCounters>,
}

impl RunPerf {
    pub(super) fn new(
        result: &RunResult,
        elapsed: Duration,
        resources: ResourceSummary,
        parts: Vec<PartTimes>,
        pool: PoolUse,
    ) -> Self {
        let elapsed_s = elapsed.as_secs_f64();
        let rows = result.series.iter().map(|series| series.rows).sum();
        let events = result.bus.iter().map(|queue| queue.events).sum();
        let per_s = |count: u64| if elapsed_s > 0.0 { count as f64 / elapsed_s } else { 0.0 };
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            elapsed_s,
            containers: result.accounts.len() as u64,
            rows,
            rows_per_s: per_s(rows),
            events,
            events_per_s: per_s(events),
            resources,
            parts,
            frame_pool: pool,
            frame_pool_hit_rate: pool.hit_rate(),
            queues: result.bus.clone(),
        }
    }

    /// Writes it into the run's folder, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write(&self, folder: &Path) -> Result<(), CliError> {
        let path = folder.join(PERF);
        let mut text =
            serde_json::to_vec_pretty(self).map_err(|error| CliError::Failed(error.to_string()))?;
        text.push(b'\n');
        write_whole(&path, &text)
            .map_err(|error| CliError::Failed(format!("cannot write {}: {error}", path.display())))
    }
}
