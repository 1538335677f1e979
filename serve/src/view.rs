//! What is told about jobs and the server.

use std::path::PathBuf;

use barhive_engine::jobs::{Job, JobId, PausedBy, QueueStatistics, Refusal, Resources};
use barhive_machine::{MachineStatus, counters::CounterSummary, process::ProcessView};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{program::Work, runner::JobProgress, usage::JobUsage};

/// A job and how far it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JobView {
    /// The job.
    #[serde(flatten)]
    pub job: Job,
    /// How far it is, while a run of it exists and has said so.
    pub progress: Option<JobProgress>,
    /// Where its log and results are.
    pub place: Option<PathBuf>,
    /// What it has used until a second ago; told of one job, not of many.
    pub usage: Option<JobUsage>,
}

impl JobView {
    /// Without what may be secret in it, as it goes over HTTP.
    pub(crate) fn hushed(mut self) -> Self {
        if let Some(payload) = Work::shown(&self.job.request.payload) {
            self.job.request.payload = payload;
        }
        self
    }

    /// Without all but the last transition: of many jobs no more is told.
    #[must_use]
    pub fn brief(mut self) -> Self {
        let known = self.job.history.len();
        let last = self.job.history.pop();
        self.job.history = last.into_iter().collect();
        self.job.forgotten += known.saturating_sub(1) as u64;
        self
    }
}

/// How the server is doing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServerStatus {
    /// Version of the program.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// When it began, UTC nanoseconds.
    pub started_ns: i64,
    /// The present, UTC nanoseconds.
    pub now_ns: i64,
    /// What the queue has done and is doing.
    pub queue: QueueStatistics,
    /// What all running jobs together may ask for.
    pub capacity: Option<Resources>,
    /// What running jobs asked for.
    pub in_use: Resources,
    /// Jobs that may run at the same time.
    pub running_max: usize,
    /// Runs that are held in memory: paused, or made to yield.
    pub held: usize,
    /// What keeps the journal from being written, if anything does.
    pub journal_fault: Option<String>,
    /// Whether it is on its way out.
    pub is_ending: bool,
    /// The machine, how bad its use is and what follows; `None` where nobody watches it.
    pub machine: Option<MachineStatus>,
    /// The live processes that the server looks after.
    pub live: Vec<ProcessView>,
    /// What the server takes for its own work: those of its counters that have counted something.
    #[serde(default)]
    pub counters: Vec<CounterSummary>,
}

/// A change that somebody asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobChange {
    /// Hold it back.
    Pause(PausedBy),
    /// Let it go on.
    Resume(PausedBy),
    /// Call it off.
    Cancel,
}

/// Why nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ServeError {
    /// The queue refuses.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// The machine is overloaded: what strains it, and when to ask again.
    #[error("{0}")]
    Overloaded(String),
    /// A mode or a report of live work cannot be heeded, and why.
    #[error("{0}")]
    NotHeeded(String),
    /// There is no such job.
    #[error("there is no job {0}; list the jobs")]
    Unknown(JobId),
    /// It could not be made durable.
    #[error("{0}; nothing was changed: make room or mend the disk, and ask again")]
    NotKept(String),
    /// The server is on its way out.
    #[error("the server is shutting down; ask again when it is back")]
    Ending,
    /// The server has ended.
    #[error("the server has ended")]
    Gone,
}

/// Hears what happens to jobs, after it is on disk. Called on the thread of the queue: whoever takes long
/// holds everything up.
pub trait Observer: Send {
    /// A job was taken in.
    fn submitted(&mut self, _job: &Job) {}
    /// A job was handed to its runner, for the first time or to go on.
    fn started(&mut self, _job: &Job) {}
    /// A job says how far it is.
    fn progress(&mut self, _job: &Job, _progress: &JobProgress) {}
    /// A job has ended, in whatever way.
    fn ended(&mut self, _job: &Job) {}
    /// Anything at all has happened to a job: these and pauses, retries, yielding. Told before the others.
    fn changed(&mut self, _job: &Job) {}
}

/// Hears nothing.
impl Observer for () {}

/// All of them hear, in order.
impl Observer for Vec<Box<dyn Observer>> {
    fn submitted(&mut self, job: &Job) {
        self.iter_mut().for_each(|observer| observer.submitted(job));
    }

    fn started(&mut self, job: &Job) {
        self.iter_mut().for_each(|observer| observer.started(job));
    }

    fn progress(&mut self, job: &Job, progress: &JobProgress) {
        self.iter_mut().for_each(|observer| observer.progress(job, progress));
    }

    fn ended(&mut self, job: &Job) {
        self.iter_mut().for_each(|observer| observer.ended(job));
    }

    fn changed(&mut self, job: &Job) {
        self.iter_mut().for_each(|observer| observer.changed(job));
    }
}
