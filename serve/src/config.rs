//! How much of a machine jobs get, as one value.

use std::{path::Path, sync::Arc};

use barhive_engine::{
    governor::{BreakerConfig, ResourceThresholds},
    jobs::{ExecutionMode, QueueOptions, Resources},
    time::Clock,
};
use barhive_machine::{MonitorError, MonitorOptions, ResourceMonitor};
use serde::{Deserialize, Serialize};

use crate::{
    admission::{Admission, FixedCapacity, GovernedAdmission},
    execution::{ExecutionManager, ManagerOptions, StartError},
    runner::JobRunner,
    view::Observer,
};

/// How much of a machine jobs get, and how it is shared: what `barhive serve` has from its file, for programs that
/// run an [`ExecutionManager`] themselves.
///
/// ```
/// use std::{sync::Arc};
///
/// use barhive_engine::{jobs::{ExecutionMode, Job, JobRequest, JobState}, time::SimClock};
/// use barhive_serve::{BriefRun, ExecutionConfig, JobRunner, Report, RunEnd, RunningJob};
///
/// struct Done;
///
/// impl JobRunner for Done {
///     fn start(&mut self, _: &Job, report: Report) -> Result<Box<dyn RunningJob>, String> {
///         report.progress(barhive_serve::JobProgress { fraction: 0.5, ..Default::default() });
///         report.end(RunEnd::Completed);
///         Ok(Box::new(BriefRun))
///     }
/// }
///
/// // What is left out has its default; what nobody knows is refused.
/// let config: ExecutionConfig = serde_json::from_str(
///     r#"{"running_max": 2, "memory_bytes": 4294967296, "mode": "priority-live",
///         "breaker": {"enabled": false}}"#,
/// )?;
/// assert_eq!((config.running_max, config.mode), (2, ExecutionMode::PriorityLive));
/// assert!(serde_json::from_str::<ExecutionConfig>(r#"{"jobs": 2}"#).is_err());
///
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// let manager = config.start(folder, Box::new(Done), Box::new(()), Arc::new(SimClock::at(0)))?;
/// let job = manager.submit(JobRequest::new("quick", "nothing"))?;
/// while manager.job(job)?.job.state != JobState::Completed {
///     std::thread::yield_now();
/// }
/// manager.shut_down()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExecutionConfig {
    /// Jobs that run at the same time. Default: 4.
    pub running_max: usize,
    /// Memory that all running jobs together may ask for, bytes. Default: 8 GiB.
    pub memory_bytes: u64,
    /// Workers of all running jobs together. Default: the cores that are allowed.
    pub workers: Option<u32>,
    /// Memory that is kept for live work, bytes. Default: none.
    pub live_memory_bytes: u64,
    /// How jobs and live work share the machine at first. Default: concurrent.
    pub mode: ExecutionMode,
    /// How the queue is limited and paced; its capacity follows from this configuration.
    pub queue: QueueOptions,
    /// Where alert levels begin.
    pub thresholds: ResourceThresholds,
    /// When jobs are held, paused and refused.
    pub breaker: BreakerConfig,
}

impl Default for ExecutionConfig {
    fn default() -> Self {
        Self {
            running_max: 4,
            memory_bytes: 8 << 30,
            workers: None,
            live_memory_bytes: 0,
            mode: ExecutionMode::Concurrent,
            queue: QueueOptions::default(),
            thresholds: ResourceThresholds::default(),
            breaker: BreakerConfig::default(),
        }
    }
}

impl ExecutionConfig {
    /// What all running jobs together may ask for.
    pub fn capacity(&self) -> Resources {
        let cores = || std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
        Resources::new(self.memory_bytes, self.workers.unwrap_or_else(cores))
    }

    /// A monitor that judges the machine by this configuration.
    ///
    /// # Errors
    /// Settings that cannot be used, or a machine that cannot be measured.
    pub fn monitor(&self, clock: Arc<dyn Clock>) -> Result<ResourceMonitor, MonitorError> {
        let Self { thresholds, breaker, mode, .. } = *self;
        ResourceMonitor::start(MonitorOptions { thresholds, breaker, mode }, clock)
    }

    /// The options of a manager on the machine that `monitor` watches; without one the machine has a fixed size
    /// and one mode.
    pub fn options(&self, monitor: Option<Arc<ResourceMonitor>>) -> ManagerOptions {
        let capacity = self.capacity();
        let admission: Box<dyn Admission> = match monitor {
            Some(monitor) => {
                Box::new(GovernedAdmission::new(monitor, capacity).with_live_memory(self.live_memory_bytes))
            }
            None => Box::new(FixedCapacity(capacity)),
        };
        ManagerOptions {
            queue: QueueOptions { capacity: Some(capacity), ..self.queue.clone() },
            running_max: self.running_max,
            admission: Some(admission),
            ..ManagerOptions::default()
        }
    }

    /// Starts a manager in `folder`, which exists and is nobody else's, with a monitor of its own.
    ///
    /// # Errors
    /// Settings that cannot be used, a machine that cannot be measured, a journal that cannot be read or written.
    pub fn start(
        &self,
        folder: &Path,
        runner: Box<dyn JobRunner>,
        observer: Box<dyn Observer>,
        clock: Arc<dyn Clock>,
    ) -> Result<ExecutionManager, StartError> {
        let monitor = Arc::new(self.monitor(Arc::clone(&clock))?);
        let options = ManagerOptions { observer, ..self.options(Some(monitor)) };
        ExecutionManager::start(folder, options, runner, clock)
    }
}
