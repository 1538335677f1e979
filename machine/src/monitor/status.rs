//! What the monitor publishes.

use barhive_engine::{
    governor::{AlertLevel, Assessment, BreakerState, Resource, ResourceSample, Shed},
    jobs::ExecutionMode,
};
use serde::{Deserialize, Serialize};

use crate::gauge::TreeUse;

/// The machine, how bad its use is, and what follows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MachineStatus {
    /// When it was measured, UTC nanoseconds; 0 before the first sample.
    pub at_ns: i64,
    /// How backtests and live work share the machine.
    pub mode: ExecutionMode,
    /// The highest level of all resources.
    pub alert_level: AlertLevel,
    /// What was measured.
    pub sample: ResourceSample,
    /// The level of each resource.
    pub levels: Assessment,
    /// When a resource reaches a level if it goes on like this; only what clearly rises.
    pub outlooks: Vec<Outlook>,
    /// Where the breaker is.
    pub breaker: BreakerState,
    /// Where it is and why, as a sentence.
    pub explanation: String,
    /// Which jobs are to be paused.
    pub shed: Shed,
    /// Why they are, or `None` where none are.
    pub shed_why: Option<String>,
    /// Why no job starts, or `None` where jobs may.
    pub hold: Option<String>,
    /// Why no job is taken in and what to do, or `None` where jobs are.
    pub refusal: Option<String>,
    /// Whether memory is what is short: what stands back must give it up.
    pub memory_is_short: bool,
    /// Memory that may be taken before that is so, bytes; `None` where it is not known.
    pub memory_free_bytes: Option<u64>,
    /// How far live work is behind: whoever has reported and whose report holds.
    pub live: Vec<LiveLag>,
    /// What watched processes and their children use.
    pub trees: Vec<TreeUse>,
    /// The last decisions, the oldest first.
    pub decisions: Vec<Decision>,
}

/// How far a live process is behind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LiveLag {
    /// What it calls itself.
    pub name: String,
    /// From a bar to what was decided on it, milliseconds.
    pub lag_ms: f64,
}

/// When a resource reaches a level if it goes on like this.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Outlook {
    /// Which.
    pub resource: Resource,
    /// Which level.
    pub level: AlertLevel,
    /// Where that begins, in the resource's unit.
    pub limit: f64,
    /// Seconds from now.
    pub seconds: f64,
}

/// Something that was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Decision {
    /// When, UTC nanoseconds.
    pub at_ns: i64,
    /// What and why, with value, limit and since when.
    pub sentence: String,
}

/// What live work says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LiveReport {
    /// How far it is behind: from a bar to what was decided on it, milliseconds; the longest since its last report.
    pub lag_ms: f64,
    /// Who says so; each name has its own report.
    #[serde(default = "live")]
    pub name: String,
    /// How long that holds unless it says something else, milliseconds.
    #[serde(default = "valid_ms")]
    pub valid_ms: u64,
}

fn live() -> String {
    "live".to_owned()
}

fn valid_ms() -> u64 {
    5_000
}

impl LiveReport {
    /// Longest time for which a report holds, milliseconds.
    pub const VALID_MS_MAX: u64 = 600_000;
    /// Longest name, bytes.
    pub const NAME_BYTES_MAX: usize = 64;

    /// A report of somebody that holds for five seconds.
    pub fn new(name: &str, lag_ms: f64) -> Self {
        Self { lag_ms, name: name.to_owned(), valid_ms: valid_ms() }
    }

    /// What is wrong with it, all of it; nothing where it can be used.
    pub(super) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut must = |holds: bool, fault: String| faults.extend((!holds).then_some(fault));
        must(
            self.lag_ms.is_finite() && self.lag_ms >= 0.0,
            format!("lag_ms: expected 0 or more milliseconds, found {}", self.lag_ms),
        );
        must(
            (1..=Self::VALID_MS_MAX).contains(&self.valid_ms),
            format!("valid_ms: expected 1 to {} milliseconds, found {}", Self::VALID_MS_MAX, self.valid_ms),
        );
        must(
            (1..=Self::NAME_BYTES_MAX).contains(&self.name.len()),
            format!("name: expected 1 to {} bytes, found {}", Self::NAME_BYTES_MAX, self.name.len()),
        );
        faults
    }
}
