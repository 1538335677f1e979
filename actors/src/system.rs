//! The only place that wires the parts: which actor runs on which thread, and what flows between them.
//!
//! Market data -> `market_data` -> indicator hub -> `frames` -> shards, each arrow a bounded queue. A
//! shard is one actor that steps its containers, or an execution and a strategy actor that exchange
//! questions and answers step by step.

use std::{
    cell::RefCell,
    future::poll_fn,
    num::NonZeroUsize,
    sync::{Arc, Mutex},
    time::Duration,
};

use actix_rt::{Arbiter, ArbiterHandle};
use barhive_engine::{
    Registry,
    bus::{Bus, ContainerId, FramePool, FrameTopic, Policy, QueueCounters, QueueOptions, queue},
    container::Container,
    outcome::Ended,
    pass::{Pass, RunError},
    record::Recorder,
    result::TopicCounters,
    set::{ContainerSpec, Placement, RunSpec},
};

use crate::{
    arbiters::{self, Arbiters, Spread},
    blueprint::Blueprint,
    clock::SystemClock,
    collector::{Collected, Collector, Finish},
    control::Control,
    engine::RunOptions,
    execution::{Accounts, ExecutionActor, ExecutionShared},
    indicator_hub::{HubShared, Hubbed, IndicatorHub},
    isolation::Isolation,
    market_data::{Market, MarketData, MarketShared},
    meters::Meters,
    progress::Progress,
    publish::{ContainerEvents, PublishingRecorder, SystemEvents},
    run_usage::{Resources, UsageMeter},
    seat::{Seat, ShardShared},
    shard::{FusedShared, Seats, Shard},
    stage::Stage,
    strategy::{Deciders, StrategyActor, StrategyShared},
    supervisor::{Exit, ExitKind, GiveUp, Life, Part, RestartPolicy, Supervisor, guarded},
};

/// What all parts of a run know.
pub(crate) struct Run {
    pub(crate) spec: Arc<RunSpec>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) options: RunOptions,
    pub(crate) control: Arc<Control>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) resources: Resources,
    pub(crate) meters: Meters,
}

/// Runs on the caller's thread, which becomes the system's until everything has ended.
pub(crate) fn run(run: &Run) -> Result<Collected, RunError> {
    let members: Vec<usize> = (0..run.spec.containers.len()).collect();
    if members.is_empty() {
        return Err(RunError::Empty);
    }
    let isolation = Isolation::watch(run.options.bus.as_ref(), &run.spec.containers);
    let publishing = Publishing::new(run);
    let make_recorder = |container: &ContainerSpec| publishing.recorder(run, container);
    let opened = guarded(|| Pass::open(&run.spec, &run.registry, &members, &make_recorder, false));
    let pass = opened.unwrap_or_else(|what| Err(machinery("set-up", what)))?;
    let (collector, ended) = Collector::start(
        Arc::clone(&run.spec),
        Arc::clone(&run.registry),
        Arc::clone(&run.options.recorders),
        Arc::clone(&run.control),
    )?;
    let finished = arbiters::system().and_then(|system| {
        system.block_on(async {
            let mut arbiters = Arbiters::default();
            let finished = match Wiring::start(run, pass, publishing, ended, &mut arbiters) {
                Ok(wiring) => wiring.until_done(run, &isolation).await,
                Err(error) => Err(error),
            };
            arbiters.join();
            finished
        })
    });
    if finished.is_err() {
        run.control.cancel();
    }
    match finished {
        Ok(finish) => collector.join(finish),
        // What ended the run explains more than that the collector was cancelled.
        Err(error) => {
            let _ = collector.join(None);
            Err(error)
        }
    }
}

fn machinery(part: &str, what: String) -> RunError {
    RunError::Machinery { part: part.to_owned(), what }
}

/// Who listens to what the containers and the parts do.
struct Publishing {
    set: Option<Bus>,
    system: SystemEvents,
    /// By container.
    events: RefCell<Vec<Option<ContainerEvents>>>,
}

impl Publishing {
    fn new(run: &Run) -> Self {
        Self {
            set: run.options.bus.as_ref().map(Bus::set),
            system: SystemEvents::new(run.options.bus.as_ref()),
            events: RefCell::default(),
        }
    }

    /// The next container's recorder, which also publishes when somebody listens. A pass asks for one
    /// per container, in their order.
    fn recorder(&self, run: &Run, container: &ContainerSpec) -> Box<dyn Recorder> {
        let recorder = (run.options.recorders)(container);
        let mut events = self.events.borrow_mut();
        let place = ContainerId(events.len() as u32);
        match self.set.as_ref().and_then(|set| ContainerEvents::new(set, place)) {
            Some((heard, wants)) => {
                events.push(Some(heard.clone()));
                Box::new(PublishingRecorder::new(recorder, heard, wants))
            }
            None => {
                events.push(None);
                recorder
            }
        }
    }
}

