//! What the program knows and the server does not: how files are checked, and where results are.

use barhive_engine::jobs::{JobPriority, JobRequest};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::view::JobView;

/// A job as somebody asks for it over HTTP.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Submission {
    /// The set or sweep: a YAML file on the server's machine, in the folder that `http.files` names.
    pub file: String,
    /// What people call it; by default the set's or sweep's name.
    pub name: Option<String>,
    /// How urgent it is; by default `normal`.
    pub priority: Option<JobPriority>,
    /// When it must have ended: a stamp as in `2026-01-31T18:00:00Z`, or `18:00`, the next time that a clock of the
    /// server's machine shows it.
    pub deadline: Option<String>,
    /// How long an attempt may run: `90s`, `10m`, `2h`.
    pub timeout: Option<String>,
    /// How often it is tried again after it failed or took too long; by default never.
    pub retries: Option<u32>,
    /// Memory that must be free before it starts: `2GB`.
    pub memory: Option<String>,
    /// Workers that must be free before it starts, those of a sweep: 1 to 256, by default 1.
    #[schemars(range(min = 1, max = 256))]
    pub workers: Option<u32>,
    /// Who is told when it has ended: URLs, or `telegram`.
    #[serde(default)]
    pub notify: Vec<String>,
}

/// What a job has brought so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JobResults {
    /// Parts that have results: combinations of a sweep, accounts of a set.
    pub done: u64,
    /// All parts that are to be run.
    pub total: u64,
    /// Parts that failed for good.
    pub failed: u64,
    /// Whether that is all.
    pub is_finished: bool,
    /// What parts are ranked by, the most important first; nothing for a set.
    pub ranked_by: Vec<RankedBy>,
    /// The best parts, best first; of a set its accounts in their order.
    pub top: Vec<Map<String, Json>>,
}

/// A figure that parts are ranked by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RankedBy {
    /// Its name.
    pub figure: String,
    /// Whether more of it is better.
    pub more_is_better: bool,
}

/// Knows files and results. Called on threads that may wait for disks.
pub trait Desk: Send + Sync {
    /// The request that a submission makes, after its file was checked.
    ///
    /// # Errors
    /// All that is wrong, each with what to do.
    fn request(&self, submission: &Submission) -> Result<JobRequest, Vec<String>>;

    /// What a job has brought so far, its best `top` parts; `None` while there is nothing.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn results(&self, view: &JobView, top: u32) -> Result<Option<JobResults>, String>;
}
