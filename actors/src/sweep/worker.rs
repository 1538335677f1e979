//! What the coordinator and its workers say to each other, whatever a worker is.

use std::time::Duration;

use barhive_engine::sweep::{Lease, PassBlock, PassTime};

use crate::clock::Stopwatch;

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
    Done { lease: u64, block: Box<PassBlock>, time: PassTime },
    /// A pass was given up because the sweep was cancelled.
    Cancelled,
    /// The worker failed at a pass; it is as good as new.
    Failed { lease: u64, reason: String },
    /// The data cannot be read or the sweep makes no sense: no worker could do it.
    Fatal { reason: String },
    /// It says nothing any more: its process has ended, or it did not keep to the protocol.
    Gone { broke: Option<String> },
}

/// Times a pass.
pub(super) struct PassWatch {
    watch: Stopwatch,
    /// Rows that variants were fed at the last look.
    fed: u64,
    /// When the pass began to work for all its variants at once.
    sharing_since: Option<Duration>,
    shared: Duration,
}

impl PassWatch {
    pub(super) fn start() -> Self {
        let (fed, shared) = (0, Duration::ZERO);
        Self { watch: Stopwatch::start(), fed, sharing_since: Some(shared), shared }
    }

    /// What [`run_pass`](barhive_engine::sweep::run_pass) tells whoever watches it.
    pub(super) fn fed(&mut self, fed: u64) {
        if fed == self.fed {
            self.sharing_since = Some(self.watch.elapsed());
        } else if let Some(since) = self.sharing_since.take() {
            self.shared += self.watch.elapsed() - since;
        }
        self.fed = fed;
    }

    pub(super) fn time(&self) -> PassTime {
        let ns = |span: Duration| u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        PassTime { elapsed_ns: ns(self.watch.elapsed()), shared_ns: ns(self.shared) }
    }
}
