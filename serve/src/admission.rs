//! What may start: the seam to whoever watches the machine.

use barhive_engine::jobs::{JobPriority, Resources};

/// What may start now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// What is free for jobs that are not running yet.
    pub free: Resources,
    /// The lowest priority that may start.
    pub lowest: JobPriority,
}

/// Says what may start. Asked whenever something happens and at least every second while a job waits.
pub trait Admission: Send {
    /// What may start beside running jobs that asked for `in_use`.
    fn allowance(&mut self, in_use: Resources) -> Allowance;
}

/// A machine of a fixed size that nobody else uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedCapacity(pub Resources);

impl Admission for FixedCapacity {
    fn allowance(&mut self, in_use: Resources) -> Allowance {
        Allowance { free: self.0.minus(in_use), lowest: JobPriority::Bulk }
    }
}
