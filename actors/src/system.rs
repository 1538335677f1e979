//! The only place that wires the parts: which actor runs on which thread, and what flows between them.

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use actix_rt::{Arbiter, ArbiterHandle, System};
use barhive_engine::{
    Registry,
    bus::{FramePool, FrameTopic, Policy, QueueCounters, QueueOptions},
    pass::{Pass, RunError},
    set::RunSpec,
};

use crate::{
    blueprint::Blueprint,
    clock::SystemClock,
    collector::{Collected, Collector, Finish},
    control::Control,
    engine::{RunOptions, Threads},
    indicator_hub::{HubShared, Hubbed, IndicatorHub},
    market_data::{Market, MarketData, MarketShared},
    progress::Progress,
    resource_monitor::{ResourceMonitor, Resources, Sampler},
    shard::{Seats, Shard, ShardShared},
    stage::Stage,
    supervisor::{Exit, ExitKind, GiveUp, RestartPolicy, Supervisor, guarded},
};

/// What all parts of a run know.
pub(crate) struct Run {
    pub(crate) spec: Arc<RunSpec>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) options: RunOptions,
    pub(crate) control: Arc<Control>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) resources: Resources,
}

/// Names of the parts, in logs and reports.
const MARKET_DATA: &str = "market data";
const INDICATOR_HUB: &str = "indicator hub";
const RESOURCE_MONITOR: &str = "resource monitor";

/// Runs on the caller's thread, which becomes the system's until everything has ended.
pub(crate) fn run(run: &Run) -> Result<Collected, RunError> {
    let recorders = Arc::clone(&run.options.recorders);
    let members: Vec<usize> = (0..run.spec.containers.len()).collect();
    if members.is_empty() {
        return Err(RunError::Empty);
    }
    let opened =
        guarded(|| Pass::open(&run.spec, &run.registry, &members, &|container| recorders(container), false));
    let pass = opened.unwrap_or_else(|what| Err(RunError::Machinery { part: "set-up".to_owned(), what }))?;
    let (collector, ended) = Collector::start(
        Arc::clone(&run.spec),
        Arc::clone(&run.registry),
        Arc::clone(&run.options.recorders),
        Arc::clone(&run.control),
    )?;
    let runner = System::with_tokio_rt(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.expect("a runtime without I/O needs nothing that could be refused")
    });
    let wired = runner.block_on(async {
        let mut arbiters = Arbiters::default();
        let outcome = match Wiring::start(run, pass, ended, &mut arbiters) {
            Ok(wiring) => wiring.until_done(run).await,
            Err(error) => Err(error),
        };
        arbiters.join();
        outcome
    });
    if wired.is_err() {
        run.control.cancel();
    }
    let (finish, error) = match wired {
        Ok(finish) => (finish, None),
        Err(error) => (None, Some(error)),
    };
    let collected = collector.join(finish);
    // What ended the run explains more than that it was cancelled.
    match error {
        Some(error) => Err(error),
        None => collected,
    }
}

/// The threads of a run, but the system's own.
#[derive(Default)]
struct Arbiters(Vec<Arbiter>);

impl Arbiters {
    fn start(&mut self) -> Result<ArbiterHandle, RunError> {
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build();
        let arbiter = Arbiter::try_with_tokio_rt(runtime)
            .map_err(|error| machinery("system", format!("a thread cannot be started: {error}")))?;
        let handle = arbiter.handle();
        self.0.push(arbiter);
        Ok(handle)
    }

    fn join(self) {
        for arbiter in &self.0 {
            arbiter.stop();
        }
        for arbiter in self.0 {
            if arbiter.join().is_err() {
                tracing::error!("a thread of the system ended in a panic");
            }
        }
    }
}

fn machinery(part: &str, what: String) -> RunError {
    RunError::Machinery { part: part.to_owned(), what }
}

/// The running parts.
struct Wiring {
    exits: flume::Receiver<Exit>,
    supervisor: Supervisor,
    market: Arc<Stage<Market>>,
    hub: Arc<Stage<Hubbed>>,
    shards: Vec<Arc<Stage<()>>>,
    counters: Vec<Arc<QueueCounters>>,
}

