//! What containers and parts do, as events on the bus, for whoever subscribed before the run.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use barhive_engine::{
    bus::{
        AnyPayload, Bus, ContainerId, Draft, EventPublisher, FlushRule, IsolationViolation,
        payload::{Failure, Fill, OrderEvent, PortfolioUpdate, PositionClose, SystemStart, SystemStop},
    },
    record::{Recorder, Records, Wants},
    time::Clock,
};

use crate::clock::SystemClock;

/// One container's events on their way to its bus.
#[derive(Clone)]
pub(crate) struct ContainerEvents(Arc<Mutex<Waiting>>);

struct Waiting {
    /// `None` once the container has ended: whoever listens then hears the end, though the caller may
    /// keep the recorder.
    publisher: Option<EventPublisher>,
    drafts: VecDeque<Draft<AnyPayload>>,
}

impl ContainerEvents {
    /// Publishes on a bus of the container's own, below `set`. `None` when nobody listens.
    pub(crate) fn new(set: &Bus, container: ContainerId) -> Option<(Self, Wants)> {
        let bus = set.container(container);
        let wants = Wants {
            equity: bus.publisher::<PortfolioUpdate>(FlushRule::BATCHED).is_heard(),
            orders: bus.publisher::<OrderEvent>(FlushRule::BATCHED).is_heard(),
            fills: bus.publisher::<Fill>(FlushRule::BATCHED).is_heard(),
            trades: bus.publisher::<PositionClose>(FlushRule::BATCHED).is_heard(),
        };
        let publisher = Some(bus.event_publisher(FlushRule::BATCHED));
        let waiting = Waiting { publisher, drafts: VecDeque::new() };
        (wants != Wants::default()).then(|| (Self(Arc::new(Mutex::new(waiting))), wants))
    }

    /// Publishes what waits as what comes from `container`, the one that was stepped; ready when
    /// nothing waits any more. The bus refuses it where it is another's.
    pub(crate) fn poll(
        &self,
        container: ContainerId,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), IsolationViolation>> {
        let Waiting { publisher, drafts } = &mut *self.lock();
        let Some(publisher) = publisher else { return Poll::Ready(Ok(())) };
        for draft in &mut *drafts {
            draft.container = Some(container);
        }
        publisher.poll_publish(drafts, cx)
    }

