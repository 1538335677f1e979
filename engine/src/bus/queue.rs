//! The one queue of the bus: bounded, counted, and never blocking the thread that sends.
//!
//! A full queue of a blocking subscriber hands the message back, or is awaited; there is no send
//! that parks a thread, because the receiver may live on the same one.

use std::{
    future::poll_fn,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{
            AtomicBool, AtomicUsize,
            Ordering::{Relaxed, SeqCst},
        },
    },
    task::{Context, Poll},
};

use super::{QueueCounters, wakers::Wakers};

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

/// What both ends share beside the channel.
#[derive(Debug)]
struct Ends {
    /// Whether a receiver is left. Kept beside the channel, because the evicting clone of the receiver
    /// keeps the channel itself open.
    open: AtomicBool,
    /// Messages that wait; the channel knows, but asking it takes its lock.
    waiting: AtomicUsize,
    receivers: Wakers,
    senders: Wakers,
}

impl Ends {
    fn received(&self) {
        self.waiting.fetch_sub(1, Relaxed);
        self.senders.wake();
    }
}

/// The sending end.
#[derive(Debug)]
pub struct QueueSender<T> {
    tx: flume::Sender<T>,
    /// Takes out the oldest message under [`Policy::DropOldest`].
    evict: Option<flume::Receiver<T>>,
    policy: Policy,
    capacity: usize,
    counters: Arc<QueueCounters>,
    /// Dropped last, when the channel already knows that this sender is gone.
    ends: WakeReceivers,
}

#[derive(Debug)]
struct WakeReceivers(Arc<Ends>);

impl Drop for WakeReceivers {
    fn drop(&mut self) {
        self.0.receivers.wake();
    }
}

/// The receiving end. It may be cloned to be listened to anew after a restart; clones compete for
/// messages.
#[derive(Debug)]
pub struct QueueReceiver<T> {
    rx: flume::Receiver<T>,
    ends: Arc<CloseOnDrop>,
    counters: Arc<QueueCounters>,
}

impl<T> Clone for QueueReceiver<T> {
    fn clone(&self) -> Self {
        Self { rx: self.rx.clone(), ends: Arc::clone(&self.ends), counters: Arc::clone(&self.counters) }
    }
}

#[derive(Debug)]
struct CloseOnDrop(Arc<Ends>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.open.store(false, SeqCst);
        self.0.senders.wake();
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
    let ends = Arc::new(Ends {
        open: AtomicBool::new(true),
        waiting: AtomicUsize::new(0),
        receivers: Wakers::default(),
        senders: Wakers::default(),
    });
    let evicts = matches!(options.policy, Policy::DropOldest | Policy::Conflate);
    let sender = QueueSender {
        tx,
        evict: evicts.then(|| rx.clone()),
        policy: options.policy,
        capacity,
        counters: Arc::clone(&counters),
        ends: WakeReceivers(Arc::clone(&ends)),
    };
    (sender, QueueReceiver { rx, ends: Arc::new(CloseOnDrop(ends)), counters })
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
                self.sent(events);
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

    fn sent(&self, events: usize) {
        // A receiver counts a message after it has taken it (perhaps before we count it here), so the
        // sum may be off by those in between: one too many, or wrapped below zero.
        let waiting = self.ends.0.waiting.fetch_add(1, Relaxed).wrapping_add(1);
        self.counters.delivered(events, if waiting <= self.capacity { waiting } else { self.tx.len() });
        self.ends.0.receivers.wake();
    }

    fn replace_oldest(&self, message: T) -> Offer<T> {
        let events = message.events();
        let oldest = self.evict.as_ref().and_then(|rx| rx.try_recv().ok());
        if let Some(oldest) = &oldest {
            self.ends.0.waiting.fetch_sub(1, Relaxed);
            self.counters.dropped(oldest.events());
        }
        // Another sender may take the room that was made; the newer message then has lost.
        match (self.tx.try_send(message), oldest) {
            (Ok(()), oldest) => {
                self.sent(events);
                oldest.map_or(Offer::Sent, Offer::Replaced)
            }
            (Err(error), _) => {
                self.counters.dropped(events);
                Offer::Dropped(error.into_inner())
            }
        }
    }

    /// Ready when an offer will not find the queue full (unless another sender is quicker) or nobody
    /// receives any more.
    pub fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        let has_room = || !self.tx.is_full() || self.policy != Policy::Block || !self.is_open();
        if has_room() {
            return Poll::Ready(());
        }
        self.ends.0.senders.register(cx.waker());
        if has_room() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Puts a message into the queue, waiting for room without holding the thread.
    ///
    /// # Errors
    /// Hands the message back when nobody receives any more.
    pub async fn send(&self, message: T) -> Result<(), T> {
        let mut message = message;
        loop {
            match self.offer(message) {
                Offer::Sent | Offer::Replaced(_) | Offer::Dropped(_) => return Ok(()),
                Offer::Closed(message) => return Err(message),
                Offer::Full(back) => message = back,
            }
            poll_fn(|cx| self.poll_room(cx)).await;
        }
    }

    /// Messages that wait.
    pub fn waiting(&self) -> usize {
        self.tx.len()
    }

    /// Whether somebody still receives.
    pub fn is_open(&self) -> bool {
        self.ends.0.open.load(SeqCst)
    }

    /// Its counters.
    pub fn counters(&self) -> &Arc<QueueCounters> {
        &self.counters
    }
}

impl<T> QueueReceiver<T> {
    /// The next message, if one waits.
    pub fn try_recv(&self) -> Option<T> {
        let message = self.rx.try_recv().ok()?;
        self.ends.0.received();
        Some(message)
    }

    /// The next message; `None` when all senders are gone and nothing waits.
    pub fn poll_recv(&self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let look = || match self.rx.try_recv() {
            Ok(message) => {
                self.ends.0.received();
                Poll::Ready(Some(message))
            }
            Err(flume::TryRecvError::Disconnected) => Poll::Ready(None),
            Err(flume::TryRecvError::Empty) => Poll::Pending,
        };
        let first = look();
        if first.is_ready() {
            return first;
        }
        self.ends.0.receivers.register(cx.waker());
        look()
    }

    /// The next message; `None` when all senders are gone and nothing waits.
    pub async fn recv(&self) -> Option<T> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// Messages that wait.
    pub fn waiting(&self) -> usize {
        self.rx.len()
    }

    /// Whether all senders are gone and nothing waits.
    pub fn is_finished(&self) -> bool {
        self.rx.is_disconnected() && self.rx.is_empty()
    }

    /// Its counters.
    pub fn counters(&self) -> &Arc<QueueCounters> {
        &self.counters
    }
}
