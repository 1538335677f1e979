//! The numbers mean what they say.

use super::*;
use crate::time::NS_PER_HOUR;

#[test]
fn statistics_follow_their_definitions() {
    let mut queue = JobQueue::new(QueueOptions::default());
    let empty = queue.statistics(0);
    assert_eq!(
        (empty.queue_time_mean_ns, empty.execution_time_mean_ns, empty.efficiency),
        (None, None, None)
    );
    assert_eq!(empty.jobs_per_hour, 0.0);
    for _ in 0..7 {
        submit(&mut queue, JobRequest { retries: 1, ..request(JobPriority::Normal) }, s(0));
    }
    // Job 1 waits 10 s and runs 20 + 40 s in two attempts; job 2 waits 100 s and runs 30 s.
    let lease = take(&mut queue, s(10), 0, 1).unwrap();
    queue.fail(lease, s(30), "fault").unwrap();
    let lease = take(&mut queue, s(50), 0, 1).unwrap();
    queue.complete(lease, s(90)).unwrap();
    let lease = take(&mut queue, s(100), 0, 1).unwrap();
    queue.complete(lease, s(130)).unwrap();
    // Job 3 fails twice at once, after 130 s; job 4 is called off; job 5 is paused; job 6 runs; job 7 waits.
    for _ in 0..2 {
        let lease = take(&mut queue, s(130), 0, 1).unwrap();
        queue.fail(lease, s(130), "fault").unwrap();
    }
    queue.cancel(JobId(4), s(130), "not needed").unwrap();
    queue.pause(JobId(5), PausedBy::Owner, s(130), "lunch").unwrap();
    assert_eq!(take(&mut queue, s(160), 0, 1).unwrap().job, JobId(6));
    let statistics = queue.statistics(s(180));
    assert_eq!(
        statistics,
        QueueStatistics {
            submitted: 7,
            completed: 2,
            failed: 1,
            cancelled: 1,
            timed_out: 0,
            retried: 2,
            queued: 1,
            paused: 1,
            running: 1,
            queue_time_mean_ns: Some(s(10 + 100 + 130 + 160) / 4),
            execution_time_mean_ns: Some(s(60 + 30) / 2),
            jobs_per_hour: 40.0,
            efficiency: Some(2.0 / 3.0),
        }
    );
}

#[test]
fn the_rate_is_that_of_the_last_hour() {
    let mut queue = JobQueue::new(QueueOptions::default());
    // One job every 30 s for two hours, then none.
    for at in 1..=240 {
        submit(&mut queue, request(JobPriority::Normal), s(30 * at - 20));
        let lease = take(&mut queue, s(30 * at - 10), 0, 1).unwrap();
        queue.complete(lease, s(30 * at)).unwrap();
    }
    let rate = |at_ns| queue.statistics(at_ns).jobs_per_hour;
    let full = rate(2 * NS_PER_HOUR + s(29));
    assert!((118.0..=122.0).contains(&full), "{full}");
    let half = rate(2 * NS_PER_HOUR + NS_PER_HOUR / 2 + s(59));
    assert!((58.0..=62.0).contains(&half), "{half}");
    assert_eq!(rate(4 * NS_PER_HOUR), 0.0);
    let kept = serde_json::to_value(queue.snapshot()).unwrap();
    assert_eq!(kept["totals"]["minutes"].as_array().unwrap().len(), 60, "no more than the rate needs");
}
