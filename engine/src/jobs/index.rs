//! The orders in which jobs are asked for: each a sorted set that follows from the jobs alone.

use std::{cmp::Reverse, collections::BTreeSet};

use super::{Job, JobId, JobPriority, JobState, PausedBy, QueueOptions, Resources, Standing};

/// A waiting job's place: standing, then deadline (none is after all), then order of submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    standing: Reverse<Standing>,
    deadline_ns: i64,
    pub(super) job: JobId,
}

impl Place {
    fn of(job: &Job) -> Self {
        let deadline_ns = job.request.deadline_ns.filter(|_| job.standing != Standing::First);
        let deadline_ns = deadline_ns.unwrap_or(i64::MAX);
        Self { standing: Reverse(job.standing), deadline_ns, job: job.id }
    }
}

/// Sorted sets over the jobs, and sums.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Index {
    /// Queued jobs in the order in which they are handed out.
    pub(super) waiting: BTreeSet<Place>,
    /// Queued jobs by when they rise.
    pub(super) rising: BTreeSet<(i64, JobId)>,
    /// Jobs that have not ended, by deadline.
    pub(super) deadlines: BTreeSet<(i64, JobId)>,
    /// Running jobs by when their attempt will have taken too long.
    pub(super) timeouts: BTreeSet<(i64, JobId)>,
    /// Running jobs in the order in which they yield: the least urgent, the latest started first.
    pub(super) running: BTreeSet<(JobPriority, Reverse<i64>, Reverse<JobId>)>,
    /// Jobs that are paused for the load, in the order in which they are resumed.
    pub(super) shed: BTreeSet<(Reverse<JobPriority>, JobId)>,
    /// Ended jobs in the order in which they are forgotten.
    pub(super) ended: BTreeSet<(i64, JobId)>,
    /// Paused jobs, whoever holds them.
    pub(super) paused: usize,
    /// Jobs of each priority that have not ended.
    open: [u32; JobPriority::ALL.len()],
    /// What running jobs asked for: bytes and workers, wide enough for any sum.
    in_use: (u128, u64),
}

impl Index {
    pub(super) fn insert(&mut self, job: &Job, options: &QueueOptions) {
        if job.state.is_ended() {
            self.ended.insert((job.state_since_ns, job.id));
            return;
        }
        self.open[job.request.priority as usize] += 1;
        if let Some(deadline_ns) = job.request.deadline_ns {
            self.deadlines.insert((deadline_ns, job.id));
        }
        match job.state {
            JobState::Queued => {
                self.waiting.insert(Place::of(job));
                self.rising.extend(rising(job, options));
            }
            JobState::Running => {
                self.running.insert(yields(job));
                self.timeouts.extend(job.times_out_ns().map(|at_ns| (at_ns, job.id)));
                self.in_use.0 += u128::from(job.resources().memory_bytes);
                self.in_use.1 += u64::from(job.resources().workers);
            }
            _ => {
                self.paused += 1;
                self.shed.extend(shed(job));
            }
        }
    }

    /// Takes out what [`insert`](Self::insert) put in for the job as it is now.
    pub(super) fn remove(&mut self, job: &Job, options: &QueueOptions) {
        if job.state.is_ended() {
            self.ended.remove(&(job.state_since_ns, job.id));
            return;
        }
        self.open[job.request.priority as usize] -= 1;
        if let Some(deadline_ns) = job.request.deadline_ns {
            self.deadlines.remove(&(deadline_ns, job.id));
        }
        match job.state {
            JobState::Queued => {
                self.waiting.remove(&Place::of(job));
                rising(job, options).map(|entry| self.rising.remove(&entry));
            }
            JobState::Running => {
                self.running.remove(&yields(job));
                job.times_out_ns().map(|at_ns| self.timeouts.remove(&(at_ns, job.id)));
                self.in_use.0 -= u128::from(job.resources().memory_bytes);
                self.in_use.1 -= u64::from(job.resources().workers);
            }
            _ => {
                self.paused -= 1;
                shed(job).map(|entry| self.shed.remove(&entry));
            }
        }
    }

    /// What running jobs asked for.
    pub(super) fn in_use(&self) -> Resources {
        let (memory_bytes, workers) = self.in_use;
        Resources::new(memory_bytes.try_into().unwrap_or(u64::MAX), workers.try_into().unwrap_or(u32::MAX))
    }

    /// Jobs of a priority that have not ended.
    pub(super) fn open(&self, priority: JobPriority) -> u32 {
        self.open[priority as usize]
    }

    /// Jobs that have not ended.
    pub(super) fn open_total(&self) -> u32 {
        self.open.iter().sum()
    }
}

fn rising(job: &Job, options: &QueueOptions) -> Option<(i64, JobId)> {
    options.rises_ns(job.standing, job.standing_since_ns).map(|at_ns| (at_ns, job.id))
}

fn yields(job: &Job) -> (JobPriority, Reverse<i64>, Reverse<JobId>) {
    (job.request.priority, Reverse(job.state_since_ns), Reverse(job.id))
}

fn shed(job: &Job) -> Option<(Reverse<JobPriority>, JobId)> {
    (job.paused_by == Some(PausedBy::Load)).then_some((Reverse(job.request.priority), job.id))
}
