//! What the server takes for its own work.

use barhive_machine::counters::{Counter, CounterKind, CounterSummary};

/// Counters of a server, from its start.
#[derive(Debug)]
pub(crate) struct Measured {
    /// A round of the queue's thread: all that was wanted decided, written and done.
    pub(crate) round: Counter,
    /// Of it, until a frame of the journal is on disk.
    pub(crate) write: Counter,
    /// Of it, until a job's process is there.
    pub(crate) start: Counter,
    /// From the asking to the answer, for whoever asks.
    pub(crate) answer: Counter,
    /// Wishes that were met in one round.
    pub(crate) wishes: Counter,
}

impl Measured {
    pub(crate) fn new() -> Self {
        Self {
            round: Counter::new("round of the queue", CounterKind::Timing),
            write: Counter::new("journal on disk", CounterKind::Timing),
            start: Counter::new("job started", CounterKind::Timing),
            answer: Counter::new("answer", CounterKind::Latency),
            wishes: Counter::new("wishes of a round", CounterKind::Throughput),
        }
    }

    /// Those that have counted something.
    pub(crate) fn summaries(&self) -> Vec<CounterSummary> {
        let all = [&self.round, &self.write, &self.start, &self.answer, &self.wishes];
        all.map(Counter::summary).into_iter().filter(|summary| summary.count > 0).collect()
    }
}
