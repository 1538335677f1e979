//! The one queue of the bus: bounded, counted, and never blocking the thread that sends.
//!
//! A full queue of a blocking subscriber hands the message back, or is awaited; there is no send
//! that parks a thread, because the receiver may live on the same one.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use super::QueueCounters;

/// What happens when a subscriber does not keep up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// The publisher waits: nothing is lost. For backtests and accounts.
    #[default]
    Block,
    /// The message that waited longest is dropped for the new one. For logs and charts.
    DropOldest,
    /// The new message is dropped. For samplers.
    DropNewest,
    /// Only the newest event per key waits. For dashboards.
    Conflate,
}

/// How a subscriber is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueOptions {
    /// What happens when it does not keep up.
    pub policy: Policy,
    /// Messages that may wait.
    pub capacity: NonZeroUsize,
}

impl QueueOptions {
    /// Messages that wait by default.
    pub const CAPACITY: NonZeroUsize = NonZeroUsize::new(4).expect("4 is not 0");

    /// The default number of messages under `policy`.
    pub fn new(policy: Policy) -> Self {
        Self { policy, capacity: Self::CAPACITY }
    }
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self::new(Policy::Block)
    }
}

/// What goes through a queue: it knows how many events it holds.
pub trait Carries {
    /// How many events it holds.
    fn events(&self) -> usize;
}

/// What became of a message.
#[derive(Debug, PartialEq, Eq)]
pub enum Offer<T> {
    /// It waits in the queue.
    Sent,
    /// It waits in the queue, and this one was dropped for it.
    Replaced(T),
    /// It was dropped.
    Dropped(T),
    /// There is no room, and the policy is to wait for it.
    Full(T),
    /// Nobody receives any more.
    Closed(T),
}

/// The sending end.
#[derive(Debug)]
pub struct QueueSender<T> {
    tx: flume::Sender<T>,
    /// Takes out the oldest message under [`Policy::DropOldest`].
    evict: Option<flume::Receiver<T>>,
    policy: Policy,
    open: Arc<AtomicBool>,
    counters: Arc<QueueCounters>,
}

/// The receiving end. It may be cloned to be listened to anew after a restart; clones compete for
/// messages.
#[derive(Debug)]
pub struct QueueReceiver<T> {
    rx: flume::Receiver<T>,
    _open: Arc<CloseOnDrop>,
    counters: Arc<QueueCounters>,
}

impl<T> Clone for QueueReceiver<T> {
    fn clone(&self) -> Self {
        Self { rx: self.rx.clone(), _open: Arc::clone(&self._open), counters: Arc::clone(&self.counters) }
    }
}

/// The evicting clone of the receiver keeps the channel open, so openness is kept beside it.
#[derive(Debug)]
struct CloseOnDrop(Arc<AtomicBool>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.store(false, Relaxed);
    }
}

/// A queue of `capacity` messages. Under [`Policy::Conflate`] it keeps the newest message only; what
/// to keep per key is the topic's business.
pub fn queue<T: Carries>(
    options: QueueOptions,
    counters: Arc<QueueCounters>,
) -> (QueueSender<T>, QueueReceiver<T>) {
    let capacity = if options.policy == Policy::Conflate { 1 } else { options.capacity.get() };
    let (tx, rx) = flume::bounded(capacity);
    let open = Arc::new(AtomicBool::new(true));
    let evicts = matches!(options.policy, Policy::DropOldest | Policy::Conflate);
    let sender = QueueSender {
        tx,
        evict: evicts.then(|| rx.clone()),
        policy: options.policy,
        open: Arc::clone(&open),
        counters: Arc::clone(&counters),
    };
    (sender, QueueReceiver { rx, _open: Arc::new(CloseOnDrop(open)), counters })
}

impl<T: Carries> QueueSender<T> {
    /// Puts a message into the queue, or applies the policy; never waits.
    pub fn offer(&self, message: T) -> Offer<T> {
        if !self.is_open() {
            return Offer::Closed(message);
        }
        let events = message.events();
        match self.tx.try_send(message) {
            Ok(()) => {
                self.counters.delivered(events, self.tx.len());
                Offer::Sent
            }
            Err(flume::TrySendError::Disconnected(message)) => Offer::Closed(message),
            Err(flume::TrySendError::Full(message)) => match self.policy {
                Policy::Block => Offer::Full(message),
                Policy::DropNewest => {
                    self.counters.dropped(events);
                    Offer::Dropped(message)
                }
                Policy::DropOldest | Policy::Conflate => self.replace_oldest(message),
            },
        }
    }

