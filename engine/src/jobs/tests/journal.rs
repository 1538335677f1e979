//! A queue is what its events made of it.

use super::*;

fn life() -> (JobQueue, Vec<JobEvent>) {
    let mut queue = JobQueue::new(QueueOptions::default());
    let mut journal = Vec::new();
    for priority in JobPriority::ALL {
        journal.extend(queue.submit(asking(*priority, 1, 1), s(1)).unwrap().events);
    }
    let next = queue.next(s(400), Resources::new(GB, 1));
    journal.extend(next.events);
    journal.extend(queue.pause(JobId(1), PausedBy::Load, s(401), "96 % CPU").unwrap());
    journal.extend(queue.complete(next.lease.unwrap(), s(402)).unwrap());
    (queue, journal)
}

#[test]
fn a_snapshot_stands_for_the_events_before_it() {
    let (queue, journal) = life();
    for cut in 0..=journal.len() {
        let early = JobQueue::replay(QueueOptions::default(), &journal[..cut]).unwrap();
        let json = serde_json::to_string(&early.snapshot()).unwrap();
        let snapshot = serde_json::from_str(&json).unwrap();
        let restored = JobQueue::restore(QueueOptions::default(), snapshot, &journal[cut..]).unwrap();
        assert_eq!(restored, queue, "cut at {cut}");
    }
}

#[test]
fn a_journal_that_can_not_have_happened_is_refused_with_its_place() {
    let (_, journal) = life();
    let fault = |events: Vec<JobEvent>| JobQueue::replay(QueueOptions::default(), events).unwrap_err();
    let mut lost = journal.clone();
    lost.remove(2);
    assert_eq!(
        fault(lost).to_string(),
        "event 3 of the journal can not have happened: expected job 3 to be submitted next, found job 4; the \
         events before it are sound"
    );
    let twice = [journal.clone(), vec![journal.last().unwrap().clone()]].concat();
    let refused = fault(twice);
    assert_eq!(refused.event, journal.len() as u64 + 1);
    assert_eq!(refused.reason, "expected job 4 to be running, found it completed after 1 starts");
    let mut back = journal.clone();
    back.last_mut().unwrap().at_ns = s(3);
    assert!(fault(back).reason.starts_with("expected a time from"));
    let (queue, _) = life();
    let mut snapshot = serde_json::to_value(queue.snapshot()).unwrap();
    snapshot["jobs"][1]["id"] = 9.into();
    let snapshot = serde_json::from_value(snapshot).unwrap();
    let none: [JobEvent; 0] = [];
    assert_eq!(JobQueue::restore(QueueOptions::default(), snapshot, none).unwrap_err().event, 0);
}

#[test]
fn after_a_crash_running_jobs_are_given_back_and_nothing_runs_twice() {
    let mut queue = JobQueue::new(QueueOptions::default());
    let mut journal = queue.submit(request(JobPriority::Normal), 0).unwrap().events;
    let next = queue.next(1, Resources::new(0, 1));
    journal.extend(next.events);
    let mut after = JobQueue::replay(QueueOptions::default(), journal).unwrap();
    assert_eq!(after.next(2, Resources::new(0, 1)).lease, None);
    let lost: Vec<_> = after.running().filter_map(Job::lease).collect();
    assert_eq!(lost, [next.lease.unwrap()]);
    after.give_back(lost[0], 2, "the server was restarted").unwrap();
    assert_eq!(after.next(2, Resources::new(0, 1)).lease, Some(Lease { job: JobId(1), start: 2 }));
    assert!(after.complete(lost[0], 3).is_err(), "a worker that survived has no say");
}

#[test]
fn a_hundred_thousand_jobs_pass_through() {
    const JOBS: u64 = 100_000;
    let level = u32::MAX;
    let jobs_max = PerLevel { critical: level, high: level, normal: level, low: level, bulk: level };
    let mut queue = JobQueue::new(QueueOptions { jobs_max, total_max: level, ..QueueOptions::default() });
    for number in 0..JOBS {
        submit(&mut queue, request(JobPriority::ALL[number as usize % 5]), number as i64);
    }
    let mut done = 0;
    while let Some(lease) = take(&mut queue, JOBS as i64 + done, 0, 1) {
        queue.complete(lease, JOBS as i64 + done).unwrap();
        done += 1;
    }
    let statistics = queue.statistics(0);
    assert_eq!((statistics.completed, statistics.queued, queue.jobs().count()), (JOBS, 0, 1_000));
}
