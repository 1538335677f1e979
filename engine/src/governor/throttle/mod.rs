//! The throttle: how many workers work, so that a limit of the processor is held.

mod check;
#[cfg(test)]
mod closed_loop;
mod config;
mod controller;
mod event;
mod preset;
#[cfg(test)]
mod tests;
mod thermal;

pub use config::ThrottleConfig;
pub use event::{ThrottleEvent, ThrottleEventKind, WorkPlan};
pub use preset::{Preset, UnknownPreset};
pub use thermal::{ThermalStep, ThermalTable};

use controller::Controller;

use super::{ResourceSample, SettingFaults, nanoseconds, seconds};

/// Says how many workers work.
///
/// Hand it every sample and every finished task; act on [`plan`](Self::plan). It checks after every
/// `cpu_check_interval` tasks, but not more often than three times a second, and at least every second,
/// so that long tasks do not delay it. A check above `cpu_limit` takes a worker away, one below the limit
/// less 20 gives one back; never fewer than one, never more than the run started with. Where whole workers
/// cannot hold the limit, they work for a part of the time ([`WorkPlan::duty`]).
///
/// ```
/// use barhive_engine::governor::{Preset, ResourceSample, Throttle};
///
/// let ms = |ms: u64| ms * 1_000_000;
/// let machine = |at_ns, cpu_percent| ResourceSample { at_ns, cpu_percent, ..ResourceSample::default() };
/// let mut throttle = Throttle::new(&Preset::Vm.config(), None, 8, ms(0))?; // 4 workers, limit 80 %
///
/// let mut said = Vec::new();
/// for at in 1..=10 {
///     said.extend(throttle.observe(&machine(ms(100 * at), 91.25)));
/// }
/// assert_eq!(said[0].to_string(), "CPU 91.2 % is above the limit of 80 %: 4 -> 3 workers");
/// let plan = throttle.plan(ms(1_000));
/// assert_eq!((plan.workers, plan.duty), (3, 1.0));
///
/// for at in 11..=20 {
///     said.extend(throttle.observe(&machine(ms(100 * at), 42.0)));
/// }
/// assert_eq!(said[1].to_string(), "CPU 42.0 % is below 60 % (the limit of 80 % less 20): 3 -> 4 workers");
///
/// throttle.batch_finished(ms(2_000)); // a cool-down of 5 s
/// assert!(throttle.plan(ms(6_999)).is_resting(ms(6_999)));
/// assert!(!throttle.plan(ms(7_000)).is_resting(ms(7_000)));
/// # Ok::<(), barhive_engine::governor::SettingFaults>(())
/// ```
#[derive(Clone, Debug)]
pub struct Throttle {
    config: ThrottleConfig,
    max: usize,
    controller: Option<Controller>,
    /// What a worker that works all the time adds, percent of all cores.
    per_worker: f64,
    /// The part of the workers that rests because of heat, percent.
    heat_percent: f64,
    rest_until_ns: Option<u64>,
    window: Window,
    last_ns: u64,
    /// The duty of the last sentence about it.
    told_duty: f64,
    /// Since when it is down to one worker.
    lone_since_ns: Option<u64>,
    advised: bool,
    over_told: bool,
    /// Cool-downs so far.
    cooldowns: u64,
}

/// What happened since the last check.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    from_ns: u64,
    tasks: u32,
    samples: u32,
    cpu_sum: f64,
}

impl Throttle {
    /// The longest time between two checks, nanoseconds.
    pub const CHECK_MAX_NS: u64 = 1_000_000_000;
    /// The shortest time between two checks, nanoseconds: what is judged must be seen in more than one sample.
    pub const CHECK_MIN_NS: u64 = 300_000_000;
    /// Of so many cool-downs one is told.
    pub const COOLDOWNS_PER_WORD: u64 = 10;
    /// After so long with one worker it gives advice, nanoseconds.
    pub const ADVICE_AFTER_NS: u64 = 60_000_000_000;