/// The running parts.
struct Wiring {
    events: SystemEvents,
    exits: flume::Receiver<Exit>,
    supervisor: Supervisor,
    policy: RestartPolicy,
    queue: QueueOptions,
    market: Arc<Stage<Market>>,
    hub: Arc<Stage<Hubbed>>,
    shards: Vec<Arc<Stage<()>>>,
    counters: Vec<Arc<QueueCounters>>,
}

impl Wiring {
    fn start(
        run: &Run,
        pass: Pass,
        publishing: Publishing,
        ended: flume::Sender<(usize, Ended)>,
        arbiters: &mut Arbiters,
    ) -> Result<Self, RunError> {
        let Pass { merge, hub, containers, layout } = pass;
        let machinery = &run.spec.machinery;
        let spread = Spread::new(machinery.shards, containers.len(), run.options.threads);
        let capacity = NonZeroUsize::new(machinery.queue_frames).unwrap_or(QueueOptions::CAPACITY);
        let queue = QueueOptions { policy: Policy::Block, capacity };
        // A frame waits in a queue, is worked on, or is in an outbox: so many exist at most.
        let exist_max = (spread.shards + 1) * (capacity.get() + 2);
        let pool = FramePool::new(if machinery.frame_pool { exist_max } else { 0 });
        run.meters.pool(&pool);
        let (supervisor, exits) = Supervisor::new(2 * spread.shards + 4, run.options.seed);

        let mut market_topic = FrameTopic::new("market_data");
        let mut frame_topic = FrameTopic::new("frames");
        let hub_inbox = market_topic.subscribe("indicator_hub", queue);
        let inboxes: Vec<_> =
            (0..spread.shards).map(|n| frame_topic.subscribe(&format!("shard-{n}"), queue)).collect();
        let counters = market_topic.counters().into_iter().chain(frame_topic.counters()).collect();

        let blueprint =
            Blueprint { spec: Arc::clone(&run.spec), registry: Arc::clone(&run.registry), layout };
        run.progress.begin(spread.shards, blueprint.rows_total().unwrap_or(0));
        let blueprint = Arc::new(blueprint);
        let market = Arc::new(MarketShared {
            blueprint: Arc::clone(&blueprint),
            topic: Arc::new(market_topic),
            pool: pool.clone(),
            stage: Arc::default(),
            control: Arc::clone(&run.control),
            meter: run.meters.part("market data"),
        });
        let indicators = Arc::new(HubShared {
            blueprint,
            inbox: hub_inbox,
            topic: Arc::new(frame_topic),
            pool: pool.clone(),
            market: Arc::clone(&market.stage),
            stage: Arc::default(),
            control: Arc::clone(&run.control),
            meter: run.meters.part("indicator hub"),
        });
        let mut wiring = Self {
            events: publishing.system,
            exits,
            supervisor,
            policy: RestartPolicy { give_up: GiveUp::Escalate, ..run.options.restart },
            queue,
            market: Arc::clone(&market.stage),
            hub: Arc::clone(&indicators.stage),
            shards: (0..spread.shards).map(|_| Arc::default()).collect(),
            counters,
        };

        // Consumers first: what is produced finds somebody.
        let data = arbiters.start()?;
        let per_shard = containers.len().div_ceil(spread.shards);
        let events = publishing.events.into_inner();
        let mut containers = containers.into_iter().enumerate().zip(events).map(member);
        for (number, inbox) in inboxes.into_iter().enumerate() {
            let arbiter = if spread.one_thread { data.clone() } else { arbiters.start()? };
            let shard = ShardShared {
                number,
                inbox,
                hub: Arc::clone(&wiring.hub),
                stage: Arc::clone(&wiring.shards[number]),
                ended: ended.clone(),
                progress: Arc::clone(&run.progress),
                system_events: wiring.events.clone(),
                control: Arc::clone(&run.control),
                meter: run.meters.part(&format!("{SHARD}{number}")),
            };
            let members = containers.by_ref().take(per_shard).collect();
            match machinery.placement {
                Placement::Fused => wiring.fused(&arbiter, shard, members, &pool)?,
                Placement::Actors => wiring.apart(&arbiter, shard, members, &pool)?,
            }
        }
        let mut first = Some(hub);
        wiring.child(&data, "indicator hub", move |_| {
            IndicatorHub::new(Arc::clone(&indicators), first.take())
        })?;
        let mut first = Some(merge);
        wiring.child(&data, "market data", move |_| MarketData::new(Arc::clone(&market), first.take()))?;
        wiring.meter(run)?;
        Ok(wiring)
    }

    /// A shard whose containers are stepped whole.
    fn fused(
        &self,
        arbiter: &ArbiterHandle,
        shard: ShardShared,
        members: Vec<Member>,
        pool: &FramePool,
    ) -> Result<(), RunError> {
        let name = format!("{SHARD}{}", shard.number);
        let seats = members.into_iter().map(|Member { place, container, events }| {
            let name = container.name().to_owned();
            Seat::new(place, &name, container, events)
        });
        let seats = Mutex::new(Seats::new(seats.collect()));
        let shared = Arc::new(FusedShared { shard, seats, pool: pool.clone() });
        self.child(arbiter, &name, move |_| Shard::new(Arc::clone(&shared)))
    }

