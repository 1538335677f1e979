//! Dead letters: samples of events that reached nobody, and how many there were.

use std::{collections::VecDeque, sync::Arc};

use super::{EventKind, Header};

/// Why an event did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadCause {
    /// The subscriber's queue was full and its policy dropped the event.
    Dropped,
    /// The subscriber was gone.
    Closed,
    /// The publisher ended while the subscriber's queue was full.
    Abandoned,
}

/// An event that did not arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its kind.
    pub kind: EventKind,
    /// Who did not receive it.
    pub subscriber: Arc<str>,
    /// Why.
    pub cause: DeadCause,
    /// What it said of itself.
    pub header: Header,
}

/// The newest dead letters and the count of all.
#[derive(Clone, Debug)]
pub struct DeadLetters {
    samples: VecDeque<DeadLetter>,
    total: u64,
}

impl DeadLetters {
    /// Samples that are kept.
    pub const SAMPLES_MAX: usize = 1_000;

    pub(super) fn push(&mut self, letter: DeadLetter) {
        self.total += 1;
        if self.samples.len() == Self::SAMPLES_MAX {
            self.samples.pop_front();
        }
        self.samples.push_back(letter);
    }

    /// The newest letters, oldest first.
    pub fn samples(&self) -> impl ExactSizeIterator<Item = &DeadLetter> {
        self.samples.iter()
    }

    /// How many there were in all.
    pub fn total(&self) -> u64 {
        self.total
    }
}

impl Default for DeadLetters {
    fn default() -> Self {
        Self { samples: VecDeque::with_capacity(16), total: 0 }
    }
}
