//! What happened to a job, as a value that a journal can write before anybody acts on it.

use serde::{Deserialize, Serialize};

use super::{Job, JobId, JobRequest, JobState, PausedBy, Standing};

/// Longest reason that is kept, in bytes; the rest is cut off.
pub const REASON_BYTES_MAX: usize = 1_024;

/// Something that happened to a job. A queue is what its events made of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobEvent {
    /// When, UTC nanoseconds; never before the event in front of it.
    pub at_ns: i64,
    /// To which job.
    pub job: JobId,
    /// What.
    pub change: Change,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It was taken into the queue.
    Submitted {
        /// What was asked for.
        request: JobRequest,
    },
    /// It was handed to a worker.
    Started {
        /// Its how manieth start, from 1.
        start: u32,
        /// Jobs that stood before it, did not fit and were passed; not those that it could not delay.
        passed: Vec<JobId>,
    },
    /// It waited too long.
    Promoted {
        /// Where it stands now.
        standing: Standing,
        /// Since when it counts as waiting there: the moment it was due to rise, UTC nanoseconds.
        since_ns: i64,
    },
    /// Its worker finished.
    Completed,
    /// Its last attempt failed.
    Failed {
        /// Why.
        reason: String,
    },
    /// Its deadline passed, or its last attempt took too long. A worker that has it must let it go.
    TimedOut {
        /// Which of them, and how long.
        reason: String,
    },
    /// It was called off. A worker that has it must let it go.
    Cancelled {
        /// Why.
        reason: String,
    },
    /// An attempt failed or took too long, and the job waits for the next. A worker that has it must let it go.
    Retried {
        /// `Failed` or `Timeout`.
        after: JobState,
        /// Why.
        reason: String,
    },
    /// Its worker gave it back unfinished and without fault: it yielded, or the worker was lost.
    GivenBack {
        /// Why.
        reason: String,
    },
    /// It is held back. A worker that has it must let it go.
    Paused {
        /// Who holds it.
        by: PausedBy,
        /// Why.
        reason: String,
    },
    /// It is back in its place in the queue.
    Resumed {
        /// Why.
        reason: String,
    },
}

impl Change {
    /// Whether it can happen to `job`; otherwise what it would have to be.
    pub(super) fn possible(&self, job: &Job) -> Result<(), String> {
        let wanted = match self {
            Self::Submitted { .. } => "new",
            Self::Started { .. } | Self::Promoted { .. } if job.state != JobState::Queued => "queued",
            Self::Started { start, .. } if job.starts.checked_add(1) != Some(*start) => "at the start before",
            Self::Promoted { standing, .. } if *standing <= job.standing => "at a lower standing",
            Self::Completed | Self::Failed { .. } | Self::Retried { .. } | Self::GivenBack { .. }
                if job.state != JobState::Running =>
            {
                "running"
            }
            Self::Retried { after, .. } if !matches!(after, JobState::Failed | JobState::Timeout) => {
                "retried after failed or timeout"
            }
            Self::TimedOut { .. } | Self::Cancelled { .. } if job.state.is_ended() => {
                "queued, running or paused"
            }
            Self::Paused { by, .. } if job.state.is_ended() || job.paused_by == Some(*by) => {
                "queued, running or paused by somebody else"
            }
            Self::Resumed { .. } if job.state != JobState::Paused => "paused",
            _ => return Ok(()),
        };
        Err(format!(
            "expected job {} to be {wanted}, found it {} after {} starts",
            job.id, job.state, job.starts
        ))
    }
}

/// A reason as it is kept: at most [`REASON_BYTES_MAX`] bytes.
pub(super) fn kept(reason: &str) -> String {
    if reason.len() <= REASON_BYTES_MAX {
        return reason.to_owned();
    }
    let end = (0..=REASON_BYTES_MAX - 3).rev().find(|end| reason.is_char_boundary(*end)).unwrap_or(0);
    format!("{}...", &reason[..end])
}
