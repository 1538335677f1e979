//! Frames on the bus: the one kind of message that carries market data in a run.

use std::sync::Arc;

use super::{Carries, Offer, QueueCounters, QueueOptions, QueueReceiver, QueueSender, queue::queue};
use crate::{frame::Frame, result::TopicCounters};

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

    /// Publishes a frame to every subscriber, waiting for room without holding the thread.
    ///
    /// Answers how many subscribers are left to listen.
    pub async fn publish(&self, frame: Arc<Frame>) -> usize {
        let Some((last, others)) = self.queues.split_last() else { return 0 };
        let mut heard = 0;
        for queue in others {
            heard += usize::from(queue.send(Arc::clone(&frame)).await.is_ok());
        }
        // The last subscriber gets the publisher's own reference: where it is the only one, it may
        // write into the frame.
        heard + usize::from(last.send(frame).await.is_ok())
    }

    /// Publishes a frame to the one subscriber of a topic that has only one, without waiting.
    pub fn offer(&self, frame: Arc<Frame>) -> Offer<Arc<Frame>> {
        match self.queues.as_slice() {
            [queue] => queue.offer(frame),
            _ => Offer::Full(frame),
        }
    }

    /// Whether anybody listens.
    pub fn is_heard(&self) -> bool {
        self.queues.iter().any(QueueSender::is_open)
    }

    /// The counters, in the order of subscription.
    pub fn counters(&self) -> Vec<TopicCounters> {
        self.queues.iter().map(|queue| queue.counters().snapshot()).collect()
    }
}

/// Frames that everybody has let go of, for use again: in steady state no frame is allocated.
#[derive(Clone, Debug)]
pub struct FramePool {
    tx: flume::Sender<Arc<Frame>>,
    rx: flume::Receiver<Arc<Frame>>,
}

impl FramePool {
    /// A pool of at most `frames_max` frames (at least 1).
    pub fn new(frames_max: usize) -> Self {
        let (tx, rx) = flume::bounded(frames_max.max(1));
        Self { tx, rx }
    }

    /// A frame that nobody else holds; its content is whatever it was.
    pub fn take(&self) -> Arc<Frame> {
        self.rx.try_recv().unwrap_or_else(|_| Arc::new(Frame::empty()))
    }

    /// Gives a frame back; whoever lets go of it last keeps it from being freed.
    pub fn give(&self, mut frame: Arc<Frame>) {
        if Arc::get_mut(&mut frame).is_some() {
            let _ = self.tx.try_send(frame);
        }
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
    }
}