impl Wiring {
    fn start(
        run: &Run,
        pass: Pass,
        ended: flume::Sender<(usize, barhive_engine::outcome::Ended)>,
        arbiters: &mut Arbiters,
    ) -> Result<Self, RunError> {
        let Pass { merge, hub, containers, layout } = pass;
        let machinery = &run.spec.machinery;
        let threads = run.options.threads;
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let shards = match machinery.shards {
            0 => cores,
            shards => shards,
        };
        let shards = shards.clamp(1, containers.len());
        let one_thread = match threads {
            Threads::ByCores => cores == 1 || shards == 1,
            Threads::One => true,
            Threads::PerPart => false,
        };

        let queue = QueueOptions {
            policy: Policy::Block,
            capacity: NonZeroUsize::new(machinery.queue_frames).unwrap_or(QueueOptions::CAPACITY),
        };
        let pool = FramePool::new((shards + 1) * (queue.capacity.get() + 2));
        let (supervisor, exits) = Supervisor::new(shards + 4, run.options.seed);
        let policy = RestartPolicy { give_up: GiveUp::Escalate, ..run.options.restart };

        let mut market_topic = FrameTopic::new("market_data");
        let mut frame_topic = FrameTopic::new("frames");
        let hub_inbox = market_topic.subscribe("indicator_hub", queue);
        let inboxes: Vec<_> =
            (0..shards).map(|number| frame_topic.subscribe(&format!("shard-{number}"), queue)).collect();
        let mut counters = market_topic.counters();
        counters.extend(frame_topic.counters());

        let blueprint =
            Arc::new(Blueprint { spec: Arc::clone(&run.spec), registry: Arc::clone(&run.registry), layout });
        run.progress.begin(shards, blueprint.rows_total().unwrap_or(0));

        let data = arbiters.start()?;
        let market = Arc::new(MarketShared {
            blueprint: Arc::clone(&blueprint),
            topic: Arc::new(market_topic),
            pool: pool.clone(),
            stage: Arc::default(),
            control: Arc::clone(&run.control),
        });
        let hub_shared = Arc::new(HubShared {
            blueprint,
            inbox: hub_inbox,
            topic: Arc::new(frame_topic),
            pool: pool.clone(),
            market: Arc::clone(&market.stage),
            stage: Arc::default(),
            control: Arc::clone(&run.control),
        });
        let wiring = Self {
            exits,
            market: Arc::clone(&market.stage),
            hub: Arc::clone(&hub_shared.stage),
            shards: (0..shards).map(|_| Arc::default()).collect(),
            counters,
            supervisor,
        };

        // Consumers first: what is produced finds somebody.
        let per_shard = containers.len().div_ceil(shards);
        let mut containers = containers.into_iter().enumerate();
        for (number, inbox) in inboxes.into_iter().enumerate() {
            let seats = Seats::new(containers.by_ref().take(per_shard));
            let shared = Arc::new(ShardShared {
                number,
                seats: std::sync::Mutex::new(seats),
                inbox,
                pool: pool.clone(),
                hub: Arc::clone(&hub_shared.stage),
                stage: Arc::clone(&wiring.shards[number]),
                ended: ended.clone(),
                progress: Arc::clone(&run.progress),
                control: Arc::clone(&run.control),
            });
            let arbiter = if one_thread { data.clone() } else { arbiters.start()? };
            wiring.child(&arbiter, &shard_name(number), policy, move |_| Shard::new(Arc::clone(&shared)))?;
        }
        let mut first = Some(hub);
        wiring.child(&data, INDICATOR_HUB, policy, move |_| {
            IndicatorHub::new(Arc::clone(&hub_shared), first.take())
        })?;
        let mut first = Some(merge);
        wiring
            .child(&data, MARKET_DATA, policy, move |_| MarketData::new(Arc::clone(&market), first.take()))?;
        wiring.monitor(run)?;
        Ok(wiring)
    }

    fn child<P: crate::supervisor::Part>(
        &self,
        arbiter: &ArbiterHandle,
        name: &str,
        policy: RestartPolicy,
        factory: impl FnMut(crate::supervisor::Life) -> P + Send + 'static,
    ) -> Result<(), RunError> {
        let started = self.supervisor.start(arbiter, name, policy, factory);
        started.map(drop).map_err(|error| machinery(name, error.to_string()))
    }

    /// Samples on the system's own thread.
    fn monitor(&self, run: &Run) -> Result<(), RunError> {
        let interval = Duration::from_millis(run.spec.machinery.monitor_interval_ms);
        if interval.is_zero() {
            return Ok(());
        }
        let resources = run.resources.clone();
        let policy = RestartPolicy { give_up: GiveUp::Quarantine, ..run.options.restart };
        self.child(&Arbiter::current(), RESOURCE_MONITOR, policy, move |_| {
            let sampler = Sampler::new(Arc::new(SystemClock));
            ResourceMonitor::new(sampler, resources.clone(), interval)
        })
    }

    /// Waits for the parts. `None` when the run was cancelled.
    async fn until_done(self, run: &Run) -> Result<Option<Finish>, RunError> {
        let mut working = self.shards.len();
        while working > 0 {
            let Ok(exit) = self.exits.recv_async().await else { break };
            tracing::debug!(part = %exit.part, how = ?exit.how, "a part ended");
            match exit.how {
                ExitKind::Escalated { reason } => {
                    return Err(machinery(&exit.part, reason));
                }
                ExitKind::Quarantined { .. } => {}
                ExitKind::Stopped => {
                    if exit.part.starts_with(SHARD) {
                        working -= 1;
                    }
                }
            }
        }
        if let Some(error) = self.market.outcome().error.take() {
            return Err(error.into());
        }
        let mut hub = self.hub.outcome();
        if let Some(error) = hub.error.take() {
            return Err(error.into());
        }
        let mut counters = hub.counters;
        counters.recomputed += hub.recomputed;
        if run.control.is_cancelled() || !self.shards.iter().all(|shard| shard.is_complete()) {
            return Ok(None);
        }
        Ok(Some(Finish {
            series: std::mem::take(&mut self.market.outcome().series),
            hub: counters,
            bus: self.counters.iter().map(|counters| counters.snapshot()).collect(),
            restarts: self.supervisor.restarts(),
        }))
    }
}

/// What the names of shards begin with.
const SHARD: &str = "shard ";

fn shard_name(number: usize) -> String {
    format!("{SHARD}{number}")
}
