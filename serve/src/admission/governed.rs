//! A machine that is watched: what may start follows from what the monitor sees.

use std::sync::Arc;

use barhive_engine::{
    governor::BreakerState,
    jobs::{ExecutionMode, Resources},
};
use barhive_machine::{LiveReport, MachineStatus, ResourceMonitor, gauge::Role};

use crate::usage::UsageRecorder;

use super::{Admission, Allowance, Pressure, WatchedRun};

/// Admits jobs as far as the machine bears them, by what a [`ResourceMonitor`] publishes.
///
/// | the monitor says | what follows |
/// |---|---|
/// | hold | nothing starts; jobs are taken in and wait |
/// | refusal | jobs are not taken in |
/// | shed | running jobs up to that priority are paused, and go on when it is over and jobs may start |
/// | memory is short | jobs that are held in memory keep what they have and end, to be started again later |
/// | mode standalone | one job at a time |
///
/// A job that asks for memory waits until so much can be taken before memory is short; what running jobs
/// asked for and have not used yet is kept for them.
///
/// ```
/// use std::sync::Arc;
///
/// use barhive_engine::{governor::ResourceSample, jobs::{JobPriority, Resources}, time::SimClock};
/// use barhive_machine::{MonitorOptions, ResourceMonitor};
/// use barhive_serve::{Admission, GovernedAdmission};
///
/// let monitor = Arc::new(ResourceMonitor::told(MonitorOptions::default(), Arc::new(SimClock::at(0)))?);
/// let mut admission = GovernedAdmission::new(Arc::clone(&monitor), Resources::new(8 << 30, 4));
/// assert_eq!(admission.allowance(Resources::NONE, &[]).lowest, Some(JobPriority::Bulk));
///
/// // Others take nearly all of the processor: nothing starts, and soon BULK jobs stand back.
/// for tenth in 1..=3 {
///     let at_ns = tenth * 100_000_000;
///     monitor.observe(ResourceSample { at_ns, cpu_percent: 90.0, ..ResourceSample::default() });
/// }
/// assert_eq!(admission.allowance(Resources::NONE, &[]).lowest, None);
/// assert_eq!(admission.pressure().map(|pressure| pressure.up_to), Some(JobPriority::Bulk));
/// assert_eq!(admission.submission(), Ok(()));
/// # Ok::<(), barhive_engine::governor::SettingFaults>(())
/// ```
pub struct GovernedAdmission {
    monitor: Arc<ResourceMonitor>,
    /// What runs use, written into their folders.
    recorder: Option<UsageRecorder>,
    capacity: Resources,
    /// Memory that is kept for live work.
    live_bytes: u64,
}

impl GovernedAdmission {
    /// Admits jobs that ask for at most `capacity` together.
    pub fn new(monitor: Arc<ResourceMonitor>, capacity: Resources) -> Self {
        let recorder = UsageRecorder::start(Arc::clone(&monitor));
        let recorder = recorder
            .inspect_err(|fault| tracing::warn!("what jobs use is not recorded: no thread for it: {fault}"));
        Self { monitor, recorder: recorder.ok(), capacity, live_bytes: 0 }
    }

    /// Keeps so much memory for live work, bytes: what live processes do not use of it, jobs do not get.
    #[must_use]
    pub fn with_live_memory(self, live_bytes: u64) -> Self {
        Self { live_bytes, ..self }
    }
}

impl Admission for GovernedAdmission {
    fn allowance(&mut self, in_use: Resources, held: &[u32]) -> Allowance {
        let status = self.monitor.latest();
        let (memory_now, of_held) = memory(&status, in_use, held, self.live_bytes);
        let free = self.capacity.minus(in_use);
        let memory_bytes = free.memory_bytes.min(memory_now.saturating_add(of_held));
        Allowance {
            free: Resources { memory_bytes, ..free },
            memory_now,
            lowest: status.shed.works_down_to().filter(|_| status.hold.is_none()),
            running_max: if status.mode == ExecutionMode::Standalone { 1 } else { usize::MAX },
        }
    }

