//! Who yields: to a more urgent job, or to an overloaded machine; and who goes on when it is over.

use super::{Job, JobId, JobPriority, JobQueue, Lease, Resources};

/// Jobs that should yield to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preemption {
    /// For which waiting job.
    pub waiting: JobId,
    /// Who yields, the least urgent first; all of them are needed.
    pub victims: Vec<Lease>,
}

impl JobQueue {
    /// Which running jobs should yield, and to which waiting one, after [`next`](Self::next) found none
    /// that fits in `free` at the same moment.
    ///
    /// Give them back, and the next call of [`next`](Self::next) hands that job out. Only jobs of lower priority yield,
    /// the lowest first, of these the latest started; nor does a job that has risen to the other's
    /// standing. The answer is the same until something happens, so that asking twice does no harm.
    pub fn preempt(&self, now_ns: i64, free: Resources) -> Option<Preemption> {
        self.preempt_from(now_ns, free, JobPriority::Bulk)
    }

    /// [`preempt`](Self::preempt) for waiting jobs of priority `lowest` and above, after
    /// [`next_from`](Self::next_from) found none of them that fits.
    pub fn preempt_from(&self, now_ns: i64, free: Resources, lowest: JobPriority) -> Option<Preemption> {
        let in_use = self.in_use();
        if self.first_that_fits(now_ns, free, in_use, lowest).is_some() {
            return None;
        }
        let may_start = self.waiting().filter(|job| job.request.priority >= lowest);
        may_start.take(self.options.look_ahead.max(1)).find_map(|job| {
            let victims = self.victims(job, free)?;
            let freed = victims.iter().fold(Resources::NONE, |freed, victim| freed.plus(victim.resources()));
            // Room that is made must not fall to another, for whom nobody has to yield.
            let (first, _) = self.first_that_fits(now_ns, free.plus(freed), in_use.minus(freed), lowest)?;
            let victims = victims.into_iter().filter_map(Job::lease).collect();
            (first == job.id).then_some(Preemption { waiting: job.id, victims })
        })
    }

    /// The fewest of the least urgent running jobs without which `job` fits.
    fn victims(&self, job: &Job, free: Resources) -> Option<Vec<&Job>> {
        let yields =
            |other: &&Job| other.request.priority < job.request.priority && other.standing < job.standing;
        let (mut free, mut victims) = (free, Vec::new());
        for other in self.running().filter(yields) {
            free = free.plus(other.resources());
            victims.push(other);
            if job.resources().fits(free) {
                break;
            }
        }
        if !job.resources().fits(free) {
            return None;
        }
        // A large one at the end may have made small ones before it needless; the most urgent are spared first.
        for place in (0..victims.len()).rev() {
            let without = free.minus(victims[place].resources());
            if job.resources().fits(without) {
                free = without;
                victims.remove(place);
            }
        }
        Some(victims)
    }

    /// Which running jobs to pause for an overloaded machine, in this order: bulk first, then low, as far as
    /// `level`; of the same priority, the latest started first. Pause them as
    /// [`PausedBy::Load`](super::PausedBy::Load) one by one while the load stays too high.
    pub fn shed(&self, level: JobPriority) -> Vec<Lease> {
        self.running().take_while(|job| job.request.priority <= level).filter_map(Job::lease).collect()
    }

    /// Which jobs that were paused for the load to resume, in this order: the most urgent first, down to
    /// `level`; of the same priority, the first submitted first.
    pub fn to_resume(&self, level: JobPriority) -> Vec<JobId> {
        let shed = self.index.shed.iter().take_while(|(priority, _)| priority.0 >= level);
        shed.map(|(_, job)| *job).collect()
    }
}
