//! Pause and cancel, as every working part looks at them between two slices of work.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU8, Ordering::SeqCst},
    },
    task::Waker,
};

const RUNNING: u8 = 0;
const PAUSED: u8 = 1;
const CANCELLED: u8 = 2;

/// What the working parts are to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Work,
    Pause,
    Cancel,
}

/// One run's switch: written by whoever owns the run, read by all its parts. Cancelling is final.
#[derive(Debug, Default)]
pub struct Control {
    order: AtomicU8,
    /// Parts that sleep until the order changes.
    sleepers: Mutex<Vec<Waker>>,
}

impl Control {
    /// Lets all parts pause at their next look, within a millisecond of their own time.
    pub fn pause(&self) {
        let _ = self.order.compare_exchange(RUNNING, PAUSED, SeqCst, SeqCst);
    }

    /// Lets all parts go on.
    pub fn resume(&self) {
        let _ = self.order.compare_exchange(PAUSED, RUNNING, SeqCst, SeqCst);
        self.wake();
    }

    /// Ends the run; its result is lost.
    pub fn cancel(&self) {
        self.order.store(CANCELLED, SeqCst);
        self.wake();
    }

    /// Whether the run was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.order.load(SeqCst) == CANCELLED
    }

    /// Whether the run is paused.
    pub fn is_paused(&self) -> bool {
        self.order.load(SeqCst) == PAUSED
    }

    pub(crate) fn order(&self) -> Order {
        match self.order.load(SeqCst) {
            RUNNING => Order::Work,
            PAUSED => Order::Pause,
            _ => Order::Cancel,
        }
    }

    /// Lets `waker`'s task be woken when the order changes; look at the order once more afterwards.
    pub(crate) fn sleep(&self, waker: &Waker) {
        let mut sleepers = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        if !sleepers.iter().any(|sleeper| sleeper.will_wake(waker)) {
            sleepers.push(waker.clone());
        }
    }

    fn wake(&self) {
        let sleepers = std::mem::take(&mut *self.sleepers.lock().unwrap_or_else(PoisonError::into_inner));
        sleepers.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cancelling_is_final_and_pausing_is_not() {
        let control = Control::default();
        control.pause();
        assert_eq!(control.order(), Order::Pause);
        control.resume();
        assert_eq!(control.order(), Order::Work);
        control.cancel();
        control.resume();
        control.pause();
        assert_eq!(control.order(), Order::Cancel);
    }
}
