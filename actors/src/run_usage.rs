//! What a run uses: samples the machine and this process while it lasts, for the run's report, and publishes
//! the newest sample for readers that never wait. Whether the machine can bear more is not asked here: that is
//! `barhive_machine`'s resource monitor.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use actix::{AsyncContext, Context};
use arc_swap::{ArcSwap, Cache};
use barhive_engine::time::Clock;
use serde::{Deserialize, Serialize};
use sysinfo::{MemoryRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use crate::supervisor::{Part, Shell};

/// The machine and this process at one moment. Percentages run from 0 to 100.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct ResourceSnapshot {
    /// When, UTC nanoseconds.
    pub ts_ns: i64,
    /// Use of all cores together since the sample before, percent.
    pub cpu_percent: f64,
    /// Memory in use on the machine, percent of what it has.
    pub memory_percent: f64,
    /// Memory that is still to be had on the machine, bytes.
    pub memory_available_bytes: u64,
    /// Use of cores by this process since the sample before, percent of one core.
    pub process_cpu_percent: f64,
    /// Resident memory of this process, bytes; mapped files that were touched count.
    pub process_rss_bytes: u64,
    /// Threads of this process.
    pub threads: u64,
}

/// Peaks and means over all samples of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ResourceSummary {
    /// Samples taken.
    pub samples: u64,
    /// Mean use of all cores together, percent.
    pub cpu_percent_mean: f64,
    /// Highest use of all cores together, percent.
    pub cpu_percent_peak: f64,
    /// Mean use of cores by this process, percent of one core.
    pub process_cpu_percent_mean: f64,
    /// Highest use of cores by this process, percent of one core.
    pub process_cpu_percent_peak: f64,
    /// Mean resident memory of this process, bytes.
    pub process_rss_bytes_mean: u64,
    /// Highest resident memory of this process that was seen, bytes.
    pub process_rss_bytes_peak: u64,
    /// Highest use of the machine's memory, percent.
    pub memory_percent_peak: f64,
    /// Most threads of this process.
    pub threads_peak: u64,
}

#[derive(Debug, Default)]
struct Totals {
    summary: ResourceSummary,
    cpu_percent: f64,
    process_cpu_percent: f64,
    process_rss_bytes: u128,
}

/// What the meter knows; outlives its restarts. A cheap handle.
#[derive(Clone, Debug, Default)]
pub struct Resources {
    latest: Arc<ArcSwap<ResourceSnapshot>>,
    totals: Arc<Mutex<Totals>>,
}

/// Reads the newest sample; a look costs one atomic load while nothing changed.
#[derive(Clone, Debug)]
pub struct ResourceReader(Cache<Arc<ArcSwap<ResourceSnapshot>>, Arc<ResourceSnapshot>>);

impl ResourceReader {
    /// The newest sample.
    pub fn latest(&mut self) -> &ResourceSnapshot {
        self.0.load()
    }
}

impl Resources {
    /// A reader for one thread or task.
    pub fn reader(&self) -> ResourceReader {
        ResourceReader(Cache::new(Arc::clone(&self.latest)))
    }

    /// Peaks and means so far.
    pub fn summary(&self) -> ResourceSummary {
        self.totals().summary
    }

    fn publish(&self, sample: ResourceSnapshot) {
        let mut totals = self.totals();
        let totals = &mut *totals;
        totals.cpu_percent += sample.cpu_percent;
        totals.process_cpu_percent += sample.process_cpu_percent;
        totals.process_rss_bytes += u128::from(sample.process_rss_bytes);
        let summary = &mut totals.summary;
        summary.samples += 1;
        let samples = summary.samples as f64;
        summary.cpu_percent_mean = totals.cpu_percent / samples;
        summary.cpu_percent_peak = summary.cpu_percent_peak.max(sample.cpu_percent);
        summary.process_cpu_percent_mean = totals.process_cpu_percent / samples;
        summary.process_cpu_percent_peak = summary.process_cpu_percent_peak.max(sample.process_cpu_percent);
        summary.process_rss_bytes_mean = (totals.process_rss_bytes / u128::from(summary.samples)) as u64;
        summary.process_rss_bytes_peak = summary.process_rss_bytes_peak.max(sample.process_rss_bytes);
        summary.memory_percent_peak = summary.memory_percent_peak.max(sample.memory_percent);
        summary.threads_peak = summary.threads_peak.max(sample.threads);
        self.latest.store(Arc::new(sample));
    }

    fn totals(&self) -> MutexGuard<'_, Totals> {
        self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes samples.
pub struct Sampler {
    system: System,
    pid: Pid,
    clock: Arc<dyn Clock>,
}

impl Sampler {
    /// A sampler of this machine and process; `clock` stamps the samples.
    ///
    /// # Errors
    /// When the platform does not tell.
    pub fn new(clock: Arc<dyn Clock>) -> Result<Self, String> {
        let fault = |error: &dyn std::fmt::Debug| format!("resource use cannot be read: {error:?}");
        let system = System::new().map_err(|error| fault(&error))?;
        let pid = sysinfo::get_current_pid().map_err(|error| fault(&error))?;
        let mut sampler = Self { system, pid, clock };
        // Shares of processor time are differences: the first look only sets the origin.
        sampler.refresh();
        Ok(sampler)
    }

