//! What the coordinator and its workers say to each other, whatever a worker is.

use barhive_engine::sweep::{Lease, PassBlock};

use super::times::PassTimes;

/// What a worker is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Run this pass.
    Run(Lease),
    /// Nothing is left to do.
    Stop,
}

/// What a worker says.
#[derive(Debug)]
pub(super) struct Word {
    /// Who.
    pub(super) worker: usize,
    /// Which of those that had this place, one after the other: only the latest is listened to.
    pub(super) generation: u64,
    /// What.
    pub(super) what: What,
}

/// What a worker says.
#[derive(Debug)]
pub(super) enum What {
    /// It has nothing in hand.
    Ready,
    /// A pass is done.
    Done { lease: u64, block: Box<PassBlock>, times: PassTimes },
    /// A pass was given up because the sweep was cancelled.
    Cancelled,
    /// The worker failed at a pass; it is as good as new.
    Failed { lease: u64, reason: String },
    /// The data cannot be read or the sweep makes no sense: no worker could do it.
    Fatal { reason: String },
    /// It says nothing any more: its process has ended, or it did not keep to the protocol.
    Gone { broke: Option<String> },
}
