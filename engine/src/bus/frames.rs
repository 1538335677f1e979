//! Frames on the bus: the one kind of message that carries market data in a run.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use serde::{Deserialize, Serialize};

use super::{Carries, Offer, QueueCounters, QueueOptions, QueueReceiver, QueueSender, queue::queue};
use crate::frame::Frame;

impl Carries for Arc<Frame> {
    fn events(&self) -> usize {
        self.rows()
    }
}

/// A topic of frames: one bounded queue per subscriber, each frame shared by all.
#[derive(Debug)]
pub struct FrameTopic {
    name: Arc<str>,
    queues: Vec<QueueSender<Arc<Frame>>>,
}

impl FrameTopic {
    /// A topic without subscribers.
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), queues: Vec::new() }
    }

    /// Adds a subscriber.
    pub fn subscribe(&mut self, subscriber: &str, options: QueueOptions) -> QueueReceiver<Arc<Frame>> {
        let (tx, rx) = queue(options, Arc::new(QueueCounters::new(&self.name, subscriber)));
        self.queues.push(tx);
        rx
    }

    /// Whether anybody listens.
    pub fn is_heard(&self) -> bool {
        self.queues.iter().any(QueueSender::is_open)
    }

    /// The counters, in the order of subscription; they outlive the topic.
    pub fn counters(&self) -> Vec<Arc<QueueCounters>> {
        self.queues.iter().map(|queue| Arc::clone(queue.counters())).collect()
    }
}

/// Publishes frames to the subscribers of a topic, in order and without holding the thread.
///
/// What could not be delivered when it is dropped is lost to those subscribers; a publisher that is
/// built anew publishes it again, and subscribers pass over numbers that they have had.
#[derive(Debug)]
pub struct FrameOutbox {
    topic: Arc<FrameTopic>,
    /// Frames that found no room, by index of the subscriber; one per subscriber at most.
    pending: Vec<(usize, Arc<Frame>)>,
}

impl FrameOutbox {
    /// An outbox with nothing in it.
    pub fn new(topic: Arc<FrameTopic>) -> Self {
        let pending = Vec::with_capacity(topic.queues.len());
        Self { topic, pending }
    }

    /// Delivers a frame to every subscriber that has room.
    ///
    /// # Panics
    /// When an earlier frame is still pending: wait for [`Self::poll_ready`].
    pub fn publish(&mut self, frame: Arc<Frame>) {
        assert!(self.pending.is_empty(), "frames are delivered in order");
        let Some(last) = self.topic.queues.len().checked_sub(1) else { return };
        for index in 0..last {
            self.offer(index, Arc::clone(&frame));
        }
        // The last subscriber gets the publisher's own reference: where it is the only one, it may
        // write into the frame.
        self.offer(last, frame);
    }

    fn offer(&mut self, index: usize, frame: Arc<Frame>) {
        if let Offer::Full(frame) = self.topic.queues[index].offer(frame) {
            self.pending.push((index, frame));
        }
    }

    /// Ready when everything was delivered; answers whether anybody listens any more.
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        let mut first = 0;
        while first < self.pending.len() {
            let queue = &self.topic.queues[self.pending[first].0];
            if queue.poll_room(cx).is_pending() {
                first += 1;
                continue;
            }
            let (index, frame) = self.pending.swap_remove(first);
            self.offer(index, frame);
        }
        if self.pending.is_empty() { Poll::Ready(self.topic.is_heard()) } else { Poll::Pending }
    }
}

/// Frames that everybody has let go of, for use again: in steady state no frame is allocated.
#[derive(Clone, Debug)]
pub struct FramePool(Arc<Mutex<Free>>);

#[derive(Debug)]
struct Free {
    frames: Vec<Arc<Frame>>,
    frames_max: usize,
    uses: PoolUse,
}

/// What a pool was good for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolUse {
    /// What was asked for.
    pub taken: u64,
    /// Of it what had been used before.
    pub reused: u64,
}

impl PoolUse {
    /// The share that had been used before; 0 where nothing was asked for.
    pub fn hit_rate(&self) -> f64 {
        if self.taken == 0 { 0.0 } else { self.reused as f64 / self.taken as f64 }
    }
}

impl FramePool {
    /// A pool of at most `frames_max` frames; one of none makes every frame anew.
    pub fn new(frames_max: usize) -> Self {
        let frames = Vec::with_capacity(frames_max);
        Self(Arc::new(Mutex::new(Free { frames, frames_max, uses: PoolUse::default() })))
    }

    /// A frame that nobody else holds; its content is whatever it was.
    pub fn take(&self) -> Arc<Frame> {
        let mut free = self.lock();
        free.uses.taken += 1;
        let used = free.frames.pop();
        free.uses.reused += u64::from(used.is_some());
        drop(free);
        used.unwrap_or_else(|| Arc::new(Frame::empty()))
    }

    /// What it was good for so far.
    pub fn uses(&self) -> PoolUse {
        self.lock().uses
    }

    /// Gives a frame back; whoever lets go of it last keeps it from being freed. What the frame held
    /// (rows of the feed, columns of the hub) is let go of at once.
    pub fn give(&self, mut frame: Arc<Frame>) {
        let Some(own) = Arc::get_mut(&mut frame) else { return };
        own.series.clear();
        own.columns.clear();
        let mut free = self.lock();
        if free.frames.len() < free.frames_max {
            free.frames.push(frame);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Free> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_used_again_only_when_nobody_holds_it() {
        let pool = FramePool::new(2);
        let frame = pool.take();
        let at = Arc::as_ptr(&frame);
        let held = Arc::clone(&frame);
        pool.give(frame);
        assert!(!std::ptr::eq(at, Arc::as_ptr(&pool.take())));
        pool.give(held);
        assert!(std::ptr::eq(at, Arc::as_ptr(&pool.take())));
        assert_eq!(pool.uses(), PoolUse { taken: 3, reused: 1 });
    }

    #[test]
    fn a_pool_of_none_makes_every_frame_anew() {
        let pool = FramePool::new(0);
        pool.give(pool.take());
        pool.give(pool.take());
        assert_eq!((pool.uses(), pool.uses().hit_rate()), (PoolUse { taken: 2, reused: 0 }, 0.0));
    }
}
