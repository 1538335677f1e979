//! What somebody asks for: a job before it is one.

use serde::{Deserialize, Serialize};

use super::{JobPriority, Resources};
use crate::time::NS_PER_SECOND;

/// Longest name of a job, in bytes.
pub const NAME_BYTES_MAX: usize = 200;
/// Longest reference to a job's payload, in bytes: a path or a key, not the payload itself.
pub const PAYLOAD_BYTES_MAX: usize = 4_096;

/// A job as somebody asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct JobRequest {
    /// What people call it; not unique.
    pub name: String,
    /// How urgent it is.
    pub priority: JobPriority,
    /// When it must have ended, UTC nanoseconds; it ends as TIMEOUT there, whatever it is doing.
    pub deadline_ns: Option<i64>,
    /// How long an attempt may run, in nanoseconds; waiting and pauses do not count.
    pub timeout_ns: Option<i64>,
    /// How often it is tried again after an attempt failed or ran too long.
    pub retries: u32,
    /// What must be free before it starts. At least one worker.
    pub resources: Resources,
    /// Where its payload is: a path or a key that means something to whoever runs it.
    pub payload: String,
}

impl JobRequest {
    /// A job of normal priority with one worker and nothing else.
    pub fn new(name: impl Into<String>, payload: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            priority: JobPriority::default(),
            deadline_ns: None,
            timeout_ns: None,
            retries: 0,
            resources: Resources::new(0, 1),
            payload: payload.into(),
        }
    }

    /// Whatever is wrong with it on a machine that has `capacity`, each with what to do.
    pub fn faults(&self, capacity: Option<Resources>) -> Vec<String> {
        let mut faults = Vec::new();
        if self.name.trim().is_empty() {
            faults.push("its name is empty: give it one".to_owned());
        }
        if self.name.len() > NAME_BYTES_MAX {
            let found = self.name.len();
            faults.push(format!("its name has {found} bytes: shorten it to {NAME_BYTES_MAX} or less"));
        }
        if self.name.chars().any(char::is_control) {
            faults.push("its name holds control characters: leave them out".to_owned());
        }
        if self.payload.len() > PAYLOAD_BYTES_MAX {
            let found = self.payload.len();
            faults.push(format!(
                "its payload reference has {found} bytes of at most {PAYLOAD_BYTES_MAX}: name a file instead"
            ));
        }
        if let Some(timeout_ns) = self.timeout_ns.filter(|timeout_ns| *timeout_ns <= 0) {
            faults.push(format!("its time-out is {}: give more than 0 s, or none", seconds(timeout_ns)));
        }
        if self.resources.workers == 0 {
            faults.push("it asks for no worker: ask for at least 1".to_owned());
        }
        let Some(capacity) = capacity else { return faults };
        if self.resources.workers > capacity.workers {
            let asked = self.resources.workers;
            faults.push(format!(
                "it asks for {asked} workers and there are {}: ask for less",
                capacity.workers
            ));
        }
        if self.resources.memory_bytes > capacity.memory_bytes {
            faults.push(format!(
                "it asks for {} bytes of memory and there are {}: ask for less, or cut the job into smaller ones",
                self.resources.memory_bytes, capacity.memory_bytes
            ));
        }
        faults
    }
}

/// A duration as people read it.
pub(super) fn seconds(ns: i64) -> String {
    format!("{} s", ns as f64 / NS_PER_SECOND as f64)
}
