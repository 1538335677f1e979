//! A job as somebody asks for it, by flags or over HTTP, checked and made into a request.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use barhive_config::{Document, LoadOptions, load_any};
use barhive_engine::{
    jobs::{JobPriority, JobRequest, Resources},
    registry::Registry as Parts,
};
use barhive_serve::{Work, WorkKind};

/// What is asked for. Paths are absolute.
pub(in crate::cli) struct Asked {
    pub(in crate::cli) file: PathBuf,
    pub(in crate::cli) name: Option<String>,
    pub(in crate::cli) priority: JobPriority,
    /// UTC nanoseconds.
    pub(in crate::cli) deadline_ns: Option<i64>,
    pub(in crate::cli) timeout: Option<Duration>,
    pub(in crate::cli) retries: u32,
    pub(in crate::cli) memory_bytes: u64,
    pub(in crate::cli) workers: u32,
    pub(in crate::cli) results_dir: Option<PathBuf>,
    /// Where the job works.
    pub(in crate::cli) folder: PathBuf,
    pub(in crate::cli) notify: Vec<String>,
}

impl Asked {
    /// The request that this and the file make. A file with faults makes none; `shown` is how it is named in them.
    ///
    /// # Errors
    /// All faults of the file, or what cannot be written down.
    pub(in crate::cli) fn request(self, shown: &Path, parts: &Parts) -> Result<JobRequest, String> {
        let document =
            load_any(shown, parts, &LoadOptions::default()).map_err(|faults| faults.to_string())?;
        let (kind, name) = match document {
            Document::Set(set) => (WorkKind::Set, set.spec.name),
            Document::Sweep(sweep) => (WorkKind::Sweep, sweep.spec.name),
        };
        let Self { file, results_dir, folder, notify, .. } = self;
        let work = Work { kind, file, results_dir, folder, notify };
        let payload = serde_json::to_string(&work)
            .map_err(|error| format!("a path is not UTF-8, which jobs must be: {error}"))?;
        Ok(JobRequest {
            priority: self.priority,
            deadline_ns: self.deadline_ns,
            timeout_ns: self.timeout.map(|timeout| i64::try_from(timeout.as_nanos()).unwrap_or(i64::MAX)),
            retries: self.retries,
            resources: Resources::new(self.memory_bytes, self.workers),
            ..JobRequest::new(self.name.unwrap_or(name), payload)
        })
    }
}
