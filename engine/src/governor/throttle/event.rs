//! What the throttle says.

use std::fmt;

use serde::Serialize;

/// How many workers work, and when.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct WorkPlan {
    /// Workers on duty: 1 to the number that the run started with.
    pub workers: usize,
    /// The part of the time that each of them works, 0 to 1. 0: all rest, until another plan.
    pub duty: f64,
    /// All rest until then, monotonic nanoseconds.
    pub rest_until_ns: Option<u64>,
}

impl WorkPlan {
    /// How long a worker rests after it was busy for so long, so that it works for its part of the time;
    /// nothing, where it has to wait for another plan. Call it after each slice of work: the shorter these
    /// are beside a second, the better the limit is held.
    pub fn rest_after_ns(&self, busy_ns: u64) -> Option<u64> {
        (self.duty > 0.0).then(|| (busy_ns as f64 * (1.0 / self.duty - 1.0)) as u64)
    }

    /// Whether nobody works now.
    pub fn is_resting(&self, now_ns: u64) -> bool {
        self.duty <= 0.0 || self.rest_until_ns.is_some_and(|until_ns| now_ns < until_ns)
    }
}

/// Something that the throttle changed or has to say.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ThrottleEvent {
    /// When, monotonic nanoseconds.
    pub at_ns: u64,
    /// What.
    pub kind: ThrottleEventKind,
    /// Workers from now on.
    pub workers: usize,
    /// Why, with value and limit; a whole sentence for the log.
    pub why: String,
}

impl fmt::Display for ThrottleEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

/// What the throttle did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ThrottleEventKind {
    /// One worker less.
    Fewer,
    /// One worker more.
    More,
    /// The same workers for another part of the time; told from ten points on.
    Duty,
    /// A processor so hot that another part of the workers rests.
    Heat,
    /// All workers rest for a while.
    Rest,
    /// Nothing changed, but the user should know.
    Advice,
}
