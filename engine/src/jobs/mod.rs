//! The job queue, pure: who waits, who runs next, who yields, and what becomes of those that fail or come too late.
//!
//! [`JobQueue`] is told what happens and when, and answers events ([`JobEvent`]) that alone make it what it is.
//! Threads, journals, clocks and workers are whoever runs it. Beside it stand the words by which the
//! parts of a service speak of each other: [`WorkerState`], [`ProcessState`], [`ProcessType`], [`ExecutionMode`].

mod apply;
mod event;
mod handing_out;
mod index;
mod job;
mod options;
mod priority;
mod process;
mod queue;
mod refusal;
mod request;
mod resources;
mod state;
#[cfg(test)]
mod tests;
mod totals;
mod words;
mod yielding;

pub use apply::{QueueSnapshot, ReplayFault};
pub use event::{Change, JobEvent, REASON_BYTES_MAX};
pub use handing_out::Next;
pub use job::{HISTORY_MAX, Job, JobId, Lease, Transition};
pub use options::{PerLevel, QueueOptions};
pub use priority::{JobPriority, Standing};
pub use process::{ExecutionMode, ProcessState, ProcessType, WorkerState};
pub use queue::{JobQueue, Submitted};
pub use refusal::Refusal;
pub use request::{JobRequest, NAME_BYTES_MAX, PAYLOAD_BYTES_MAX};
pub use resources::Resources;
pub use state::{JobState, PausedBy};
pub use totals::QueueStatistics;
pub use yielding::Preemption;
