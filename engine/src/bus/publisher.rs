//! Publishers: collect events into batches and deliver each batch as one message per subscriber.

use std::{
    collections::VecDeque,
    future::poll_fn,
    num::NonZeroUsize,
    sync::Arc,
    task::{Context, Poll, ready},
};

use super::{
    AnyPayload, Batch, Bus, ContainerId, Event, EventId, Header, IsolationViolation, Message, Payload,
    event::Publishers, isolation::container_of, topic::Subscriber, tree::Source,
};

/// When a batch that is not full leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlushRule {
    /// A batch of so many events leaves at once.
    pub events_max: NonZeroUsize,
    /// A batch leaves when its first event has waited so long, nanoseconds of the caller's clock.
    pub deadline_ns: Option<i64>,
    /// A batch leaves when no subscriber has anything left to do.
    pub when_idle: bool,
}

impl FlushRule {
    /// Events of a full batch by default.
    pub const EVENTS_MAX: NonZeroUsize = NonZeroUsize::new(1024).expect("1024 is not 0");

    /// Full batches only: for backtests.
    pub const BATCHED: Self = Self { events_max: Self::EVENTS_MAX, deadline_ns: None, when_idle: false };

    /// Every event leaves at once: for live markets.
    pub const IMMEDIATE: Self = Self { events_max: NonZeroUsize::MIN, deadline_ns: None, when_idle: false };
}

impl Default for FlushRule {
    fn default() -> Self {
        Self::BATCHED
    }
}

/// An event before the bus has stamped it.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft<P> {
    /// What happened.
    pub payload: P,
    /// When, UTC nanoseconds.
    pub timestamp_ns: i64,
    /// The container that it comes from; `None` for that of the bus on which it is published.
    pub container: Option<ContainerId>,
    /// The event that caused it, if one did.
    pub cause: Option<Header>,
}

impl<P> Draft<P> {
    /// An event that starts a chain.
    pub fn new(timestamp_ns: i64, payload: P) -> Self {
        Self { payload, timestamp_ns, container: None, cause: None }
    }

    /// An event that `cause` led to.
    pub fn caused_by(cause: &Header, timestamp_ns: i64, payload: P) -> Self {
        Self { payload, timestamp_ns, container: None, cause: Some(*cause) }
    }

    /// The event as one that comes from `container`.
    #[must_use]
    pub fn of(self, container: ContainerId) -> Self {
        Self { container: Some(container), ..self }
    }
}

/// Why an event was not added.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refused<P> {
    /// The batch is full and a subscriber that must not lose events has no room: here it is back;
    /// flush, then push again.
    #[error("the batch is full, and a subscriber has no room for it")]
    Full(Draft<P>),
    /// It does not belong on this bus. That is logged, and whoever runs the tree stops.
    #[error(transparent)]
    Foreign(#[from] IsolationViolation),
}

impl<P> Refused<P> {
    pub(super) fn map<Q>(self, change: impl FnOnce(P) -> Q) -> Refused<Q> {
        match self {
            Self::Full(Draft { payload, timestamp_ns, container, cause }) => {
                Refused::Full(Draft { payload: change(payload), timestamp_ns, container, cause })
            }
            Self::Foreign(violation) => Refused::Foreign(violation),
        }
    }
}

/// Publishes events of one kind.
#[derive(Debug)]
pub struct Publisher<P: Payload> {
    bus: Bus,
    source: Source,
    rule: FlushRule,
    batch: Arc<Vec<Event<P>>>,
    first_ns: i64,
    /// Batches that were sent, to be used again when all subscribers have let go of them.
    sent: VecDeque<Arc<Vec<Event<P>>>>,
    /// Messages that found no room.
    pending: VecDeque<(Arc<Subscriber<P>>, Message<P>)>,
}

/// Sent batches that are watched for use again.
const RECYCLED_MAX: usize = 8;

