//! Tasks that wait for a queue: registering and waking allocates nothing in steady state.
//!
//! flume's own futures allocate a hook each time they wait; a run that waits a few times per frame
//! would spend most of its allocations there.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::Waker,
};

/// The tasks that wait for one end of a queue.
#[derive(Debug, Default)]
pub(super) struct Wakers {
    /// Whether any task waits: spares the lock when none does.
    any: AtomicBool,
    tasks: Mutex<Vec<Waker>>,
}

impl Wakers {
    /// Lets `waker`'s task be woken by the next [`Self::wake`]. The caller must look at the queue once
    /// more afterwards: what happened before is not told again.
    pub(super) fn register(&self, waker: &Waker) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        if !tasks.iter().any(|task| task.will_wake(waker)) {
            tasks.push(waker.clone());
        }
        self.any.store(true, SeqCst);
    }

    /// Wakes everybody who waits; each looks for itself whether there is something for it.
    pub(super) fn wake(&self) {
        if !self.any.load(SeqCst) {
            return;
        }
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        self.any.store(false, SeqCst);
        for task in tasks.drain(..) {
            task.wake();
        }
    }
}
