//! What the monitor keeps between two samples, and how it judges one.

use std::collections::VecDeque;

use barhive_engine::{
    governor::{
        Admission, AlertLevel, BreakerConfig, BreakerEventKind, CircuitBreaker, Forecast, LiveGuard,
        Resource, ResourceSample, ResourceThresholds, SettingFaults, Shed,
    },
    jobs::ExecutionMode,
};

use super::{
    MonitorOptions,
    status::{Decision, LiveLag, LiveReport, MachineStatus, Outlook},
};
use crate::gauge::TreeUse;

/// Samples that are kept: five minutes.
const HISTORY_MAX: usize = 3_000;
/// Decisions that are told.
const DECISIONS_MAX: usize = 32;
/// Between two forecasts, and how far back and ahead they look.
const FORECAST_EVERY_NS: u64 = 1_000_000_000;
const FORECAST_WINDOW_SECONDS: f64 = 60.0;
const FORECAST_SECONDS_MAX: f64 = 3_600.0;

pub(super) struct Rules {
    thresholds: ResourceThresholds,
    breaker_config: BreakerConfig,
    breaker: CircuitBreaker,
    live: LiveGuard,
    cpu: Forecast,
    memory: Forecast,
    forecast_ns: Option<u64>,
    outlooks: Vec<Outlook>,
    history: VecDeque<ResourceSample>,
    decisions: VecDeque<Decision>,
    /// Why the breaker paused jobs last.
    shed_why: Option<String>,
    /// Whether somebody was refused since the breaker opened: the first one is told.
    was_refused: bool,
    last: ResourceSample,
    /// UTC of `last`, nanoseconds.
    utc_ns: i64,
    trees: Vec<TreeUse>,
}

impl Rules {
    pub(super) fn new(options: &MonitorOptions) -> Result<Self, SettingFaults> {
        let MonitorOptions { thresholds, breaker, mode } = *options;
        Ok(Self {
            thresholds,
            breaker_config: breaker,
            breaker: CircuitBreaker::new(thresholds, breaker)?,
            live: LiveGuard::new(thresholds.live_latency_ms, breaker.recovery_seconds, mode),
            cpu: Forecast::new(FORECAST_WINDOW_SECONDS),
            memory: Forecast::new(FORECAST_WINDOW_SECONDS),
            forecast_ns: None,
            outlooks: Vec::new(),
            history: VecDeque::new(),
            decisions: VecDeque::new(),
            shed_why: None,
            was_refused: false,
            last: ResourceSample::default(),
            utc_ns: 0,
            trees: Vec::new(),
        })
    }

    /// Takes a sample in; whether it changed what jobs may do.
    pub(super) fn observe(&mut self, mut sample: ResourceSample, utc_ns: i64, trees: Vec<TreeUse>) -> bool {
        if !self.history.is_empty() && sample.at_ns <= self.last.at_ns {
            return false;
        }
        let before = self.decided();
        sample.live_latency_ms = self.live.latency_ms(sample.at_ns);
        (self.last, self.utc_ns, self.trees) = (sample, utc_ns, trees);
        if self.history.len() == HISTORY_MAX {
            self.history.pop_front();
        }
        self.history.push_back(sample);
        for event in self.breaker.observe(&sample) {
            if let BreakerEventKind::Shed(_) = event.kind {
                self.shed_why = Some(event.why.clone());
            }
            if event.kind.is_turn() {
                // Whoever runs a server wants to hear that it refuses, and when that ends.
                tracing::warn!("{}", event.why);
            } else {
                tracing::info!("{}", event.why);
            }
            self.keep(event.why);
        }
        self.was_refused &= self.refusal().is_some();
        self.look_at_live();
        self.forecast(&sample);
        before != self.decided()
    }

    pub(super) fn set_mode(&mut self, mode: ExecutionMode) -> bool {
        let before = self.live.mode();
        if before == mode {
            return false;
        }
        self.live.set_mode(mode);
        self.decide(format!("the mode is {mode} now, it was {before}"));
        self.look_at_live();
        true
    }

    /// Hears of live work; whether that changed what jobs may do.
    pub(super) fn report(&mut self, report: &LiveReport) -> Result<bool, String> {
        let faults = report.faults();
        if !faults.is_empty() {
            return Err(faults.join("; "));
        }
        let before = self.decided();
        let until_ns = self.last.at_ns.saturating_add(report.valid_ms.saturating_mul(1_000_000));
        if !self.live.report(&report.name, report.lag_ms, self.last.at_ns, until_ns) {
            return Err("too many live processes report: stop some, or let them share a name".to_owned());
        }
        self.last.live_latency_ms = self.live.latency_ms(self.last.at_ns);
        self.look_at_live();
        Ok(before != self.decided())
    }