impl<P: Payload> Publisher<P> {
    pub(super) fn new(bus: Bus, source: Source, rule: FlushRule) -> Self {
        Self {
            bus,
            source,
            rule,
            batch: Arc::default(),
            first_ns: 0,
            sent: VecDeque::with_capacity(RECYCLED_MAX),
            pending: VecDeque::new(),
        }
    }

    /// Whether anybody listens, here or above: if not, an event need not even be made.
    pub fn is_heard(&self) -> bool {
        self.bus.path::<P>().any(|topic| topic.is_heard())
    }

    /// Adds an event to the batch; a batch that becomes full is delivered.
    ///
    /// # Errors
    /// Hands the event back when the batch is full and cannot be delivered yet; refuses one that comes
    /// from, or was caused in, another container than the one it is published for.
    pub fn push(&mut self, draft: Draft<P>) -> Result<EventId, Refused<P>> {
        let container_id = container_of(self.bus.container_id(), self.source.id, &draft)
            .inspect_err(|violation| self.bus.shared().violations.add(*violation))?;
        if !self.has_room() {
            return Err(Refused::Full(draft));
        }
        let sequence_number = self.source.next_sequence();
        let id = EventId { source_id: self.source.id, sequence_number };
        let header = Header {
            source_id: self.source.id,
            container_id,
            correlation_id: draft.cause.map_or(id, |cause| cause.correlation_id),
            causation_id: draft.cause.map(|cause| cause.id()),
            sequence_number,
            timestamp_ns: draft.timestamp_ns,
        };
        self.add(Event { header, payload: draft.payload });
        Ok(id)
    }

    /// Whether an event can be added: delivers a full batch, if that is what it takes.
    fn has_room(&mut self) -> bool {
        self.batch.len() < self.rule.events_max.get() || self.flush()
    }

    fn add(&mut self, event: Event<P>) {
        if self.batch.is_empty() {
            self.first_ns = event.header.timestamp_ns;
        }
        match Arc::get_mut(&mut self.batch) {
            Some(batch) => batch.push(event),
            // Only a sent batch is shared, and a sent batch is replaced at once.
            None => self.batch = Arc::new(vec![event]),
        }
        if self.batch.len() >= self.rule.events_max.get() {
            self.flush();
        }
    }

    /// Delivers the batch if the rule says so; `now_ns` is on the clock of the events' time stamps.
    /// Answers whether nothing waits any more.
    pub fn poll(&mut self, now_ns: i64) -> bool {
        let late = self.rule.deadline_ns.is_some_and(|ns| now_ns.saturating_sub(self.first_ns) >= ns);
        if !self.pending.is_empty() || late || (self.rule.when_idle && self.is_idle()) {
            return self.flush();
        }
        self.batch.is_empty()
    }

    fn is_idle(&self) -> bool {
        let mut waiting = 0;
        self.bus.path::<P>().for_each(|topic| topic.for_each(|subscriber| waiting += subscriber.waiting()));
        waiting == 0
    }

    /// Delivers the batch. Answers whether all of it found room; what did not is offered again by the
    /// next flush, before anything newer.
    pub fn flush(&mut self) -> bool {
        self.retry();
        if !self.pending.is_empty() {
            return false;
        }
        if self.batch.is_empty() {
            return true;
        }
        let next = self.fresh();
        let batch = Batch(std::mem::replace(&mut self.batch, next));
        let (shared, pending) = (self.bus.shared(), &mut self.pending);
        for topic in self.bus.path::<P>() {
            topic.for_each(|subscriber| {
                if let Some(message) = subscriber.deliver(&batch, shared) {
                    pending.push_back((Arc::clone(subscriber), message));
                }
            });
        }
        if self.sent.len() == RECYCLED_MAX {
            self.sent.pop_front();
        }
        self.sent.push_back(batch.0);
        self.pending.is_empty()
    }