    /// A shard as two actors: one for the accounts, one for the strategies.
    fn apart(
        &mut self,
        arbiter: &ArbiterHandle,
        shard: ShardShared,
        members: Vec<Member>,
        pool: &FramePool,
    ) -> Result<(), RunError> {
        let (execution, strategy) =
            (format!("{EXECUTION}{}", shard.number), format!("strategy {}", shard.number));
        let (mut accounts, mut deciders) = (Vec::new(), Vec::new());
        for Member { place, container, events } in members {
            let name = container.name().to_owned();
            let (account, decider) = container.split();
            accounts.push(Seat::new(place, &name, account, events));
            deciders.push(decider);
        }
        let counters = |topic, subscriber: &str| Arc::new(QueueCounters::new(topic, subscriber));
        let (ask, questions) = queue(self.queue, counters("questions", &strategy));
        let (answer, answers) = queue(self.queue, counters("answers", &execution));
        self.counters.extend([ask.counters(), answer.counters()].map(Arc::clone));
        let control = Arc::clone(&shard.control);
        let deciders = Mutex::new(Deciders::new(deciders));
        let shared = Arc::new(StrategyShared { deciders, questions, answers: answer, control });
        self.child(arbiter, &strategy, move |_| StrategyActor::new(Arc::clone(&shared)))?;
        let accounts = Mutex::new(Accounts::new(accounts));
        let pool = pool.clone();
        let shared = Arc::new(ExecutionShared { shard, accounts, pool, questions: ask, answers });
        self.child(arbiter, &execution, move |_| ExecutionActor::new(Arc::clone(&shared)))
    }

    fn child<P: Part>(
        &self,
        arbiter: &ArbiterHandle,
        name: &str,
        factory: impl FnMut(Life) -> P + Send + 'static,
    ) -> Result<(), RunError> {
        let started = self.supervisor.start(arbiter, name, self.policy, factory);
        self.events.started(name);
        started.map(drop).map_err(|error| machinery(name, error.to_string()))
    }

    /// Samples on the system's own thread. A run without its meter is a run all the same.
    fn meter(&self, run: &Run) -> Result<(), RunError> {
        let interval = Duration::from_millis(run.spec.machinery.monitor_interval_ms);
        if interval.is_zero() {
            return Ok(());
        }
        let resources = run.resources.clone();
        let policy = RestartPolicy { give_up: GiveUp::Quarantine, ..self.policy };
        let started = self.supervisor.start(&Arbiter::current(), "usage meter", policy, move |_| {
            UsageMeter::new(Arc::new(SystemClock), resources.clone(), interval)
        });
        started.map(drop).map_err(|error| machinery("usage meter", error.to_string()))
    }

    /// Counts of all queues: the run's own, then those of the bus that it was given.
    fn counters(&self, run: &Run) -> Vec<TopicCounters> {
        let own = self.counters.iter().map(|counters| counters.snapshot());
        own.chain(run.options.bus.iter().flat_map(Bus::counters)).collect()
    }

    /// Waits for the parts. `None` when the run was cancelled.
    async fn until_done(self, run: &Run, isolation: &Isolation<'_>) -> Result<Option<Finish>, RunError> {
        let mut working = self.shards.len();
        while working > 0 {
            let exit = tokio::select! {
                biased;
                broken = poll_fn(|cx| isolation.poll_broken(cx)) => return Err(broken),
                exit = self.exits.recv_async() => exit,
            };
            let Ok(Exit { part, how }) = exit else { break };
            tracing::debug!(%part, ?how, "a part ended");
            match &how {
                ExitKind::Stopped => self.events.stopped(&part),
                ExitKind::Quarantined { reason } | ExitKind::Escalated { reason } => {
                    self.events.failed(&part, reason);
                }
            }
            match how {
                ExitKind::Escalated { reason } => return Err(machinery(&part, reason)),
                ExitKind::Stopped if part.starts_with(SHARD) || part.starts_with(EXECUTION) => working -= 1,
                ExitKind::Stopped | ExitKind::Quarantined { .. } => {}
            }
        }
        isolation.held()?;
        let mut market = std::mem::take(&mut *self.market.outcome());
        let mut hub = std::mem::take(&mut *self.hub.outcome());
        if let Some(error) = market.error.take().or(hub.error.take()) {
            return Err(error.into());
        }
        if run.control.is_cancelled() || !self.shards.iter().all(|shard| shard.is_complete()) {
            return Ok(None);
        }
        hub.counters.recomputed += hub.recomputed;
        Ok(Some(Finish {
            series: market.series,
            hub: hub.counters,
            bus: self.counters(run),
            restarts: self.supervisor.restarts(),
        }))
    }
}

/// A container on its way to its shard.
struct Member {
    place: usize,
    container: Container,
    events: Option<ContainerEvents>,
}

fn member(((place, container), events): ((usize, Container), Option<ContainerEvents>)) -> Member {
    Member { place, container, events }
}

/// What the names of the parts begin with whose end is awaited.
const SHARD: &str = "shard ";
const EXECUTION: &str = "execution ";
