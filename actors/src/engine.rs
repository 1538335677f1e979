//! The engine as an embedder starts it: one call that blocks, or a handle.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
    thread::JoinHandle,
    time::Duration,
};

use barhive_engine::{
    Registry,
    bus::{Bus, PoolUse},
    pass::RunError,
    record::{NoRecorder, Recorder},
    result::RunResult,
    set::RunSpec,
};

use barhive_machine::timeline::Timeline;

use crate::{
    clock::Stopwatch,
    collector::RecorderFactory,
    control::Control,
    meters::{Meters, PartTimes},
    progress::{Progress, Status},
    run_usage::{ResourceReader, ResourceSummary, Resources},
    supervisor::{RestartPolicy, guarded},
    system::{self, Run},
};

/// On how many threads the data actors run. It changes no result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Threads {
    /// One for everything where one core is allowed or there is one shard; else one for market data
    /// and hub together, and one per shard.
    #[default]
    ByCores,
    /// One for everything.
    One,
    /// One for market data and hub together, and one per shard.
    PerPart,
}

/// What a run may be given beside its specification.
#[derive(Clone)]
pub struct RunOptions {
    /// Makes the recorders.
    pub recorders: RecorderFactory,
    /// Where the run says how far it is; one of its own when `None`.
    pub progress: Option<Arc<Progress>>,
    /// Where the run publishes what its containers and parts do: who subscribed to it before the start
    /// hears of it. A container that is rerun is not heard again.
    pub bus: Option<Bus>,
    /// Where the run looks whether it is paused or cancelled; one of its own when `None`.
    pub control: Option<Arc<Control>>,
    /// On how many threads it runs.
    pub threads: Threads,
    /// How failed parts are restarted; what follows when they give up is the system's business.
    pub restart: RestartPolicy,
    /// Draws the jitter of restarts; no result depends on it.
    pub seed: u64,
    /// Where the run records what its parts do, and when.
    pub timeline: Option<Arc<Timeline>>,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            recorders: Arc::new(|_| Box::new(NoRecorder)),
            progress: None,
            bus: None,
            control: None,
            threads: Threads::default(),
            restart: RestartPolicy::default(),
            seed: 0,
            timeline: None,
        }
    }
}

impl fmt::Debug for RunOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunOptions").field("threads", &self.threads).finish_non_exhaustive()
    }
}

/// What came of a run.
pub struct RunOutcome {
    /// The result.
    pub result: RunResult,
    /// The recorders, by container; `None` for those that were quarantined.
    pub recorders: Vec<Option<Box<dyn Recorder>>>,
    /// What the run took of the machine.
    pub resources: ResourceSummary,
    /// How long it took by the wall clock, set-up included.
    pub elapsed: Duration,
    /// What each of its parts took: market data, indicators, shards.
    pub parts: Vec<PartTimes>,
    /// What its pool of frames was good for.
    pub pool: PoolUse,
}

impl fmt::Debug for RunOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunOutcome")
            .field("result", &self.result)
            .field("elapsed", &self.elapsed)
            .finish_non_exhaustive()
    }
}

/// Runs a set through the actors and waits for it, holding the caller's thread.
///
/// Everything happens on threads of the run's own; all of them have ended when this returns.
///
/// # Errors
/// When the set cannot be set up, its data cannot be read, it is cancelled, or a part of the
/// machinery fails for good.
pub fn run(spec: RunSpec, registry: &Registry, options: RunOptions) -> Result<RunOutcome, RunError> {
    Engine::start(spec, registry, options)?.wait()
}

/// Starts runs.
#[derive(Clone, Copy, Debug)]
pub struct Engine;

