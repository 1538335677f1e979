//! The queue as its users hold it.

use std::{
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
};

use barhive_engine::{
    jobs::{ExecutionMode, JobId, JobRequest, QueueOptions, Resources},
    time::Clock,
};
use barhive_machine::{LiveReport, MonitorError, process::ProcessManager};
use thiserror::Error;

use crate::{
    admission::{Admission, FixedCapacity},
    journal::{Journal, JournalError},
    measured::Measured,
    runner::JobRunner,
    runs::Runs,
    scheduler::{Scheduler, Wish, ended, give_back_all},
    usage::JobUsage,
    view::{JobChange, JobView, Observer, ServeError, ServerStatus},
};

/// Wishes that may wait for the thread of the queue.
const WISHES_MAX: usize = 1_024;

/// How jobs are queued and run.
pub struct ManagerOptions {
    /// The queue's limits and paces. Its `capacity` is what running jobs may ask for together.
    pub queue: QueueOptions,
    /// Jobs that run at the same time: 4.
    pub running_max: usize,
    /// Says what may start; by default the whole capacity, or the cores that are allowed.
    pub admission: Option<Box<dyn Admission>>,
    /// Live processes that run beside the jobs, to be shown; whoever made them looks after them.
    pub live: Option<Arc<ProcessManager>>,
    /// Hears what happens.
    pub observer: Box<dyn Observer>,
}

impl Default for ManagerOptions {
    fn default() -> Self {
        Self {
            queue: QueueOptions::default(),
            running_max: 4,
            admission: None,
            live: None,
            observer: Box::new(()),
        }
    }
}

