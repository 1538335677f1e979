//! Isolation: an event of a container follows from that container and from the market, and is heard
//! nowhere beside it. What breaks this is refused where it is published, logged, and told at once to
//! whoever runs the tree.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use super::{ContainerId, Draft, EventId, EventKind, Header, Payload, SourceId, wakers::Wakers};

/// What is foreign about an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// The event itself comes from another container.
    Event,
    /// The event that caused it belongs to another container.
    Cause(EventId),
}

/// An event that was published where it does not belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub struct IsolationViolation {
    /// The topic that it was published on.
    pub kind: EventKind,
    /// Who published it.
    pub publisher: SourceId,
    /// The container for which it was published.
    pub expected: ContainerId,
    /// The container that it comes or follows from.
    pub found: ContainerId,
    /// Which of the two.
    pub foreign: Foreign,
}

impl fmt::Display for IsolationViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, publisher, expected, found, foreign } = self;
        write!(f, "source {} published a {kind} ", publisher.0)?;
        match foreign {
            Foreign::Event => write!(f, "of container {} ", found.0)?,
            Foreign::Cause(cause) => write!(
                f,
                "that follows from event {} of source {}, which is of container {}, ",
                cause.sequence_number, cause.source_id.0, found.0
            )?,
        }
        write!(f, "for container {}: expected what comes from container {0} only", expected.0)
    }
}

/// Checks who an event that `publisher` publishes on the bus of `own` belongs to; `own` is `None`
/// above the containers.
pub(super) fn container_of<P: Payload>(
    own: Option<ContainerId>,
    publisher: SourceId,
    draft: &Draft<P>,
) -> Result<Option<ContainerId>, IsolationViolation> {
    let Some(expected) = own.or(draft.container) else { return Ok(None) };
    let violation =
        |found, foreign| IsolationViolation { kind: P::KIND, publisher, expected, found, foreign };
    match (draft.container, &draft.cause) {
        (Some(found), _) if found != expected => Err(violation(found, Foreign::Event)),
        (_, Some(cause @ Header { container_id: Some(found), .. })) if *found != expected => {
            Err(violation(*found, Foreign::Cause(cause.id())))
        }
        _ => Ok(Some(expected)),
    }
}

/// Violations that are kept.
const KEPT_MAX: usize = 1_000;

#[derive(Debug, Default)]
struct Log {
    /// The newest, oldest first.
    kept: VecDeque<IsolationViolation>,
    total: u64,
}

/// The violations of a tree, and who waits for the next.
#[derive(Debug, Default)]
pub(super) struct Violations {
    log: Mutex<Log>,
    waiting: Wakers,
}

impl Violations {
    pub(super) fn add(&self, violation: IsolationViolation) {
        let mut log = self.lock();
        log.total += 1;
        if log.kept.len() == KEPT_MAX {
            log.kept.pop_front();
        }
        log.kept.push_back(violation);
        drop(log);
        self.waiting.wake();
    }

    pub(super) fn kept(&self) -> Vec<IsolationViolation> {
        self.lock().kept.iter().copied().collect()
    }

    pub(super) fn total(&self) -> u64 {
        self.lock().total
    }

    /// The oldest kept violation behind the first `seen`.
    fn after(&self, seen: u64) -> Option<IsolationViolation> {
        let log = self.lock();
        let fresh = usize::try_from(log.total.saturating_sub(seen)).unwrap_or(usize::MAX);
        log.kept.get(log.kept.len().saturating_sub(fresh)).copied()
    }

    pub(super) fn poll_after(&self, seen: u64, cx: &mut Context<'_>) -> Poll<IsolationViolation> {
        if let Some(violation) = self.after(seen) {
            return Poll::Ready(violation);
        }
        self.waiting.register(cx.waker());
        // Looked at again: it may have come before the waker was left.
        self.after(seen).map_or(Poll::Pending, Poll::Ready)
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
