//! What the queue has done so far, in numbers.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Change, Job, JobQueue};
use crate::time::{NS_PER_HOUR, NS_PER_MINUTE};

/// Minutes that the rate of completion looks back.
const RATE_MINUTES: i64 = 60;

/// Sums over all events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Totals {
    submitted: u64,
    completed: u64,
    failed: u64,
    cancelled: u64,
    timed_out: u64,
    retried: u64,
    first_starts: u64,
    first_waits_ns: i64,
    completed_running_ns: i64,
    first_submitted_ns: Option<i64>,
    /// Completed jobs by minute since 1970, the latest [`RATE_MINUTES`].
    minutes: VecDeque<(i64, u64)>,
}

/// What the queue has done and is doing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct QueueStatistics {
    /// Jobs that were taken in.
    pub submitted: u64,
    /// Jobs that ended as COMPLETED.
    pub completed: u64,
    /// Jobs that ended as FAILED: attempts that were retried do not count.
    pub failed: u64,
    /// Jobs that ended as CANCELLED.
    pub cancelled: u64,
    /// Jobs that ended as TIMEOUT: attempts that were retried do not count.
    pub timed_out: u64,
    /// Attempts that failed or took too long and were retried.
    pub retried: u64,
    /// Jobs that wait now.
    pub queued: u64,
    /// Jobs that are paused now.
    pub paused: u64,
    /// Jobs that run now.
    pub running: u64,
    /// Mean time that jobs had waited when they started for the first time, without pauses, in
    /// nanoseconds; `None` before any did.
    pub queue_time_mean_ns: Option<i64>,
    /// Mean time that completed jobs had run, over all their attempts and without pauses, in nanoseconds;
    /// `None` before any did.
    pub execution_time_mean_ns: Option<i64>,
    /// Jobs completed per hour: in this minute and the 59 before it, or since the first job was submitted if that is
    /// later.
    pub jobs_per_hour: f64,
    /// Completed jobs of those that completed, failed or timed out, 0 to 1: what was called off says nothing
    /// about the machine. `None` before any did.
    pub efficiency: Option<f64>,
}

impl Totals {
    /// Counts a change that `job` has gone through.
    pub(super) fn count(&mut self, job: &Job, at_ns: i64, change: &Change) {
        match change {
            Change::Submitted { .. } => {
                self.submitted += 1;
                self.first_submitted_ns.get_or_insert(at_ns);
            }
            Change::Started { start: 1, .. } => {
                self.first_starts += 1;
                self.first_waits_ns = self.first_waits_ns.saturating_add(job.queued_ns);
            }
            Change::Completed => {
                self.completed += 1;
                self.completed_running_ns = self.completed_running_ns.saturating_add(job.running_ns);
                self.count_minute(at_ns.div_euclid(NS_PER_MINUTE));
            }
            Change::Failed { .. } => self.failed += 1,
            Change::TimedOut { .. } => self.timed_out += 1,
            Change::Cancelled { .. } => self.cancelled += 1,
            Change::Retried { .. } => self.retried += 1,
            Change::Started { .. }
            | Change::Promoted { .. }
            | Change::GivenBack { .. }
            | Change::Paused { .. }
            | Change::Resumed { .. } => {}
        }
    }

    fn count_minute(&mut self, minute: i64) {
        match self.minutes.back_mut() {
            Some((last, count)) if *last == minute => *count += 1,
            _ => self.minutes.push_back((minute, 1)),
        }
        while self.minutes.front().is_some_and(|(first, _)| *first <= minute - RATE_MINUTES) {
            self.minutes.pop_front();
        }
    }

    fn jobs_per_hour(&self, now_ns: i64) -> f64 {
        let Some(first_submitted_ns) = self.first_submitted_ns else { return 0.0 };
        let first_minute = now_ns.div_euclid(NS_PER_MINUTE) - RATE_MINUTES + 1;
        let since_ns = first_minute.saturating_mul(NS_PER_MINUTE).max(first_submitted_ns);
        let counted = self.minutes.iter().filter(|(minute, _)| *minute >= first_minute);
        let completed: u64 = counted.map(|(_, count)| count).sum();
        match now_ns.saturating_sub(since_ns) {
            ..=0 => 0.0,
            span_ns => completed as f64 * (NS_PER_HOUR as f64 / span_ns as f64),
        }
    }
}

impl JobQueue {
    /// What the queue has done and is doing.
    pub fn statistics(&self, now_ns: i64) -> QueueStatistics {
        let totals = &self.totals;
        let mean = |sum_ns: i64, count: u64| (count > 0).then(|| sum_ns / count as i64);
        let tried = totals.completed + totals.failed + totals.timed_out;
        QueueStatistics {
            submitted: totals.submitted,
            completed: totals.completed,
            failed: totals.failed,
            cancelled: totals.cancelled,
            timed_out: totals.timed_out,
            retried: totals.retried,
            queued: self.index.waiting.len() as u64,
            paused: self.index.paused as u64,
            running: self.index.running.len() as u64,
            queue_time_mean_ns: mean(totals.first_waits_ns, totals.first_starts),
            execution_time_mean_ns: mean(totals.completed_running_ns, totals.completed),
            jobs_per_hour: totals.jobs_per_hour(now_ns.max(self.last_ns)),
            efficiency: (tried > 0).then(|| totals.completed as f64 / tried as f64),
        }
    }
}