impl Engine {
    /// Starts a run on threads of its own.
    ///
    /// # Errors
    /// When a thread cannot be started; what is wrong with the set is the run's result.
    pub fn start(spec: RunSpec, registry: &Registry, options: RunOptions) -> Result<Handle, RunError> {
        let run = Run {
            spec: Arc::new(spec),
            registry: Arc::new(registry.clone()),
            control: options.control.clone().unwrap_or_default(),
            progress: options.progress.clone().unwrap_or_default(),
            resources: Resources::default(),
            meters: Meters::new(options.timeline.clone()),
            options,
        };
        let shared = Arc::new(Shared {
            control: Arc::clone(&run.control),
            progress: Arc::clone(&run.progress),
            resources: run.resources.clone(),
            end: Mutex::new(End::default()),
        });
        let end = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("barhive-system".to_owned())
            .spawn(move || {
                let watch = Stopwatch::start();
                let outcome = guarded(|| system::run(&run));
                let outcome = outcome
                    .unwrap_or_else(|what| Err(RunError::Machinery { part: "system".to_owned(), what }));
                let resources = run.resources.summary();
                let (parts, pool) = (run.meters.parts(), run.meters.pool_use());
                let elapsed = watch.elapsed();
                end.end(outcome.map(|(result, recorders)| RunOutcome {
                    result,
                    recorders,
                    resources,
                    elapsed,
                    parts,
                    pool,
                }));
            })
            .map_err(|error| RunError::Machinery {
                part: "system".to_owned(),
                what: format!("its thread cannot be started: {error}"),
            })?;
        Ok(Handle { shared, thread: Some(thread) })
    }
}

/// How a run ended, and who waits for it.
#[derive(Default)]
struct End {
    outcome: Option<Result<RunOutcome, RunError>>,
    is_over: bool,
    waiting: Option<Waker>,
}

struct Shared {
    control: Arc<Control>,
    progress: Arc<Progress>,
    resources: Resources,
    end: Mutex<End>,
}

impl Shared {
    fn end(&self, outcome: Result<RunOutcome, RunError>) {
        let mut end = self.lock();
        end.outcome = Some(outcome);
        end.is_over = true;
        if let Some(waker) = end.waiting.take() {
            waker.wake();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, End> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A run under way. Usable from any thread, sync or async: waiting for it is a future, too.
///
/// Dropping it cancels the run and waits for its threads to end, which takes them milliseconds.
#[must_use = "dropping the handle cancels the run"]
pub struct Handle {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Handle {
    /// How far the run has come.
    pub fn status(&self) -> Status {
        self.shared.progress.status()
    }

    /// Whether the run has ended, and its outcome can be had without waiting.
    pub fn is_over(&self) -> bool {
        self.shared.lock().is_over
    }

    /// Reads what the run takes of the machine.
    pub fn resources(&self) -> ResourceReader {
        self.shared.resources.reader()
    }

    /// Pauses the run until [`Self::resume`].
    pub fn pause(&self) {
        self.shared.control.pause();
    }

    /// Lets a paused run go on.
    pub fn resume(&self) {
        self.shared.control.resume();
    }

    /// Ends the run; its outcome is then [`RunError::Cancelled`], unless it was done before.
    pub fn cancel(&self) {
        self.shared.control.cancel();
    }

    /// Waits for the run, holding the thread.
    ///
    /// # Errors
    /// Why there is no result.
    pub fn wait(mut self) -> Result<RunOutcome, RunError> {
        self.join();
        self.take()
    }

    fn join(&mut self) {
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            self.shared.end(Err(RunError::Machinery {
                part: "system".to_owned(),
                what: "its thread panicked".to_owned(),
            }));
        }
    }

    fn take(&self) -> Result<RunOutcome, RunError> {
        self.shared.lock().outcome.take().unwrap_or(Err(RunError::Cancelled))
    }
}

impl Future for Handle {
    type Output = Result<RunOutcome, RunError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        {
            let mut end = self.shared.lock();
            if !end.is_over {
                end.waiting = Some(cx.waker().clone());
                return Poll::Pending;
            }
        }
        // All that is left for the thread to do is to return.
        self.join();
        Poll::Ready(self.take())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.shared.control.cancel();
            self.join();
        }
    }
}
