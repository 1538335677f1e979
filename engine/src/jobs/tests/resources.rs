//! What a job asks for is there when it starts, and it does not wait for ever because it asks for much.

use super::*;

fn options(passes_max: u32) -> QueueOptions {
    QueueOptions { passes_max, ..QueueOptions::default() }
}

#[test]
fn a_job_that_asks_for_two_gigabytes_waits_while_one_is_free() {
    let mut queue = JobQueue::new(options(8));
    let large = submit(&mut queue, asking(JobPriority::High, 2, 1), 0);
    assert_eq!(take(&mut queue, 1, 1, 4), None);
    let small = submit(&mut queue, asking(JobPriority::Normal, 1, 1), 2);
    assert_eq!(take(&mut queue, 3, 1, 4).unwrap().job, small);
    assert_eq!(queue.job(large).unwrap().passed, 1);
    assert_eq!(take(&mut queue, 4, 2, 4).unwrap().job, large);
    assert_eq!(queue.in_use(), Resources::new(3 * GB, 2));
}

#[test]
fn what_was_passed_often_enough_gets_its_room() {
    let mut queue = JobQueue::new(options(2));
    submit(&mut queue, asking(JobPriority::High, 1, 1), 0);
    let other = take(&mut queue, 0, 4, 8).unwrap();
    let large = submit(&mut queue, asking(JobPriority::Normal, 4, 1), 0);
    for _ in 0..6 {
        submit(&mut queue, asking(JobPriority::Normal, 1, 1), 0);
    }
    // Of 3 GB that are free, two small jobs take 2; then the rest is kept for the large one.
    let first = take(&mut queue, 1, 3, 8).unwrap();
    let second = take(&mut queue, 1, 2, 8).unwrap();
    assert_eq!(queue.job(large).unwrap().passed, 2);
    assert_eq!(take(&mut queue, 2, 1, 8), None);
    queue.complete(first, 3).unwrap();
    queue.complete(other, 3).unwrap();
    assert_eq!(take(&mut queue, 3, 3, 8), None);
    queue.complete(second, 4).unwrap();
    assert_eq!(take(&mut queue, 4, 4, 8).unwrap().job, large);
    assert_eq!(queue.job(large).unwrap().passed, 0);
}

#[test]
fn what_does_not_delay_the_kept_room_still_passes() {
    let mut queue = JobQueue::new(options(0));
    let large = submit(&mut queue, asking(JobPriority::Normal, 4, 1), 0);
    let running = submit(&mut queue, asking(JobPriority::High, 1, 1), 0);
    assert_eq!(take(&mut queue, 1, 4, 4).unwrap().job, running);
    submit(&mut queue, asking(JobPriority::Normal, 1, 1), 1);
    let frugal = submit(&mut queue, asking(JobPriority::Bulk, 0, 1), 1);
    assert_eq!(take(&mut queue, 2, 3, 3).unwrap().job, frugal, "it asks for no memory");
    assert_eq!(queue.job(large).unwrap().passed, 0, "it is not delayed");
    assert_eq!(take(&mut queue, 3, 3, 1), None, "the last worker is kept");
}

#[test]
fn no_room_is_kept_that_the_end_of_running_jobs_can_not_provide() {
    let mut queue = JobQueue::new(options(0));
    submit(&mut queue, asking(JobPriority::Normal, 6, 1), 0);
    let small = submit(&mut queue, asking(JobPriority::Normal, 1, 1), 0);
    // Somebody else has taken 4 of 8 GB: to wait for 6 would be to wait for ever.
    assert_eq!(take(&mut queue, 1, 4, 4).unwrap().job, small);
}

#[test]
fn a_risen_job_gets_its_room_without_being_passed_first() {
    let mut queue = JobQueue::new(options(100));
    let running = submit(&mut queue, asking(JobPriority::High, 2, 1), 0);
    assert_eq!(take(&mut queue, 0, 4, 4).unwrap().job, running);
    let large = submit(&mut queue, asking(JobPriority::High, 4, 1), 0);
    submit(&mut queue, asking(JobPriority::High, 1, 1), 0);
    submit(&mut queue, asking(JobPriority::High, 1, 1), 0);
    assert!(take(&mut queue, s(299), 2, 3).is_some());
    assert_eq!(take(&mut queue, s(300), 1, 2), None);
    assert_eq!(queue.job(large).unwrap().standing, Standing::Critical);
}

#[test]
fn a_search_ends_after_so_many_jobs() {
    let mut queue = JobQueue::new(QueueOptions { look_ahead: 3, ..options(100) });
    for gigabytes in [4, 4, 4, 1] {
        submit(&mut queue, asking(JobPriority::Normal, gigabytes, 1), 0);
    }
    assert_eq!(take(&mut queue, 1, 1, 1), None);
    queue.set_options(QueueOptions { look_ahead: 4, ..options(100) });
    assert_eq!(take(&mut queue, 1, 1, 1).unwrap().job, JobId(4));
}