    /// A job starts: while the breaker is half-open, it is the probe.
    pub(super) fn started(&mut self) {
        if self.breaker.wants_probe() && self.breaker.start(self.last.at_ns).is_admitted() {
            self.decide("a job starts as the breaker's probe".to_owned());
        }
    }

    /// A submission was refused.
    pub(super) fn refused(&mut self, why: &str) {
        if !self.was_refused {
            self.was_refused = true;
            self.decide(format!("a submission is refused, and so are those after it: {why}"));
        }
    }

    pub(super) fn history(&self) -> Vec<ResourceSample> {
        self.history.iter().copied().collect()
    }

    pub(super) fn status(&self) -> MachineStatus {
        let now_ns = self.last.at_ns;
        let levels = self.thresholds.assess(&self.last);
        let admission = self.breaker.submission(now_ns);
        let hold = match (self.live.why(), self.breaker.wants_probe()) {
            (Some(why), _) => Some(why.to_owned()),
            (None, true) => None,
            (None, false) => admission.reason().map(str::to_owned),
        };
        let shed = self.shed();
        let live_why = (self.live.shed() >= self.breaker.shed()).then(|| self.live.why()).flatten();
        let shed_why = live_why.map(str::to_owned).or_else(|| self.shed_why.clone());
        MachineStatus {
            at_ns: self.utc_ns,
            mode: self.live.mode(),
            alert_level: levels.overall(),
            sample: self.last,
            levels,
            outlooks: self.outlooks.clone(),
            breaker: self.breaker.state(),
            explanation: self.breaker.explain(now_ns),
            shed,
            shed_why: shed_why.filter(|_| shed > Shed::Nothing),
            hold,
            refusal: self.refusal(),
            memory_is_short: self.breaker_config.enabled && levels.memory.level >= AlertLevel::Orange,
            memory_free_bytes: self.memory_free_bytes(),
            live: self.lags(),
            trees: self.trees.clone(),
            decisions: self.decisions.iter().cloned().collect(),
        }
    }

    fn lags(&self) -> Vec<LiveLag> {
        let lags = self.live.lags_ms(self.last.at_ns);
        lags.map(|(name, lag_ms)| LiveLag { name: name.to_owned(), lag_ms }).collect()
    }

    fn refusal(&self) -> Option<String> {
        match self.breaker.submission(self.last.at_ns) {
            Admission::Refuse { reason } => Some(reason),
            Admission::Admit | Admission::Hold { .. } => None,
        }
    }

    fn shed(&self) -> Shed {
        self.breaker.shed().max(self.live.shed())
    }

    /// All that jobs depend on.
    fn decided(&self) -> (Shed, bool, bool, bool) {
        let holds = self.live.why().is_some() || !self.breaker.submission(self.last.at_ns).is_admitted();
        (self.shed(), holds, self.refusal().is_some(), self.breaker.wants_probe())
    }

    fn look_at_live(&mut self) {
        if let Some(sentence) = self.live.observe(self.last.at_ns) {
            self.decide(sentence);
        }
    }

    fn decide(&mut self, sentence: String) {
        tracing::info!("{sentence}");
        self.keep(sentence);
    }

    fn keep(&mut self, sentence: String) {
        if self.decisions.len() == DECISIONS_MAX {
            self.decisions.pop_front();
        }
        self.decisions.push_back(Decision { at_ns: self.utc_ns, sentence });
    }

    fn forecast(&mut self, sample: &ResourceSample) {
        let now_ns = sample.at_ns;
        self.cpu.record(now_ns, sample.overload_cpu_percent());
        self.memory.record(now_ns, sample.memory_percent);
        if self.forecast_ns.is_some_and(|at_ns| now_ns.saturating_sub(at_ns) < FORECAST_EVERY_NS) {
            return;
        }
        self.forecast_ns = Some(now_ns);
        self.outlooks.clear();
        let resources = [
            (Resource::Cpu, &mut self.cpu, self.thresholds.cpu_percent),
            (Resource::Memory, &mut self.memory, self.thresholds.memory_percent),
        ];
        for (resource, forecast, limits) in resources {
            for (level, limit) in [(AlertLevel::Orange, limits.orange), (AlertLevel::Red, limits.red)] {
                let seconds = forecast.seconds_to(limit).filter(|seconds| *seconds <= FORECAST_SECONDS_MAX);
                let outlook = seconds.map(|seconds| Outlook { resource, level, limit, seconds });
                self.outlooks.extend(outlook);
            }
        }
    }

    fn memory_free_bytes(&self) -> Option<u64> {
        let ResourceSample { memory_bytes, memory_percent, .. } = self.last;
        let free_percent = (self.thresholds.memory_percent.orange - memory_percent).max(0.0);
        (memory_bytes > 0).then(|| (memory_bytes as f64 * free_percent / 100.0) as u64)
    }
}
