//! The resource monitor: measures, judges and publishes, ten times a second.

mod memory;
mod rules;
mod status;
#[cfg(test)]
mod tests;

use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::JoinHandle,
};

use arc_swap::ArcSwap;
use barhive_engine::{
    governor::{BreakerConfig, ResourceSample, ResourceThresholds, SettingFaults},
    jobs::ExecutionMode,
    time::Clock,
};

use self::rules::Rules;
pub use self::status::{Decision, LiveLag, LiveReport, MachineStatus, Outlook};
use crate::{
    clock::Stopwatch,
    gauge::{Gauge, GaugeError, Role, TreeUse},
};

/// How the monitor judges.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MonitorOptions {
    /// Where alert levels begin.
    pub thresholds: ResourceThresholds,
    /// When the breaker opens, probes and closes.
    pub breaker: BreakerConfig,
    /// How backtests and live work share the machine at first.
    pub mode: ExecutionMode,
}

impl Default for MonitorOptions {
    fn default() -> Self {
        Self {
            thresholds: ResourceThresholds::default(),
            breaker: BreakerConfig::default(),
            mode: ExecutionMode::Concurrent,
        }
    }
}

/// Why there is no monitor.
#[derive(Debug, thiserror::Error)]
pub enum MonitorError {
    /// Settings that cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingFaults),
    /// The machine cannot be measured.
    #[error(transparent)]
    Gauge(#[from] GaugeError),
    /// The system gives no thread.
    #[error("no thread for the monitor: {0}")]
    Thread(#[from] io::Error),
}

/// Watches the machine: levels, breaker, forecast, what live work says; and what watched processes use.
///
/// [`start`](Self::start) measures every 100 ms on a thread of its own and looks at the memory of watched
/// processes about every second on another. Every sample is judged and published as one [`MachineStatus`]:
/// [`latest`](Self::latest) is one atomic load, and who reads never waits for who measures. The samples of the last
/// five minutes are kept. Dropped, the threads end.
///
/// ```
/// use std::{sync::Arc, time::Duration};
///
/// use barhive_engine::governor::{BreakerState, ResourceSample};
/// use barhive_machine::{MonitorOptions, ResourceMonitor, clock::SystemClock, gauge::Role};
///
/// let monitor = ResourceMonitor::start(MonitorOptions::default(), Arc::new(SystemClock))?;
/// monitor.watch(std::process::id(), Role::Worker);
/// while monitor.latest().sample.memory_percent == 0.0 {
///     std::thread::sleep(Duration::from_millis(10));
/// }
/// println!("{}", monitor.latest().levels); // green: CPU without our workers 3.1 % (green), ...
///
/// // Or told by somebody else: here by a script.
/// let monitor = ResourceMonitor::told(MonitorOptions::default(), Arc::new(SystemClock))?;
/// for tenth in 1..=3 {
///     let at_ns = tenth * 100_000_000;
///     monitor.observe(ResourceSample { at_ns, cpu_percent: 97.0, ..ResourceSample::default() });
/// }
/// let status = monitor.latest();
/// assert_eq!(status.breaker, BreakerState::Open);
/// assert!(status.refusal.as_ref().unwrap().starts_with("overloaded: CPU without our workers 97.0 %"));
/// assert!(status.decisions.last().unwrap().sentence.starts_with("BULK jobs are paused"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ResourceMonitor {
    shared: Arc<Shared>,
    threads: Vec<(SyncSender<()>, JoinHandle<()>)>,
}

/// Called when what jobs may do has changed; must be quick.
type Listener = Box<dyn Fn() + Send + Sync>;

struct Shared {
    status: ArcSwap<MachineStatus>,
    rules: Mutex<Rules>,
    clock: Arc<dyn Clock>,
    /// What measures; `None` where somebody else does.
    gauge: Option<Mutex<Gauge>>,
    /// The memory of each watched process and its children.
    memory: Mutex<memory::OfTrees>,
    listener: Mutex<Option<Listener>>,
}

impl ResourceMonitor {
    /// Watches this machine from now on; `clock` stamps what is told.
    ///
    /// # Errors
    /// Settings that cannot be used, all of them; a machine that cannot be measured.
    pub fn start(options: MonitorOptions, clock: Arc<dyn Clock>) -> Result<Self, MonitorError> {
        let gauge = Gauge::new(0)?;
        let shared = Arc::new(Shared::new(&options, clock, Some(gauge))?);
        let mut monitor = Self { shared: Arc::clone(&shared), threads: Vec::new() };
        let watch = Stopwatch::start();
        monitor.spawn("barhive-monitor", Gauge::INTERVAL, move || {
            shared.measure(u64::try_from(watch.elapsed().as_nanos()).unwrap_or(u64::MAX));
        })?;
        let shared = Arc::clone(&monitor.shared);
        let mut looks = 0u32;
        monitor.spawn("barhive-memory", memory::INTERVAL, move || {
            shared.look_at_memory(looks.is_multiple_of(memory::ALL_EVERY));
            looks = looks.wrapping_add(1);
        })?;
        Ok(monitor)
    }

    /// One that measures nothing itself: what is [`observe`](Self::observe)d is what it knows.
    ///
    /// # Errors
    /// Settings that cannot be used, all of them.
    pub fn told(options: MonitorOptions, clock: Arc<dyn Clock>) -> Result<Self, SettingFaults> {
        Ok(Self { shared: Arc::new(Shared::new(&options, clock, None)?), threads: Vec::new() })
    }

