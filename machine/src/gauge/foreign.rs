//! Where there is no `/proc`: what sysinfo tells.

use barhive_engine::governor::ResourceSample;
use sysinfo::{
    MINIMUM_CPU_UPDATE_INTERVAL, MemoryRefreshKind, ProcessRefreshKind, ProcessesToUpdate, System,
};

use super::{GaugeError, Role, TreeUse};

/// Asks sysinfo; the processor's use is refreshed as often as the platform allows and kept between.
pub(super) struct ForeignSource {
    system: System,
    cores: f64,
    refreshed_ns: u64,
    last: ResourceSample,
}

impl ForeignSource {
    pub(super) fn new() -> Result<Self, GaugeError> {
        let mut system = System::new().map_err(|error| GaugeError(format!("{error:?}")))?;
        system.refresh_cpu_usage();
        let cores = system.cpus().len().max(1) as f64;
        Ok(Self { system, cores, refreshed_ns: 0, last: ResourceSample::default() })
    }

    pub(super) fn sample(&mut self, now_ns: u64, watched: &[(u32, Role)]) -> ResourceSample {
        let pause_ns = MINIMUM_CPU_UPDATE_INTERVAL.as_nanos() as u64;
        if now_ns.saturating_sub(self.refreshed_ns) >= pause_ns {
            self.refreshed_ns = now_ns;
            self.system.refresh_cpu_usage();
            self.system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
            if !watched.is_empty() {
                let what = ProcessRefreshKind::nothing().with_cpu().with_memory();
                self.system.refresh_processes_specifics(ProcessesToUpdate::All, true, what);
            }
            let total = self.system.total_memory();
            let free = self.system.available_memory();
            self.last = ResourceSample {
                cpu_percent: f64::from(self.system.global_cpu_usage()).clamp(0.0, 100.0),
                workers_cpu_percent: self.share(watched, Role::Worker),
                live_cpu_percent: self.share(watched, Role::Live),
                memory_percent: if total == 0 {
                    0.0
                } else {
                    100.0 * total.saturating_sub(free) as f64 / total as f64
                },
                memory_bytes: total,
                ..ResourceSample::default()
            };
        }
        ResourceSample { at_ns: now_ns, ..self.last }
    }

    pub(super) fn uses(&self, watched: &[(u32, Role)]) -> Vec<TreeUse> {
        let of = |(root, role): &(u32, Role)| {
            let own = self.system.processes().iter().filter(|(pid, process)| {
                process.thread_kind().is_none()
                    && self.root(watched, **pid).is_some_and(|(of, _)| of == *root)
            });
            own.fold(TreeUse { pid: *root, role: *role, ..TreeUse::default() }, |mut tree, (pid, process)| {
                tree.processes.push(pid.as_u32());
                tree.cpu_ns += process.accumulated_cpu_time() * 1_000_000;
                tree.memory_bytes += process.memory();
                tree
            })
        };
        watched.iter().map(of).collect()
    }

    /// Which watched process this one is, or is a child of.
    fn root(&self, watched: &[(u32, Role)], mut pid: sysinfo::Pid) -> Option<(u32, Role)> {
        // Up to the first ancestor that is watched; ancestors may form a circle when numbers are reused.
        for _ in 0..64 {
            if let Some(found) = watched.iter().find(|(root, _)| sysinfo::Pid::from_u32(*root) == pid) {
                return Some(*found);
            }
            pid = self.system.processes().get(&pid)?.parent()?;
        }
        None
    }

    /// Use by the processes of a role and their children, percent of all cores.
    fn share(&self, watched: &[(u32, Role)], role: Role) -> f64 {
        let processes = self.system.processes();
        let used: f64 = processes
            .iter()
            .filter(|(pid, process)| {
                process.thread_kind().is_none() && self.root(watched, **pid).is_some_and(|(_, of)| of == role)
            })
            .map(|(_, process)| f64::from(process.cpu_usage()))
            .sum();
        (used / self.cores).clamp(0.0, 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sysinfo_tells_memory_and_processor() {
        let mut source = ForeignSource::new().unwrap();
        let sample = source.sample(1_000_000_000, &[(std::process::id(), Role::Worker)]);
        assert!(sample.memory_percent > 0.0 && sample.memory_percent < 100.0, "{sample:?}");
        assert!((0.0..=100.0).contains(&sample.cpu_percent), "{sample:?}");
        assert_eq!((sample.at_ns, sample.disk_mb_per_s), (1_000_000_000, None));
        // Too early for another look: the values stay, the time does not.
        let again = source.sample(1_050_000_000, &[]);
        assert_eq!(again, ResourceSample { at_ns: 1_050_000_000, ..sample });
    }
}
