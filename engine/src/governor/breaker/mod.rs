//! The circuit breaker: the machine never thrashes because of jobs.

mod answer;
mod config;
#[cfg(test)]
mod properties;
mod steps;
#[cfg(test)]
mod tests;

pub use answer::{Admission, BreakerEvent, BreakerEventKind, BreakerState, Shed};
pub use config::BreakerConfig;

use answer::Strain;

use super::{AlertLevel, Resource, ResourceSample, ResourceThresholds, SettingFaults, nanoseconds, seconds};

/// Holds, sheds and refuses jobs while the machine is overloaded by others.
///
/// Overload is the processor without our own backtest workers, and the memory of the whole machine.
///
/// | the machine | what follows |
/// |---|---|
/// | orange once (CPU 85 %, memory 90 %) | nothing new starts; submitted jobs wait |
/// | orange `failure_threshold` times in a row | BULK jobs are to be paused, after another step LOW ones |
/// | red (95 %) `failure_threshold` times in a row | it opens: submissions are refused, BULK and LOW jobs stay paused; while the strain lasts, NORMAL, HIGH and CRITICAL jobs are shed, step by step |
/// | `timeout_seconds` later | half-open: one job may start as a probe |
/// | red while half-open, or not closed in `half_open_timeout_seconds` | open again |
/// | calm (below 70 %) `success_threshold` times in a row while half-open, and for `recovery_seconds` | closed |
/// | calm for `recovery_seconds` | jobs start again, what was shed comes back step by step, the highest first |
///
/// Between calm and orange everything stays as it is, so that noise around a limit changes nothing.
/// Samples that are not newer than the last are not counted.
///
/// ```
/// use barhive_engine::governor::{
///     Admission, BreakerConfig, BreakerState, CircuitBreaker, ResourceSample, ResourceThresholds, Shed,
/// };
///
/// let mut breaker = CircuitBreaker::new(ResourceThresholds::default(), BreakerConfig::default())?;
/// let ms = |ms: u64| ms * 1_000_000;
/// let foreign = |at_ns, cpu_percent| ResourceSample { at_ns, cpu_percent, ..ResourceSample::default() };
///
/// breaker.observe(&foreign(ms(100), 12.0));
/// assert_eq!(breaker.submission(ms(100)), Admission::Admit);
///
/// for at in [200, 300, 400] {
///     for event in breaker.observe(&foreign(ms(at), 97.0)) {
///         println!("{event}");
///     }
/// }
/// assert_eq!(breaker.state(), BreakerState::Open);
/// assert_eq!(breaker.shed(), Shed::Bulk);
/// let Admission::Refuse { reason } = breaker.submission(ms(400)) else { panic!() };
/// assert!(reason.starts_with("overloaded: CPU without our workers 97.0 %, limit 95 %"));
/// # Ok::<(), barhive_engine::governor::SettingFaults>(())
/// ```
#[derive(Clone, Debug)]
pub struct CircuitBreaker {
    thresholds: ResourceThresholds,
    config: BreakerConfig,
    state: BreakerState,
    /// When it came into its state.
    since_ns: u64,
    last: Option<ResourceSample>,
    red: Streak,
    orange: Streak,
    /// What keeps new jobs from starting.
    held_by: Option<Strain>,
    /// What opened it last.
    opened_by: Option<Strain>,
    calm_since_ns: Option<u64>,
    /// Calm samples in a row while half-open.
    successes: u32,
    probe_started: bool,
    shed: Shed,
    shed_at_ns: Option<u64>,
}

/// Samples in a row at or above a level.
#[derive(Clone, Copy, Debug, Default)]
struct Streak {
    samples: u32,
    since_ns: u64,
}

impl Streak {
    fn count(&mut self, holds: bool, at_ns: u64) {
        if !holds {
            self.samples = 0;
        } else {
            if self.samples == 0 {
                self.since_ns = at_ns;
            }
            self.samples = self.samples.saturating_add(1);
        }
    }
}

impl CircuitBreaker {
    /// A closed breaker that has seen nothing.
    ///
    /// # Errors
    /// Every setting that cannot be used.
    pub fn new(thresholds: ResourceThresholds, config: BreakerConfig) -> Result<Self, SettingFaults> {
        config.validate(&thresholds)?;
        Ok(Self {
            thresholds,
            config,
            state: BreakerState::Closed,
            since_ns: 0,
            last: None,
            red: Streak::default(),
            orange: Streak::default(),
            held_by: None,
            opened_by: None,
            calm_since_ns: None,
            successes: 0,
            probe_started: false,
            shed: Shed::Nothing,
            shed_at_ns: None,
        })
    }