    /// Nothing more will come.
    pub(crate) fn close(&self) {
        self.lock().publisher = None;
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hands records on to a recorder and, as events, to the bus.
pub(crate) struct PublishingRecorder {
    inner: Box<dyn Recorder>,
    inner_wants: Wants,
    events: ContainerEvents,
    wants: Wants,
    /// What is handed on when the bus wants more than the recorder does.
    asked: Records,
}

impl PublishingRecorder {
    pub(crate) fn new(inner: Box<dyn Recorder>, events: ContainerEvents, wants: Wants) -> Self {
        Self { inner_wants: inner.wants(), inner, events, wants, asked: Records::default() }
    }

    /// Gives the recorder what it asked for and nothing else.
    fn hand_on(&mut self, records: &Records) {
        let Wants { equity, orders, fills, trades } = self.inner_wants;
        let asked = &mut self.asked;
        asked.clear();
        if equity {
            asked.equity.extend_from_slice(&records.equity);
        }
        if orders {
            asked.orders.extend_from_slice(&records.orders);
        }
        if fills {
            asked.fills.extend_from_slice(&records.fills);
        }
        if trades {
            asked.trades.extend_from_slice(&records.trades);
        }
        if !asked.is_empty() {
            self.inner.record(asked);
        }
    }
}

impl Recorder for PublishingRecorder {
    fn wants(&self) -> Wants {
        let (a, b) = (self.inner_wants, self.wants);
        Wants {
            equity: a.equity || b.equity,
            orders: a.orders || b.orders,
            fills: a.fills || b.fills,
            trades: a.trades || b.trades,
        }
    }

    fn record(&mut self, records: &Records) {
        self.hand_on(records);
        let drafts = &mut self.events.lock().drafts;
        if self.wants.orders {
            drafts.extend(records.orders.iter().map(|order| Draft::new(order.ts_ns, (*order).into())));
        }
        if self.wants.fills {
            drafts.extend(records.fills.iter().map(|fill| Draft::new(fill.ts_ns, (*fill).into())));
        }
        if self.wants.trades {
            let closed = records.trades.iter().map(|trade| (trade.exit_ts_ns, PositionClose(*trade)));
            drafts.extend(closed.map(|(ts_ns, closed)| Draft::new(ts_ns, closed.into())));
        }
        if self.wants.equity {
            let points =
                records.equity.iter().map(|point| (point.ts_ns, PortfolioUpdate { equity: point.equity }));
            drafts.extend(points.map(|(ts_ns, update)| Draft::new(ts_ns, update.into())));
        }
    }

    fn restart(&mut self) {
        self.inner.restart();
    }

    fn memory_bytes(&self) -> u64 {
        self.inner.memory_bytes()
    }
}

/// Tells what becomes of the parts of a run. Nobody waits for those who listen: they are offered each
/// event once, and again with the next.
#[derive(Clone)]
pub(crate) struct SystemEvents(Option<Arc<Mutex<EventPublisher>>>);

impl SystemEvents {
    pub(crate) fn new(bus: Option<&Bus>) -> Self {
        Self(bus.map(|bus| Arc::new(Mutex::new(bus.event_publisher(FlushRule::IMMEDIATE)))))
    }

    pub(crate) fn started(&self, part: &str) {
        self.tell(|| SystemStart { part: part.into() }.into());
    }

    pub(crate) fn stopped(&self, part: &str) {
        self.tell(|| SystemStop { part: part.into() }.into());
    }

    pub(crate) fn failed(&self, part: &str, reason: &str) {
        self.tell(|| Failure { part: part.into(), reason: reason.into() }.into());
    }

    fn tell(&self, event: impl FnOnce() -> AnyPayload) {
        let Some(publisher) = &self.0 else { return };
        let mut publisher = publisher.lock().unwrap_or_else(PoisonError::into_inner);
        if publisher.push(Draft::new(SystemClock.now_ns(), event())).is_err() {
            tracing::debug!("a listener to the system's events does not keep up");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use barhive_engine::{
        bus::{ContainerFilter, Foreign, QueueOptions},
        record::{EquityPoint, NoRecorder},
    };

    use super::*;

    #[test]
    fn records_that_come_from_another_seat_than_their_bus_are_refused() {
        let root = Bus::root();
        let all = ContainerFilter::any_of([ContainerId(3), ContainerId(4)]);
        let mut heard = root.subscribe::<PortfolioUpdate>("all", all, QueueOptions::default());
        let (events, wants) = ContainerEvents::new(&root.set(), ContainerId(3)).unwrap();
        let mut recorder = PublishingRecorder::new(Box::new(NoRecorder), events.clone(), wants);
        let equity = vec![EquityPoint { ts_ns: 1, equity: 1.0 }];
        let records = Records { equity, ..Records::default() };
        let mut cx = Context::from_waker(Waker::noop());

        recorder.record(&records);
        assert_eq!(events.poll(ContainerId(3), &mut cx), Poll::Ready(Ok(())));
        assert_eq!(heard.try_recv().unwrap().events[0].header.container_id, Some(ContainerId(3)));

        recorder.record(&records);
        let Poll::Ready(Err(violation)) = events.poll(ContainerId(4), &mut cx) else { panic!("refused") };
        assert_eq!((violation.expected, violation.found), (ContainerId(3), ContainerId(4)));
        assert_eq!(violation.foreign, Foreign::Event);
        assert_eq!(root.violations(), [violation]);
        assert!(heard.try_recv().is_none());
    }
}