    /// The machine and this process now.
    pub fn sample(&mut self) -> ResourceSnapshot {
        self.refresh();
        let total = self.system.total_memory();
        let used = self.system.used_memory();
        let process = self.system.process(self.pid);
        ResourceSnapshot {
            ts_ns: self.clock.now_ns(),
            cpu_percent: f64::from(self.system.global_cpu_usage()),
            memory_percent: if total == 0 { 0.0 } else { 100.0 * used as f64 / total as f64 },
            memory_available_bytes: self.system.available_memory(),
            process_cpu_percent: process.map_or(0.0, |p| f64::from(p.cpu_usage())),
            process_rss_bytes: process.map_or(0, |p| p.memory()),
            threads: process.and_then(|p| p.tasks()).map_or(0, |tasks| tasks.len() as u64 + 1),
        }
    }

    /// One process only: refreshing all of them takes forty times as long.
    fn refresh(&mut self) {
        self.system.refresh_cpu_usage();
        self.system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        let what = ProcessRefreshKind::nothing().with_cpu().with_memory().with_tasks();
        self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&[self.pid]), false, what);
    }
}

/// The meter as a part: samples at a fixed interval.
pub struct UsageMeter {
    clock: Arc<dyn Clock>,
    /// Made half an interval after the start: most of what makes a short run slow is its first look.
    sampler: Option<Sampler>,
    resources: Resources,
    interval: Duration,
}

impl UsageMeter {
    /// A meter that publishes to `resources` every `interval`; nothing, where the platform does not
    /// tell. `clock` stamps the samples.
    pub fn new(clock: Arc<dyn Clock>, resources: Resources, interval: Duration) -> Self {
        Self { clock, sampler: None, resources, interval }
    }
}

impl Part for UsageMeter {
    fn started(&mut self, ctx: &mut Context<Shell<Self>>) {
        ctx.run_later(self.interval / 2, |shell, _| {
            let part = shell.part();
            match Sampler::new(Arc::clone(&part.clock)) {
                Ok(sampler) => part.sampler = Some(sampler),
                Err(reason) => tracing::warn!(%reason, "no resource use in this run"),
            }
        });
        ctx.run_interval(self.interval, |shell, _| {
            let part = shell.part();
            let Some(sampler) = &mut part.sampler else { return };
            let sample = sampler.sample();
            tracing::trace!(?sample, "resources");
            part.resources.publish(sample);
        });
    }
}

#[cfg(test)]
mod tests {
    use actix_rt::{Arbiter, System as Actors};

    use super::*;
    use crate::{
        clock::SystemClock,
        supervisor::{RestartPolicy, Supervisor},
    };

    #[test]
    fn peaks_and_means_cover_all_samples() {
        let resources = Resources::default();
        let mut reader = resources.reader();
        for (cpu, rss) in [(10.0, 100), (30.0, 300), (20.0, 200)] {
            resources.publish(ResourceSnapshot {
                cpu_percent: cpu,
                process_rss_bytes: rss,
                ..ResourceSnapshot::default()
            });
        }
        let summary = resources.summary();
        assert_eq!((summary.samples, summary.cpu_percent_mean, summary.cpu_percent_peak), (3, 20.0, 30.0));
        assert_eq!((summary.process_rss_bytes_mean, summary.process_rss_bytes_peak), (200, 300));
        assert_eq!(reader.latest().process_rss_bytes, 200);
    }

    #[test]
    fn the_meter_sees_this_process() {
        Actors::new().block_on(async {
            let resources = Resources::default();
            let (supervisor, _exits) = Supervisor::new(1, 0);
            let shared = resources.clone();
            let _meter = supervisor
                .start(&Arbiter::current(), "usage meter", RestartPolicy::default(), move |_| {
                    UsageMeter::new(Arc::new(SystemClock), shared.clone(), Duration::from_millis(10))
                })
                .unwrap();
            let mut reader = resources.reader();
            for _ in 0..500 {
                tokio::time::sleep(Duration::from_millis(10)).await;
                if resources.summary().samples >= 3 {
                    break;
                }
            }
            let sample = *reader.latest();
            assert!(sample.process_rss_bytes > 1 << 20, "{sample:?}");
            assert!(sample.threads >= 1 && sample.memory_percent > 0.0, "{sample:?}");
            assert!(sample.ts_ns > 0 && resources.summary().samples >= 3);
        });
    }

    #[test]
    #[ignore = "a measurement: run with --ignored --nocapture"]
    fn what_a_sample_costs() {
        let mut sampler = Sampler::new(Arc::new(SystemClock)).unwrap();
        let watch = crate::clock::Stopwatch::start();
        for _ in 0..100 {
            std::hint::black_box(sampler.sample());
        }
        println!("{:?} per sample: {:?}", watch.elapsed() / 100, sampler.sample());
    }
}
