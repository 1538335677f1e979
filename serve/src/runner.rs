//! What runs jobs, as whoever owns the queue sees it.

use std::path::PathBuf;

use barhive_engine::jobs::{Job, JobId, JobRequest};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far a job has come, as far as it says so.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct JobProgress {
    /// From 0 to 1.
    pub fraction: f64,
    /// Parts that are done, where the job has parts.
    pub done: Option<u64>,
    /// All its parts.
    pub total: Option<u64>,
    /// Seconds to its end at its present pace.
    pub remaining_s: Option<f64>,
    /// Parts that failed for good.
    pub failed: u64,
    /// Parts done per second.
    pub per_s: Option<f64>,
    /// The best of its parts so far.
    pub best: Option<BestPart>,
    /// What each of its workers has in hand.
    pub workers: Vec<WorkerProgress>,
}

/// The best part of a job so far, by what the job ranks by.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BestPart {
    /// Its number, from 1.
    pub variant: u64,
    /// What it is ranked by.
    pub figure: String,
    /// How much of that it has.
    pub value: f64,
}

/// What a worker of a job is doing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct WorkerProgress {
    /// Its number, from 1.
    pub worker: u32,
    /// The parts that it has in hand, as in `11-20`; `None` while it has none.
    pub jobs: Option<String>,
    /// How far it is with them, from 0 to 1.
    pub fraction: f64,
    /// Parts that it has done.
    pub done: u64,
    /// How often it was replaced.
    pub restarts: u32,
}

/// How a run of a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// The job is done.
    Completed,
    /// It failed, and why.
    Failed(String),
    /// It was told to end, or lost without a fault of its own: what it has kept is there, and it can go on.
    Stopped(String),
}

/// Starts jobs.
pub trait JobRunner: Send {
    /// Starts a job, or goes on with what an earlier start of it has kept. Returns at once; what comes of it
    /// is told through `report`.
    ///
    /// # Errors
    /// Why it cannot be started: that counts as a failed attempt.
    fn start(&mut self, job: &Job, report: Report) -> Result<Box<dyn RunningJob>, String>;

    /// Where the job keeps its log and results, if it has such a place.
    fn place(&self, _job: &Job) -> Option<PathBuf> {
        None
    }

    /// What is wrong with a request, each with what to do; asked before it is taken in.
    fn faults(&self, _request: &JobRequest) -> Vec<String> {
        Vec::new()
    }

    /// Nobody remembers this job any more; what is in its place can go.
    fn forget(&mut self, _job: JobId) {}
}

/// A job that runs. None of these calls waits; dropped, the job is killed.
pub trait RunningJob: Send {
    /// Holds it between two slices of work; it keeps what it has in memory.
    ///
    /// # Errors
    /// It cannot be held: it is to be stopped instead.
    fn pause(&mut self) -> Result<(), String>;

    /// Lets it go on.
    ///
    /// # Errors
    /// It cannot go on: it is to be stopped, and started anew.
    fn resume(&mut self) -> Result<(), String>;

    /// Lets it keep what it has and end soon; one that does not is killed.
    fn stop(&mut self);

    /// Ends it at once.
    fn kill(&mut self);

    /// Its process, if it is one of its own: what it and its children use is then known.
    fn pid(&self) -> Option<u32> {
        None
    }
}

/// The run of a job that has ended, or ends so soon that nothing need be done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BriefRun;

impl RunningJob for BriefRun {
    fn pause(&mut self) -> Result<(), String> {
        Ok(())
    }

    fn resume(&mut self) -> Result<(), String> {
        Ok(())
    }

    fn stop(&mut self) {}

    fn kill(&mut self) {}
}

/// Where a running job tells how it is doing. Dropped without an end, it says that the job failed.
pub struct Report {
    tell: Option<Box<dyn Fn(Said) + Send + Sync>>,
}

/// What a running job says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Said {
    /// How far it is.
    Progress(JobProgress),
    /// That it has ended.
    Ended(RunEnd),
}

impl Report {
    pub(crate) fn new(tell: impl Fn(Said) + Send + Sync + 'static) -> Self {
        Self { tell: Some(Box::new(tell)) }
    }

    /// How far it is. Of what is said in haste, some is not heard.
    pub fn progress(&self, progress: JobProgress) {
        if let Some(tell) = &self.tell {
            tell(Said::Progress(progress));
        }
    }

    /// It has ended.
    pub fn end(mut self, end: RunEnd) {
        if let Some(tell) = self.tell.take() {
            tell(Said::Ended(end));
        }
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        if let Some(tell) = self.tell.take() {
            tell(Said::Ended(RunEnd::Failed("its runner was lost".to_owned())));
        }
    }
}
