//! The queue against a naive model, and rule by rule.

mod journal;
mod limits;
mod model;
mod order;
mod random;
mod resources;
mod statistics;
mod time;
mod yielding;

use super::*;
use crate::time::NS_PER_SECOND;

const GB: u64 = 1 << 30;

/// A moment, in seconds.
const fn s(seconds: i64) -> i64 {
    seconds * NS_PER_SECOND
}

fn request(priority: JobPriority) -> JobRequest {
    JobRequest { priority, ..JobRequest::new("job", "job.yaml") }
}

fn asking(priority: JobPriority, gigabytes: u64, workers: u32) -> JobRequest {
    JobRequest { resources: Resources::new(gigabytes * GB, workers), ..request(priority) }
}

/// Submits at a moment at which nothing else happens.
fn submit(queue: &mut JobQueue, request: JobRequest, now_ns: i64) -> JobId {
    queue.submit(request, now_ns).unwrap().job
}

/// Takes the next job for so many free gigabytes and workers.
fn take(queue: &mut JobQueue, now_ns: i64, gigabytes: u64, workers: u32) -> Option<Lease> {
    queue.next(now_ns, Resources::new(gigabytes * GB, workers)).lease
}

fn state(queue: &JobQueue, job: JobId) -> JobState {
    queue.job(job).unwrap().state
}
