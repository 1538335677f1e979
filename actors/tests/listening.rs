//! What a run tells those who subscribed to its bus.

mod kit;

use std::num::NonZeroUsize;

use barhive_actors::{Engine, RunOptions, run};
use barhive_engine::{
    backtest,
    bus::{
        Bus, ContainerFilter, ContainerId, Policy, QueueOptions, Subscription, Unfiltered,
        payload::{Failure, Fill, PortfolioUpdate, PositionClose, SystemStart, SystemStop},
    },
    set::Placement,
};
use kit::{Fails, account, accounts, cross, market, registry, sized, spec};

fn of(containers: impl IntoIterator<Item = u32>) -> ContainerFilter {
    ContainerFilter::any_of(containers.into_iter().map(ContainerId))
}

fn options(bus: &Bus) -> RunOptions {
    RunOptions { bus: Some(bus.clone()), ..RunOptions::default() }
}

/// Reads everything on a thread of its own, slowly at first.
fn collect<P: barhive_engine::bus::Payload>(
    mut subscription: Subscription<P>,
) -> std::thread::JoinHandle<Vec<(Option<ContainerId>, P)>> {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut heard = Vec::new();
            while let Some(message) = subscription.recv().await {
                if heard.len() < 100 {
                    std::thread::sleep(std::time::Duration::from_millis(2));
                }
                heard.extend(message.events.iter().map(|e| (e.header.container_id, e.payload.clone())));
            }
            heard
        })
    })
}

#[test]
fn an_audit_that_blocks_hears_every_fill_of_its_containers_and_changes_no_result() {
    let spec = spec(market(2_000), accounts(6));
    let reference = backtest::run(&spec, &registry()).unwrap();
    for placement in [Placement::Fused, Placement::Actors] {
        let bus = Bus::root();
        let tight = QueueOptions { policy: Policy::Block, capacity: NonZeroUsize::MIN };
        let fills = collect(bus.subscribe::<Fill>("audit", of([1, 4]), tight));
        let closed = collect(bus.subscribe::<PositionClose>("audit", of([4]), tight));
        let outcome = run(sized(&spec, 64, 2, placement), &registry(), options(&bus)).unwrap();
        let counters = bus.counters();
        drop(bus);
        let (fills, closed) = (fills.join().unwrap(), closed.join().unwrap());
        assert_eq!(outcome.result.result_hash, reference.result_hash);
        for id in [1, 4] {
            let heard = fills.iter().filter(|(container, _)| *container == Some(ContainerId(id))).count();
            assert_eq!(heard as u64, reference.accounts[id as usize].fills, "container {id}, {placement:?}");
        }
        assert!(fills.iter().all(|(id, _)| matches!(id, Some(ContainerId(1 | 4)))));
        assert_eq!(closed.len() as u64, reference.accounts[4].trades);
        assert!(counters.iter().all(|counters| counters.dropped == 0), "{counters:?}");
        assert!(outcome.result.bus.iter().any(|c| c.topic == "FILL" && c.subscriber == "audit"));
    }
}

#[test]
fn a_dashboard_that_never_looks_holds_nobody() {
    let spec = spec(market(2_000), accounts(4));
    let bus = Bus::root();
    let mut dashboard =
        bus.subscribe::<PortfolioUpdate>("dashboard", of(0..4), QueueOptions::new(Policy::Conflate));
    let outcome = run(spec, &registry(), options(&bus)).unwrap();
    let message = dashboard.try_recv().unwrap();
    let mut latest: Vec<_> =
        message.events.iter().map(|event| (event.header.container_id, event.payload.equity)).collect();
    // Shards publish side by side: which container came first says nothing.
    latest.sort_by_key(|(container, _)| *container);
    let last: Vec<_> = outcome.result.accounts.iter().map(|account| account.final_equity.to_f64()).collect();
    assert_eq!(latest.len(), 4, "the newest of each container");
    assert!(latest.iter().zip(&last).all(|((_, a), b)| (a - b).abs() < 1e-6), "{latest:?} {last:?}");
}

#[test]
fn parts_and_failures_are_told() {
    let bus = Bus::root();
    let many = QueueOptions { policy: Policy::Block, capacity: NonZeroUsize::new(64).unwrap() };
    let mut starts = bus.subscribe::<SystemStart>("log", Unfiltered, many);
    let mut stops = bus.subscribe::<SystemStop>("log", Unfiltered, many);
    let mut failures = bus.subscribe::<Failure>("log", Unfiltered, many);
    let mut containers = accounts(2);
    containers.push(account("broken", cross(3, 9, Some(Fails::at(100, u32::MAX))), &[0]));
    run(sized(&spec(market(500), containers), 64, 1, Placement::Fused), &registry(), options(&bus)).unwrap();
    let mut started = Vec::new();
    while let Some(message) = starts.try_recv() {
        started.extend(message.events.iter().map(|event| event.payload.part.to_string()));
    }
    assert_eq!(started, ["shard 0", "indicator hub", "market data"]);
    assert!(stops.try_recv().is_some());
    let failure = failures.try_recv().unwrap().events[0].payload.clone();
    assert_eq!((&*failure.part, &*failure.reason), ("container broken", "made to fail at call 100"));
}

#[test]
fn a_listener_that_stops_reading_can_be_cancelled_around() {
    let bus = Bus::root();
    let tight = QueueOptions { policy: Policy::Block, capacity: NonZeroUsize::MIN };
    let stuck = bus.subscribe::<Fill>("stuck", of(0..4), tight);
    let handle = Engine::start(spec(market(5_000), accounts(4)), &registry(), options(&bus)).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(100));
    assert!(!handle.is_over(), "it waits for its listener");
    drop(handle);
    assert!(stuck.waiting() > 0);
}
