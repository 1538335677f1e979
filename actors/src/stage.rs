//! What a part of the data path leaves outside of itself, so that its next life can go on from there.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
};

/// The place of a market-data or hub part in the stream of frames, and what it has to say at the end.
#[derive(Debug, Default)]
pub(crate) struct Stage<T> {
    /// Frames below this number have been delivered to everybody.
    delivered: AtomicU64,
    /// Whether the stream came to its end, and not just to a failure.
    complete: AtomicBool,
    outcome: Mutex<T>,
}

impl<T> Stage<T> {
    /// The number of the next frame to deliver.
    pub(crate) fn next(&self) -> u64 {
        self.delivered.load(SeqCst)
    }

    pub(crate) fn delivered(&self, sequence: u64) {
        self.delivered.store(sequence + 1, SeqCst);
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.complete.load(SeqCst)
    }

    pub(crate) fn complete(&self) {
        self.complete.store(true, SeqCst);
    }

    pub(crate) fn outcome(&self) -> MutexGuard<'_, T> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