    /// Takes a sample in and says what it changed. Allocates only where something changed.
    pub fn observe(&mut self, sample: &ResourceSample) -> Vec<BreakerEvent> {
        let now_ns = sample.at_ns;
        if self.last.is_some_and(|last| now_ns <= last.at_ns) {
            return Vec::new();
        }
        if !self.config.enabled {
            self.last = Some(*sample);
            return Vec::new();
        }
        let mut events = self.tick(now_ns);
        self.last = Some(*sample);
        let level = self.overload(sample);
        self.red.count(level == AlertLevel::Red, now_ns);
        self.orange.count(level >= AlertLevel::Orange, now_ns);
        self.calm_since_ns = self.is_calm(sample).then(|| self.calm_since_ns.unwrap_or(now_ns));
        self.step_state(now_ns, &mut events);
        self.step_hold(now_ns, &mut events);
        self.step_shed(now_ns, &mut events);
        events
    }

    /// Lets time pass: an open breaker begins to probe, a probe times out. [`observe`](Self::observe) does
    /// it, too; call it where no sample comes.
    pub fn tick(&mut self, now_ns: u64) -> Vec<BreakerEvent> {
        let mut events = Vec::new();
        let span_ns = now_ns.saturating_sub(self.since_ns);
        match self.state {
            BreakerState::Open if span_ns >= nanoseconds(self.config.timeout_seconds) => {
                let why = format!(
                    "breaker half-open after {:.1} s open: one job may start as a probe",
                    seconds(span_ns)
                );
                self.enter(BreakerState::HalfOpen, now_ns, BreakerEventKind::Probing, why, &mut events);
            }
            BreakerState::HalfOpen if span_ns >= nanoseconds(self.config.half_open_timeout_seconds) => {
                let why = format!(
                    "breaker open again: not calm within the {} s of a probe ({}); the next in {} s",
                    self.config.half_open_timeout_seconds,
                    self.loads(),
                    self.config.timeout_seconds
                );
                self.enter(BreakerState::Open, now_ns, BreakerEventKind::Reopened, why, &mut events);
            }
            _ => {}
        }
        events
    }

    /// Whether a job may be submitted now; changes nothing. On [`Hold`](Admission::Hold) it is queued.
    pub fn submission(&self, now_ns: u64) -> Admission {
        match (self.state, &self.held_by) {
            (BreakerState::Open, _) => Admission::Refuse { reason: self.overloaded(now_ns) },
            (BreakerState::HalfOpen, _) => Admission::Hold { reason: self.probing() },
            (BreakerState::Closed, Some(strain)) => Admission::Hold { reason: self.held(strain, now_ns) },
            (BreakerState::Closed, None) => Admission::Admit,
        }
    }

    /// Whether a queued job may start now; whatever is not admitted stays queued. While half-open, the
    /// first that asks in a calm moment is the probe.
    pub fn start(&mut self, now_ns: u64) -> Admission {
        if self.wants_probe() {
            self.probe_started = true;
            return Admission::Admit;
        }
        self.submission(now_ns)
    }

    /// Whether it is half-open and the next job that starts is its probe.
    pub fn wants_probe(&self) -> bool {
        self.state == BreakerState::HalfOpen && !self.probe_started && self.calm_since_ns.is_some()
    }

    /// Where it is.
    pub fn state(&self) -> BreakerState {
        self.state
    }

    /// Since when it is there, monotonic nanoseconds.
    pub fn since_ns(&self) -> u64 {
        self.since_ns
    }

    /// Which jobs are to be paused.
    pub fn shed(&self) -> Shed {
        self.shed
    }

    /// Where it is and why, as a sentence for `status`.
    pub fn explain(&self, now_ns: u64) -> String {
        if !self.config.enabled {
            return format!("off (`breaker.enabled: false`): {}", self.loads());
        }
        let span = seconds(now_ns.saturating_sub(self.since_ns));
        let state = match (self.state, &self.held_by) {
            (BreakerState::Open, _) => format!("open for {span:.1} s: {}", self.overloaded(now_ns)),
            (BreakerState::HalfOpen, _) => format!("half-open for {span:.1} s: {}", self.probing()),
            (BreakerState::Closed, Some(strain)) => format!("closed, but {}", self.held(strain, now_ns)),
            (BreakerState::Closed, None) => format!("closed, jobs start: {}", self.loads()),
        };
        if self.shed == Shed::Nothing { state } else { format!("{state}; {} are paused", self.shed) }
    }

    /// The higher level of the two that count as overload.
    fn overload(&self, sample: &ResourceSample) -> AlertLevel {
        let cpu = self.thresholds.cpu_percent.level(sample.overload_cpu_percent());
        cpu.max(self.thresholds.memory_percent.level(sample.memory_percent))
    }

    fn is_calm(&self, sample: &ResourceSample) -> bool {
        sample.overload_cpu_percent() < self.config.recovery_cpu_percent
            && sample.memory_percent < self.config.recovery_memory_percent
    }

    fn calm_for(&self, now_ns: u64) -> bool {
        let needed_ns = nanoseconds(self.config.recovery_seconds);
        self.calm_since_ns.is_some_and(|since_ns| now_ns.saturating_sub(since_ns) >= needed_ns)
    }
}
