//! Preemption and shedding.

use super::*;

/// A queue in which jobs of these priorities run, one after the other started, each with 1 GB and a worker.
fn running(priorities: &[JobPriority]) -> JobQueue {
    let mut queue = JobQueue::new(QueueOptions::default());
    for (priority, at) in priorities.iter().zip(0..) {
        submit(&mut queue, asking(*priority, 1, 1), at);
        take(&mut queue, at, 1, 1).unwrap();
    }
    queue
}

fn victims(preemption: &Preemption) -> Vec<u64> {
    preemption.victims.iter().map(|lease| lease.job.0).collect()
}

#[test]
fn a_bulk_job_yields_to_a_critical_one_and_goes_on_later() {
    use JobPriority::{Bulk, Critical, Normal};
    let mut queue = running(&[Normal, Bulk, Bulk]);
    let critical = submit(&mut queue, asking(Critical, 1, 1), 10);
    assert_eq!(take(&mut queue, 11, 0, 0), None);
    let preemption = queue.preempt(11, Resources::NONE).unwrap();
    assert_eq!(preemption.waiting, critical);
    assert_eq!(victims(&preemption), [3], "the latest started of the least urgent");
    assert_eq!(queue.preempt(11, Resources::NONE).unwrap(), preemption);
    queue.give_back(preemption.victims[0], 12, "yielded to job 4").unwrap();
    let lease = take(&mut queue, 12, 1, 1).unwrap();
    assert_eq!(lease.job, critical);
    assert_eq!(queue.preempt(12, Resources::NONE), None, "bulk does not make bulk yield");
    queue.complete(lease, 13).unwrap();
    let again = take(&mut queue, 13, 1, 1).unwrap();
    assert_eq!(again, Lease { job: JobId(3), start: 2 });
    assert_eq!(queue.job(JobId(3)).unwrap().failures, 0);
}

#[test]
fn only_jobs_of_lower_priority_yield_and_the_lowest_first() {
    use JobPriority::{Bulk, Critical, High, Low, Normal};
    let queue_with = |waiting| {
        let mut queue = running(&[Critical, High, Normal, Low, Bulk]);
        submit(&mut queue, waiting, 10);
        queue.preempt(11, Resources::NONE).map(|preemption| victims(&preemption))
    };
    assert_eq!(queue_with(asking(Bulk, 1, 1)), None);
    assert_eq!(queue_with(asking(Low, 1, 1)), Some(vec![5]));
    assert_eq!(queue_with(asking(Low, 2, 1)), None, "one does not yield in vain");
    assert_eq!(queue_with(asking(High, 3, 1)), Some(vec![5, 4, 3]));
    assert_eq!(queue_with(asking(Critical, 4, 4)), Some(vec![5, 4, 3, 2]));
    assert_eq!(queue_with(asking(Critical, 5, 5)), None, "a critical job never yields");
}

#[test]
fn nobody_yields_for_what_fits_or_needlessly() {
    use JobPriority::{Bulk, Critical, Low};
    let mut queue = running(&[Bulk]);
    submit(&mut queue, asking(Low, 4, 1), 10);
    take(&mut queue, 10, 4, 1).unwrap();
    submit(&mut queue, asking(Critical, 4, 1), 11);
    assert_eq!(queue.preempt(12, Resources::new(4 * GB, 1)), None);
    let preemption = queue.preempt(12, Resources::NONE).unwrap();
    assert_eq!(victims(&preemption), [2], "without the bulk job it does not fit either");
}

#[test]
fn a_risen_job_does_not_yield_to_those_it_has_caught_up_with() {
    use JobPriority::{Bulk, Critical};
    let mut queue = JobQueue::new(QueueOptions::default());
    let bulk = submit(&mut queue, asking(Bulk, 1, 1), 0);
    let late = s(7_200 + 3_600 + 1_800 + 300);
    assert_eq!(take(&mut queue, late, 1, 1).unwrap().job, bulk);
    submit(&mut queue, asking(Critical, 1, 1), late);
    assert_eq!(queue.preempt(late, Resources::NONE), None);
    assert_eq!(queue.shed(Bulk).len(), 1, "an overloaded machine goes by priority");
}

#[test]
fn bulk_is_shed_first_and_critical_last_and_they_return_the_other_way_round() {
    use JobPriority::{Bulk, Critical, High, Low, Normal};
    let mut queue = running(&[Bulk, Critical, Low, High, Bulk, Normal]);
    let order = |leases: Vec<Lease>| leases.iter().map(|lease| lease.job.0).collect::<Vec<_>>();
    assert_eq!(order(queue.shed(Bulk)), [5, 1]);
    assert_eq!(order(queue.shed(Low)), [5, 1, 3]);
    assert_eq!(order(queue.shed(Critical)), [5, 1, 3, 6, 4, 2]);
    for lease in queue.shed(Normal) {
        queue.pause(lease.job, PausedBy::Load, 20, "96 % CPU").unwrap();
    }
    assert_eq!(order(queue.shed(Normal)), [] as [u64; 0]);
    assert_eq!(queue.in_use(), Resources::new(2 * GB, 2));
    queue.pause(JobId(3), PausedBy::Owner, 21, "not today").unwrap();
    let ids = |jobs: Vec<JobId>| jobs.iter().map(|job| job.0).collect::<Vec<_>>();
    assert_eq!(ids(queue.to_resume(Low)), [6]);
    assert_eq!(ids(queue.to_resume(Bulk)), [6, 1, 5], "what its owner paused stays");
    for job in queue.to_resume(Bulk) {
        queue.resume(job, PausedBy::Load, 30, "the load has fallen").unwrap();
    }
    assert_eq!(ids(queue.to_resume(Bulk)), [] as [u64; 0]);
    assert_eq!(take(&mut queue, 31, 1, 1).unwrap(), Lease { job: JobId(6), start: 2 });
}

#[test]
fn below_the_lowest_priority_that_may_start_nobody_starts_and_nobody_is_in_the_way() {
    use JobPriority::{Bulk, Critical, High};
    let mut queue = running(&[Bulk]);
    let high = submit(&mut queue, asking(High, 0, 1), 10);
    let critical = submit(&mut queue, asking(Critical, 1, 1), 11);
    let one = Resources::new(0, 1);
    assert_eq!(queue.preempt(12, one), None, "the high one fits");
    assert_eq!(queue.next_from(12, one, Critical).lease, None);
    let preemption = queue.preempt_from(12, one, Critical).unwrap();
    assert_eq!((preemption.waiting, preemption.victims[0].job), (critical, JobId(1)));
    assert_eq!(queue.next_from(12, one, High).lease.unwrap().job, high);
    assert_eq!(queue.job(critical).unwrap().passed, 1);
}
