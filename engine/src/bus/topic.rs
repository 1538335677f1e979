//! Topics: the subscribers of one kind of event at one place of the tree.

use std::{
    ops::Deref,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use super::{
    Carries, DeadCause, Event, Filter, Offer, Payload, Policy, QueueCounters, QueueOptions, QueueReceiver,
    QueueSender, conflate::Conflator, queue::queue, tree::Shared,
};

/// Events that travel together; cloning it copies no event.
#[derive(Clone, Debug)]
pub struct Batch<P>(pub(super) Arc<Vec<Event<P>>>);

impl<P> Deref for Batch<P> {
    type Target = [Event<P>];

    fn deref(&self) -> &[Event<P>] {
        &self.0
    }
}

/// One message: a batch, numbered for its subscriber. A gap in the numbers is a message that was
/// dropped.
#[derive(Clone, Debug)]
pub struct Message<P> {
    /// Counted from 1 for each subscriber.
    pub sequence: u64,
    /// The events, in the order in which they were published.
    pub events: Batch<P>,
}

impl<P> Carries for Message<P> {
    fn events(&self) -> usize {
        self.events.len()
    }
}

/// Says that a conflated subscription has something waiting.
#[derive(Debug)]
struct Wake;

impl Carries for Wake {
    fn events(&self) -> usize {
        0
    }
}

#[derive(Debug)]
enum Outlet<P> {
    Queue(QueueSender<Message<P>>),
    Conflated { slots: Arc<Conflator<P>>, wake: QueueSender<Wake>, counters: Arc<QueueCounters> },
}

/// One subscriber as publishers see it.
#[derive(Debug)]
pub(super) struct Subscriber<P: Payload> {
    filter: P::Filter,
    outlet: Outlet<P>,
    sequence: AtomicU64,
}

impl<P: Payload> Subscriber<P> {
    /// Hands a batch over, whole or filtered; a message that found no room comes back.
    pub(super) fn deliver(&self, batch: &Batch<P>, shared: &Shared) -> Option<Message<P>> {
        let accepted = batch.iter().filter(|event| self.filter.accepts(event)).count();
        if accepted == 0 {
            return None;
        }
        match &self.outlet {
            Outlet::Queue(_) => {
                let events = if accepted == batch.len() {
                    batch.clone()
                } else {
                    let picked = batch.iter().filter(|event| self.filter.accepts(event)).cloned();
                    Batch(Arc::new(picked.collect()))
                };
                let sequence = self.sequence.fetch_add(1, Relaxed) + 1;
                self.offer(Message { sequence, events }, shared)
            }
            Outlet::Conflated { slots, wake, counters } => {
                if wake.is_open() {
                    let picked = batch.iter().filter(|event| self.filter.accepts(event));
                    let (replaced, waiting) = slots.put(picked);
                    counters.dropped(replaced);
                    counters.peak(waiting);
                    // A wake that already waits serves for this batch too.
                    let _ = wake.offer(Wake);
                } else {
                    shared.dead(counters.subscriber(), DeadCause::Closed, batch);
                }
                None
            }
        }
    }

    /// Offers a message (again); it comes back when there is no room and nothing may be dropped.
    pub(super) fn offer(&self, message: Message<P>, shared: &Shared) -> Option<Message<P>> {
        let Outlet::Queue(tx) = &self.outlet else { return None };
        match tx.offer(message) {
            Offer::Sent => None,
            Offer::Replaced(lost) | Offer::Dropped(lost) => {
                shared.dead(tx.counters().subscriber(), DeadCause::Dropped, &lost.events);
                None
            }
            Offer::Closed(lost) => {
                shared.dead(tx.counters().subscriber(), DeadCause::Closed, &lost.events);
                None
            }
            Offer::Full(message) => Some(message),
        }
    }

    /// Ready when an offer will find room.
    pub(super) fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        match &self.outlet {
            Outlet::Queue(tx) => tx.poll_room(cx),
            Outlet::Conflated { .. } => Poll::Ready(()),
        }
    }

    pub(super) fn abandon(&self, message: &Message<P>, shared: &Shared) {
        let Outlet::Queue(tx) = &self.outlet else { return };
        tx.counters().dropped(message.events.len());
        shared.dead(tx.counters().subscriber(), DeadCause::Abandoned, &message.events);
    }

    fn is_open(&self) -> bool {
        match &self.outlet {
            Outlet::Queue(tx) => tx.is_open(),
            Outlet::Conflated { wake, .. } => wake.is_open(),
        }
    }

    pub(super) fn waiting(&self) -> usize {
        match &self.outlet {
            Outlet::Queue(tx) => tx.waiting(),
            Outlet::Conflated { slots, .. } => slots.waiting(),
        }
    }
}

/// The subscribers of one kind of event at one place of the tree.
#[derive(Debug)]
pub struct Topic<P: Payload> {
    subscribers: RwLock<Vec<Arc<Subscriber<P>>>>,
}

