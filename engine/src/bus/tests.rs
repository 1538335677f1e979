//! How batches travel.

use std::{
    num::NonZeroUsize,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use proptest::prelude::*;

use super::{payload::*, *};
use crate::instrument::InstrumentId;

pub(super) fn equity(value: f64) -> PortfolioUpdate {
    PortfolioUpdate { equity: value }
}

fn tick(instrument: u32, price: f64) -> Tick {
    Tick { instrument: InstrumentId(instrument), price, size: 1.0 }
}

fn rule(events_max: usize) -> FlushRule {
    FlushRule { events_max: NonZeroUsize::new(events_max).unwrap(), ..FlushRule::BATCHED }
}

fn options(policy: Policy, capacity: usize) -> QueueOptions {
    QueueOptions { policy, capacity: NonZeroUsize::new(capacity).unwrap() }
}

/// Polls `future` once, with a waker that does nothing.
fn poll_once<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Poll<T> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[derive(Default)]
struct Calls(Vec<usize>);

impl EventHandler<Tick> for Calls {
    fn on_events(&mut self, events: &[Event<Tick>]) {
        self.0.push(events.len());
    }
}

#[test]
fn a_subscriber_is_called_once_per_batch() {
    let bus = Bus::root();
    let mut ticks = bus.subscribe::<Tick>("chart", SeriesFilter::all(), QueueOptions::default());
    let mut publisher = bus.publisher::<Tick>(FlushRule::BATCHED);
    for n in 0..1_000 {
        publisher.push(Draft::new(n, tick(0, n as f64))).unwrap();
    }
    assert_eq!(ticks.waiting(), 0, "the batch is not full yet");
    assert!(publisher.flush());
    let mut calls = Calls::default();
    assert_eq!(ticks.drain(&mut calls), 1);
    assert_eq!(calls.0, [1_000]);
    for n in 0..2_500 {
        publisher.push(Draft::new(n, tick(0, n as f64))).unwrap();
    }
    ticks.drain(&mut calls);
    assert_eq!(calls.0, [1_000, 1_024, 1_024], "a full batch leaves by itself");
}

#[test]
fn a_subscriber_of_one_instrument_never_receives_another() {
    let bus = Bus::root();
    let only = SeriesFilter::instruments([InstrumentId(1)]);
    let mut ticks = bus.subscribe::<Tick>("chart", only, QueueOptions::default());
    let mut publisher = bus.publisher::<Tick>(rule(4));
    for n in 0..4 {
        publisher.push(Draft::new(n, tick(n as u32 % 2, n as f64))).unwrap();
    }
    let message = ticks.try_recv().unwrap();
    assert!(message.events.iter().all(|event| event.payload.instrument == InstrumentId(1)));
    assert_eq!(message.events.len(), 2);
}

#[test]
fn a_batch_leaves_at_its_deadline_or_when_everybody_is_idle() {
    let bus = Bus::root();
    let mut ticks = bus.subscribe::<Tick>("chart", SeriesFilter::all(), QueueOptions::default());
    let mut late = bus.publisher::<Tick>(FlushRule { deadline_ns: Some(100), ..rule(1024) });
    late.push(Draft::new(1_000, tick(0, 1.0))).unwrap();
    assert!(!late.poll(1_099));
    assert!(ticks.try_recv().is_none());
    assert!(late.poll(1_100));
    assert_eq!(ticks.waiting(), 1);

    let mut eager = bus.publisher::<Tick>(FlushRule { when_idle: true, ..rule(1024) });
    eager.push(Draft::new(2_000, tick(0, 2.0))).unwrap();
    assert!(!eager.poll(2_000), "the first message still waits");
    ticks.try_recv().unwrap();
    assert!(eager.poll(2_000));
    assert_eq!(ticks.try_recv().unwrap().sequence, 2);
}

#[test]
fn a_blocking_subscriber_loses_nothing_and_holds_its_publisher_only() {
    let bus = Bus::root();
    let mut slow = bus.subscribe::<Tick>("slow", SeriesFilter::all(), options(Policy::Block, 1));
    let mut lossy = bus.subscribe::<Tick>("lossy", SeriesFilter::all(), options(Policy::DropOldest, 1));
    let mut publisher = bus.publisher::<Tick>(rule(1));
    let mut received = Vec::new();
    for n in 0..10 {
        let mut draft = Draft::new(n, tick(0, n as f64));
        while let Err(Refused::Full(back)) = publisher.push(draft) {
            draft = back;
            received.extend(slow.try_recv().unwrap().events.iter().map(|e| e.header.timestamp_ns));
        }
    }
    while !publisher.flush() || slow.waiting() > 0 {
        received.extend(slow.try_recv().unwrap().events.iter().map(|e| e.header.timestamp_ns));
    }
    assert_eq!(received, (0..10).collect::<Vec<_>>());
    assert_eq!(lossy.try_recv().unwrap().sequence, 10, "the gap in the numbers shows the loss");
    assert_eq!(lossy.counters().snapshot().dropped, 9);
    assert_eq!(bus.dead_letters().total(), 9);
    assert_eq!(slow.counters().snapshot().dropped, 0);
}

#[test]
fn waiting_for_room_does_not_hold_the_thread() {
    let bus = Bus::root();
    let mut ticks = bus.subscribe::<Tick>("slow", SeriesFilter::all(), options(Policy::Block, 1));
    let mut publisher = bus.publisher::<Tick>(rule(8));
    publisher.push(Draft::new(0, tick(0, 0.0))).unwrap();
    assert!(publisher.flush());
    publisher.push(Draft::new(1, tick(0, 1.0))).unwrap();
    {
        let mut flush = pin!(publisher.flush_async());
        assert!(poll_once(flush.as_mut()).is_pending());
        assert_eq!(ticks.try_recv().unwrap().events[0].header.timestamp_ns, 0);
        assert!(poll_once(flush.as_mut()).is_ready());
    }
    assert_eq!(ticks.try_recv().unwrap().events[0].header.timestamp_ns, 1);
    assert!(ticks.try_recv().is_none(), "nothing arrives twice");
}

#[test]
fn a_dashboard_sees_the_newest_event_of_each_key() {
    let bus = Bus::root();
    let mut dashboard =
        bus.subscribe::<Tick>("dashboard", SeriesFilter::all(), QueueOptions::new(Policy::Conflate));
    let mut publisher = bus.publisher::<Tick>(rule(3));
    for n in 0..9 {
        publisher.push(Draft::new(n, tick(n as u32 % 2, n as f64))).unwrap();
    }
    let message = dashboard.try_recv().unwrap();
    let prices: Vec<_> = message.events.iter().map(|e| (e.payload.instrument.0, e.payload.price)).collect();
    assert_eq!(prices, [(0, 8.0), (1, 7.0)]);
    assert!(dashboard.try_recv().is_none());
    let counters = dashboard.counters().snapshot();
    assert_eq!((counters.messages, counters.events, counters.dropped, counters.queue_peak), (1, 2, 7, 2));
}

#[test]
fn a_mixed_batch_is_grouped_by_kind_and_keeps_the_order_within_a_kind() {
    let bus = Bus::root();
    let mut ticks = bus.subscribe::<Tick>("ticks", SeriesFilter::all(), QueueOptions::default());
    let mut starts = bus.subscribe::<SystemStart>("starts", Unfiltered, QueueOptions::default());
    let mut publisher = bus.event_publisher(FlushRule::BATCHED);
    let drafts = (0..10).map(|n| {
        if n % 2 == 0 {
            Draft::new(n, AnyPayload::from(tick(0, n as f64)))
        } else {
            Draft::new(n, AnyPayload::from(SystemStart { part: "part".into() }))
        }
    });
    assert!(poll_once(pin!(publisher.publish_batch(drafts))).is_ready());
    let times = |headers: Vec<Header>| headers.iter().map(|h| h.timestamp_ns).collect::<Vec<_>>();
    let ticks = ticks.try_recv().unwrap().events;
    let starts = starts.try_recv().unwrap().events;
    assert_eq!(times(ticks.iter().map(|e| e.header).collect()), [0, 2, 4, 6, 8]);
    assert_eq!(times(starts.iter().map(|e| e.header).collect()), [1, 3, 5, 7, 9]);
    let mut numbers: Vec<_> = ticks.iter().map(|e| e.header.sequence_number).collect();
    numbers.extend(starts.iter().map(|e| e.header.sequence_number));
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=10).collect::<Vec<_>>(), "one source numbers all its events");
}

