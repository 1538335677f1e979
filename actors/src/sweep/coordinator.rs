//! The coordinator of a sweep: gives out passes, takes results, replaces what fails.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use barhive_engine::{
    Registry,
    governor::ThrottleConfig,
    sweep::{
        CutOptions, Outcome, PassBlock, PassWork, Schedule, SweepSpec, Variant, VariantRange, VariantSet,
        Verdict,
    },
};

use super::{
    crew::{Crew, Loss, Means, Worth},
    expected::Expected,
    process::ProcessSpec,
    progress::SweepProgress,
    record::{Record, SweepCounters},
    thread::Shared,
    times::PassTimes,
    worker::{What, Word},
};
use crate::{
    clock::Stopwatch,
    control::Control,
    regulator::{Regulator, ThrottleListener},
};
use barhive_machine::timeline::Timeline;

/// Where results go, as passes complete.
pub trait SweepSink {
    /// Takes a pass; when this returns, its results must be as safe as they will ever be.
    ///
    /// # Errors
    /// Why they cannot be kept; the sweep ends.
    fn take(&mut self, block: &PassBlock) -> Result<(), String>;
}

impl<F: FnMut(&PassBlock) -> Result<(), String>> SweepSink for F {
    fn take(&mut self, block: &PassBlock) -> Result<(), String> {
        self(block)
    }
}

/// What a worker is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// A thread of this process: survives panics.
    #[default]
    Thread,
    /// A process of its own: survives whatever a variant does to it.
    Process(Box<ProcessSpec>),
}

/// How a sweep is run; nothing of it changes a result.
#[derive(Clone)]
pub struct SweepOptions {
    /// How many workers; 0 takes as many as cores are allowed.
    pub workers: usize,
    /// What they are.
    pub isolation: Isolation,
    /// Variants per chunk; measured when `None`.
    pub chunk: Option<u64>,
    /// Most variants per pass; [`BATCH`] when `None`.
    pub batch: Option<u64>,
    /// Only these variants.
    pub selected: Option<VariantSet>,
    /// Variants that have results already.
    pub done: VariantSet,
    /// Where the sweep looks whether it is paused or cancelled.
    pub control: Arc<Control>,
    /// Where it says how far it is.
    pub progress: Arc<SweepProgress>,
    /// How much of the machine it takes; as it stands, there is no limit.
    pub throttle: ThrottleConfig,
    /// Is told what the throttle does.
    pub throttle_listener: ThrottleListener,
    /// Where it records what its workers do, and when.
    pub timeline: Option<Arc<Timeline>>,
}

/// Most variants per pass unless somebody says otherwise.
pub const BATCH: u64 = 1_024;

impl Default for SweepOptions {
    fn default() -> Self {
        Self {
            workers: 0,
            isolation: Isolation::default(),
            chunk: None,
            batch: None,
            selected: None,
            done: VariantSet::new(),
            control: Arc::default(),
            progress: Arc::default(),
            throttle: ThrottleConfig::default(),
            throttle_listener: ThrottleListener::default(),
            timeline: None,
        }
    }
}

/// What came of a sweep.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SweepOutcome {
    /// The work behind it.
    pub work: PassWork,
    /// Variants that have results from this run, failed ones counted.
    pub finished: u64,
    /// Variants that failed for good, and why; every one is in the results, too.
    pub failed: Vec<(u64, String)>,
    /// Passes done.
    pub passes: u64,
    /// Variants per chunk.
    pub chunk: u64,
    /// Workers that ran it.
    pub workers: usize,
    /// How often a worker failed.
    pub worker_failures: u64,
    /// Whether it was cancelled before its end.
    pub cancelled: bool,
    /// How long workers waited at the end with nothing left to take, all of them added up.
    pub idle: Duration,
    /// By the wall clock.
    pub elapsed: Duration,
    /// Where the time of its passes went.
    pub times: PassTimes,
    /// How long a pass took, and how long it took to keep the results of one.
    pub counters: SweepCounters,
}

/// Why a sweep ended before its end. What the sink has taken stays.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SweepError {
    /// There is nothing to run.
    #[error("there is nothing to run: {0}")]
    Empty(String),
    /// The data cannot be read, or the sweep contradicts itself.
    #[error("{0}")]
    Run(String),
    /// Results cannot be kept.
    #[error("results cannot be kept: {0}")]
    Sink(String),
    /// A worker cannot be started.
    #[error("a worker cannot be started: {0}")]
    Worker(String),
}

