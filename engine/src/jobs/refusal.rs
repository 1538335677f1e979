//! Why the queue did not do what it was asked to.

use thiserror::Error;

use super::{JobId, JobPriority, JobState, PausedBy};

/// Why a command was refused, and what to do. A refused command changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// As many jobs of this priority as there may be have not ended.
    #[error(
        "{limit} jobs of priority {priority} have not ended, and no more may wait: submit again when some have \
         ended, cancel some, take another priority, or raise `jobs_max.{priority}`"
    )]
    LevelFull {
        /// Which priority.
        priority: JobPriority,
        /// How many there may be.
        limit: u32,
    },
    /// As many jobs as there may be have not ended.
    #[error(
        "{limit} jobs have not ended, and no more may wait: submit again when some have ended, cancel some, or \
         raise `total_max`"
    )]
    Full {
        /// How many there may be.
        limit: u32,
    },
    /// The request makes no sense, or none on this machine.
    #[error("the job can not be taken: {}", faults.join("; "))]
    Invalid {
        /// What is wrong and what to do, all of it.
        faults: Vec<String>,
    },
    /// There is no such job.
    #[error("there is no job {job}: it never was, or it ended more than {ended_max} jobs ago; list the jobs")]
    Unknown {
        /// Its number.
        job: JobId,
        /// How many ended jobs are remembered.
        ended_max: usize,
    },
    /// Nothing more happens to a job that has ended.
    #[error("job {job} has ended as {state} and can not be {action}: submit it again")]
    Ended {
        /// Its number.
        job: JobId,
        /// As what it ended.
        state: JobState,
        /// What was to be done to it: `paused`.
        action: &'static str,
    },
    /// The worker's right to run the job is not in force any more.
    #[error("start {start} of job {job} is over, the job is {state} at start {starts}: drop the work")]
    Stale {
        /// Its number.
        job: JobId,
        /// The start that is over.
        start: u32,
        /// What it is doing.
        state: JobState,
        /// Its latest start.
        starts: u32,
    },
    /// It is already held back so.
    #[error("job {job} is already paused by the {by}: resume or cancel it")]
    AlreadyPaused {
        /// Its number.
        job: JobId,
        /// Who holds it.
        by: PausedBy,
    },
    /// Only what is paused can be resumed.
    #[error("job {job} is {state}, not paused: there is nothing to resume")]
    NotPaused {
        /// Its number.
        job: JobId,
        /// What it is doing.
        state: JobState,
    },
    /// Somebody else holds it.
    #[error(
        "job {job} is paused by the {by}: {}",
        match by {
            PausedBy::Load => "the machine is overloaded; it goes on by itself when the load has fallen",
            PausedBy::Owner => "only its owner resumes it",
        }
    )]
    HeldByOther {
        /// Its number.
        job: JobId,
        /// Who holds it.
        by: PausedBy,
    },
}
