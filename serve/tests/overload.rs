//! Ten times the load: everything is done in the end, nothing fails, memory stays within its bounds.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use barhive_engine::jobs::{Job, JobPriority, JobRequest, JobState, QueueOptions, Refusal};
use barhive_machine::{clock::SystemClock, smaps};
use barhive_serve::{
    BriefRun, ExecutionManager, JobRunner, ManagerOptions, Observer, Report, RunEnd, RunningJob, ServeError,
};

/// Runs jobs on threads.
struct Threads;

impl JobRunner for Threads {
    fn start(&mut self, _: &Job, report: Report) -> Result<Box<dyn RunningJob>, String> {
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(1));
            report.end(RunEnd::Completed);
        });
        Ok(Box::new(BriefRun))
    }
}

struct Ends(SyncSender<JobState>);

impl Observer for Ends {
    fn ended(&mut self, job: &Job) {
        // Nobody hears it once the test has failed.
        let _ = self.0.send(job.state);
    }
}

const TOTAL_MAX: u32 = 100;

fn manager() -> (tempfile::TempDir, ExecutionManager, Receiver<JobState>) {
    let folder = tempfile::tempdir().unwrap();
    let (sender, ends) = sync_channel(100_000);
    let queue = QueueOptions { total_max: TOTAL_MAX, ended_max: 50, ..QueueOptions::default() };
    let options = ManagerOptions { queue, observer: Box::new(Ends(sender)), ..ManagerOptions::default() };
    let manager = ExecutionManager::start(folder.path(), options, Box::new(Threads), Arc::new(SystemClock));
    (folder, manager.unwrap(), ends)
}

/// So many clients submit so many jobs each; whoever is refused comes again. How many were refused.
fn load(manager: &ExecutionManager, clients: usize, jobs: usize) -> u64 {
    let refused = AtomicU64::new(0);
    thread::scope(|scope| {
        for client in 0..clients {
            let refused = &refused;
            scope.spawn(move || {
                for job in 0..jobs {
                    let priority = JobPriority::ALL[(client + job) % JobPriority::ALL.len()];
                    let request =
                        || JobRequest { priority, ..JobRequest::new(format!("{client}-{job}"), "") };
                    while let Err(why) = manager.submit(request()) {
                        let is_full = matches!(&why, ServeError::Refused(Refusal::Full { .. }));
                        assert!(is_full, "{why}");
                        refused.fetch_add(1, SeqCst);
                        thread::sleep(Duration::from_millis(1));
                    }
                }
            });
        }
    });
    refused.into_inner()
}

#[test]
fn at_ten_times_the_load_nothing_fails_and_memory_stays_bounded() {
    let (_folder, manager, ends) = manager();
    let me = std::process::id();
    let mut peak = 0;
    for (clients, jobs) in [(2, 100), (20, 100)] {
        let refused = load(&manager, clients, jobs);
        for _ in 0..clients * jobs {
            assert_eq!(ends.recv_timeout(Duration::from_secs(60)).unwrap(), JobState::Completed);
        }
        let bytes = smaps::anonymous(me);
        println!("{clients} clients: {refused} refused, {bytes} bytes");
        assert!(peak == 0 || bytes < peak + (16 << 20), "{peak} bytes, then {bytes}");
        peak = bytes;
        assert!(clients == 2 || refused > 0, "ten times the load is more than the queue takes");
    }
    let status = manager.status().unwrap();
    assert_eq!((status.queue.completed, status.queue.failed, status.queue.retried), (2_200, 0, 0));
    assert!(
        manager.jobs().unwrap().len() <= 50 + TOTAL_MAX as usize,
        "of those that ended few are remembered"
    );
}
