//! What the breaker says: states, admissions, what is shed, and events.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    governor::{Resource, seconds},
    jobs::JobPriority,
};

/// Where the breaker is. It goes from closed to open to half-open, and from there to either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BreakerState {
    /// Jobs are taken.
    #[default]
    Closed,
    /// Jobs are refused.
    Open,
    /// One job may start, to see whether the machine stays calm.
    HalfOpen,
}

impl fmt::Display for BreakerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        })
    }
}

/// Whether a job may be submitted or started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Admission {
    /// It may.
    Admit,
    /// It is kept in the queue.
    Hold {
        /// Why, and until when.
        reason: String,
    },
    /// It is not taken.
    Refuse {
        /// Why, and what to do: `overloaded: ...`.
        reason: String,
    },
}

impl Admission {
    /// Whether it may.
    pub fn is_admitted(&self) -> bool {
        matches!(self, Self::Admit)
    }

    /// Why not.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Admit => None,
            Self::Hold { reason } | Self::Refuse { reason } => Some(reason),
        }
    }
}

/// Which jobs are to be paused: those of the named priority and of all below it. Live work never is.
///
/// Where memory is what is short, a paused job must give its memory back: it yields its pass and takes it
/// up again later. One that merely holds still would keep what everybody waits for.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Shed {
    /// None.
    #[default]
    Nothing,
    /// BULK.
    Bulk,
    /// BULK and LOW.
    Low,
    /// Up to NORMAL.
    Normal,
    /// Up to HIGH.
    High,
    /// All jobs.
    Critical,
}

impl Shed {
    /// From nothing to everything.
    pub const ALL: [Self; 6] =
        [Self::Nothing, Self::Bulk, Self::Low, Self::Normal, Self::High, Self::Critical];

    /// How many levels of priority are paused, counted from BULK upwards: 0 to 5.
    pub const fn levels(self) -> u8 {
        self as u8
    }

    /// The most urgent priority that is paused: what [`JobQueue::shed`](crate::jobs::JobQueue::shed) goes up to.
    pub fn paused_up_to(self) -> Option<JobPriority> {
        let place = usize::from(self.levels()).checked_sub(1)?;
        JobPriority::ALL.get(place).copied()
    }

    /// The least urgent priority that may work: what
    /// [`JobQueue::to_resume`](crate::jobs::JobQueue::to_resume) goes down to.
    pub fn works_down_to(self) -> Option<JobPriority> {
        JobPriority::ALL.get(usize::from(self.levels())).copied()
    }

    pub(super) fn more(self) -> Self {
        Self::ALL[usize::from(self.levels() + 1).min(Self::ALL.len() - 1)]
    }

    pub(super) fn less(self) -> Self {
        Self::ALL[usize::from(self.levels().saturating_sub(1))]
    }
}

impl fmt::Display for Shed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Nothing => "no jobs",
            Self::Bulk => "BULK jobs",
            Self::Low => "BULK and LOW jobs",
            Self::Normal => "BULK, LOW and NORMAL jobs",
            Self::High => "all jobs but CRITICAL ones",
            Self::Critical => "all jobs",
        })
    }
}

/// Something that the breaker did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BreakerEvent {
    /// When, monotonic nanoseconds.
    pub at_ns: u64,
    /// What.
    pub kind: BreakerEventKind,
    /// Why, with value, limit and since when; a whole sentence for the log.
    pub why: String,
}

impl fmt::Display for BreakerEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

/// What the breaker did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerEventKind {
    /// Nothing new starts from here.
    Held,
    /// Jobs start again.
    Released,
    /// These jobs are to be paused.
    Shed(Shed),
    /// Some may go on; these stay paused.
    Resumed(Shed),
    /// Closed to open.
    Opened,
    /// Open to half-open.
    Probing,
    /// Half-open to open.
    Reopened,
    /// Half-open to closed.
    Closed,
}

impl BreakerEventKind {
    /// Whether submissions are refused from here, or taken again.
    pub const fn is_turn(self) -> bool {
        matches!(self, Self::Opened | Self::Reopened | Self::Closed)
    }
}

/// A resource at or above a limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Strain {
    pub(super) resource: Resource,
    pub(super) value: f64,
    pub(super) limit: f64,
    pub(super) since_ns: u64,
}

impl Strain {
    /// `memory 92.4 %, limit 90 %, for 1.2 s`.
    pub(super) fn sentence(&self, now_ns: u64) -> String {
        let Self { resource, value, limit, since_ns } = self;
        let span = seconds(now_ns.saturating_sub(*since_ns));
        format!("{resource} {value:.1} %, limit {limit} %, for {span:.1} s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_paused_and_what_works_meet_without_a_gap() {
        use JobPriority::{Bulk, Critical, High, Low, Normal};
        assert_eq!(
            Shed::ALL.map(Shed::paused_up_to),
            [None, Some(Bulk), Some(Low), Some(Normal), Some(High), Some(Critical)]
        );
        assert_eq!(
            Shed::ALL.map(Shed::works_down_to),
            [Some(Bulk), Some(Low), Some(Normal), Some(High), Some(Critical), None]
        );
    }
}