impl<P: Payload> Default for Topic<P> {
    fn default() -> Self {
        Self { subscribers: RwLock::new(Vec::new()) }
    }
}

impl<P: Payload> Topic<P> {
    pub(super) fn subscribe(
        &self,
        filter: P::Filter,
        options: QueueOptions,
        counters: Arc<QueueCounters>,
    ) -> Subscription<P> {
        let (outlet, inlet) = if options.policy == Policy::Conflate {
            let slots = Arc::new(Conflator::default());
            // The wakes are not messages of the subscriber: they are counted apart and thrown away.
            let (wake, wakes) = queue(
                QueueOptions { policy: Policy::DropNewest, capacity: std::num::NonZeroUsize::MIN },
                Arc::new(QueueCounters::new("wake", counters.subscriber())),
            );
            (
                Outlet::Conflated { slots: Arc::clone(&slots), wake, counters: Arc::clone(&counters) },
                Inlet::Conflated { slots, wakes, counters, taken: 0 },
            )
        } else {
            let (tx, rx) = queue(options, counters);
            (Outlet::Queue(tx), Inlet::Queue(rx))
        };
        let subscriber = Arc::new(Subscriber { filter, outlet, sequence: AtomicU64::new(0) });
        let mut subscribers = self.subscribers.write().unwrap_or_else(PoisonError::into_inner);
        subscribers.retain(|subscriber| subscriber.is_open());
        subscribers.push(subscriber);
        Subscription(inlet)
    }

    pub(super) fn for_each(&self, mut visit: impl FnMut(&Arc<Subscriber<P>>)) {
        let subscribers = self.subscribers.read().unwrap_or_else(PoisonError::into_inner);
        subscribers.iter().for_each(&mut visit);
    }

    pub(super) fn is_heard(&self) -> bool {
        let subscribers = self.subscribers.read().unwrap_or_else(PoisonError::into_inner);
        subscribers.iter().any(|subscriber| subscriber.is_open())
    }
}

#[derive(Debug)]
enum Inlet<P> {
    Queue(QueueReceiver<Message<P>>),
    Conflated {
        slots: Arc<Conflator<P>>,
        wakes: QueueReceiver<Wake>,
        counters: Arc<QueueCounters>,
        taken: u64,
    },
}

/// What a subscriber holds. Dropping it ends the subscription.
#[derive(Debug)]
pub struct Subscription<P>(Inlet<P>);

impl<P: Payload> Subscription<P> {
    /// The next message, if one waits.
    pub fn try_recv(&mut self) -> Option<Message<P>> {
        match &mut self.0 {
            Inlet::Queue(rx) => rx.try_recv(),
            Inlet::Conflated { slots, wakes, counters, taken } => {
                let _ = wakes.try_recv();
                Self::take(slots, counters, taken)
            }
        }
    }

    /// The next message; `None` when the bus is gone and nothing waits.
    pub async fn recv(&mut self) -> Option<Message<P>> {
        match &mut self.0 {
            Inlet::Queue(rx) => rx.recv().await,
            Inlet::Conflated { slots, wakes, counters, taken } => loop {
                let woken = wakes.recv().await;
                match Self::take(slots, counters, taken) {
                    Some(message) => return Some(message),
                    None if woken.is_none() => return None,
                    None => {}
                }
            },
        }
    }

    /// Messages that wait (keys, when the subscription conflates).
    pub fn waiting(&self) -> usize {
        match &self.0 {
            Inlet::Queue(rx) => rx.waiting(),
            Inlet::Conflated { slots, .. } => slots.waiting(),
        }
    }

    /// Its counters.
    pub fn counters(&self) -> &Arc<QueueCounters> {
        match &self.0 {
            Inlet::Queue(rx) => rx.counters(),
            Inlet::Conflated { counters, .. } => counters,
        }
    }

    /// Calls `handler` once for each message that waits; answers how often.
    pub fn drain(&mut self, handler: &mut impl EventHandler<P>) -> usize {
        let mut calls = 0;
        // What arrives meanwhile is left for the next call, so that a fast publisher cannot hold us.
        for _ in 0..self.waiting() {
            let Some(message) = self.try_recv() else { break };
            handler.on_events(&message.events);
            calls += 1;
        }
        calls
    }

    fn take(slots: &Conflator<P>, counters: &QueueCounters, taken: &mut u64) -> Option<Message<P>> {
        let events = slots.take();
        if events.is_empty() {
            return None;
        }
        *taken += 1;
        counters.delivered(events.len(), 0);
        Some(Message { sequence: *taken, events: Batch(Arc::new(events)) })
    }
}

/// Handles the events of a subscription.
pub trait EventHandler<P> {
    /// Called once per batch, however many events it holds.
    fn on_events(&mut self, events: &[Event<P>]);
}