/// Why a manager cannot begin.
#[derive(Debug, Error)]
pub enum StartError {
    /// Its journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The system gives no thread.
    #[error("no thread for the queue: {0}")]
    Thread(#[from] io::Error),
    /// The machine cannot be watched as the settings say.
    #[error(transparent)]
    Monitor(#[from] MonitorError),
}

/// Owns a durable queue and runs its jobs on a thread of its own. What it promises is on disk: after a crash it
/// begins where it was, with the jobs that were running back in their places.
///
/// Usable from any thread; dropped, it shuts down as [`shut_down`](Self::shut_down) does.
///
/// ```
/// use std::{sync::{Arc, mpsc::{SyncSender, sync_channel}}};
///
/// use barhive_engine::{jobs::{Job, JobPriority, JobRequest, JobState}, time::SimClock};
/// use barhive_serve::{BriefRun, ExecutionManager, JobRunner, ManagerOptions, Observer, Report, RunEnd, RunningJob};
///
/// /// Runs jobs by counting to what they say, on threads.
/// struct Counter;
///
/// impl JobRunner for Counter {
///     fn start(&mut self, job: &Job, report: Report) -> Result<Box<dyn RunningJob>, String> {
///         let to: u64 = job.request.payload.parse().map_err(|_| "expected a number".to_owned())?;
///         std::thread::spawn(move || {
///             assert_eq!((0..to).count() as u64, to);
///             report.end(RunEnd::Completed);
///         });
///         Ok(Box::new(BriefRun))
///     }
/// }
///
/// struct Ends(SyncSender<(u64, JobState)>);
///
/// impl Observer for Ends {
///     fn ended(&mut self, job: &Job) {
///         self.0.send((job.id.0, job.state)).unwrap();
///     }
/// }
///
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// let (sender, ends) = sync_channel(8);
/// let options = ManagerOptions { observer: Box::new(Ends(sender)), ..ManagerOptions::default() };
/// let manager = ExecutionManager::start(folder, options, Box::new(Counter), Arc::new(SimClock::at(0)))?;
///
/// let good = manager.submit(JobRequest { priority: JobPriority::High, ..JobRequest::new("good", "1000") })?;
/// let bad = manager.submit(JobRequest::new("bad", "many"))?;
/// let mut ended = [ends.recv()?, ends.recv()?];
/// ended.sort_by_key(|(job, _)| *job);
/// assert_eq!(ended, [(good.0, JobState::Completed), (bad.0, JobState::Failed)]);
/// assert_eq!(manager.job(bad)?.job.reason(), "expected a number");
/// manager.shut_down()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ExecutionManager {
    wishes: flume::Sender<Wish>,
    thread: Mutex<Option<JoinHandle<Result<(), JournalError>>>>,
    measured: Arc<Measured>,
}

impl ExecutionManager {
    /// Opens the journal in `folder`, which exists and is nobody else's, gives back what was running, and
    /// begins to run jobs.
    ///
    /// # Errors
    /// The journal cannot be read or written, or the system gives no thread.
    pub fn start(
        folder: &Path,
        options: ManagerOptions,
        runner: Box<dyn JobRunner>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StartError> {
        let ManagerOptions { queue: options, running_max, admission, live, observer } = options;
        let started_ns = clock.now_ns();
        let (mut journal, mut queue) = Journal::open(folder, &options)?;
        let lost = give_back_all(&mut queue, started_ns, "the server was lost; goes on with what was kept");
        let lost = lost.unwrap_or_default();
        if !lost.is_empty() {
            journal.append(&lost)?;
        }
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
        let capacity = options.capacity.unwrap_or(Resources::new(u64::MAX, cores));
        let (wishes, inbox) = flume::bounded(WISHES_MAX);
        let measured = Arc::new(Measured::new());
        let mut admission = admission.unwrap_or_else(|| Box::new(FixedCapacity(capacity)));
        let ear = wishes.clone();
        // Where there is no room for one more wish, it is about to look.
        admission.on_change(Box::new(move || drop(ear.try_send(Wish::Look))));
        let scheduler = Scheduler {
            ended: ended(&queue),
            queue,
            journal,
            options,
            running_max: running_max.max(1),
            runner,
            admission,
            observer,
            live,
            clock,
            started_ns,
            ear: wishes.clone(),
            ends: Arc::default(),
            runs: Runs::default(),
            to_start: Vec::new(),
            unsaid: Vec::new(),
            journal_fault: None,
            is_ending: false,
            measured: Arc::clone(&measured),
        };
        let thread = std::thread::Builder::new()
            .name("barhive-queue".to_owned())
            .spawn(move || scheduler.run(&inbox))?;
        Ok(Self { wishes, thread: Mutex::new(Some(thread)), measured })
    }

    /// Takes a job in; it is on disk when this returns.
    ///
    /// # Errors
    /// It is refused, with what to do, or cannot be written down.
    pub fn submit(&self, request: JobRequest) -> Result<JobId, ServeError> {
        self.ask(|reply| Wish::Submit(Box::new(request), reply))?
    }

    /// Takes many jobs in; each is on disk, or refused, when this returns. They share writes, which is much
    /// faster than one after the other. Answers stand in the order of the requests.
    pub fn submit_all(
        &self,
        requests: impl IntoIterator<Item = JobRequest>,
    ) -> Vec<Result<JobId, ServeError>> {
        let wish = |request| {
            let (reply, answer) = flume::bounded(1);
            self.wishes.send(Wish::Submit(Box::new(request), reply)).ok().map(|()| answer)
        };
        // All are on their way before the first answer is waited for.
        let answers: Vec<_> = requests.into_iter().map(wish).collect();
        let wait = |answer: Option<flume::Receiver<_>>| answer?.recv().ok();
        answers.into_iter().map(|answer| wait(answer).unwrap_or(Err(ServeError::Gone))).collect()
    }

    /// Holds a job, lets it go on, or calls it off; `reason` stays in its history.
    ///
    /// # Errors
    /// The job is not in a state for it, or the change cannot be written down.
    pub fn change(&self, job: JobId, change: JobChange, reason: &str) -> Result<(), ServeError> {
        self.ask(|reply| Wish::Change(job, change, reason.to_owned(), reply))?
    }

    /// A job and how far it is.
    ///
    /// # Errors
    /// There is no such job, or it is not remembered any more.
    pub fn job(&self, job: JobId) -> Result<JobView, ServeError> {
        let view: JobView = self.ask(|reply| Wish::Job(job, reply))??;
        // Read here: the queue's thread waits for no file.
        let usage = view.place.as_deref().and_then(JobUsage::last);
        Ok(JobView { usage, ..view })
    }

    /// All jobs that are known, in order of submission.
    ///
    /// # Errors
    /// The manager has ended.
    pub fn jobs(&self) -> Result<Vec<JobView>, ServeError> {
        self.ask(Wish::Jobs)
    }

    /// How it is doing.
    ///
    /// # Errors
    /// The manager has ended.
    pub fn status(&self) -> Result<ServerStatus, ServeError> {
        self.ask(Wish::Status)
    }

    /// Shares the machine differently from now on, until it ends.
    ///
    /// # Errors
    /// Nobody watches the machine.
    pub fn set_mode(&self, mode: ExecutionMode) -> Result<(), ServeError> {
        self.ask(|reply| Wish::Mode(mode, reply))?
    }

    /// Hears from live work how far it is behind.
    ///
    /// # Errors
    /// What is wrong with the report; nobody watches the machine.
    pub fn live(&self, report: LiveReport) -> Result<(), ServeError> {
        self.ask(|reply| Wish::Live(report, reply))?
    }

    /// Lets it look at once at what may start: for whoever has changed that.
    pub fn look(&self) {
        // Where there is no room for one more wish, it is about to look.
        drop(self.wishes.try_send(Wish::Look));
    }

    /// Whether it works: it ends by itself when its journal can neither be written nor read.
    pub fn is_working(&self) -> bool {
        self.thread().as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Takes nothing more in, lets running jobs keep what they have and end, gives them back and ends.
    ///
    /// # Errors
    /// The journal had failed for good.
    pub fn shut_down(&self) -> Result<(), JournalError> {
        let Some(thread) = self.thread().take() else { return Ok(()) };
        // A thread that has ended does not hear it, and need not.
        drop(self.wishes.send(Wish::ShutDown));
        thread.join().unwrap_or(Ok(()))
    }

    fn thread(&self) -> std::sync::MutexGuard<'_, Option<JoinHandle<Result<(), JournalError>>>> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same as [`ask`](Self::ask) for whoever may not stand still while the disk is slow.
    pub(crate) async fn ask_later<T>(
        &self,
        wish: impl FnOnce(flume::Sender<T>) -> Wish,
    ) -> Result<T, ServeError> {
        let _timer = self.measured.answer.start();
        let (reply, answer) = flume::bounded(1);
        self.wishes.send_async(wish(reply)).await.map_err(|_| ServeError::Gone)?;
        answer.recv_async().await.map_err(|_| ServeError::Gone)
    }

    fn ask<T>(&self, wish: impl FnOnce(flume::Sender<T>) -> Wish) -> Result<T, ServeError> {
        let _timer = self.measured.answer.start();
        let (reply, answer) = flume::bounded(1);
        self.wishes.send(wish(reply)).map_err(|_| ServeError::Gone)?;
        answer.recv().map_err(|_| ServeError::Gone)
    }
}

impl Drop for ExecutionManager {
    fn drop(&mut self) {
        if let Err(fault) = self.shut_down() {
            tracing::error!("{fault}");
        }
    }
}
