//! No container hears another.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
};

use super::{
    payload::{PortfolioUpdate, Tick},
    tests::equity,
    *,
};
use crate::instrument::InstrumentId;

const CONTAINERS: u32 = 100;
const EVENTS: u32 = 50;

/// Events of container `id` are tagged with it in their payload.
fn tagged(id: u32, n: u32) -> PortfolioUpdate {
    equity(f64::from(id * 1_000 + n))
}

fn tags(subscription: &mut Subscription<PortfolioUpdate>) -> Vec<u32> {
    let mut tags = Vec::new();
    while let Some(message) = subscription.try_recv() {
        tags.extend(message.events.iter().map(|event| event.payload.equity as u32 / 1_000));
    }
    tags
}

#[test]
fn a_hundred_containers_hear_themselves_their_set_hears_all_and_siblings_hear_nothing() {
    let options =
        QueueOptions { policy: Policy::Block, capacity: std::num::NonZeroUsize::new(10_000).unwrap() };
    let root = Bus::root();
    let set = root.set();
    let all = || ContainerFilter::any_of((0..CONTAINERS).map(ContainerId));
    let mut at_root = root.subscribe::<PortfolioUpdate>("root", all(), options);
    let mut of_seven =
        set.subscribe::<PortfolioUpdate>("seven", ContainerFilter::of(ContainerId(7)), options);
    let buses: Vec<_> = (0..CONTAINERS).map(|id| set.container(ContainerId(id))).collect();
    // Each container's own subscriber asks for everybody's events, so that only the tree keeps it apart.
    let mut own: Vec<_> =
        buses.iter().map(|b| b.subscribe::<PortfolioUpdate>("own", all(), options)).collect();
    let rule = FlushRule { events_max: std::num::NonZeroUsize::new(7).unwrap(), ..FlushRule::BATCHED };
    let mut publishers: Vec<_> = buses.iter().map(|bus| bus.publisher::<PortfolioUpdate>(rule)).collect();
    for n in 0..EVENTS {
        for (id, publisher) in publishers.iter_mut().enumerate() {
            publisher.push(Draft::new(i64::from(n), tagged(id as u32, n))).unwrap();
        }
    }
    publishers.iter_mut().for_each(|publisher| assert!(publisher.flush()));

    for (id, subscription) in own.iter_mut().enumerate() {
        let heard = tags(subscription);
        assert_eq!(heard.len(), EVENTS as usize, "container {id}");
        assert!(heard.iter().all(|tag| *tag == id as u32), "container {id} heard {heard:?}");
    }
    assert_eq!(tags(&mut at_root).len(), (CONTAINERS * EVENTS) as usize);
    assert_eq!(tags(&mut of_seven), vec![7; EVENTS as usize]);
    assert!(root.violations().is_empty());
    assert_eq!(root.dead_letters().total(), 0);
}

/// Events that came to be in container 1, and in the market.
fn causes(root: &Bus) -> (Event<PortfolioUpdate>, Event<Tick>) {
    let one = root.container(ContainerId(1));
    let mut own =
        one.subscribe::<PortfolioUpdate>("own", ContainerFilter::of(ContainerId(1)), QueueOptions::default());
    let mut ticks = root.subscribe::<Tick>("own", SeriesFilter::all(), QueueOptions::default());
    one.publisher::<PortfolioUpdate>(FlushRule::IMMEDIATE).push(Draft::new(1, tagged(1, 0))).unwrap();
    let tick = Tick { instrument: InstrumentId(0), price: 1.0, size: 1.0 };
    root.publisher::<Tick>(FlushRule::IMMEDIATE).push(Draft::new(1, tick)).unwrap();
    (own.try_recv().unwrap().events[0], ticks.try_recv().unwrap().events[0])
}

