//! Deadlines, time-outs and retries.

use super::*;

#[test]
fn an_overdue_job_ends_as_timeout_whatever_it_is_doing() {
    let mut queue = JobQueue::new(QueueOptions::default());
    let due = JobRequest { deadline_ns: Some(s(10)), retries: 5, ..request(JobPriority::Normal) };
    let (running, paused) = (submit(&mut queue, due.clone(), 0), submit(&mut queue, due.clone(), 0));
    let queued = submit(&mut queue, due.clone(), 0);
    let lease = take(&mut queue, 0, 0, 1).unwrap();
    assert_eq!(lease.job, running);
    queue.pause(paused, PausedBy::Owner, 0, "lunch").unwrap();
    assert_eq!(queue.due_ns(), Some(s(10)));
    assert_eq!(queue.tick(s(10) - 1), []);
    assert_eq!(queue.tick(s(12)).len(), 3);
    for (job, was) in [(running, "running"), (paused, "paused"), (queued, "queued")] {
        let job = queue.job(job).unwrap();
        assert_eq!(job.state, JobState::Timeout);
        assert_eq!(job.reason(), format!("{was} when its deadline passed, 2 s ago"));
    }
    assert!(matches!(queue.complete(lease, s(12)), Err(Refusal::Stale { .. })));
    let late = queue.submit(due, s(13)).unwrap();
    assert_eq!(late.events.len(), 2);
    assert_eq!(state(&queue, late.job), JobState::Timeout);
    assert_eq!(queue.due_ns(), None);
}

#[test]
fn an_overdue_job_is_never_handed_out_and_what_is_done_is_done() {
    let mut queue = JobQueue::new(QueueOptions::default());
    let due = |at| JobRequest { deadline_ns: Some(s(at)), ..request(JobPriority::Normal) };
    let (early, late) = (submit(&mut queue, due(1), 0), submit(&mut queue, due(9), 0));
    let lease = take(&mut queue, s(1), 0, 1).unwrap();
    assert_eq!((lease.job, state(&queue, early)), (late, JobState::Timeout));
    queue.complete(lease, s(20)).unwrap();
    assert_eq!(state(&queue, late), JobState::Completed);
}

#[test]
fn a_failed_attempt_is_retried_so_often_and_every_reason_is_kept() {
    let mut queue = JobQueue::new(QueueOptions::default());
    let job = submit(&mut queue, JobRequest { retries: 2, ..request(JobPriority::Normal) }, 0);
    for (attempt, at) in [(1, 10), (2, 20), (3, 30)] {
        let lease = take(&mut queue, at, 0, 1).unwrap();
        assert_eq!(lease, Lease { job, start: attempt });
        queue.fail(lease, at + 5, &format!("fault {attempt}")).unwrap();
    }
    assert_eq!(take(&mut queue, 40, 0, 1), None);
    let job = queue.job(job).unwrap();
    assert_eq!((job.state, job.failures, job.starts, job.running_ns), (JobState::Failed, 3, 3, 15));
    let history: Vec<_> =
        job.history.iter().map(|step| (step.at_ns, step.state, step.reason.as_str())).collect();
    assert_eq!(
        history,
        [
            (0, JobState::Queued, "submitted at priority normal"),
            (10, JobState::Running, "start 1"),
            (15, JobState::Failed, "fault 1"),
            (15, JobState::Queued, "retry 1 of 2"),
            (20, JobState::Running, "start 2"),
            (25, JobState::Failed, "fault 2"),
            (25, JobState::Queued, "retry 2 of 2"),
            (30, JobState::Running, "start 3"),
            (35, JobState::Failed, "fault 3"),
        ]
    );
}

#[test]
fn an_attempt_that_takes_too_long_is_retried_and_its_pauses_do_not_count() {
    let mut queue = JobQueue::new(QueueOptions::default());
    let timeout_ns = Some(s(10));
    let job = submit(&mut queue, JobRequest { timeout_ns, retries: 1, ..request(JobPriority::Normal) }, 0);
    let first = take(&mut queue, 0, 0, 1).unwrap();
    queue.pause(job, PausedBy::Owner, s(6), "lunch").unwrap();
    queue.resume(job, PausedBy::Owner, s(100), "back").unwrap();
    let second = take(&mut queue, s(100), 0, 1).unwrap();
    assert_eq!((first.start, second.start), (1, 2));
    assert_eq!(queue.tick(s(104) - 1), []);
    let events = queue.tick(s(104));
    assert!(matches!(&events[0].change, Change::Retried { after: JobState::Timeout, .. }), "{events:?}");
    assert!(queue.fail(second, s(104), "stopped").is_err(), "its worker has no say any more");
    // A fresh attempt has all of its time.
    take(&mut queue, s(104), 0, 1).unwrap();
    assert_eq!(queue.tick(s(114) - 1), []);
    queue.tick(s(114));
    let job = queue.job(job).unwrap();
    assert_eq!(
        (job.state, job.failures, job.reason()),
        (JobState::Timeout, 2, "attempt 2 took longer than 10 s")
    );
}

#[test]
fn every_state_is_reached_and_cancelling_works_in_all_that_are_open() {
    let mut queue = JobQueue::new(QueueOptions::default());
    for _ in 0..3 {
        submit(&mut queue, request(JobPriority::Normal), 0);
    }
    take(&mut queue, 0, 0, 1).unwrap();
    queue.pause(JobId(2), PausedBy::Owner, 0, "lunch").unwrap();
    let states = |queue: &JobQueue| queue.jobs().map(|job| job.state).collect::<Vec<_>>();
    assert_eq!(states(&queue), [JobState::Running, JobState::Paused, JobState::Queued]);
    for job in 1..=3 {
        queue.cancel(JobId(job), 1, "not needed").unwrap();
    }
    assert_eq!(states(&queue), [JobState::Cancelled; 3]);
    assert_eq!(queue.in_use(), Resources::NONE);
    assert!(JobState::ALL.iter().filter(|state| state.is_ended()).count() == 4);
}

#[test]
fn a_clock_that_is_set_back_stands_still() {
    let mut queue = JobQueue::new(QueueOptions::default());
    let job = submit(&mut queue, request(JobPriority::Normal), s(100));
    let lease = take(&mut queue, s(40), 0, 1).unwrap();
    queue.complete(lease, s(130)).unwrap();
    let job = queue.job(job).unwrap();
    assert_eq!((job.queued_ns, job.running_ns), (0, s(30)));
    assert!(job.history.is_sorted_by_key(|step| step.at_ns));
}
