//! What is told of processes.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ProcessType;

/// Where a process is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum ProcessState {
    /// It is about to start, for the first time or again.
    Waiting,
    /// It runs.
    Running {
        /// Its number.
        pid: u32,
    },
    /// It has ended by itself, with exit code 0: it is not started again.
    Ended,
    /// It failed too often and is left out.
    Quarantined {
        /// How it failed last.
        reason: String,
    },
    /// It was told to end.
    Stopped,
}

/// A process that is looked after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProcessView {
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub process_type: ProcessType,
    /// Where it is.
    #[serde(flatten)]
    pub state: ProcessState,
    /// Since when, UTC nanoseconds.
    pub since_ns: i64,
    /// How often it was started again.
    pub restarts: u32,
    /// How it failed last, if it ever did.
    pub failure: Option<String>,
    /// The cores that it may use; empty where those of its starter.
    pub cores: Vec<u32>,
    /// The niceness that it has; `None` where that of its starter.
    pub nice: Option<i32>,
    /// What it was to be given and was not, a sentence each.
    pub notes: Vec<String>,
}

impl ProcessView {
    /// Its number while it runs.
    pub fn pid(&self) -> Option<u32> {
        match self.state {
            ProcessState::Running { pid } => Some(pid),
            _ => None,
        }
    }
}

/// What happens to a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProcessEvent {
    /// It runs.
    Started {
        /// Its number.
        pid: u32,
    },
    /// It has said a line on standard output.
    Said(String),
    /// It does not run any more.
    Gone {
        /// The number that it had.
        pid: u32,
    },
    /// It has failed and is started again.
    Restarting {
        /// How it failed.
        reason: String,
        /// In so long.
        after: Duration,
    },
    /// It has failed too often.
    Quarantined {
        /// How it failed last.
        reason: String,
    },
    /// It has ended by itself.
    Ended,
}
