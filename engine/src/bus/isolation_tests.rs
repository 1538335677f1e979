//! No container hears another.

use super::{tests::equity, *};
use crate::bus::payload::PortfolioUpdate;

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

#[test]
fn an_event_of_another_container_is_refused_and_logged() {
    let root = Bus::root();
    let (one, two) = (root.container(ContainerId(1)), root.container(ContainerId(2)));
    let filter = ContainerFilter::of(ContainerId(1));
    let mut stray = one.subscribe::<PortfolioUpdate>("own", filter.clone(), QueueOptions::default());
    let mut relay = two.publisher::<PortfolioUpdate>(FlushRule::IMMEDIATE);
    one.publisher::<PortfolioUpdate>(FlushRule::IMMEDIATE).push(Draft::new(1, tagged(1, 0))).unwrap();
    let event = stray.try_recv().unwrap().events[0];

    let refused = relay.relay(event).unwrap_err();
    assert_eq!((refused.expected, refused.found), (ContainerId(2), Some(ContainerId(1))));
    assert_eq!(root.violations(), [refused]);
    assert!(refused.to_string().contains("PORTFOLIO_UPDATE"));

    let mut home = one.publisher::<PortfolioUpdate>(FlushRule::IMMEDIATE);
    home.relay(Event {
        header: Header { container_id: Some(ContainerId(1)), ..refused_header(&refused) },
        payload: tagged(1, 1),
    })
    .unwrap();
    assert_eq!(stray.try_recv().unwrap().events.len(), 1);
}

fn refused_header(refused: &IsolationViolation) -> Header {
    Header {
        source_id: refused.event.source_id,
        container_id: refused.found,
        correlation_id: refused.event,
        causation_id: None,
        sequence_number: refused.event.sequence_number,
        timestamp_ns: 0,
    }
}