/// Runs a sweep and gives its results to `sink` pass by pass, on the caller's thread.
///
/// # Errors
/// When the data cannot be read, no worker can be started, or the sink refuses results.
pub fn run_sweep(
    spec: &Arc<SweepSpec>,
    registry: &Arc<Registry>,
    options: SweepOptions,
    sink: &mut dyn SweepSink,
) -> Result<SweepOutcome, SweepError> {
    let watch = Stopwatch::start();
    let all = VariantSet::from(spec.all());
    let selected = match &options.selected {
        Some(selected) => {
            let beyond = selected.without(&all);
            if !beyond.is_empty() {
                let what = format!("there is no variant {beyond}; the sweep has {}", spec.variants());
                return Err(SweepError::Empty(what));
            }
            selected.clone()
        }
        None => all,
    };
    if selected.is_empty() {
        return Err(SweepError::Empty("the sweep has no variant".to_owned()));
    }
    let allowed = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let workers = if options.workers == 0 { allowed } else { options.workers };
    let regulator = Regulator::new(&options.throttle, workers, options.throttle_listener.clone())
        .map_err(|faults| SweepError::Run(faults.to_string()))?;
    let cut = CutOptions { workers, chunk: options.chunk, batch: options.batch.unwrap_or(BATCH) };
    let schedule = Schedule::new(spec, &selected, &options.done, cut);
    let before = selected.within(&options.done).len();
    options.progress.begin(&selected.without(&options.done), before, workers, Expected::of(spec));
    // A worker has one thing to say at a time, and then that it is gone; so has the one before it.
    let (words, inbox) = flume::bounded(workers * 4);
    let progress = Arc::clone(&options.progress);
    let means = match &options.isolation {
        Isolation::Thread => Means::Threads(Arc::new(Shared {
            spec: Arc::clone(spec),
            registry: Arc::clone(registry),
            control: Arc::clone(&options.control),
            progress,
            words,
            held: (0..workers).map(|_| AtomicBool::new(false)).collect(),
        })),
        Isolation::Process(spec) => Means::Processes { spec: Arc::new((**spec).clone()), words, progress },
    };
    let mut coordinator = Coordinator {
        crew: Crew::new(means, workers),
        regulator,
        waiting: vec![None; workers],
        starts_failed: 0,
        schedule,
        watch,
        outcome: SweepOutcome { workers, ..SweepOutcome::default() },
        record: Record::new(options.timeline.as_deref(), workers),
        options: &options,
        sink,
    };
    let ended = coordinator.run(&inbox);
    let idle = coordinator.waiting.iter().flatten().map(|watch| watch.elapsed()).sum();
    coordinator.end(&inbox);
    let mut outcome = coordinator.outcome;
    ended?;
    outcome.finished = coordinator.schedule.finished();
    outcome.chunk = coordinator.schedule.chunk().unwrap_or(outcome.finished);
    outcome.cancelled = !coordinator.schedule.is_done();
    outcome.failed.sort();
    outcome.idle = idle;
    outcome.counters = coordinator.record.summaries();
    outcome.elapsed = watch.elapsed();
    Ok(outcome)
}

struct Coordinator<'a> {
    crew: Crew,
    regulator: Option<Regulator>,
    /// Since when a worker has found nothing to take.
    waiting: Vec<Option<Stopwatch>>,
    /// Workers that ended before they were ready, since the last that was.
    starts_failed: u32,
    schedule: Schedule,
    /// Runs since the sweep began.
    watch: Stopwatch,
    outcome: SweepOutcome,
    record: Record,
    options: &'a SweepOptions,
    sink: &'a mut dyn SweepSink,
}

