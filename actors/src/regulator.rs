//! Holds work to what its throttle allows: measures the machine and says how many workers may work.

use std::{
    fmt,
    panic::{RefUnwindSafe, UnwindSafe},
    sync::Arc,
};

use barhive_engine::governor::{SettingFaults, Throttle, ThrottleConfig, ThrottleEvent};

use crate::clock::Stopwatch;
use barhive_machine::gauge::{Gauge, Role};

/// Is told what a throttle does and why.
#[derive(Clone)]
pub struct ThrottleListener(Arc<dyn Listen>);

/// Shared between threads, and left whole by a panic.
trait Listen: Fn(&ThrottleEvent) + Send + Sync + UnwindSafe + RefUnwindSafe {}

impl<F: Fn(&ThrottleEvent) + Send + Sync + UnwindSafe + RefUnwindSafe> Listen for F {}

impl ThrottleListener {
    /// One that calls `listen`, on the coordinator's thread: it must be quick.
    pub fn new(listen: impl Fn(&ThrottleEvent) + Send + Sync + UnwindSafe + RefUnwindSafe + 'static) -> Self {
        Self(Arc::new(listen))
    }
}

impl Default for ThrottleListener {
    fn default() -> Self {
        Self::new(|event| tracing::info!(%event, "throttle"))
    }
}

impl fmt::Debug for ThrottleListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThrottleListener").finish_non_exhaustive()
    }
}

/// A throttle with the machine that it looks at.
pub(crate) struct Regulator {
    throttle: Throttle,
    /// Tasks after which the throttle checks: more need not be told one by one.
    check_interval: u64,
    gauge: Option<Gauge>,
    watch: Stopwatch,
    sampled_ns: u64,
    listener: ThrottleListener,
}

/// Where workers work for a part of the time, the period of which it is a part.
const DUTY_PERIOD_NS: u64 = 400_000_000;

impl Regulator {
    /// What holds `workers` to `config`; `None` where there is nothing to hold.
    ///
    /// # Errors
    /// Every setting that cannot be used.
    pub(crate) fn new(
        config: &ThrottleConfig,
        workers: usize,
        listener: ThrottleListener,
    ) -> Result<Option<Self>, SettingFaults> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let throttle = Throttle::new(config, Some(workers), cores, 0)?;
        if !config.is_active() && config.cooldown_seconds == 0.0 {
            return Ok(None);
        }
        Ok(Some(Self {
            throttle,
            check_interval: u64::from(config.cpu_check_interval),
            gauge: config.is_active().then(gauge).flatten(),
            watch: Stopwatch::start(),
            sampled_ns: 0,
            listener,
        }))
    }

    /// Measures the machine, when it is time to.
    pub(crate) fn look(&mut self) {
        let now_ns = self.now_ns();
        let Some(gauge) = &mut self.gauge else { return };
        if now_ns - self.sampled_ns < Gauge::INTERVAL.as_nanos() as u64 {
            return;
        }
        self.sampled_ns = now_ns;
        let events = self.throttle.observe(&gauge.sample(now_ns));
        events.iter().for_each(|event| (self.listener.0)(event));
    }

    /// A pass of so many variants is done.
    pub(crate) fn pass_done(&mut self, variants: u64) {
        let now_ns = self.now_ns();
        for _ in 0..variants.min(self.check_interval) {
            self.throttle.task_finished(now_ns).iter().for_each(|event| (self.listener.0)(event));
        }
        if let Some(event) = self.throttle.batch_finished(now_ns) {
            (self.listener.0)(&event);
        }
    }

    /// How many workers may work now.
    pub(crate) fn allowed(&self) -> usize {
        let now_ns = self.now_ns();
        let plan = self.throttle.plan(now_ns);
        let is_on = (now_ns % DUTY_PERIOD_NS) as f64 <= plan.duty * DUTY_PERIOD_NS as f64;
        if plan.is_resting(now_ns) || !is_on { 0 } else { plan.workers }
    }

    fn now_ns(&self) -> u64 {
        u64::try_from(self.watch.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Looks at this process and its children as workers.
fn gauge() -> Option<Gauge> {
    match Gauge::new(0) {
        Ok(mut gauge) => {
            gauge.watch(std::process::id(), Role::Worker);
            Some(gauge)
        }
        Err(error) => {
            tracing::warn!(%error, "the machine cannot be measured: its limits are not held");
            None
        }
    }
}
