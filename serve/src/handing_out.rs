//! What may run runs, and what must not stands back.

use std::{
    mem::take,
    sync::{Arc, PoisonError},
};

use barhive_engine::jobs::{JobEvent, JobId, PausedBy, Resources};

use crate::{
    admission::{Allowance, WatchedRun},
    runner::{BriefRun, Report, RunEnd, Said},
    scheduler::{BATCH_MAX, Scheduler, Wish},
};

impl Scheduler {
    /// Pauses what must stand back, the least urgent first, and lets go on what must not any more, the most
    /// urgent first.
    pub(crate) fn stand_back(&mut self, now_ns: i64, events: &mut Vec<JobEvent>) {
        if let Some(pressure) = self.admission.pressure() {
            for lease in self.queue.shed(pressure.up_to) {
                let paused = self.queue.pause(lease.job, PausedBy::Load, now_ns, &pressure.reason);
                events.extend(paused.unwrap_or_default());
            }
        }
        let held = self.runs.held_pids();
        let Some(lowest) = self.allowance(&held).lowest else { return };
        for job in self.queue.to_resume(lowest) {
            let resumed = self.queue.resume(job, PausedBy::Load, now_ns, "the load has fallen");
            events.extend(resumed.unwrap_or_default());
        }
    }

    /// Gives rights to all who fit, and makes others yield to whom they must.
    pub(crate) fn hand_out(&mut self, now_ns: i64, events: &mut Vec<JobEvent>) {
        // Nobody is held or let go before all of this is written.
        let held = self.runs.held_pids();
        // Each turn starts a job or makes one yield to another that starts next.
        for _ in 0..2 * BATCH_MAX {
            let Allowance { free, lowest: Some(lowest), .. } = self.allowance(&held) else { return };
            let next = self.queue.next_from(now_ns, free, lowest);
            events.extend(next.events);
            if next.lease.is_some() {
                self.admission.started();
                continue;
            }
            let Some(preemption) = self.queue.preempt_from(now_ns, free, lowest) else { return };
            for victim in preemption.victims {
                let reason = format!("yielded to job {}", preemption.waiting);
                events.extend(self.queue.give_back(victim, now_ns, &reason).unwrap_or_default());
            }
        }
    }

    /// What may start, with as many jobs running as may.
    fn allowance(&mut self, held: &[u32]) -> Allowance {
        let allowance = self.admission.allowance(self.queue.in_use(), held);
        match self.queue.running().len() >= self.running_max.min(allowance.running_max) {
            true => Allowance { free: Resources::NONE, ..allowance },
            false => allowance,
        }
    }

    /// Starts what has a right and room.
    pub(crate) fn start_what_waits(&mut self) {
        let memory_max = self.options.capacity.map(|capacity| capacity.memory_bytes);
        let held = self.runs.held_pids();
        let memory_now = if self.to_start.is_empty() { 0 } else { self.allowance(&held).memory_now };
        for lease in take(&mut self.to_start) {
            let Some(job) = self.queue.job(lease.job).filter(|job| job.lease() == Some(lease)) else {
                continue;
            };
            if self.runs.go_on(job.id, lease) {
                continue;
            }
            if self.runs.get(job.id).is_some() || !self.runs.make_room(job, memory_max, memory_now) {
                self.to_start.push(lease);
                continue;
            }
            let number = self.runs.next_number();
            let timer = self.measured.start.start();
            let started = self.runner.start(job, self.report(job.id, number));
            drop(timer);
            match started {
                Ok(handle) => {
                    let place = self.runner.place(job);
                    let watched = handle.pid().map(|pid| WatchedRun { job: job.id, pid, place });
                    watched.iter().for_each(|run| self.admission.watch(run));
                    self.runs.insert(job, number, lease, watched, handle);
                }
                Err(why) => {
                    tracing::warn!(job = %job.id, "cannot be started: {why}");
                    self.runs.insert(job, number, lease, None, Box::new(BriefRun));
                    let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
                    // Its report was dropped, and said so.
                    ends.retain(|(_, of, _)| *of != number);
                    ends.push((job.id, number, RunEnd::Failed(why)));
                    drop(self.ear.try_send(Wish::Look));
                }
            }
        }
    }

    fn report(&self, job: JobId, number: u64) -> Report {
        let (ear, ends) = (self.ear.clone(), Arc::clone(&self.ends));
        Report::new(move |said| match said {
            // Where there is much to hear, the next word will do.
            Said::Progress(progress) => drop(ear.try_send(Wish::Progress(job, number, progress))),
            Said::Ended(end) => {
                ends.lock().unwrap_or_else(PoisonError::into_inner).push((job, number, end));
                // Whoever has no room for one more wish looks soon anyway.
                drop(ear.try_send(Wish::Look));
            }
        })
    }
}
