//! What one sample changes, and the sentences about it.

use super::{
    AlertLevel, BreakerEvent, BreakerEventKind, BreakerState, CircuitBreaker, Resource, Shed, Strain,
    nanoseconds, seconds,
};

impl CircuitBreaker {
    /// Every change of state goes through here.
    pub(super) fn enter(
        &mut self,
        state: BreakerState,
        now_ns: u64,
        kind: BreakerEventKind,
        why: String,
        events: &mut Vec<BreakerEvent>,
    ) {
        self.state = state;
        self.since_ns = now_ns;
        self.successes = 0;
        self.probe_started = false;
        events.push(BreakerEvent { at_ns: now_ns, kind, why });
    }

    pub(super) fn step_state(&mut self, now_ns: u64, events: &mut Vec<BreakerEvent>) {
        match self.state {
            BreakerState::Closed if self.red.samples >= self.config.failure_threshold => {
                let strain = self.strain(AlertLevel::Red);
                self.opened_by = strain;
                let why = format!(
                    "breaker open: {}, {} red samples in a row; submissions are refused, the probe is in {} s",
                    sentence(strain, now_ns),
                    self.red.samples,
                    self.config.timeout_seconds
                );
                self.enter(BreakerState::Open, now_ns, BreakerEventKind::Opened, why, events);
            }
            BreakerState::HalfOpen if self.red.samples > 0 => {
                let strain = self.strain(AlertLevel::Red);
                self.opened_by = strain;
                let why = format!(
                    "breaker open again: {} during a probe; the next is in {} s",
                    sentence(strain, now_ns),
                    self.config.timeout_seconds
                );
                self.enter(BreakerState::Open, now_ns, BreakerEventKind::Reopened, why, events);
            }
            BreakerState::HalfOpen => {
                self.successes = if self.calm_since_ns.is_some() { self.successes + 1 } else { 0 };
                if self.successes >= self.config.success_threshold && self.calm_for(now_ns) {
                    let calm_ns = now_ns - self.calm_since_ns.unwrap_or(now_ns);
                    let why = format!(
                        "breaker closed: calm for {:.1} s ({}), {} samples in a row while probing; jobs start again",
                        seconds(calm_ns),
                        self.loads(),
                        self.successes
                    );
                    self.enter(BreakerState::Closed, now_ns, BreakerEventKind::Closed, why, events);
                }
            }
            BreakerState::Closed | BreakerState::Open => {}
        }
    }

    pub(super) fn step_hold(&mut self, now_ns: u64, events: &mut Vec<BreakerEvent>) {
        match (self.strain(AlertLevel::Orange), &mut self.held_by) {
            (Some(strain), None) => {
                let why = self.held(&strain, now_ns);
                self.held_by = Some(strain);
                events.push(BreakerEvent { at_ns: now_ns, kind: BreakerEventKind::Held, why });
            }
            // The sentence tells the newest value; the hold goes back to its first moment.
            (Some(strain), Some(held)) => *held = Strain { since_ns: held.since_ns, ..strain },
            (None, Some(held)) if self.calm_since_ns.is_some() => {
                let held_ns = now_ns.saturating_sub(held.since_ns);
                if self.calm_for(now_ns) {
                    self.held_by = None;
                    // An open breaker goes on refusing: its own events say when that ends.
                    if self.state == BreakerState::Closed {
                        let why = format!(
                            "jobs start again after {:.1} s: {} for {} s",
                            seconds(held_ns),
                            self.loads(),
                            self.config.recovery_seconds
                        );
                        events.push(BreakerEvent { at_ns: now_ns, kind: BreakerEventKind::Released, why });
                    }
                }
            }
            (None, _) => {}
        }
    }

    pub(super) fn step_shed(&mut self, now_ns: u64, events: &mut Vec<BreakerEvent>) {
        let step_ns = nanoseconds(self.config.shed_step_seconds);
        if self.shed_at_ns.is_some_and(|at_ns| now_ns.saturating_sub(at_ns) < step_ns) {
            return;
        }
        let closed = self.state == BreakerState::Closed;
        let most = if closed { Shed::Low } else { Shed::Critical };
        let least = if closed { Shed::Nothing } else { Shed::Low };
        let strained = self.orange.samples >= self.config.failure_threshold;
        let (kind, why) = if self.shed < least || strained && self.shed < most {
            self.shed = self.shed.more();
            let cause = match self.strain(AlertLevel::Orange) {
                Some(strain) => strain.sentence(now_ns),
                None => format!("the breaker is {}", self.state),
            };
            let why = format!("{} are paused: {cause}", self.shed);
            (BreakerEventKind::Shed(self.shed), why)
        } else if self.shed > least && self.calm_for(now_ns) {
            self.shed = self.shed.less();
            let why = format!("{} stay paused, others go on: {}", self.shed, self.loads());
            (BreakerEventKind::Resumed(self.shed), why)
        } else {
            return;
        };
        self.shed_at_ns = Some(now_ns);
        events.push(BreakerEvent { at_ns: now_ns, kind, why });
    }

    /// What is at this level or above it in the newest sample: memory, where both are, because it does not
    /// pass by itself.
    fn strain(&self, level: AlertLevel) -> Option<Strain> {
        let sample = self.last.as_ref()?;
        let since_ns = if level == AlertLevel::Red { self.red.since_ns } else { self.orange.since_ns };
        [
            (Resource::Memory, sample.memory_percent, self.thresholds.memory_percent),
            (Resource::Cpu, sample.overload_cpu_percent(), self.thresholds.cpu_percent),
        ]
        .into_iter()
        .find(|(_, value, limits)| limits.level(*value) >= level)
        .map(|(resource, value, limits)| {
            let limit = if level == AlertLevel::Red { limits.red } else { limits.orange };
            Strain { resource, value, limit, since_ns }
        })
    }

    /// `CPU without our workers 12.0 %, memory 40.0 %`.
    pub(super) fn loads(&self) -> String {
        match &self.last {
            None => "nothing was measured yet".into(),
            Some(sample) => format!(
                "{} {:.1} %, {} {:.1} %",
                Resource::Cpu,
                sample.overload_cpu_percent(),
                Resource::Memory,
                sample.memory_percent
            ),
        }
    }

    pub(super) fn held(&self, strain: &Strain, now_ns: u64) -> String {
        format!(
            "nothing new starts: {}; until it is calm (CPU below {} %, memory below {} %) for {} s",
            strain.sentence(now_ns),
            self.config.recovery_cpu_percent,
            self.config.recovery_memory_percent,
            self.config.recovery_seconds
        )
    }

    pub(super) fn overloaded(&self, now_ns: u64) -> String {
        let end_ns = self.since_ns.saturating_add(nanoseconds(self.config.timeout_seconds));
        format!(
            "overloaded: {}; now {}; probe in {:.1} s, submit again then",
            sentence(self.opened_by, self.since_ns),
            self.loads(),
            seconds(end_ns.saturating_sub(now_ns))
        )
    }

    pub(super) fn probing(&self) -> String {
        let probe = if self.probe_started { "a job runs as a probe" } else { "one job may start as a probe" };
        format!(
            "{probe}, others wait until it was calm {} times in a row and for {} s ({})",
            self.config.success_threshold,
            self.config.recovery_seconds,
            self.loads()
        )
    }
}

fn sentence(strain: Option<Strain>, now_ns: u64) -> String {
    strain.map_or_else(|| "overload".into(), |strain| strain.sentence(now_ns))
}