    /// As [`Self::flush`]; ready when nothing waits any more.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while !self.flush() {
            let room = self.pending.iter().filter(|(subscriber, _)| subscriber.poll_room(cx).is_ready());
            if room.count() == 0 {
                return Poll::Pending;
            }
        }
        Poll::Ready(())
    }

    /// As [`Self::flush`], waiting for room without holding the thread.
    pub async fn flush_async(&mut self) {
        poll_fn(|cx| self.poll_flush(cx)).await;
    }

    fn retry(&mut self) {
        // One pass: each subscriber's messages stay in order, because the first that finds no room
        // keeps its later ones behind it (there is at most one message per subscriber in here).
        for _ in 0..self.pending.len() {
            let Some((subscriber, message)) = self.pending.pop_front() else { return };
            if let Some(message) = subscriber.offer(message, self.bus.shared()) {
                self.pending.push_back((subscriber, message));
            }
        }
    }

    /// An empty batch, out of one that everybody has let go of where there is one.
    fn fresh(&mut self) -> Arc<Vec<Event<P>>> {
        for _ in 0..self.sent.len() {
            let Some(mut batch) = self.sent.pop_front() else { break };
            if let Some(events) = Arc::get_mut(&mut batch) {
                events.clear();
                return batch;
            }
            self.sent.push_back(batch);
        }
        Arc::new(Vec::with_capacity(self.rule.events_max.get()))
    }
}

impl<P: Payload> Drop for Publisher<P> {
    fn drop(&mut self) {
        self.flush();
        for (subscriber, message) in self.pending.drain(..) {
            subscriber.abandon(&message, self.bus.shared());
        }
    }
}

/// Makes the publishers of one source.
#[derive(Debug)]
pub(super) struct Maker {
    bus: Bus,
    source: Source,
    rule: FlushRule,
}

impl Maker {
    pub(super) fn publisher<P: Payload>(&self) -> Publisher<P> {
        Publisher::new(self.bus.clone(), self.source.clone(), self.rule)
    }
}

/// Publishes events of all kinds: each kind is a batch of its own, in order.
#[derive(Debug)]
pub struct EventPublisher {
    maker: Maker,
    publishers: Publishers,
}

impl EventPublisher {
    pub(super) fn new(bus: Bus, source: Source, rule: FlushRule) -> Self {
        Self { maker: Maker { bus, source, rule }, publishers: Publishers::default() }
    }

    /// Adds an event to the batch of its kind.
    ///
    /// # Errors
    /// As [`Publisher::push`].
    #[allow(clippy::result_large_err, reason = "the event is handed back by value, not boxed on a hot path")]
    pub fn push(&mut self, draft: Draft<AnyPayload>) -> Result<EventId, Refused<AnyPayload>> {
        self.publishers.push(&self.maker, draft)
    }

    /// Delivers all batches, kind by kind; answers whether all of it found room.
    pub fn flush(&mut self) -> bool {
        self.publishers.flush()
    }

    /// Publishes events of any kinds: grouped by kind, in order within a kind, one message per batch
    /// and subscriber. What `drafts` holds when it is not ready is still to be published.
    ///
    /// # Errors
    /// The first event that does not belong on this bus; it is gone, and those behind it are still in
    /// `drafts`.
    pub fn poll_publish(
        &mut self,
        drafts: &mut VecDeque<Draft<AnyPayload>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), IsolationViolation>> {
        while let Some(draft) = drafts.pop_front() {
            match self.push(draft) {
                Ok(_) => {}
                Err(Refused::Foreign(violation)) => return Poll::Ready(Err(violation)),
                Err(Refused::Full(draft)) => {
                    drafts.push_front(draft);
                    ready!(self.publishers.poll_flush(cx));
                }
            }
        }
        self.publishers.poll_flush(cx).map(Ok)
    }

    /// As [`Self::poll_publish`], waiting for room without holding the thread.
    ///
    /// # Errors
    /// The first event that does not belong on this bus; those behind it are not published.
    pub async fn publish_batch(
        &mut self,
        drafts: impl IntoIterator<Item = Draft<AnyPayload>>,
    ) -> Result<(), IsolationViolation> {
        let mut drafts = drafts.into_iter().collect();
        poll_fn(|cx| self.poll_publish(&mut drafts, cx)).await
    }
}