    /// A throttle for a run that starts now, with the workers that are asked for or configured
    /// ([`ThrottleConfig::workers`]), on so many cores.
    ///
    /// # Errors
    /// Every setting that cannot be used.
    pub fn new(
        config: &ThrottleConfig,
        asked: Option<usize>,
        cores: usize,
        now_ns: u64,
    ) -> Result<Self, SettingFaults> {
        config.validate()?;
        let max = config.workers(asked, cores)?;
        let limit = config.cpu_limit.filter(|_| config.adaptive_throttling);
        Ok(Self {
            config: config.clone(),
            max,
            controller: limit.map(|limit| Controller::new(limit, max, cores)),
            per_worker: 100.0 / cores.max(1) as f64,
            heat_percent: 0.0,
            rest_until_ns: None,
            window: Window { from_ns: now_ns, ..Window::default() },
            last_ns: now_ns,
            told_duty: 1.0,
            lone_since_ns: None,
            advised: false,
            over_told: false,
            cooldowns: 0,
        })
    }

    /// Takes a sample in, checks if it is time to, and says what changed. Samples that are not newer than
    /// the last are not counted.
    pub fn observe(&mut self, sample: &ResourceSample) -> Vec<ThrottleEvent> {
        let now_ns = sample.at_ns;
        if now_ns <= self.last_ns {
            return Vec::new();
        }
        self.last_ns = now_ns;
        let mut events = Vec::new();
        self.follow_heat(now_ns, sample.celsius, &mut events);
        // What is measured while all rest says nothing about the workers.
        if self.end_rest(now_ns) && sample.cpu_percent.is_finite() {
            self.window.samples += 1;
            self.window.cpu_sum += sample.cpu_percent;
            self.check_if_due(now_ns, &mut events);
        }
        events
    }

    /// Counts a finished task, checks if it is time to, and says what changed.
    pub fn task_finished(&mut self, now_ns: u64) -> Vec<ThrottleEvent> {
        let mut events = Vec::new();
        self.window.tasks = self.window.tasks.saturating_add(1);
        if self.end_rest(now_ns) {
            self.check_if_due(now_ns, &mut events);
        }
        events
    }

    /// Begins the cool-down after a pass, where one is configured. The first is told, and then every tenth.
    pub fn batch_finished(&mut self, now_ns: u64) -> Option<ThrottleEvent> {
        let span = self.config.cooldown_seconds;
        if span <= 0.0 {
            return None;
        }
        self.cooldowns += 1;
        let which = match self.cooldowns {
            1 => String::new(),
            number => format!(", no. {number}"),
        };
        let why = format!("cool-down of {span} s after a pass{which}: all workers rest");
        let event = self.rest(now_ns, span, why);
        let is_told = self.cooldowns == 1 || self.cooldowns.is_multiple_of(Self::COOLDOWNS_PER_WORD);
        is_told.then_some(event)
    }

    /// How many workers work, and when.
    pub fn plan(&self, now_ns: u64) -> WorkPlan {
        let (mut workers, mut duty) = self
            .controller
            .as_ref()
            .map_or((self.max, 1.0), |controller| (controller.workers(), controller.duty()));
        let cool = self.max as f64 * (1.0 - self.heat_percent / 100.0);
        if workers as f64 * duty > cool {
            workers = (cool.ceil() as usize).max(1);
            duty = cool / workers as f64;
        }
        let rest_until_ns = self.rest_until_ns.filter(|until_ns| now_ns < *until_ns);
        WorkPlan { workers, duty, rest_until_ns }
    }

    /// The most workers that a plan can have.
    pub fn workers_max(&self) -> usize {
        self.max
    }

    /// What it does now and why, as a sentence for `status`.
    pub fn explain(&self, now_ns: u64) -> String {
        let plan = self.plan(now_ns);
        let mut text = format!("{} of {} workers", plan.workers, self.max);
        if plan.duty < 1.0 {
            text.push_str(&format!(", working {:.0} % of the time", 100.0 * plan.duty));
        }
        match self.config.cpu_limit {
            Some(limit) => text.push_str(&format!(", CPU limit {limit} %")),
            None => text.push_str(", no CPU limit"),
        }
        if self.heat_percent > 0.0 {
            text.push_str(&format!(", {} % fewer because of heat", self.heat_percent));
        }
        if let Some(until_ns) = plan.rest_until_ns {
            text.push_str(&format!("; all rest for {:.1} s more", seconds(until_ns - now_ns)));
        }
        text
    }
}