    fn replace_oldest(&self, message: T) -> Offer<T> {
        let events = message.events();
        let oldest = self.evict.as_ref().and_then(|rx| rx.try_recv().ok());
        if let Some(oldest) = &oldest {
            self.counters.dropped(oldest.events());
        }
        // Another sender may take the room that was made; the newer message then has lost.
        match (self.tx.try_send(message), oldest) {
            (Ok(()), oldest) => {
                self.counters.delivered(events, self.tx.len());
                oldest.map_or(Offer::Sent, Offer::Replaced)
            }
            (Err(error), _) => {
                self.counters.dropped(events);
                Offer::Dropped(error.into_inner())
            }
        }
    }

    /// Puts a message into the queue, waiting for room without holding the thread.
    ///
    /// # Errors
    /// Hands the message back when nobody receives any more.
    pub async fn send(&self, message: T) -> Result<(), T> {
        let events = message.events();
        match self.offer(message) {
            Offer::Sent | Offer::Replaced(_) | Offer::Dropped(_) => Ok(()),
            Offer::Closed(message) => Err(message),
            Offer::Full(message) => match self.tx.send_async(message).await {
                Ok(()) => {
                    self.counters.delivered(events, self.tx.len());
                    Ok(())
                }
                Err(error) => Err(error.into_inner()),
            },
        }
    }

    /// Messages that wait.
    pub fn waiting(&self) -> usize {
        self.tx.len()
    }

    /// Whether somebody still receives.
    pub fn is_open(&self) -> bool {
        self.open.load(Relaxed)
    }

    /// Its counters.
    pub fn counters(&self) -> &Arc<QueueCounters> {
        &self.counters
    }
}

impl<T> QueueReceiver<T> {
    /// The next message, if one waits.
    pub fn try_recv(&self) -> Option<T> {
        self.rx.try_recv().ok()
    }

    /// The next message; `None` when all senders are gone and nothing waits.
    pub async fn recv(&self) -> Option<T> {
        self.rx.recv_async().await.ok()
    }

    /// The messages as a stream, for actors. Messages that wait stay in the queue when it is dropped.
    pub fn stream(&self) -> flume::r#async::RecvStream<'static, T>
    where
        T: 'static,
    {
        self.rx.clone().into_stream()
    }

    /// Messages that wait.
    pub fn waiting(&self) -> usize {
        self.rx.len()
    }

    /// Whether all senders are gone.
    pub fn is_finished(&self) -> bool {
        self.rx.is_disconnected() && self.rx.is_empty()
    }

    /// Its counters.
    pub fn counters(&self) -> &Arc<QueueCounters> {
        &self.counters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Eq)]
    struct One(u32);

    impl Carries for One {
        fn events(&self) -> usize {
            1
        }
    }

    fn of(policy: Policy) -> (QueueSender<One>, QueueReceiver<One>) {
        let options = QueueOptions { policy, capacity: NonZeroUsize::new(2).unwrap() };
        queue(options, Arc::new(QueueCounters::new("topic", "subscriber")))
    }

    fn offer_three(tx: &QueueSender<One>) -> Vec<Offer<One>> {
        (1..=3).map(|n| tx.offer(One(n))).collect()
    }

    fn drain(rx: &QueueReceiver<One>) -> Vec<u32> {
        std::iter::from_fn(|| rx.try_recv()).map(|one| one.0).collect()
    }

    #[test]
    fn a_full_blocking_queue_hands_the_message_back() {
        let (tx, rx) = of(Policy::Block);
        assert_eq!(offer_three(&tx), [Offer::Sent, Offer::Sent, Offer::Full(One(3))]);
        assert_eq!(drain(&rx), [1, 2]);
        assert_eq!(rx.counters().snapshot().dropped, 0);
    }

    #[test]
    fn a_full_queue_drops_what_its_policy_says_and_counts_it() {
        let (tx, rx) = of(Policy::DropOldest);
        assert_eq!(offer_three(&tx), [Offer::Sent, Offer::Sent, Offer::Replaced(One(1))]);
        assert_eq!(drain(&rx), [2, 3]);
        assert_eq!(rx.counters().snapshot().dropped, 1);

        let (tx, rx) = of(Policy::DropNewest);
        assert_eq!(offer_three(&tx), [Offer::Sent, Offer::Sent, Offer::Dropped(One(3))]);
        assert_eq!(drain(&rx), [1, 2]);
        let counters = rx.counters().snapshot();
        assert_eq!((counters.messages, counters.dropped, counters.queue_peak), (2, 1, 2));
    }

    #[test]
    fn a_queue_without_receiver_says_so_under_every_policy() {
        for policy in [Policy::Block, Policy::DropOldest, Policy::DropNewest, Policy::Conflate] {
            let (tx, rx) = of(policy);
            let again = rx.clone();
            drop(rx);
            assert_eq!(tx.offer(One(1)), Offer::Sent, "{policy:?}");
            drop(again);
            assert_eq!(tx.offer(One(2)), Offer::Closed(One(2)), "{policy:?}");
        }
    }
}
