//! What may start and what must stand back: the seam to whoever watches the machine.

mod governed;

use std::path::PathBuf;

use barhive_engine::jobs::{ExecutionMode, JobId, JobPriority, Resources};
use barhive_machine::{LiveReport, MachineStatus};

pub use governed::GovernedAdmission;

/// What may start now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// What is free for jobs that are not running yet. The memory of runs that are held counts: they can be let go.
    pub free: Resources,
    /// Memory that is free at once, bytes.
    pub memory_now: u64,
    /// The lowest priority that may start; with `None` nothing may, whatever is free.
    pub lowest: Option<JobPriority>,
    /// Jobs that may run at the same time.
    pub running_max: usize,
}

/// Which running jobs must stand back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pressure {
    /// Those of this priority and below.
    pub up_to: JobPriority,
    /// Why; it stays in their histories.
    pub reason: String,
}

/// A run whose process can be watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchedRun {
    /// Of which job.
    pub job: JobId,
    /// Its process.
    pub pid: u32,
    /// The job's folder, if it has one.
    pub place: Option<PathBuf>,
}

/// Says what may start and what must stand back. Asked on the thread of the queue, whenever something happens
/// and at least every second while a job waits: none of these calls may take long.
pub trait Admission: Send {
    /// What may start beside running jobs that asked for `in_use`, and processes of runs that are held in memory.
    fn allowance(&mut self, in_use: Resources, held: &[u32]) -> Allowance;

    /// Whether a job may be taken in.
    ///
    /// # Errors
    /// Why not, and what to do.
    fn submission(&mut self) -> Result<(), String> {
        Ok(())
    }

    /// Which running jobs must stand back; those that do not have to any more go on.
    fn pressure(&mut self) -> Option<Pressure> {
        None
    }

    /// Whether what stands back must give its memory up.
    fn memory_is_short(&mut self) -> bool {
        false
    }

    /// A job was handed out.
    fn started(&mut self) {}

    /// A run's process has started.
    fn watch(&mut self, _run: &WatchedRun) {}

    /// A run's process has ended.
    fn forget(&mut self, _run: &WatchedRun) {}

    /// Takes another mode.
    ///
    /// # Errors
    /// There is only one.
    fn set_mode(&mut self, _mode: ExecutionMode) -> Result<(), String> {
        Err("nobody watches the machine here: there are no modes".to_owned())
    }

    /// Hears from live work.
    ///
    /// # Errors
    /// What is wrong with the report, or that nobody heeds it.
    fn live(&mut self, _report: &LiveReport) -> Result<(), String> {
        Err("nobody watches the machine here: live work is not heeded".to_owned())
    }

    /// What is known of the machine, if it is watched.
    fn status(&self) -> Option<MachineStatus> {
        None
    }

    /// Takes what to call when any of the answers has changed.
    fn on_change(&mut self, _look: Box<dyn Fn() + Send + Sync>) {}
}

/// A machine of a fixed size that nobody else uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedCapacity(pub Resources);

impl Admission for FixedCapacity {
    fn allowance(&mut self, in_use: Resources, _held: &[u32]) -> Allowance {
        Allowance {
            free: self.0.minus(in_use),
            memory_now: u64::MAX,
            lowest: Some(JobPriority::Bulk),
            running_max: usize::MAX,
        }
    }
}
