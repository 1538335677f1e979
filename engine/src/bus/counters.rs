//! What went through one queue.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use crate::result::TopicCounters;

/// Counts of one subscriber of one topic; shared by both ends of its queue.
#[derive(Debug)]
pub struct QueueCounters {
    topic: Arc<str>,
    subscriber: Arc<str>,
    messages: AtomicU64,
    events: AtomicU64,
    dropped: AtomicU64,
    queue_peak: AtomicU64,
}

impl QueueCounters {
    /// Counters that stand at zero.
    pub fn new(topic: &str, subscriber: &str) -> Self {
        Self {
            topic: topic.into(),
            subscriber: subscriber.into(),
            messages: AtomicU64::new(0),
            events: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            queue_peak: AtomicU64::new(0),
        }
    }

    /// Who receives.
    pub fn subscriber(&self) -> &Arc<str> {
        &self.subscriber
    }

    pub(super) fn delivered(&self, events: usize, waiting: usize) {
        self.messages.fetch_add(1, Relaxed);
        self.events.fetch_add(events as u64, Relaxed);
        self.queue_peak.fetch_max(waiting as u64, Relaxed);
    }

    pub(super) fn peak(&self, waiting: usize) {
        self.queue_peak.fetch_max(waiting as u64, Relaxed);
    }

    pub(super) fn dropped(&self, events: usize) {
        self.dropped.fetch_add(events as u64, Relaxed);
    }

    /// The counts as they stand.
    pub fn snapshot(&self) -> TopicCounters {
        TopicCounters {
            topic: self.topic.to_string(),
            subscriber: self.subscriber.to_string(),
            messages: self.messages.load(Relaxed),
            events: self.events.load(Relaxed),
            dropped: self.dropped.load(Relaxed),
            queue_peak: self.queue_peak.load(Relaxed),
        }
    }
}
