//! The runs that exist: at work, held in memory, or on their way out.

use std::collections::BTreeMap;

use barhive_engine::jobs::{Job, JobId, JobPriority, Lease};

use crate::runner::{JobProgress, RunningJob};

/// What a run is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    /// It works, by this right.
    Work(Lease),
    /// It is held in memory and nobody has a right to it.
    Held,
    /// It was told to end. Its right is still in force if the job waits for what it keeps.
    Ending(Option<Lease>),
}

/// A run of a job, from the start of its process to its end.
pub(crate) struct Run {
    /// Which of all runs of this server.
    pub(crate) number: u64,
    pub(crate) doing: Doing,
    pub(crate) progress: Option<JobProgress>,
    handle: Box<dyn RunningJob>,
    memory_bytes: u64,
    priority: JobPriority,
}

/// All runs, at most one of each job.
#[derive(Default)]
pub(crate) struct Runs {
    by_job: BTreeMap<JobId, Run>,
    started: u64,
}

impl Runs {
    /// The number of the run that is about to start.
    pub(crate) fn next_number(&mut self) -> u64 {
        self.started += 1;
        self.started
    }

    pub(crate) fn insert(&mut self, job: &Job, number: u64, lease: Lease, handle: Box<dyn RunningJob>) {
        let (memory_bytes, priority) = (job.request.resources.memory_bytes, job.request.priority);
        let doing = Doing::Work(lease);
        self.by_job.insert(job.id, Run { number, doing, progress: None, handle, memory_bytes, priority });
    }

    pub(crate) fn get(&self, job: JobId) -> Option<&Run> {
        self.by_job.get(&job)
    }

    /// The run of a job if it is this one.
    pub(crate) fn numbered(&mut self, job: JobId, number: u64) -> Option<&mut Run> {
        self.by_job.get_mut(&job).filter(|run| run.number == number)
    }

    pub(crate) fn remove(&mut self, job: JobId, number: u64) {
        if self.numbered(job, number).is_some() {
            self.by_job.remove(&job);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_job.is_empty()
    }

    pub(crate) fn held(&self) -> usize {
        self.by_job.values().filter(|run| run.doing == Doing::Held).count()
    }

    /// Holds a run that works. What cannot be held is stopped.
    pub(crate) fn hold(&mut self, job: JobId) {
        let Some(run) = self.by_job.get_mut(&job) else { return };
        let Doing::Work(_) = run.doing else { return };
        match run.handle.pause() {
            Ok(()) => run.doing = Doing::Held,
            Err(why) => {
                tracing::warn!(%job, "cannot be held, is stopped instead: {why}");
                run.handle.stop();
                run.doing = Doing::Ending(None);
            }
        }
    }

    /// Lets a run that is held go on by a new right; whether it does.
    pub(crate) fn go_on(&mut self, job: JobId, lease: Lease) -> bool {
        let Some(run) = self.by_job.get_mut(&job) else { return false };
        if run.doing != Doing::Held {
            return false;
        }
        match run.handle.resume() {
            Ok(()) => {
                run.doing = Doing::Work(lease);
                true
            }
            Err(why) => {
                tracing::warn!(%job, "cannot go on, is stopped and started anew: {why}");
                run.handle.stop();
                run.doing = Doing::Ending(None);
                false
            }
        }
    }

    /// Tells a run to keep what it has and end; its right, if it has one, stays until it has.
    pub(crate) fn stop(&mut self, job: JobId) {
        let Some(run) = self.by_job.get_mut(&job) else { return };
        run.doing = match run.doing {
            Doing::Work(lease) => Doing::Ending(Some(lease)),
            Doing::Held => Doing::Ending(None),
            Doing::Ending(_) => return,
        };
        run.handle.stop();
    }

    /// Tells a run whose right is gone to end.
    pub(crate) fn dismiss(&mut self, job: JobId) {
        self.stop(job);
        if let Some(run) = self.by_job.get_mut(&job) {
            run.doing = Doing::Ending(None);
        }
    }

    pub(crate) fn stop_all(&mut self) {
        for job in self.by_job.keys().copied().collect::<Vec<_>>() {
            self.stop(job);
        }
    }

    pub(crate) fn kill_all(&mut self) {
        self.by_job.values_mut().for_each(|run| run.handle.kill());
    }

    /// Whether a new run of `job`, which asks for memory, has room beside all others; lets those that are
    /// held go, the least urgent first, as far as that makes room.
    pub(crate) fn make_room(&mut self, job: &Job, memory_max: Option<u64>) -> bool {
        let asked = job.request.resources.memory_bytes;
        let (Some(memory_max), true) = (memory_max, asked > 0) else { return true };
        let taken = |runs: &BTreeMap<JobId, Run>, counts: fn(&Run) -> bool| -> u64 {
            runs.values().filter(|run| counts(run)).map(|run| run.memory_bytes).sum()
        };
        if taken(&self.by_job, |_| true).saturating_add(asked) <= memory_max {
            return true;
        }
        let is_ending = |run: &Run| matches!(run.doing, Doing::Ending(_));
        while taken(&self.by_job, |run| !matches!(run.doing, Doing::Ending(_))).saturating_add(asked)
            > memory_max
        {
            let held = self.by_job.iter().filter(|(_, run)| run.doing == Doing::Held && run.memory_bytes > 0);
            let Some(least) = held.min_by_key(|(id, run)| (run.priority, std::cmp::Reverse(**id))) else {
                break;
            };
            let id = *least.0;
            tracing::info!(job = %id, "is let go of to make room for job {}", job.id);
            self.stop(id);
        }
        // Room that somebody is about to leave is waited for.
        !self.by_job.values().any(|run| is_ending(run) && run.memory_bytes > 0)
    }
}