    /// Takes a sample in, judges and publishes it. One that is not newer than the last changes nothing.
    pub fn observe(&self, sample: ResourceSample) {
        self.shared.observe(sample, Vec::new());
    }

    /// What is known now. One atomic load; the answer stays as it is.
    pub fn latest(&self) -> Arc<MachineStatus> {
        self.shared.status.load_full()
    }

    /// The samples of the last five minutes, the oldest first.
    pub fn history(&self) -> Vec<ResourceSample> {
        self.shared.rules().history()
    }

    /// Counts a process and its children as `role` from now on.
    pub fn watch(&self, pid: u32, role: Role) {
        if let Some(gauge) = &self.shared.gauge {
            lock(gauge).watch(pid, role);
        }
    }

    /// Does not count a process any longer; answers what it and its children have used since they were watched.
    pub fn forget(&self, pid: u32) -> Option<TreeUse> {
        let gauge = self.shared.gauge.as_ref()?;
        let mut gauge = lock(gauge);
        let tree = gauge.uses().into_iter().find(|tree| tree.pid == pid);
        gauge.forget(pid);
        let mut memory = lock(&self.shared.memory);
        let tree = tree.map(|tree| memory.fill(tree));
        memory.forget(pid);
        tree
    }

    /// Takes another mode; it is in force when this returns.
    pub fn set_mode(&self, mode: ExecutionMode) {
        self.shared.change(|rules| (rules.set_mode(mode), ()));
    }

    /// Hears from live work.
    ///
    /// # Errors
    /// What is wrong with the report, all of it.
    pub fn report(&self, report: &LiveReport) -> Result<(), String> {
        self.shared.change(|rules| match rules.report(report) {
            Ok(changed) => (changed, Ok(())),
            Err(faults) => (false, Err(faults)),
        })
    }

    /// Notes that a job starts: while the breaker is half-open, that is its probe.
    pub fn started(&self) {
        self.shared.change(|rules| (false, rules.started()));
    }

    /// Notes that a submission was refused; the first since the breaker opened is told as a decision.
    pub fn refused(&self, why: &str) {
        self.shared.change(|rules| (false, rules.refused(why)));
    }

    /// Calls `listener` whenever what jobs may do has changed. It must be quick; only the last one is called.
    pub fn on_change(&self, listener: impl Fn() + Send + Sync + 'static) {
        *lock(&self.shared.listener) = Some(Box::new(listener));
    }

    /// A thread that works at an interval until it is told to end.
    fn spawn(
        &mut self,
        name: &str,
        every: std::time::Duration,
        mut work: impl FnMut() + Send + 'static,
    ) -> io::Result<()> {
        let (end, ended) = sync_channel(0);
        let thread =
            std::thread::Builder::new().name(name.to_owned()).stack_size(256 << 10).spawn(move || {
                while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                    work();
                }
            })?;
        self.threads.push((end, thread));
        Ok(())
    }
}

impl Drop for ResourceMonitor {
    fn drop(&mut self) {
        for (end, thread) in self.threads.drain(..) {
            drop(end);
            drop(thread.join());
        }
    }
}

impl Shared {
    fn new(
        options: &MonitorOptions,
        clock: Arc<dyn Clock>,
        gauge: Option<Gauge>,
    ) -> Result<Self, SettingFaults> {
        let rules = Rules::new(options)?;
        Ok(Self {
            status: ArcSwap::from_pointee(rules.status()),
            rules: Mutex::new(rules),
            clock,
            gauge: gauge.map(Mutex::new),
            memory: Mutex::default(),
            listener: Mutex::default(),
        })
    }

    fn measure(&self, now_ns: u64) {
        let Some(gauge) = &self.gauge else { return };
        let (sample, mut trees) = {
            let mut gauge = lock(gauge);
            (gauge.sample(now_ns), gauge.uses())
        };
        let memory = lock(&self.memory);
        trees = trees.into_iter().map(|tree| memory.fill(tree)).collect();
        drop(memory);
        self.observe(sample, trees);
    }

    fn look_at_memory(&self, at_all: bool) {
        let Some(gauge) = &self.gauge else { return };
        let mut trees = lock(gauge).uses();
        if !at_all {
            let known = lock(&self.memory);
            trees.retain(|tree| known.is_new(tree));
        }
        let seen = memory::OfTrees::look(&trees);
        lock(&self.memory).keep(seen, at_all);
    }

    fn observe(&self, sample: ResourceSample, trees: Vec<TreeUse>) {
        let utc_ns = self.clock.now_ns();
        self.change(|rules| (rules.observe(sample, utc_ns, trees), ()));
    }

    /// Changes the rules, publishes what follows, and tells whoever acts upon it.
    fn change<T>(&self, change: impl FnOnce(&mut Rules) -> (bool, T)) -> T {
        let (is_news, answer) = {
            let mut rules = self.rules();
            let changed = change(&mut rules);
            // Published under the lock: what is read is never older than what was read before.
            self.status.store(Arc::new(rules.status()));
            changed
        };
        if is_news && let Some(listener) = &*lock(&self.listener) {
            listener();
        }
        answer
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        lock(&self.rules)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