#[test]
fn every_event_traces_back_to_what_started_it() {
    let bus = Bus::root();
    let mut updates = bus.subscribe::<PortfolioUpdate>(
        "audit",
        ContainerFilter::of(ContainerId(0)),
        QueueOptions::default(),
    );
    let mut ticks = bus.subscribe::<Tick>("audit", SeriesFilter::all(), QueueOptions::default());
    let mut market = bus.publisher::<Tick>(FlushRule::IMMEDIATE);
    let started = market.push(Draft::new(1, tick(0, 1.0))).unwrap();
    let cause = ticks.try_recv().unwrap().events[0].header;
    let mut account = bus.container(ContainerId(0)).publisher::<PortfolioUpdate>(FlushRule::IMMEDIATE);
    account.push(Draft::caused_by(&cause, 1, equity(1.0))).unwrap();
    let header = updates.try_recv().unwrap().events[0].header;
    assert_eq!(header.correlation_id, started);
    assert_eq!(header.causation_id, Some(started));
    assert_eq!(header.container_id, Some(ContainerId(0)));
}

#[test]
fn batches_are_used_again_once_everybody_has_let_go() {
    let bus = Bus::root();
    let mut ticks = bus.subscribe::<Tick>("chart", SeriesFilter::all(), QueueOptions::default());
    let mut publisher = bus.publisher::<Tick>(rule(2));
    let mut seen = std::collections::BTreeSet::new();
    for n in 0..100 {
        publisher.push(Draft::new(n, tick(0, n as f64))).unwrap();
        if let Some(message) = ticks.try_recv() {
            seen.insert(message.events.as_ptr() as usize);
        }
    }
    assert!(seen.len() <= 3, "{} batches were allocated", seen.len());
}

