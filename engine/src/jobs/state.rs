//! The states of jobs, and who paused one.

use super::words::words;

words! {
    /// What a job is doing.
    ///
    /// ```text
    /// QUEUED -> RUNNING -> COMPLETED | FAILED | TIMEOUT
    ///    ^  \     |  ^ retried, given back: RUNNING -> QUEUED
    ///    |   v    v
    ///    +-- PAUSED      queued, running and paused jobs may become CANCELLED or TIMEOUT
    /// ```
    JobState as "job state" {
        /// Waits to be handed out.
        Queued = "queued",
        /// A worker has it.
        Running = "running",
        /// Held back, without a worker; it goes back to its place in the queue when it is resumed.
        Paused = "paused",
        /// Done.
        Completed = "completed",
        /// Failed, and has no retries left.
        Failed = "failed",
        /// Somebody called it off.
        Cancelled = "cancelled",
        /// Its deadline passed, or its last attempt took longer than it may.
        Timeout = "timeout",
    }
}

impl JobState {
    /// Whether nothing more will happen to the job.
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled | Self::Timeout)
    }
}

words! {
    /// Who paused a job: only the same may resume it.
    PausedBy as "holder" {
        /// Whoever the job belongs to. What its owner paused is not resumed because the load fell.
        Owner = "owner",
        /// The machine was overloaded.
        Load = "load",
    }
}
