//! The runs that exist: at work, held in memory, or on their way out.

use std::collections::BTreeMap;

use barhive_engine::jobs::{Job, JobId, JobPriority, Lease};

use crate::{
    admission::WatchedRun,
    runner::{JobProgress, RunningJob},
};

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
    /// Its process, while it is watched.
    pub(crate) watched: Option<WatchedRun>,
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

    pub(crate) fn insert(
        &mut self,
        job: &Job,
        number: u64,
        lease: Lease,
        watched: Option<WatchedRun>,
        handle: Box<dyn RunningJob>,
    ) {
        let (memory_bytes, priority) = (job.request.resources.memory_bytes, job.request.priority);
        let doing = Doing::Work(lease);
        let run = Run { number, doing, progress: None, watched, handle, memory_bytes, priority };
        self.by_job.insert(job.id, run);
    }

    pub(crate) fn get(&self, job: JobId) -> Option<&Run> {
        self.by_job.get(&job)
    }

    /// The run of a job if it is this one.
    pub(crate) fn numbered(&mut self, job: JobId, number: u64) -> Option<&mut Run> {
        self.by_job.get_mut(&job).filter(|run| run.number == number)
    }

    pub(crate) fn remove(&mut self, job: JobId, number: u64) -> Option<Run> {
        self.numbered(job, number)?;
        self.by_job.remove(&job)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_job.is_empty()
    }

    pub(crate) fn held(&self) -> usize {
        self.by_job.values().filter(|run| run.doing == Doing::Held).count()
    }

    /// Processes of runs that are held.
    pub(crate) fn held_pids(&self) -> Vec<u32> {
        let held = self.by_job.values().filter(|run| run.doing == Doing::Held);
        held.filter_map(|run| Some(run.watched.as_ref()?.pid)).collect()
    }

    /// Lets all runs go that are held in memory.
    pub(crate) fn let_go(&mut self) {
        let held = self.by_job.iter().filter(|(_, run)| run.doing == Doing::Held);
        for job in held.map(|(job, _)| *job).collect::<Vec<_>>() {
            tracing::info!(%job, "gives its memory back: memory is short");
            self.stop(job);
        }
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

    /// Whether a new run of `job`, which asks for memory, has room beside all others: in what all together may
    /// ask for, and in the `memory_now` that is there. Lets those that are held go, the least urgent first, as
    /// far as that makes room.
    pub(crate) fn make_room(&mut self, job: &Job, memory_max: Option<u64>, memory_now: u64) -> bool {
        let asked = job.request.resources.memory_bytes;
        if asked > memory_now {
            // One by one: what it gives back is seen when it has ended.
            let is_leaving = self.by_job.values().any(|run| matches!(run.doing, Doing::Ending(_)));
            return !is_leaving && !self.let_least_go(job.id, |_| true);
        }
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
            if !self.let_least_go(job.id, |run| run.memory_bytes > 0) {
                break;
            }
        }
        // Room that somebody is about to leave is waited for.
        !self.by_job.values().any(|run| is_ending(run) && run.memory_bytes > 0)
    }

    /// Lets the least urgent of the runs go that are held and chosen; whether there is one.
    fn let_least_go(&mut self, room_for: JobId, is_chosen: fn(&Run) -> bool) -> bool {
        let held = self.by_job.iter().filter(|(_, run)| run.doing == Doing::Held && is_chosen(run));
        let least = held.min_by_key(|(id, run)| (run.priority, std::cmp::Reverse(**id)));
        let Some(id) = least.map(|(id, _)| *id) else { return false };
        tracing::info!(job = %id, "is let go of to make room for job {room_for}");
        self.stop(id);
        true
    }
}
