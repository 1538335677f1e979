//! The tree of buses: what is published in a container is heard there, in its set and at the root,
//! and never beside it.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use serde::Serialize;

use super::{
    ContainerId, DeadCause, DeadLetter, DeadLetters, Event, EventPublisher, FlushRule, IsolationViolation,
    Payload, Publisher, QueueCounters, QueueOptions, SourceId, Subscription, event::Topics,
    isolation::Violations,
};
use crate::result::TopicCounters;

/// Where a bus stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Above all sets: it coordinates.
    Root,
    /// One strategy set.
    Set,
    /// One container.
    Container(ContainerId),
}

/// Who publishes: a number, and the count of its events.
#[derive(Clone, Debug)]
pub struct Source {
    pub(super) id: SourceId,
    pub(super) published: Arc<AtomicU64>,
}

impl Source {
    pub(super) fn next_sequence(&self) -> u64 {
        self.published.fetch_add(1, Relaxed) + 1
    }
}

/// What all buses of one tree share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    sources: AtomicU32,
    counters: Mutex<Vec<Arc<QueueCounters>>>,
    dead_letters: Mutex<DeadLetters>,
    pub(super) violations: Violations,
}

impl Shared {
    pub(super) fn dead<P: Payload>(&self, subscriber: &Arc<str>, cause: DeadCause, events: &[Event<P>]) {
        let mut letters = self.dead_letters.lock().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            let subscriber = Arc::clone(subscriber);
            letters.push(DeadLetter { kind: P::KIND, subscriber, cause, header: event.header });
        }
    }
}

#[derive(Debug)]
struct Node {
    scope: Scope,
    topics: Topics,
    parent: Option<Bus>,
    shared: Arc<Shared>,
}

/// One bus of the tree; a cheap handle.
#[derive(Clone, Debug)]
pub struct Bus(Arc<Node>);

impl Default for Bus {
    fn default() -> Self {
        Self::root()
    }
}

impl Bus {
    /// The root of a new tree.
    pub fn root() -> Self {
        Self(Arc::new(Node {
            scope: Scope::Root,
            topics: Topics::default(),
            parent: None,
            shared: Arc::default(),
        }))
    }

    /// The bus of a set below this one.
    pub fn set(&self) -> Self {
        self.child(Scope::Set)
    }

    /// The bus of a container below this one.
    pub fn container(&self, id: ContainerId) -> Self {
        self.child(Scope::Container(id))
    }

    fn child(&self, scope: Scope) -> Self {
        Self(Arc::new(Node {
            scope,
            topics: Topics::default(),
            parent: Some(self.clone()),
            shared: Arc::clone(&self.0.shared),
        }))
    }

    /// Where it stands.
    pub fn scope(&self) -> Scope {
        self.0.scope
    }

    /// Subscribes to the events of kind `P` that are published here or below.
    pub fn subscribe<P: Payload>(
        &self,
        subscriber: &str,
        filter: P::Filter,
        options: QueueOptions,
    ) -> Subscription<P> {
        let counters = Arc::new(QueueCounters::new(P::KIND.as_str(), subscriber));
        self.shared_counters().push(Arc::clone(&counters));
        P::topic(&self.0.topics).subscribe(filter, options, counters)
    }

    /// A publisher of events of kind `P`.
    pub fn publisher<P: Payload>(&self, rule: FlushRule) -> Publisher<P> {
        Publisher::new(self.clone(), self.source(), rule)
    }

    /// A publisher of events of all kinds.
    pub fn event_publisher(&self, rule: FlushRule) -> EventPublisher {
        EventPublisher::new(self.clone(), self.source(), rule)
    }

    fn source(&self) -> Source {
        let id = SourceId(self.0.shared.sources.fetch_add(1, Relaxed) + 1);
        Source { id, published: Arc::default() }
    }

    /// The counters of all queues of the tree, in the order of subscription.
    pub fn counters(&self) -> Vec<TopicCounters> {
        self.shared_counters().iter().map(|counters| counters.snapshot()).collect()
    }

    /// The events that reached nobody.
    pub fn dead_letters(&self) -> DeadLetters {
        self.0.shared.dead_letters.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The newest events that were published where they do not belong; empty unless a part is broken.
    pub fn violations(&self) -> Vec<IsolationViolation> {
        self.0.shared.violations.kept()
    }

    /// How many there were in all.
    pub fn violations_total(&self) -> u64 {
        self.0.shared.violations.total()
    }

    /// Ready with the next violation behind the first `seen`, as soon as there is one anywhere in the
    /// tree.
    pub fn poll_violation(&self, seen: u64, cx: &mut Context<'_>) -> Poll<IsolationViolation> {
        self.0.shared.violations.poll_after(seen, cx)
    }

    pub(super) fn container_id(&self) -> Option<ContainerId> {
        match self.0.scope {
            Scope::Container(id) => Some(id),
            Scope::Root | Scope::Set => None,
        }
    }

    /// This bus's topic of `P`, then its parents', up to the root.
    pub(super) fn path<P: Payload>(&self) -> impl Iterator<Item = &super::topic::Topic<P>> {
        std::iter::successors(Some(self), |bus| bus.0.parent.as_ref()).map(|bus| P::topic(&bus.0.topics))
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.0.shared
    }

    fn shared_counters(&self) -> std::sync::MutexGuard<'_, Vec<Arc<QueueCounters>>> {
        self.0.shared.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