fn refused(outcome: Result<EventId, Refused<PortfolioUpdate>>) -> IsolationViolation {
    match outcome {
        Err(Refused::Foreign(violation)) => violation,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_comes_or_follows_from_another_container_is_refused_and_logged() {
    let root = Bus::root();
    let (of_one, tick) = causes(&root);
    let set = root.set();
    let two = set.container(ContainerId(2));
    let mut heard = root.subscribe::<PortfolioUpdate>(
        "all",
        ContainerFilter::any_of((0..9).map(ContainerId)),
        QueueOptions::default(),
    );
    let mut publisher = two.publisher::<PortfolioUpdate>(FlushRule::IMMEDIATE);
    let event = refused(publisher.push(Draft::new(2, tagged(2, 0)).of(ContainerId(1))));
    let caused = refused(publisher.push(Draft::caused_by(&of_one.header, 2, tagged(2, 0))));
    // Not even above the containers may an event of one follow from another's.
    let mut above = set.publisher::<PortfolioUpdate>(FlushRule::IMMEDIATE);
    let above_caused =
        refused(above.push(Draft::caused_by(&of_one.header, 2, tagged(2, 0)).of(ContainerId(2))));
    assert_eq!(event.foreign, Foreign::Event);
    assert_eq!(caused.foreign, Foreign::Cause(of_one.header.id()));
    for violation in [event, caused, above_caused] {
        assert_eq!((violation.expected, violation.found), (ContainerId(2), ContainerId(1)));
    }
    assert_eq!(root.violations(), [event, caused, above_caused]);
    assert!(heard.try_recv().is_none(), "nobody hears it");
    assert_eq!(
        event.to_string(),
        "source 3 published a PORTFOLIO_UPDATE of container 1 for container 2: expected what comes from container 2 only"
    );
    assert_eq!(
        caused.to_string(),
        "source 3 published a PORTFOLIO_UPDATE that follows from event 1 of source 1, which is of container 1, for \
         container 2: expected what comes from container 2 only"
    );

    // Its own events, and the market's, lead to events of a container; anything may lead to one above.
    publisher.push(Draft::new(3, tagged(2, 1)).of(ContainerId(2))).unwrap();
    let own = heard.try_recv().unwrap().events[0];
    publisher.push(Draft::caused_by(&own.header, 3, tagged(2, 2))).unwrap();
    publisher.push(Draft::caused_by(&tick.header, 3, tagged(2, 3))).unwrap();
    above.push(Draft::caused_by(&own.header, 3, tagged(2, 4))).unwrap();
    above.push(Draft::new(3, tagged(2, 5)).of(ContainerId(2))).unwrap();
    let containers: Vec<_> = std::iter::from_fn(|| heard.try_recv())
        .flat_map(|message| message.events.iter().map(|event| event.header.container_id).collect::<Vec<_>>())
        .collect();
    assert_eq!(containers, [Some(ContainerId(2)); 3], "an event of no container is nobody's by filter");
    assert_eq!(root.violations_total(), 3);
}

#[test]
fn a_batch_stops_at_what_does_not_belong() {
    let root = Bus::root();
    let two = root.container(ContainerId(2));
    let mut publisher = two.event_publisher(FlushRule::BATCHED);
    let draft = |n: i64, of: u32| Draft::new(n, AnyPayload::from(tagged(of, 0))).of(ContainerId(of));
    let mut drafts: VecDeque<_> = [draft(1, 2), draft(2, 1), draft(3, 2)].into();
    let mut cx = Context::from_waker(Waker::noop());
    assert!(matches!(publisher.poll_publish(&mut drafts, &mut cx), Poll::Ready(Err(_))));
    assert_eq!(drafts.len(), 1);
    assert_eq!(publisher.poll_publish(&mut drafts, &mut cx), Poll::Ready(Ok(())));
}

#[test]
fn whoever_waits_for_a_violation_is_woken_and_the_log_is_bounded() {
    let root = Bus::root();
    let mut publisher = root.container(ContainerId(2)).publisher::<PortfolioUpdate>(FlushRule::BATCHED);
    let mut foreign = |n: u32| refused(publisher.push(Draft::new(1, tagged(2, n)).of(ContainerId(n))));
    let (flag, mut seen) = (Arc::new(Flag::default()), 0);
    let waker = Waker::from(Arc::clone(&flag));
    let mut cx = Context::from_waker(&waker);
    assert!(root.set().poll_violation(seen, &mut cx).is_pending());
    let first = foreign(7);
    assert!(flag.0.load(SeqCst), "woken from anywhere in the tree");
    assert_eq!(root.poll_violation(seen, &mut cx), Poll::Ready(first));
    seen += 1;
    assert!(root.poll_violation(seen, &mut cx).is_pending());
    for n in 0..1_500 {
        foreign(n + 3);
    }
    assert_eq!((root.violations().len(), root.violations_total()), (1_000, 1_501));
    assert_eq!(root.violations()[999].found, ContainerId(1_502));
    let oldest_kept = root.violations()[0];
    assert_eq!(root.poll_violation(seen, &mut cx), Poll::Ready(oldest_kept));
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}