#[test]
fn an_event_for_nobody_and_an_event_for_a_gone_subscriber_harm_nothing() {
    let bus = Bus::root();
    let mut publisher = bus.publisher::<Tick>(FlushRule::IMMEDIATE);
    assert!(!publisher.is_heard());
    publisher.push(Draft::new(0, tick(0, 0.0))).unwrap();
    let ticks = bus.subscribe::<Tick>("chart", SeriesFilter::all(), options(Policy::DropOldest, 1));
    assert!(publisher.is_heard());
    drop(ticks);
    publisher.push(Draft::new(1, tick(0, 1.0))).unwrap();
    let letters = bus.dead_letters();
    assert_eq!(letters.samples().next().map(|l| l.cause), Some(DeadCause::Closed));
    for n in 0..2_000 {
        publisher.push(Draft::new(n, tick(0, 1.0))).unwrap();
    }
    let letters = bus.dead_letters();
    assert_eq!((letters.total(), letters.samples().len()), (2_001, DeadLetters::SAMPLES_MAX));
}

#[test]
fn a_publisher_that_ends_counts_what_it_could_not_deliver() {
    let bus = Bus::root();
    let ticks = bus.subscribe::<Tick>("slow", SeriesFilter::all(), options(Policy::Block, 1));
    let mut publisher = bus.publisher::<Tick>(rule(1));
    publisher.push(Draft::new(0, tick(0, 0.0))).unwrap();
    publisher.push(Draft::new(1, tick(0, 1.0))).unwrap();
    drop(publisher);
    assert_eq!(ticks.counters().snapshot().dropped, 1);
    assert_eq!(bus.dead_letters().samples().next().map(|l| l.cause), Some(DeadCause::Abandoned));
}

#[test]
fn handles_can_be_sent_to_other_threads() {
    fn is_send_and_sync<T: Send + Sync>() {}
    is_send_and_sync::<Bus>();
    is_send_and_sync::<Subscription<Fill>>();
    is_send_and_sync::<Publisher<Fill>>();
    is_send_and_sync::<FrameTopic>();
    is_send_and_sync::<Arc<FramePool>>();
}

proptest! {
    #[test]
    fn no_event_is_lost_doubled_or_reordered_for_any_batch_and_queue_size(
        events_max in 1usize..50,
        capacity in 1usize..5,
        count in 0i64..400,
        reads in prop::collection::vec(0usize..4, 1..20),
    ) {
        let bus = Bus::root();
        let mut ticks = bus.subscribe::<Tick>("all", SeriesFilter::all(), options(Policy::Block, capacity));
        let mut publisher = bus.publisher::<Tick>(rule(events_max));
        let mut received = Vec::new();
        let mut messages = 0;
        let mut read = |ticks: &mut Subscription<Tick>, times: usize| {
            for _ in 0..times {
                let Some(message) = ticks.try_recv() else { return };
                messages += 1;
                assert_eq!(message.sequence, messages);
                received.extend(message.events.iter().map(|e| e.header.timestamp_ns));
            }
        };
        let mut reads = reads.into_iter().cycle();
        for n in 0..count {
            let mut draft = Draft::new(n, tick(0, n as f64));
            while let Err(Refused::Full(back)) = publisher.push(draft) {
                draft = back;
                read(&mut ticks, 1);
            }
            read(&mut ticks, reads.next().unwrap_or(0));
        }
        while !publisher.flush() {
            read(&mut ticks, 1);
        }
        read(&mut ticks, usize::MAX);
        prop_assert_eq!(received, (0..count).collect::<Vec<_>>());
        let counters = ticks.counters().snapshot();
        prop_assert_eq!((counters.events, counters.dropped), (count as u64, 0));
        prop_assert!(counters.queue_peak <= capacity as u64);
    }
}
