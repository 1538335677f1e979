//! What backtests owe to live work: while it lags, they stand back.

use std::collections::BTreeMap;

use super::{AlertLevel, AlertLimits, Resource, Shed, nanoseconds, seconds};
use crate::jobs::ExecutionMode;

/// Live processes that may report: more than any machine runs.
const REPORTERS_MAX: usize = 64;

/// Lets backtests stand back while live work lags, as far as the [`ExecutionMode`] says.
///
/// Live processes report how far behind they are, each report for as long as it is valid. What counts is the
/// longest lag of all.
///
/// | mode | from yellow | from orange |
/// |---|---|---|
/// | `standalone` | nothing | nothing |
/// | `concurrent` | nothing | nothing new starts, BULK and LOW jobs are paused |
/// | `priority-live` | nothing new starts, every job is paused | the same |
///
/// It ends when nothing was yellow for `recovery_seconds`, or the mode does not ask for it any more.
///
/// ```
/// use barhive_engine::{
///     governor::{AlertLimits, LiveGuard, Shed},
///     jobs::ExecutionMode,
/// };
///
/// let second = 1_000_000_000;
/// let mut guard = LiveGuard::new(AlertLimits::new(500.0, 1_000.0, 2_000.0), 5.0, ExecutionMode::PriorityLive);
/// guard.report("paper", 620.0, 0, 2 * second);
/// let why = guard.observe(0).unwrap();
/// assert_eq!(why, "all jobs are paused: live latency 620.0 ms, limit 500 ms (priority-live)");
/// assert_eq!(guard.shed(), Shed::Critical);
///
/// // Without a new report it is not valid any more, and after five calm seconds jobs go on.
/// assert_eq!(guard.observe(3 * second), None);
/// assert!(guard.observe(8 * second).unwrap().starts_with("jobs go on"));
/// assert_eq!(guard.shed(), Shed::Nothing);
/// ```
#[derive(Clone, Debug)]
pub struct LiveGuard {
    limits: AlertLimits,
    recovery_ns: u64,
    mode: ExecutionMode,
    reports: BTreeMap<String, Report>,
    shed: Shed,
    why: Option<String>,
    since_ns: u64,
    calm_since_ns: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Report {
    lag_ms: f64,
    until_ns: u64,
}

impl LiveGuard {
    /// A guard that has heard nothing; both limits and seconds were checked before.
    pub fn new(limits: AlertLimits, recovery_seconds: f64, mode: ExecutionMode) -> Self {
        Self {
            limits,
            recovery_ns: nanoseconds(recovery_seconds),
            mode,
            reports: BTreeMap::new(),
            shed: Shed::Nothing,
            why: None,
            since_ns: 0,
            calm_since_ns: None,
        }
    }

    /// A live process says how far behind it is, milliseconds, and until when that holds unless it says
    /// something else. Of too many processes those that are known count; whether this one does.
    pub fn report(&mut self, name: &str, lag_ms: f64, now_ns: u64, until_ns: u64) -> bool {
        self.reports.retain(|_, report| report.until_ns > now_ns);
        if !lag_ms.is_finite() || self.reports.len() >= REPORTERS_MAX && !self.reports.contains_key(name) {
            return false;
        }
        self.reports.insert(name.to_owned(), Report { lag_ms: lag_ms.max(0.0), until_ns });
        true
    }

    /// The longest lag of all live processes, milliseconds; nothing where none has reported.
    pub fn latency_ms(&self, now_ns: u64) -> Option<f64> {
        let valid = self.reports.values().filter(|report| report.until_ns > now_ns);
        valid.map(|report| report.lag_ms).reduce(f64::max)
    }

    /// How far each live process is behind, milliseconds, by name.
    pub fn lags_ms(&self, now_ns: u64) -> impl Iterator<Item = (&str, f64)> {
        let valid = self.reports.iter().filter(move |(_, report)| report.until_ns > now_ns);
        valid.map(|(name, report)| (name.as_str(), report.lag_ms))
    }

    /// Takes another mode; the next [`observe`](Self::observe) acts upon it.
    pub fn set_mode(&mut self, mode: ExecutionMode) {
        self.mode = mode;
    }

    /// The mode in force.
    pub fn mode(&self) -> ExecutionMode {
        self.mode
    }

    /// Looks at what was reported; a sentence where that changes what jobs may do.
    pub fn observe(&mut self, now_ns: u64) -> Option<String> {
        let latency_ms = self.latency_ms(now_ns);
        let level = latency_ms.map_or(AlertLevel::Green, |ms| self.limits.level(ms));
        let is_calm = level == AlertLevel::Green;
        self.calm_since_ns = is_calm.then(|| self.calm_since_ns.unwrap_or(now_ns));
        let (wanted, limit, most) = match self.mode {
            ExecutionMode::Standalone => (Shed::Nothing, 0.0, Shed::Nothing),
            ExecutionMode::Concurrent if level >= AlertLevel::Orange => {
                (Shed::Low, self.limits.orange, Shed::Low)
            }
            ExecutionMode::Concurrent => (Shed::Nothing, 0.0, Shed::Low),
            ExecutionMode::PriorityLive if !is_calm => (Shed::Critical, self.limits.yellow, Shed::Critical),
            ExecutionMode::PriorityLive => (Shed::Nothing, 0.0, Shed::Critical),
        };
        if wanted > self.shed {
            self.enter(wanted, now_ns);
            let latency = latency_ms.unwrap_or_default();
            let (resource, unit) = (Resource::LiveLatency, Resource::LiveLatency.unit());
            let why = format!(
                "{wanted} are paused: {resource} {latency:.1} {unit}, limit {limit} {unit} ({})",
                self.mode
            );
            self.why = Some(why.clone());
            return Some(why);
        }
        let calm_ns = self.calm_since_ns.map(|since_ns| now_ns.saturating_sub(since_ns));
        if self.shed > most {
            self.enter(most, now_ns);
            self.why = (most > Shed::Nothing).then(|| format!("{most} stay paused: live work lagged"));
            return Some(format!(
                "{most} stay paused for live work, others go on: the mode is {}",
                self.mode
            ));
        }
        if self.shed > Shed::Nothing && calm_ns.is_some_and(|calm_ns| calm_ns >= self.recovery_ns) {
            let stood_s = seconds(now_ns.saturating_sub(self.since_ns));
            self.enter(Shed::Nothing, now_ns);
            self.why = None;
            let latency = match latency_ms {
                Some(ms) => format!("live latency {ms:.1} ms"),
                None => "no live work reports".to_owned(),
            };
            let calm_s = seconds(calm_ns.unwrap_or_default());
            return Some(format!("jobs go on after {stood_s:.1} s: {latency}, calm for {calm_s:.1} s"));
        }
        None
    }

