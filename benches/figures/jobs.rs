//! What the queue takes of a job: handing it in from four threads, and all of its way with nothing to do.

use std::{
    fs::File,
    os::unix::fs::FileExt,
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use barhive::{
    engine::jobs::{Job, JobPriority, JobQueue, JobRequest, PerLevel, QueueOptions, Resources},
    machine::clock::SystemClock,
    serve::{BriefRun, ExecutionManager, JobRunner, ManagerOptions, Report, RunEnd, RunningJob},
};

use crate::measure::{Figures, median, pin_to_one_core, timed, unpin};

/// Small jobs that go through the queue.
const JOBS: usize = 100_000;
/// Threads that submit.
const PRODUCERS: usize = 4;
/// What may wait between them and the thread that owns the queue, as in the execution manager.
const WAITING: usize = 1_024;
/// Jobs that each producer submits together where writes are shared.
const TOGETHER: usize = 1_000;
/// Jobs that run at the same time where they take no time: what one write has room for.
const AT_ONCE: usize = 256;

pub fn figures(figures: &mut Figures) {
    if figures.wants(&[
        "submit_ns_4_producers",
        "submit_ns_4_producers_lock",
        "submit_ns_4_producers_lock_free",
        "submit_ns_1_producer_floor",
    ]) {
        submissions(figures);
    }
    if figures.wants(&["job_overhead_us", "job_overhead_us_4_at_once", "job_overhead_fsync_us_floor"]) {
        overhead(figures);
    }
}

/// A queue that takes all of them in.
fn options() -> QueueOptions {
    let most = JOBS as u32;
    QueueOptions {
        jobs_max: PerLevel { critical: most, high: most, normal: most, low: most, bulk: most },
        total_max: most,
        ..QueueOptions::default()
    }
}

fn request(number: usize) -> JobRequest {
    let priority = JobPriority::ALL[number % JobPriority::ALL.len()];
    JobRequest { priority, ..JobRequest::new("small", "nothing") }
}

/// Nanoseconds a job for producers that each submit their part by `submit`, until the queue has all.
fn produced(submit: impl Fn(JobRequest) + Sync) {
    thread::scope(|scope| {
        for producer in 0..PRODUCERS {
            let submit = &submit;
            scope.spawn(move || {
                for number in 0..JOBS / PRODUCERS {
                    submit(request(producer + number));
                }
            });
        }
    });
}

/// Four threads submit: to a thread that owns the queue, as the execution manager has it, over its channel and
/// over one without any lock; and to a queue behind a lock. Nothing is written to disk.
fn submissions(figures: &mut Figures) {
    unpin();
    let mut times = [const { Vec::new() }; 4];
    for _ in 0..7 {
        times[0].push(owned(|| {
            let (sender, receiver) = flume::bounded(WAITING);
            (move |request| sender.send(request).expect("it is owned"), move || receiver.recv().ok())
        }));
        times[1].push(locked());
        times[2].push(owned(|| {
            let (sender, receiver) = mpsc::sync_channel(WAITING);
            (move |request| sender.send(request).expect("it is owned"), move || receiver.recv().ok())
        }));
        let mut queue = JobQueue::new(options());
        let alone = timed(|| (0..JOBS).for_each(|number| take_in(&mut queue, request(number))));
        times[3].push(alone.0.as_nanos() as f64 / JOBS as f64);
    }
    let names = [
        "submit_ns_4_producers",
        "submit_ns_4_producers_lock",
        "submit_ns_4_producers_lock_free",
        "submit_ns_1_producer_floor",
    ];
    for (name, times) in names.iter().zip(times) {
        figures.print(name, median(times), "ns");
    }
    pin_to_one_core();
}

fn take_in(queue: &mut JobQueue, request: JobRequest) {
    queue.submit(request, 0).expect("there is room");
}

/// One thread owns the queue; the others hand in over the channel that `connect` makes.
fn owned<S, R>(connect: impl FnOnce() -> (S, R)) -> f64
where
    S: Fn(JobRequest) + Sync + Send,
    R: Fn() -> Option<JobRequest> + Send,
{
    let (send, receive) = connect();
    let (time, taken) = timed(|| {
        thread::scope(|scope| {
            let owner = scope.spawn(move || {
                let mut queue = JobQueue::new(options());
                while let Some(request) = receive() {
                    take_in(&mut queue, request);
                }
                queue.waiting().count()
            });
            produced(&send);
            drop(send);
            owner.join().expect("it does not panic")
        })
    });
    assert_eq!(taken, JOBS);
    time.as_nanos() as f64 / JOBS as f64
}

fn locked() -> f64 {
    let queue = Mutex::new(JobQueue::new(options()));
    let (time, ()) = timed(|| produced(|request| take_in(&mut queue.lock().expect("no panic"), request)));
    assert_eq!(queue.into_inner().expect("no panic").waiting().count(), JOBS);
    time.as_nanos() as f64 / JOBS as f64
}

/// Has nothing to do.
struct Idle;

impl JobRunner for Idle {
    fn start(&mut self, _: &Job, report: Report) -> Result<Box<dyn RunningJob>, String> {
        report.end(RunEnd::Completed);
        Ok(Box::new(BriefRun))
    }
}

/// From the first submission to the last end, each of them in the journal and on disk.
fn overhead(figures: &mut Figures) {
    unpin();
    let (many, writes) = through(AT_ONCE, JOBS);
    figures.print("job_overhead_us", many, "us");
    // A write serves as many jobs as run: of those that take no time, four.
    figures.print("job_overhead_us_4_at_once", through(4, JOBS / 10).0, "us");
    figures.print("job_overhead_fsync_us_floor", fsync_us(), "us");
    println!("# journal: {writes:.1} MB a run of {JOBS} jobs, {AT_ONCE} at once");
    pin_to_one_core();
}

/// Microseconds a job, and MB of the last segment of the journal.
fn through(running_max: usize, jobs: usize) -> (f64, f64) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the target folder can be written");
    let capacity = Resources::new(u64::MAX, u32::MAX);
    let options = ManagerOptions {
        queue: QueueOptions { capacity: Some(capacity), ..options() },
        running_max,
        ..ManagerOptions::default()
    };
    let manager = ExecutionManager::start(folder.path(), options, Box::new(Idle), Arc::new(SystemClock));
    let manager = manager.expect("it starts");
    let (time, ()) = timed(|| {
        thread::scope(|scope| {
            for producer in 0..PRODUCERS {
                let manager = &manager;
                scope.spawn(move || {
                    let part: Vec<usize> = (producer..jobs).step_by(PRODUCERS).collect();
                    for together in part.chunks(TOGETHER) {
                        let submitted = manager.submit_all(together.iter().map(|number| request(*number)));
                        assert!(submitted.iter().all(Result::is_ok), "{submitted:?}");
                    }
                });
            }
        });
        while manager.status().expect("it works").queue.completed < jobs as u64 {
            thread::sleep(Duration::from_millis(5));
        }
    });
    let files = std::fs::read_dir(folder.path()).expect("it is there");
    let bytes: u64 =
        files.map(|file| file.and_then(|file| file.metadata()).map_or(0, |data| data.len())).sum();
    manager.shut_down().expect("it ends");
    (time.as_secs_f64() * 1e6 / jobs as f64, bytes as f64 / 1e6)
}

/// What the disk takes for a write of a frame, alone.
fn fsync_us() -> f64 {
    let file = tempfile::tempfile_in(env!("CARGO_TARGET_TMPDIR")).expect("the target folder can be written");
    let write = |file: &File, number: u64| {
        file.write_all_at(&[7; 4_096], number * 4_096)
            .and_then(|()| file.sync_data())
            .expect("there is room");
    };
    median((0..101).map(|number| timed(|| write(&file, number)).0.as_secs_f64() * 1e6).collect())
}
