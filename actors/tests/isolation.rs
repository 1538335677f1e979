//! No event of one container reaches another; where a part brings that about, the run ends at once.

mod kit;

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex},
};

use barhive_actors::{RunOptions, Threads, run};
use barhive_engine::{
    Registry, backtest,
    bus::{
        Bus, ContainerFilter, ContainerId, Draft, Event, FlushRule, Foreign, Policy, Publisher, QueueOptions,
        Refused, Subscription, payload::Fill,
    },
    data::{Feed, FeedError, MemorySource, Pull, SeriesInfo, SeriesRequest, Source},
    instrument::Instrument,
    pass::RunError,
    registry::{StrategyFactory, factory},
    set::{ContainerSpec, Placement, RunSpec},
    strategy::{Bars, Context, Inst, Setup, Sizing, Strategy},
};
use kit::{account, accounts, cross, market, registry, sized, spec};

/// A market that stays open: when its rows have been read, nothing comes, and no end.
struct Open(MemorySource);

struct OpenFeed(Box<dyn Feed>);

impl Source for Open {
    fn instruments(&self) -> Result<Vec<Instrument>, FeedError> {
        self.0.instruments()
    }

    fn series(&self, symbol: &str) -> Result<Vec<SeriesInfo>, FeedError> {
        self.0.series(symbol)
    }

    fn open(&self, request: &SeriesRequest) -> Result<Box<dyn Feed>, FeedError> {
        Ok(Box::new(OpenFeed(self.0.open(request)?)))
    }
}

impl Feed for OpenFeed {
    fn pull(&mut self, rows_max: usize, lead: usize) -> Result<Pull, FeedError> {
        match self.0.pull(rows_max, lead)? {
            Pull::End => Ok(Pull::Pending),
            pull => Ok(pull),
        }
    }
}

/// How an eavesdropper publishes what it heard.
type Retold = fn(&Event<Fill>) -> Draft<Fill>;

/// Listens to another account and publishes what it hears as its own.
struct Eavesdropper {
    heard: Arc<Mutex<Subscription<Fill>>>,
    publisher: Publisher<Fill>,
    retold: Retold,
}

impl Strategy for Eavesdropper {
    fn on_bar(&mut self, _: &mut Context<'_>, _: Bars) {
        let Some(message) = self.heard.lock().unwrap().try_recv() else { return };
        let refused = self.publisher.push((self.retold)(&message.events[0]));
        assert!(matches!(refused, Err(Refused::Foreign(_))), "{refused:?}");
    }
}

fn eavesdropper(
    bus: &Bus,
    victim: ContainerId,
    own: ContainerId,
    retold: Retold,
) -> Arc<dyn StrategyFactory> {
    let options = QueueOptions::new(Policy::DropOldest);
    let heard = Arc::new(Mutex::new(bus.subscribe::<Fill>("spy", ContainerFilter::of(victim), options)));
    let bus = bus.clone();
    factory((), move |(), setup: &mut Setup<'_>| {
        let instruments: Vec<Inst> = setup.instruments().collect();
        instruments.into_iter().for_each(|instrument| _ = setup.bars(instrument));
        let publisher = bus.container(own).publisher(FlushRule::IMMEDIATE);
        Ok(Eavesdropper { heard: Arc::clone(&heard), publisher, retold })
    })
}

fn listened(spec: &RunSpec, registry: &Registry, bus: &Bus) -> Result<String, RunError> {
    let options = RunOptions { bus: Some(bus.clone()), threads: Threads::One, ..RunOptions::default() };
    run(spec.clone(), registry, options).map(|outcome| outcome.result.result_hash)
}

#[test]
fn a_foreign_event_ends_the_run_by_name_though_its_market_stays_open() {
    let cases: [(Retold, &str); 2] = [
        (
            |event| Draft::new(event.header.timestamp_ns, event.payload).of(ContainerId(3)),
            "published a FILL of container 3 for container 7: expected what comes from container 7 only",
        ),
        (
            |event| Draft::caused_by(&event.header, event.header.timestamp_ns, event.payload),
            "which is of container 3, for container 7: expected what comes from container 7 only",
        ),
    ];
    for (retold, told) in cases {
        for placement in [Placement::Fused, Placement::Actors] {
            let bus = Bus::root();
            let mut containers = accounts(24);
            let spy = eavesdropper(&bus, ContainerId(3), ContainerId(7), retold);
            containers[7] = account("spy", spy, &[0, 1]);
            let open = sized(&spec(Open(market(2_000)), containers), 64, 1, placement);
            let error = listened(&open, &registry(), &bus).unwrap_err();
            let text = error.to_string();
            let RunError::Isolation { violation, expected, found } = error else { panic!("{text}") };
            assert_eq!((expected.as_str(), found.as_str()), ("spy", "account-03"));
            assert_eq!(violation, bus.violations()[0]);
            assert!(matches!(violation.foreign, Foreign::Event | Foreign::Cause(_)));
            assert!(
                text.starts_with("the accounts `spy` and `account-03` are not isolated: source "),
                "{text}"
            );
            assert!(text.contains(told), "{text}");
        }
    }
}

#[test]
fn violations_before_a_run_are_not_its_own() {
    let bus = Bus::root();
    let mut publisher = bus.container(ContainerId(1)).publisher::<Fill>(FlushRule::IMMEDIATE);
    let fill = barhive_engine::record::Fill {
        ts_ns: 0,
        order: barhive_engine::order::OrderId(1),
        strategy: 0,
        instrument: barhive_engine::instrument::InstrumentId(0),
        lots: 1,
        price: 1,
        fee: barhive_engine::money::Money::ZERO,
    };
    assert!(publisher.push(Draft::new(0, fill).of(ContainerId(2))).is_err());
    listened(&spec(market(200), accounts(2)), &registry(), &bus).unwrap();
}

/// A hundred accounts that can be told by how much they trade, two of them of the same name.
fn tagged() -> Vec<ContainerSpec> {
    let tagged = |n: u32| {
        let mut account = account(&format!("account-{n:02}"), cross(3 + n % 5, 12 + n % 9, None), &[n % 3]);
        account.strategies[0].sizing = Sizing::Lots(i64::from(n) + 1);
        account
    };
    let mut accounts: Vec<_> = (0..100).map(tagged).collect();
    accounts[99].name = accounts[0].name.clone();
    accounts
}

#[test]
fn a_hundred_accounts_are_heard_each_under_its_own_number() {
    let spec = sized(&spec(market(1_000), tagged()), 256, 2, Placement::Fused);
    let reference = backtest::run(&spec, &registry()).unwrap();
    let bus = Bus::root();
    let options = QueueOptions { policy: Policy::Block, capacity: NonZeroUsize::new(10_000).unwrap() };
    let all = ContainerFilter::any_of((0..100).map(ContainerId));
    let mut fills = bus.subscribe::<Fill>("audit", all, options);
    assert_eq!(listened(&spec, &registry(), &bus).unwrap(), reference.result_hash);
    let mut counts = vec![0; 100];
    while let Some(message) = fills.try_recv() {
        for event in message.events.iter() {
            let ContainerId(id) = event.header.container_id.unwrap();
            counts[id as usize] += 1;
            let size = i64::from(id) + 1;
            assert!([size, 2 * size].contains(&event.payload.lots.abs()), "{id}: {event:?}");
        }
    }
    let expected: Vec<u64> = reference.accounts.iter().map(|account| account.fills).collect();
    assert_eq!(counts, expected);
    assert!(counts.iter().all(|count| *count > 0));
    assert!(bus.violations().is_empty());
}