    fn submission(&mut self) -> Result<(), String> {
        let Some(why) = self.monitor.latest().refusal.clone() else { return Ok(()) };
        self.monitor.refused(&why);
        Err(why)
    }

    fn pressure(&mut self) -> Option<Pressure> {
        let status = self.monitor.latest();
        let reason = status.shed_why.clone().unwrap_or_else(|| status.explanation.clone());
        status.shed.paused_up_to().map(|up_to| Pressure { up_to, reason })
    }

    fn memory_is_short(&mut self) -> bool {
        self.monitor.latest().memory_is_short
    }

    fn started(&mut self) {
        if self.monitor.latest().breaker == BreakerState::HalfOpen {
            self.monitor.started();
        }
    }

    fn watch(&mut self, run: &WatchedRun) {
        self.monitor.watch(run.pid, Role::Worker);
        if let Some(recorder) = &self.recorder {
            recorder.begins(run, &self.monitor.latest());
        }
    }

    fn forget(&mut self, run: &WatchedRun) {
        let tree = self.monitor.forget(run.pid);
        if let Some(recorder) = &self.recorder {
            recorder.ends(run, tree);
        }
    }

    fn set_mode(&mut self, mode: ExecutionMode) -> Result<(), String> {
        self.monitor.set_mode(mode);
        Ok(())
    }

    fn live(&mut self, report: &LiveReport) -> Result<(), String> {
        self.monitor.report(report)
    }

    fn status(&self) -> Option<MachineStatus> {
        Some((*self.monitor.latest()).clone())
    }

    fn on_change(&mut self, look: Box<dyn Fn() + Send + Sync>) {
        self.monitor.on_change(look);
    }
}

/// Memory that can be taken at once beside what running jobs and live work have and were promised, and what runs
/// that are held would give back; bytes.
fn memory(status: &MachineStatus, in_use: Resources, held: &[u32], live_bytes: u64) -> (u64, u64) {
    let Some(free) = status.memory_free_bytes else { return (u64::MAX, 0) };
    let (mut of_held, mut of_running, mut of_live) = (0u64, 0u64, 0u64);
    for tree in &status.trees {
        let of = match tree.role {
            Role::Live => &mut of_live,
            Role::Worker if held.contains(&tree.pid) => &mut of_held,
            Role::Worker => &mut of_running,
        };
        *of = of.saturating_add(tree.memory_bytes);
    }
    let promised = in_use.memory_bytes.saturating_sub(of_running);
    let promised = promised.saturating_add(live_bytes.saturating_sub(of_live));
    (free.saturating_sub(promised), of_held)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use barhive_engine::time::SimClock;
    use barhive_machine::{MonitorOptions, gauge::TreeUse};

    use super::*;

    #[test]
    fn memory_that_is_reserved_for_live_work_and_not_used_yet_is_not_given_to_jobs() {
        let monitor = ResourceMonitor::told(MonitorOptions::default(), Arc::new(SimClock::at(0))).unwrap();
        let gib = 1u64 << 30;
        let tree = |pid, role, memory_bytes| TreeUse { pid, role, memory_bytes, ..TreeUse::default() };
        let status = MachineStatus {
            memory_free_bytes: Some(10 * gib),
            trees: vec![tree(1, Role::Worker, gib), tree(2, Role::Live, gib), tree(3, Role::Worker, 2 * gib)],
            ..(*monitor.latest()).clone()
        };
        // Jobs asked for 3 GiB; the one that is held has 2, the other has 1 of what it asked for.
        let in_use = Resources::new(3 * gib, 1);
        assert_eq!(memory(&status, in_use, &[3], 0), (8 * gib, 2 * gib));
        assert_eq!(memory(&status, in_use, &[3], gib), (8 * gib, 2 * gib), "it uses all that is reserved");
        assert_eq!(memory(&status, in_use, &[3], 4 * gib), (5 * gib, 2 * gib));
        assert_eq!(memory(&status, in_use, &[3], u64::MAX), (0, 2 * gib));
    }
}
