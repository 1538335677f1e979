//! Who is handed out first, and that everybody is in the end.

use proptest::prelude::*;

use super::*;

#[test]
fn the_more_urgent_come_first_and_equals_in_order_of_submission() {
    let mut queue = JobQueue::new(QueueOptions::default());
    for priority in JobPriority::ALL.iter().chain(JobPriority::ALL) {
        submit(&mut queue, request(*priority), 0);
    }
    let order: Vec<_> = (0..10).map(|_| take(&mut queue, 1, 0, 1).unwrap().job.0).collect();
    assert_eq!(order, [5, 10, 4, 9, 3, 8, 2, 7, 1, 6]);
    assert_eq!(take(&mut queue, 1, 0, 1), None);
}

#[test]
fn the_earliest_deadline_comes_first_within_a_level_and_none_comes_last() {
    let mut queue = JobQueue::new(QueueOptions::default());
    let due = |deadline_ns| JobRequest { deadline_ns, ..request(JobPriority::Normal) };
    for deadline_ns in [None, Some(s(90)), Some(s(60)), None, Some(s(60))] {
        submit(&mut queue, due(deadline_ns), 0);
    }
    submit(&mut queue, request(JobPriority::High), 0);
    submit(&mut queue, JobRequest { deadline_ns: Some(s(50)), ..request(JobPriority::Low) }, 0);
    let order: Vec<_> = (0..7).map(|_| take(&mut queue, 1, 0, 1).unwrap().job.0).collect();
    assert_eq!(order, [6, 3, 5, 2, 1, 4, 7]);
}

proptest! {
    #[test]
    fn jobs_of_a_level_without_deadlines_start_in_order_of_submission(
        priorities in proptest::collection::vec(0..JobPriority::ALL.len(), 1..60),
        taken in proptest::collection::vec(any::<bool>(), 120),
    ) {
        let mut queue = JobQueue::new(QueueOptions::default());
        let mut last = [0; JobPriority::ALL.len()];
        let mut waiting = priorities.into_iter();
        let mut started = 0;
        for take_one in taken {
            let lease = if take_one { take(&mut queue, 0, 0, 1) } else { None };
            if let Some(lease) = lease {
                let priority = queue.job(lease.job).unwrap().request.priority as usize;
                prop_assert!(lease.job.0 > last[priority]);
                last[priority] = lease.job.0;
                started += 1;
            } else if let Some(level) = waiting.next() {
                submit(&mut queue, request(JobPriority::ALL[level]), 0);
            }
        }
        prop_assert_eq!(queue.statistics(0).running, started);
    }
}

#[test]
fn a_bulk_job_starts_while_critical_ones_with_deadlines_never_end() {
    let mut queue = JobQueue::new(QueueOptions::default());
    let bulk = submit(&mut queue, request(JobPriority::Bulk), 0);
    let hours_3_35 = s(7_200 + 3_600 + 1_800 + 300 + 60);
    let mut now_ns = 0;
    loop {
        now_ns += s(10);
        assert!(now_ns < s(20_000), "the bulk job starves");
        let deadline_ns = Some(now_ns + s(1_000));
        for _ in 0..2 {
            // Refused once the level is full: the flood goes on.
            let _ = queue.submit(JobRequest { deadline_ns, ..request(JobPriority::Critical) }, now_ns);
        }
        let lease = take(&mut queue, now_ns, 0, 1).unwrap();
        if lease.job == bulk {
            break;
        }
        queue.complete(lease, now_ns).unwrap();
    }
    // In order of submission behind critical jobs that were there when it rose, none of which waits longer than 60 s.
    assert!(now_ns >= hours_3_35 && now_ns <= hours_3_35 + s(1_000), "{now_ns}");
    let job = queue.job(bulk).unwrap();
    assert_eq!((job.request.priority, job.standing), (JobPriority::Bulk, Standing::First));
    let steps: Vec<_> = job.history.iter().map(|step| (step.at_ns / s(1), step.reason.as_str())).collect();
    assert_eq!(steps[1], (7_200, "waited too long at bulk; stands at low"));
    assert_eq!(steps[2], (10_800, "waited too long at low; stands at normal"));
    assert_eq!(steps[5], (12_960, "waited too long at critical; stands at first"));
}

#[test]
fn a_large_job_starts_while_small_urgent_ones_overlap_for_ever() {
    let mut queue = JobQueue::new(QueueOptions::default());
    let large = submit(&mut queue, asking(JobPriority::Bulk, 4, 1), 0);
    let mut running: Vec<(i64, Lease)> = Vec::new();
    let mut now_ns = 0;
    // Small jobs of 100 s, one after 50 s each: of 4 GB there are never more than 2 to 3 free.
    while state(&queue, large) == JobState::Queued {
        now_ns += s(50);
        assert!(now_ns < s(20_000), "the large job starves");
        running.retain(|(end_ns, lease)| *end_ns > now_ns || queue.complete(*lease, now_ns).is_err());
        let _ = queue.submit(asking(JobPriority::Critical, 1, 1), now_ns);
        while let Some(lease) = {
            let free = Resources::new(4 * GB, 8).minus(queue.in_use());
            queue.next(now_ns, free).lease
        } {
            running.push((now_ns + s(100), lease));
        }
    }
    // It stands with critical ones after 12,900 s, before all that came later, and those that run end within 100 s.
    assert!(now_ns >= s(12_900) && now_ns <= s(13_000), "{now_ns}");
}

#[test]
fn what_waited_keeps_its_standing_when_it_is_back_in_the_queue() {
    let mut queue = JobQueue::new(QueueOptions::default());
    let bulk = submit(&mut queue, request(JobPriority::Bulk), 0);
    let lease = take(&mut queue, s(7_300), 0, 1).unwrap();
    queue.give_back(lease, s(7_400), "yielded").unwrap();
    queue.pause(bulk, PausedBy::Owner, s(7_500), "lunch").unwrap();
    // Pauses are not waiting: it does not rise, and its time at the level begins anew.
    queue.tick(s(99_000));
    assert_eq!(queue.job(bulk).unwrap().standing, Standing::Low);
    queue.resume(bulk, PausedBy::Owner, s(100_000), "back").unwrap();
    queue.tick(s(103_599));
    assert_eq!(queue.job(bulk).unwrap().standing, Standing::Low);
    queue.tick(s(103_600));
    assert_eq!(queue.job(bulk).unwrap().standing, Standing::Normal);
    let low = submit(&mut queue, request(JobPriority::Low), s(103_600));
    assert_eq!(take(&mut queue, s(103_600), 0, 1).unwrap().job, bulk);
    assert_eq!(take(&mut queue, s(103_600), 0, 1).unwrap().job, low);
}
