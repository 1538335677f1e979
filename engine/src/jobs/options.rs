//! The queue's limits and paces.

use serde::{Deserialize, Serialize};

use super::{JobPriority, Resources, Standing};
use crate::time::{NS_PER_MINUTE, NS_PER_SECOND};

/// One value for each level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PerLevel<T> {
    /// For critical jobs.
    pub critical: T,
    /// For high ones.
    pub high: T,
    /// For normal ones.
    pub normal: T,
    /// For low ones.
    pub low: T,
    /// For bulk.
    pub bulk: T,
}

impl<T: Copy> PerLevel<T> {
    /// The value of a level.
    pub const fn of(&self, level: JobPriority) -> T {
        match level {
            JobPriority::Critical => self.critical,
            JobPriority::High => self.high,
            JobPriority::Normal => self.normal,
            JobPriority::Low => self.low,
            JobPriority::Bulk => self.bulk,
        }
    }
}

/// How a queue is limited and paced. A change takes effect with the next command; nothing that
/// happened is judged anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct QueueOptions {
    /// Most jobs of each priority that have not ended: 100, 150, 400, 150, 200. Together 1,000, so that a
    /// flood of one level shuts no other out.
    pub jobs_max: PerLevel<u32>,
    /// Most jobs of all priorities that have not ended: 1,000.
    pub total_max: u32,
    /// How long a job waits at a level before it stands a level higher, in nanoseconds: 60 s, 300 s,
    /// 1,800 s, 3,600 s, 7,200 s. After the time of the critical level it stands before everybody, and even
    /// critical jobs leave it the room that it needs: longer limits make that rarer.
    pub ageing_ns: PerLevel<i64>,
    /// How often a job that does not fit may be passed by smaller ones before what it lacks is kept for
    /// it: 8.
    pub passes_max: u32,
    /// How many waiting jobs are looked at for one that fits: 64. At least 1.
    pub look_ahead: usize,
    /// What the machine has at most; a job that asks for more is refused. `None` if nobody knows.
    pub capacity: Option<Resources>,
    /// How many ended jobs are remembered: 1,000. The one that ended first is forgotten first.
    pub ended_max: usize,
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self {
            jobs_max: PerLevel { critical: 100, high: 150, normal: 400, low: 150, bulk: 200 },
            total_max: 1_000,
            ageing_ns: PerLevel {
                critical: 60 * NS_PER_SECOND,
                high: 5 * NS_PER_MINUTE,
                normal: 30 * NS_PER_MINUTE,
                low: 60 * NS_PER_MINUTE,
                bulk: 120 * NS_PER_MINUTE,
            },
            passes_max: 8,
            look_ahead: 64,
            capacity: None,
            ended_max: 1_000,
        }
    }
}

impl QueueOptions {
    /// When a job that has stood somewhere since `since_ns` rises; `None` before everybody.
    pub(super) fn rises_ns(&self, standing: Standing, since_ns: i64) -> Option<i64> {
        standing.level().map(|level| since_ns.saturating_add(self.ageing_ns.of(level)))
    }
}
