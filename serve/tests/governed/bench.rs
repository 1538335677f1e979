//! A manager, a monitor that is told what it sees, and runs that only count what is done to them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use barhive_engine::{
    governor::{BreakerConfig, ResourceSample, ResourceThresholds},
    jobs::{ExecutionMode, Job, JobId, JobPriority, JobRequest, JobState, QueueOptions, Resources},
    time::SimClock,
};
use barhive_machine::{MachineStatus, MonitorOptions, ResourceMonitor};
use barhive_serve::{
    ExecutionManager, GovernedAdmission, JobRunner, JobView, ManagerOptions, Report, RunEnd, RunningJob,
    ServeError,
};

/// What was done to the runs of each job, in order.
type Deeds = Arc<Mutex<BTreeMap<u64, Vec<&'static str>>>>;

pub struct Bench {
    pub manager: ExecutionManager,
    pub monitor: Arc<ResourceMonitor>,
    deeds: Deeds,
    tenths: u64,
    _folder: tempfile::TempDir,
}

struct Runner(Deeds);

struct Run {
    job: u64,
    deeds: Deeds,
    report: Option<Report>,
}

impl Run {
    fn note(&self, deed: &'static str) {
        self.deeds.lock().unwrap().entry(self.job).or_default().push(deed);
    }
}

impl JobRunner for Runner {
    fn start(&mut self, job: &Job, report: Report) -> Result<Box<dyn RunningJob>, String> {
        let run = Run { job: job.id.0, deeds: Arc::clone(&self.0), report: Some(report) };
        run.note("start");
        Ok(Box::new(run))
    }
}

impl RunningJob for Run {
    fn pause(&mut self) -> Result<(), String> {
        self.note("pause");
        Ok(())
    }

    fn resume(&mut self) -> Result<(), String> {
        self.note("resume");
        Ok(())
    }

    fn stop(&mut self) {
        self.note("stop");
        if let Some(report) = self.report.take() {
            report.end(RunEnd::Stopped("was told to end".to_owned()));
        }
    }

    fn kill(&mut self) {}
}

impl Bench {
    pub fn new(mode: ExecutionMode) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = MonitorOptions {
            thresholds: ResourceThresholds::default(),
            breaker: BreakerConfig::default(),
            mode,
        };
        let monitor = Arc::new(ResourceMonitor::told(options, Arc::new(SimClock::at(0))).unwrap());
        let capacity = Resources::new(100 << 30, 64);
        let options = ManagerOptions {
            queue: QueueOptions { capacity: Some(capacity), ..QueueOptions::default() },
            running_max: 64,
            admission: Some(Box::new(GovernedAdmission::new(Arc::clone(&monitor), capacity))),
            ..ManagerOptions::default()
        };
        let deeds = Deeds::default();
        let runner = Box::new(Runner(Arc::clone(&deeds)));
        let clock = Arc::new(SimClock::at(0));
        let manager = ExecutionManager::start(folder.path(), options, runner, clock).unwrap();
        let mut bench = Self { manager, monitor, deeds, tenths: 0, _folder: folder };
        bench.calm(1);
        bench
    }

    pub fn submit(&self, priority: JobPriority) -> Result<JobId, ServeError> {
        let resources = Resources::new(0, 1);
        let request = JobRequest { priority, resources, ..JobRequest::new("job", "nothing") };
        self.manager.submit(request)
    }

    /// Samples, ten a second: use of the processor by others, and of memory, percent.
    pub fn load(&mut self, samples: u64, cpu_percent: f64, memory_percent: f64) {
        for _ in 0..samples {
            self.tenths += 1;
            let at_ns = self.tenths * 100_000_000;
            self.monitor.observe(ResourceSample {
                at_ns,
                cpu_percent,
                memory_percent,
                ..ResourceSample::default()
            });
        }
    }

    pub fn calm(&mut self, samples: u64) {
        self.load(samples, 5.0, 20.0);
    }

    pub fn status(&self) -> Arc<MachineStatus> {
        self.monitor.latest()
    }

    /// All jobs after everything that was said before has been acted upon.
    pub fn jobs(&self) -> Vec<JobView> {
        // What is asked in a round is answered before that round decides.
        self.manager.look();
        self.manager.jobs().unwrap();
        self.manager.jobs().unwrap()
    }

    pub fn state(&self, job: JobId) -> JobState {
        self.jobs().into_iter().find(|view| view.job.id == job).unwrap().job.state
    }

    /// What was done to a job's runs.
    pub fn deeds(&self, job: JobId) -> Vec<&'static str> {
        self.jobs();
        self.deeds.lock().unwrap().get(&job.0).cloned().unwrap_or_default()
    }
}