impl Coordinator<'_> {
    fn run(&mut self, inbox: &flume::Receiver<Word>) -> Result<(), SweepError> {
        for worker in 0..self.crew.len() {
            self.crew.start(worker).map_err(|error| SweepError::Worker(error.to_string()))?;
        }
        let mut watch = Stopwatch::start();
        while !self.schedule.is_done() {
            match inbox.recv_timeout(if self.regulator.is_some() { REGULATED_LOOK } else { LOOK }) {
                Ok(word) => self.hear(word)?,
                Err(flume::RecvTimeoutError::Timeout) => {}
                Err(flume::RecvTimeoutError::Disconnected) => break,
            }
            if watch.elapsed() >= LOOK {
                watch = Stopwatch::start();
                for loss in self.crew.look(self.options.control.order()) {
                    self.lost(loss)?;
                }
            }
            if !self.options.control.is_cancelled() {
                self.staff()?;
                // Who is busy hears of a pause himself; who is not, gets nothing to do.
                if !self.options.control.is_paused() {
                    let at_most = self.regulate();
                    self.hand_out(at_most);
                }
            } else if self.crew.is_at_rest() {
                break;
            }
        }
        Ok(())
    }

    /// Takes what a worker says. Results that are on their way when the sweep is cancelled still count.
    fn hear(&mut self, word: Word) -> Result<(), SweepError> {
        let worth = self.crew.hear(&word);
        let Word { worker, what, .. } = word;
        match (worth, what) {
            (Worth::Nothing, _) => return Ok(()),
            (Worth::Unasked, _) => {
                let loss = self.crew.bury(worker, Some("it says what nobody asked for".to_owned()));
                return self.lost(loss);
            }
            (_, What::Gone { broke }) => {
                let loss = self.crew.bury(worker, broke);
                return self.lost(loss);
            }
            (_, What::Ready) => self.starts_failed = 0,
            (_, What::Cancelled) => {}
            (_, What::Done { lease, block, times }) => {
                self.record.pass(worker, block.range, &times);
                self.outcome.times.add(&times);
                if self.schedule.complete(lease, times.pass_time()) {
                    self.keep(worker, &block)?;
                }
            }
            (_, What::Failed { lease, reason }) => self.failed(worker, lease, &reason)?,
            (_, What::Fatal { reason }) => return Err(SweepError::Run(reason)),
        }
        self.crew.rest(worker);
        Ok(())
    }

    /// A worker is not there any more.
    fn lost(&mut self, loss: Loss) -> Result<(), SweepError> {
        if let Some(lease) = loss.lease {
            return self.failed(loss.worker, lease, &loss.reason);
        }
        // Told to end, it may.
        if self.options.control.is_cancelled() {
            return Ok(());
        }
        self.outcome.worker_failures += 1;
        self.options.progress.lost(loss.worker);
        self.schedule.release(loss.worker);
        tracing::warn!(worker = loss.worker, reason = loss.reason, "a worker ended with nothing in hand");
        if loss.at_start { self.start_failed(loss.reason) } else { Ok(()) }
    }

    /// Fills the places that are empty.
    fn staff(&mut self) -> Result<(), SweepError> {
        for worker in 0..self.crew.len() {
            if self.crew.is_empty(worker)
                && let Err(error) = self.crew.start(worker)
            {
                self.start_failed(error.to_string())?;
            }
        }
        Ok(())
    }

    /// What cannot be started again and again cannot be started.
    fn start_failed(&mut self, reason: String) -> Result<(), SweepError> {
        self.starts_failed += 1;
        if self.starts_failed >= STARTS_FAILED_MAX { Err(SweepError::Worker(reason)) } else { Ok(()) }
    }

    /// Holds those workers that may not work now; answers how many more may begin to.
    fn regulate(&mut self) -> usize {
        let Some(regulator) = &mut self.regulator else { return usize::MAX };
        regulator.look();
        let mut left = regulator.allowed();
        let is_held: Vec<bool> = (0..self.crew.len())
            .map(|worker| {
                let is_held = self.crew.is_busy(worker) && left == 0;
                left -= usize::from(self.crew.is_busy(worker) && !is_held);
                is_held
            })
            .collect();
        self.crew.hold(&is_held);
        left
    }

    /// Gives work to those who have none, but to no more than `at_most`.
    fn hand_out(&mut self, mut at_most: usize) {
        let now_ns = u64::try_from(self.watch.elapsed().as_nanos()).unwrap_or(u64::MAX);
        for worker in 0..self.crew.len() {
            if !self.crew.is_idle(worker) {
                continue;
            }
            if at_most == 0 {
                return;
            }
            let Some(lease) = self.schedule.next(worker, now_ns) else {
                self.waiting[worker].get_or_insert_with(Stopwatch::start);
                continue;
            };
            self.waiting[worker] = None;
            self.options.progress.took(worker, &lease);
            self.crew.give(worker, lease);
            at_most -= 1;
        }
    }

    fn keep(&mut self, worker: usize, block: &PassBlock) -> Result<(), SweepError> {
        let failed = block.variants.iter().filter_map(|variant| match &variant.outcome {
            Outcome::Failed { reason, .. } => Some((variant.index, reason.clone())),
            Outcome::Done(_) => None,
        });
        let before = self.outcome.failed.len();
        self.outcome.failed.extend(failed);
        let failed = (self.outcome.failed.len() - before) as u64;
        self.outcome.work.add(&block.work);
        self.outcome.passes += 1;
        let watch = Stopwatch::start();
        self.sink.take(block).map_err(SweepError::Sink)?;
        self.record.kept(block.range, watch.elapsed());
        self.options.progress.done(worker, block.range, failed);
        // Nobody rests after the last pass.
        if let Some(regulator) = self.regulator.as_mut().filter(|_| !self.schedule.is_done()) {
            regulator.pass_done(block.range.len());
        }
        Ok(())
    }

    fn failed(&mut self, worker: usize, lease: u64, reason: &str) -> Result<(), SweepError> {
        self.outcome.worker_failures += 1;
        self.options.progress.lost(worker);
        let verdict = self.schedule.fail(lease);
        tracing::warn!(worker, lease, reason, ?verdict, "a worker failed");
        if let Verdict::GivenUp(index) = verdict {
            let reason = format!("its worker fails at it: {reason}");
            let outcome = Outcome::Failed { step: 0, ts_ns: 0, reason };
            let block = PassBlock {
                range: VariantRange { start: index, end: index + 1 },
                variants: vec![Variant { index, outcome }],
                work: PassWork::default(),
            };
            self.keep(worker, &block)?;
        }
        Ok(())
    }

    /// Tells all workers to stop and waits for them.
    fn end(&mut self, inbox: &flume::Receiver<Word>) {
        // Whoever still works is not needed any more.
        if !self.crew.is_at_rest() {
            self.options.control.cancel();
        }
        self.crew.end(inbox);
    }
}

/// How often the coordinator looks after its workers.
const LOOK: Duration = Duration::from_millis(50);
/// The same where workers are held now and then.
const REGULATED_LOOK: Duration = Duration::from_millis(10);
/// Workers that end before they are ready, one after the other, until the sweep ends.
const STARTS_FAILED_MAX: u32 = 5;
