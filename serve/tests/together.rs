//! Jobs that are submitted together.

use std::sync::Arc;

use barhive_engine::{
    jobs::{Job, JobId, JobRequest, JobState, QueueOptions},
    time::SimClock,
};
use barhive_serve::{ExecutionManager, JobRunner, ManagerOptions, Report, RunningJob, ServeError};

/// Starts nothing: whatever is submitted is overdue.
struct Nobody;

impl JobRunner for Nobody {
    fn start(&mut self, job: &Job, _: Report) -> Result<Box<dyn RunningJob>, String> {
        panic!("job {} is overdue", job.id)
    }
}

fn start(folder: &std::path::Path) -> ExecutionManager {
    let options = QueueOptions { total_max: 5_000, ended_max: 5_000, ..QueueOptions::default() };
    let options = ManagerOptions { queue: options, ..ManagerOptions::default() };
    ExecutionManager::start(folder, options, Box::new(Nobody), Arc::new(SimClock::at(10))).unwrap()
}

#[test]
fn many_jobs_share_few_writes_are_answered_in_their_order_and_are_all_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let manager = start(folder.path());
    let request = |number: usize| {
        // Every tenth has no name, which nobody takes in.
        let name = if number % 10 == 9 { String::new() } else { format!("job {number}") };
        JobRequest { deadline_ns: Some(5), ..JobRequest::new(name, "nothing") }
    };
    let answers = manager.submit_all((0..3_000).map(request));
    let mut next = 1;
    for (number, answer) in answers.iter().enumerate() {
        match (number % 10, answer) {
            (9, Err(ServeError::Refused(why))) => assert!(why.to_string().contains("name is empty"), "{why}"),
            (_, Ok(job)) => {
                assert_eq!(*job, JobId(next));
                next += 1;
            }
            (_, other) => panic!("{number}: {other:?}"),
        }
    }
    let counters = manager.status().unwrap().counters;
    let writes = counters.iter().find(|counter| counter.name == "journal on disk").unwrap();
    assert!(writes.count < 300 && writes.p50 > 0, "{writes:?}");
    manager.shut_down().unwrap();
    let again = start(folder.path());
    let jobs = again.jobs().unwrap();
    assert_eq!(jobs.len(), 2_700);
    assert!(jobs.iter().all(|view| view.job.state == JobState::Timeout));
    assert!(jobs.iter().zip(1..).all(|(view, number)| view.job.id == JobId(number)));
    let gone = {
        again.shut_down().unwrap();
        again.submit_all([request(0)])
    };
    assert_eq!(gone, [Err(ServeError::Gone)]);
}