    /// Which jobs are to be paused; while any are, nothing new starts.
    pub fn shed(&self) -> Shed {
        self.shed
    }

    /// Why jobs stand back, while they do.
    pub fn why(&self) -> Option<&str> {
        self.why.as_deref()
    }

    fn enter(&mut self, shed: Shed, now_ns: u64) {
        self.shed = shed;
        self.since_ns = now_ns;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn guard(mode: ExecutionMode) -> LiveGuard {
        LiveGuard::new(AlertLimits::new(500.0, 1_000.0, 2_000.0), 5.0, mode)
    }

    #[test]
    fn how_far_jobs_stand_back_is_a_matter_of_the_mode() {
        use ExecutionMode::{Concurrent, PriorityLive, Standalone};
        for (mode, at_600, at_1500) in [
            (Standalone, Shed::Nothing, Shed::Nothing),
            (Concurrent, Shed::Nothing, Shed::Low),
            (PriorityLive, Shed::Critical, Shed::Critical),
        ] {
            for (lag_ms, expected) in [(499.0, Shed::Nothing), (600.0, at_600), (1_500.0, at_1500)] {
                let mut guard = guard(mode);
                guard.report("live", lag_ms, 0, SECOND);
                let said = guard.observe(1);
                assert_eq!(
                    (guard.shed(), said.is_some()),
                    (expected, expected > Shed::Nothing),
                    "{mode}, {lag_ms}"
                );
                assert_eq!(guard.why().map(str::to_owned), said);
            }
        }
    }

    #[test]
    fn a_change_of_mode_lets_jobs_go_on_or_holds_them_at_once() {
        let mut guard = guard(ExecutionMode::PriorityLive);
        guard.report("live", 1_200.0, 0, 100 * SECOND);
        guard.observe(1);
        guard.set_mode(ExecutionMode::Concurrent);
        assert!(guard.observe(2).unwrap().contains("the mode is concurrent"));
        assert_eq!(guard.shed(), Shed::Low);
        guard.set_mode(ExecutionMode::Standalone);
        guard.observe(3);
        assert_eq!((guard.shed(), guard.why()), (Shed::Nothing, None));
        guard.set_mode(ExecutionMode::PriorityLive);
        guard.observe(4);
        assert_eq!(guard.shed(), Shed::Critical);
    }

    #[test]
    fn the_longest_lag_counts_and_only_while_it_is_valid() {
        let mut guard = guard(ExecutionMode::Concurrent);
        guard.report("one", 20.0, 0, 10 * SECOND);
        guard.report("other", 1_300.0, 0, 2 * SECOND);
        assert_eq!(guard.latency_ms(SECOND), Some(1_300.0));
        assert_eq!(guard.latency_ms(2 * SECOND), Some(20.0));
        assert_eq!(guard.lags_ms(SECOND).collect::<Vec<_>>(), [("one", 20.0), ("other", 1_300.0)]);
        assert_eq!(guard.lags_ms(2 * SECOND).collect::<Vec<_>>(), [("one", 20.0)]);
        assert_eq!(guard.latency_ms(10 * SECOND), None);
        assert!(!guard.report("one", f64::NAN, 0, SECOND));
        for number in 0..REPORTERS_MAX - 2 {
            assert!(guard.report(&format!("p{number}"), 1.0, 0, 20 * SECOND));
        }
        assert!(!guard.report("one too many", 9_000.0, 0, 20 * SECOND));
        assert!(guard.report("one too many", 9_000.0, 11 * SECOND, 20 * SECOND), "others have left");
    }

    proptest! {
        #[test]
        fn jobs_stand_back_as_long_as_there_is_a_lag_and_never_without_a_lag_before(
            lags in proptest::collection::vec(0.0..1_000.0f64, 1..200),
        ) {
            let mut guard = guard(ExecutionMode::PriorityLive);
            let mut last_lag = None;
            for (step, lag_ms) in lags.into_iter().enumerate() {
                let now_ns = step as u64 * SECOND;
                guard.report("live", lag_ms, now_ns, now_ns + 10 * SECOND);
                guard.observe(now_ns);
                if lag_ms >= 500.0 {
                    last_lag = Some(step);
                }
                // Calm from the step after the lag, and for five seconds.
                let held = last_lag.is_some_and(|last| step < last + 6);
                prop_assert_eq!(guard.shed() > Shed::Nothing, held, "step {}", step);
            }
        }
    }
}
