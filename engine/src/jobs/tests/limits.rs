//! What is refused, and in which words.

use super::*;

#[test]
fn the_thousand_and_first_job_is_refused_and_no_level_shuts_another_out() {
    let mut queue = JobQueue::new(QueueOptions::default());
    let sizes = [(JobPriority::Bulk, 200), (JobPriority::Low, 150), (JobPriority::Normal, 400)];
    let sizes = sizes.into_iter().chain([(JobPriority::High, 150), (JobPriority::Critical, 100)]);
    for (priority, size) in sizes {
        for _ in 0..size {
            submit(&mut queue, request(priority), 0);
        }
        let refusal = queue.submit(request(priority), 0).unwrap_err();
        assert_eq!(refusal, Refusal::LevelFull { priority, limit: size });
        assert_eq!(queue.open(priority), size);
    }
    assert_eq!(queue.jobs().count(), 1_000);
    let before = queue.clone();
    assert_eq!(
        queue.submit(request(JobPriority::Bulk), 0).unwrap_err().to_string(),
        "200 jobs of priority bulk have not ended, and no more may wait: submit again when some have ended, \
         cancel some, take another priority, or raise `jobs_max.bulk`"
    );
    assert_eq!(queue, before, "a refusal changes nothing");
    // Running jobs count; ended ones do not.
    let lease = take(&mut queue, 0, 0, 1).unwrap();
    assert!(queue.submit(request(JobPriority::Critical), 0).is_err());
    queue.complete(lease, 0).unwrap();
    assert!(queue.submit(request(JobPriority::Critical), 0).is_ok());
}

#[test]
fn the_total_is_a_limit_of_its_own() {
    let mut queue = JobQueue::new(QueueOptions { total_max: 2, ..QueueOptions::default() });
    submit(&mut queue, request(JobPriority::Low), 0);
    submit(&mut queue, request(JobPriority::Bulk), 0);
    assert_eq!(
        queue.submit(request(JobPriority::Critical), 0).unwrap_err().to_string(),
        "2 jobs have not ended, and no more may wait: submit again when some have ended, cancel some, or raise \
         `total_max`"
    );
    queue.set_options(QueueOptions::default());
    assert!(queue.submit(request(JobPriority::Critical), 0).is_ok());
}

#[test]
fn all_faults_of_a_request_are_named_at_once() {
    let capacity = Some(Resources::new(8 * GB, 2));
    let mut queue = JobQueue::new(QueueOptions { capacity, ..QueueOptions::default() });
    let hopeless = JobRequest {
        name: " \u{7}".into(),
        timeout_ns: Some(0),
        payload: "x".repeat(PAYLOAD_BYTES_MAX + 1),
        ..asking(JobPriority::Normal, 9, 0)
    };
    assert_eq!(
        queue.submit(hopeless, 0).unwrap_err().to_string(),
        "the job can not be taken: its name holds control characters: leave them out; its payload reference has \
         4097 bytes of at most 4096: name a file instead; its time-out is 0 s: give more than 0 s, or none; it \
         asks for no worker: ask for at least 1; it asks for 9663676416 bytes of memory and there are \
         8589934592: ask for less, or cut the job into smaller ones"
    );
    let faults = JobRequest { name: "x".repeat(201), ..asking(JobPriority::Normal, 8, 3) }.faults(capacity);
    assert_eq!(
        faults,
        [
            "its name has 201 bytes: shorten it to 200 or less",
            "it asks for 3 workers and there are 2: ask for less"
        ]
    );
    assert_eq!(JobRequest::new(" ", "").faults(None), ["its name is empty: give it one"]);
    assert!(queue.submit(asking(JobPriority::Normal, 8, 2), 0).is_ok());
}

#[test]
fn every_refused_command_says_what_the_job_is_and_what_to_do() {
    let mut queue = JobQueue::new(QueueOptions { ended_max: 3, ..QueueOptions::default() });
    let job = submit(&mut queue, request(JobPriority::Normal), 0);
    let words = |refused: Result<Vec<JobEvent>, Refusal>| refused.unwrap_err().to_string();
    let nobody = "there is no job 9: it never was, or it ended more than 3 jobs ago; list the jobs";
    assert_eq!(words(queue.cancel(JobId(9), 1, "")), nobody);
    assert_eq!(words(queue.complete(Lease { job: JobId(9), start: 1 }, 1)), nobody);
    let early = Lease { job, start: 1 };
    assert_eq!(
        words(queue.complete(early, 1)),
        "start 1 of job 1 is over, the job is queued at start 0: drop the work"
    );
    assert_eq!(
        words(queue.resume(job, PausedBy::Owner, 1, "")),
        "job 1 is queued, not paused: there is nothing to resume"
    );
    queue.pause(job, PausedBy::Load, 1, "96 % CPU").unwrap();
    assert_eq!(
        words(queue.resume(job, PausedBy::Owner, 1, "")),
        "job 1 is paused by the load: the machine is overloaded; it goes on by itself when the load has fallen"
    );
    assert_eq!(
        words(queue.pause(job, PausedBy::Load, 1, "")),
        "job 1 is already paused by the load: resume or cancel it"
    );
    queue.pause(job, PausedBy::Owner, 1, "mine").unwrap();
    assert_eq!(
        words(queue.resume(job, PausedBy::Load, 1, "")),
        "job 1 is paused by the owner: only its owner resumes it"
    );
    assert_eq!(
        words(queue.pause(job, PausedBy::Load, 1, "")),
        "job 1 is already paused by the owner: resume or cancel it"
    );
    queue.cancel(job, 1, "not needed").unwrap();
    for (refused, action) in [
        (queue.cancel(job, 1, ""), "cancelled"),
        (queue.pause(job, PausedBy::Owner, 1, ""), "paused"),
        (queue.resume(job, PausedBy::Owner, 1, ""), "resumed"),
    ] {
        let expected = format!("job 1 has ended as cancelled and can not be {action}: submit it again");
        assert_eq!(words(refused), expected);
    }
}

#[test]
fn ended_jobs_histories_and_reasons_are_bounded() {
    let mut queue = JobQueue::new(QueueOptions { ended_max: 2, ..QueueOptions::default() });
    for _ in 0..4 {
        submit(&mut queue, request(JobPriority::Normal), 0);
    }
    for job in [3, 1, 4] {
        queue.cancel(JobId(job), job as i64, "").unwrap();
    }
    assert_eq!(queue.jobs().map(|job| job.id.0).collect::<Vec<_>>(), [2, 3, 4]);
    for at in 10..200 {
        let lease = take(&mut queue, at, 0, 1).unwrap();
        queue.give_back(lease, at, "yielded").unwrap();
    }
    let job = queue.job(JobId(2)).unwrap();
    assert_eq!((job.history.len(), job.forgotten), (HISTORY_MAX, 1 + 2 * 190 - 64));
    assert_eq!(job.history[0].reason, "submitted at priority normal");
    assert_eq!(job.reason(), "yielded");
    let lease = take(&mut queue, 200, 0, 1).unwrap();
    queue.fail(lease, 200, &"ä".repeat(2_000)).unwrap();
    let reason = queue.job(JobId(2)).unwrap().reason();
    assert!(reason.len() <= REASON_BYTES_MAX && reason.ends_with("ä..."), "{}", reason.len());
}
