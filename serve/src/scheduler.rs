//! The thread that owns queue, journal and runs: decides, writes, and only then tells and acts.

use std::{
    collections::BTreeSet,
    mem::take,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use barhive_engine::{
    jobs::{
        Change, ExecutionMode, Job, JobEvent, JobId, JobQueue, JobRequest, Lease, QueueOptions, Refusal,
        Submitted,
    },
    time::Clock,
};
use barhive_machine::{LiveReport, process::ProcessManager};

use crate::{
    admission::Admission,
    journal::{Journal, JournalError},
    measured::Measured,
    runner::{JobProgress, JobRunner, RunEnd},
    runs::{Doing, Runs},
    view::{JobChange, JobView, Observer, ServeError, ServerStatus},
};

/// What somebody wants.
pub(crate) enum Wish {
    Submit(Box<JobRequest>, flume::Sender<Result<JobId, ServeError>>),
    Change(JobId, JobChange, String, flume::Sender<Result<(), ServeError>>),
    Job(JobId, flume::Sender<Result<JobView, ServeError>>),
    Jobs(flume::Sender<Vec<JobView>>),
    Status(flume::Sender<ServerStatus>),
    Mode(ExecutionMode, flume::Sender<Result<(), ServeError>>),
    Live(LiveReport, flume::Sender<Result<(), ServeError>>),
    /// A run says how far it is.
    Progress(JobId, u64, JobProgress),
    /// What may start has changed.
    Look,
    ShutDown,
}

/// Wishes that are met together, with one write.
pub(crate) const BATCH_MAX: usize = 256;
/// How long nobody looks at what may start while a job waits.
const LOOK: Duration = Duration::from_secs(1);
/// Until what could not be written is tried again.
const RETRY: Duration = Duration::from_millis(250);
/// Longest sleep: a clock that is set forward is noticed within.
const SLEEP_MAX: Duration = Duration::from_secs(60);

/// The end of a run: of which job, which of all runs, and how.
pub(crate) type End = (JobId, u64, RunEnd);

/// An answer that waits until what it promises is on disk.
type Promise = Box<dyn FnOnce(Result<(), ServeError>) + Send>;

pub(crate) struct Scheduler {
    pub(crate) queue: JobQueue,
    pub(crate) journal: Journal,
    pub(crate) options: QueueOptions,
    pub(crate) running_max: usize,
    pub(crate) runner: Box<dyn JobRunner>,
    pub(crate) admission: Box<dyn Admission>,
    pub(crate) observer: Box<dyn Observer>,
    /// Live processes beside the jobs.
    pub(crate) live: Option<Arc<ProcessManager>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) started_ns: i64,
    /// Where runs say how they are doing, and where they leave their ends: who ends is never kept waiting.
    pub(crate) ear: flume::Sender<Wish>,
    pub(crate) ends: Arc<Mutex<Vec<End>>>,
    pub(crate) runs: Runs,
    /// Jobs that have ended and are remembered, the first that ended first.
    pub(crate) ended: BTreeSet<(i64, JobId)>,
    /// Rights whose runs wait for an earlier run to end.
    pub(crate) to_start: Vec<Lease>,
    /// Ends of runs that are not in the journal yet.
    pub(crate) unsaid: Vec<End>,
    pub(crate) journal_fault: Option<String>,
    pub(crate) is_ending: bool,
    pub(crate) measured: Arc<Measured>,
}

impl Scheduler {
    /// Works until it is told to end and all runs have.
    ///
    /// # Errors
    /// The journal can neither be written nor read any more.
    pub(crate) fn run(mut self, inbox: &flume::Receiver<Wish>) -> Result<(), JournalError> {
        let outcome = self.work(inbox);
        self.runs.kill_all();
        outcome
    }

    fn work(&mut self, inbox: &flume::Receiver<Wish>) -> Result<(), JournalError> {
        let mut wishes = Vec::new();
        loop {
            self.round(wishes)?;
            if self.is_ending && self.runs.is_empty() && self.unsaid.is_empty() {
                return Ok(());
            }
            wishes = match inbox.recv_timeout(self.sleep()) {
                Ok(wish) => std::iter::once(wish).chain(inbox.try_iter().take(BATCH_MAX - 1)).collect(),
                Err(flume::RecvTimeoutError::Timeout) => Vec::new(),
                // It keeps a sender itself.
                Err(flume::RecvTimeoutError::Disconnected) => return Ok(()),
            };
        }
    }

    /// How long nothing need be done if nothing happens.
    fn sleep(&self) -> Duration {
        if !self.unsaid.is_empty() || self.journal_fault.is_some() {
            return RETRY;
        }
        let waits = self.queue.waiting().next().is_some();
        let until_due = self.queue.due_ns().map(|due_ns| due_ns.saturating_sub(self.clock.now_ns()).max(0));
        let due = until_due.map_or(SLEEP_MAX, |ns| Duration::from_nanos(ns.unsigned_abs()));
        due.min(if waits { LOOK } else { SLEEP_MAX })
    }

    /// Meets wishes, does what time does, hands out; all of it is one frame of the journal.
    fn round(&mut self, wishes: Vec<Wish>) -> Result<(), JournalError> {
        let measured = Arc::clone(&self.measured);
        let _timer = measured.round.start();
        if !wishes.is_empty() {
            measured.wishes.record(wishes.len() as u64);
        }
        let now_ns = self.clock.now_ns();
        if self.journal.wants_segment() {
            match self.journal.begin(&self.queue.snapshot()) {
                Ok(()) => self.journal_fault = None,
                Err(fault) => self.note_fault(&fault),
            }
        }
        let (mut events, mut promises) = (Vec::new(), Vec::new());
        for wish in wishes {
            self.meet(wish, now_ns, &mut events, &mut promises);
        }
        self.unsaid.append(&mut self.ends.lock().unwrap_or_else(PoisonError::into_inner));
        for (job, number, end) in &self.unsaid {
            let Some(Doing::Work(lease) | Doing::Ending(Some(lease))) =
                self.runs.get(*job).filter(|run| run.number == *number).map(|run| run.doing)
            else {
                continue;
            };
            let said = match end {
                RunEnd::Completed => self.queue.complete(lease, now_ns),
                RunEnd::Failed(reason) => self.queue.fail(lease, now_ns, reason),
                RunEnd::Stopped(reason) => self.queue.give_back(lease, now_ns, reason),
            };
            // A right that is not in force any more is nobody's to end.
            events.extend(said.unwrap_or_default());
        }
        match self.is_ending {
            true => events.extend(self.queue.tick(now_ns)),
            false => {
                self.stand_back(now_ns, &mut events);
                self.hand_out(now_ns, &mut events);
            }
        }
        if let Err(fault) = self.write(&events) {
            self.note_fault(&fault);
            self.queue = self.journal.restore(&self.options)?;
            self.ended = ended(&self.queue);
            let refused = ServeError::NotKept(fault.to_string());
            promises.into_iter().for_each(|(promise, _)| promise(Err(refused.clone())));
            if self.is_ending {
                // Nobody waits for a disk then: whoever starts next gives back what seems to run.
                self.bury();
            }
            return Ok(());
        }
        self.bury();
        for event in &events {
            self.carry_out(event);
        }
        self.forget();
        if self.admission.memory_is_short() {
            self.runs.let_go();
        }
        self.start_what_waits();
        promises.into_iter().for_each(|(promise, met)| promise(met));
        Ok(())
    }

    /// Lets go of runs whose ends were said.
    fn bury(&mut self) {
        for (job, number, _) in take(&mut self.unsaid) {
            let watched = self.runs.remove(job, number).and_then(|run| run.watched);
            if let Some(watched) = watched {
                self.admission.forget(&watched);
            }
        }
    }

    /// Lets the runner forget what the queue has forgotten.
    fn forget(&mut self) {
        while self.ended.len() > self.options.ended_max
            && let Some((_, job)) = self.ended.pop_first()
        {
            self.runner.forget(job);
        }
    }

    fn write(&mut self, events: &[JobEvent]) -> Result<(), JournalError> {
        if events.is_empty() {
            return Ok(());
        }
        let timer = self.measured.write.start();
        let written = self.journal.append(events);
        if written.is_err() {
            timer.forget();
        }
        written
    }

    fn note_fault(&mut self, fault: &JournalError) {
        let fault = fault.to_string();
        if self.journal_fault.as_ref() != Some(&fault) {
            tracing::error!("{fault}");
        }
        self.journal_fault = Some(fault);
    }

    fn meet(
        &mut self,
        wish: Wish,
        now_ns: i64,
        events: &mut Vec<JobEvent>,
        promises: &mut Vec<(Promise, Result<(), ServeError>)>,
    ) {
        // Whoever does not wait for an answer any more does not get it.
        match wish {
            Wish::Submit(..) | Wish::Change(..) if self.is_ending => refuse(wish, ServeError::Ending),
            Wish::Submit(request, reply) => match self.submit(*request, now_ns) {
                Ok(submitted) => {
                    events.extend(submitted.events);
                    let promise = move |kept: Result<(), ServeError>| {
                        drop(reply.try_send(kept.map(|()| submitted.job)))
                    };
                    promises.push((Box::new(promise), Ok(())));
                }
                Err(refusal) => drop(reply.try_send(Err(refusal))),
            },
            Wish::Change(job, change, reason, reply) => {
                let changed = match change {
                    JobChange::Pause(by) => self.queue.pause(job, by, now_ns, &reason),
                    JobChange::Resume(by) => self.queue.resume(job, by, now_ns, &reason),
                    JobChange::Cancel => self.queue.cancel(job, now_ns, &reason),
                };
                let met = changed.map(|changed| events.extend(changed)).map_err(ServeError::from);
                promises.push((Box::new(move |met| drop(reply.try_send(met))), met));
            }
            Wish::Job(job, reply) => {
                let found = self.queue.job(job).map(|job| self.view(job));
                drop(reply.try_send(found.ok_or(ServeError::Unknown(job))));
            }
            Wish::Jobs(reply) => drop(reply.try_send(self.queue.jobs().map(|job| self.view(job)).collect())),
            Wish::Mode(mode, reply) => {
                let set = self.admission.set_mode(mode);
                drop(reply.try_send(set.map_err(ServeError::NotHeeded)));
            }
            Wish::Live(report, reply) => {
                let heard = self.admission.live(&report);
                drop(reply.try_send(heard.map_err(ServeError::NotHeeded)));
            }
            Wish::Status(reply) => drop(reply.try_send(self.status(now_ns))),
            Wish::Progress(job, number, progress) => {
                let Some(run) = self.runs.numbered(job, number) else { return };
                if let Some(job) = self.queue.job(job) {
                    self.observer.progress(job, &progress);
                }
                run.progress = Some(progress);
            }
            Wish::Look => {}
            Wish::ShutDown => {
                self.is_ending = true;
                self.runs.stop_all();
            }
        }
    }

    /// Takes a job in, unless the machine or the queue bears no more.
    fn submit(&mut self, request: JobRequest, now_ns: i64) -> Result<Submitted, ServeError> {
        let faults = self.runner.faults(&request);
        if !faults.is_empty() {
            return Err(Refusal::Invalid { faults }.into());
        }
        self.admission.submission().map_err(ServeError::Overloaded)?;
        Ok(self.queue.submit(request, now_ns)?)
    }

    fn view(&self, job: &Job) -> JobView {
        let progress = self.runs.get(job.id).and_then(|run| run.progress.clone());
        JobView { job: job.clone(), progress, place: self.runner.place(job), usage: None }
    }

    fn status(&self, now_ns: i64) -> ServerStatus {
        ServerStatus {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            started_ns: self.started_ns,
            now_ns,
            queue: self.queue.statistics(now_ns),
            capacity: self.options.capacity,
            in_use: self.queue.in_use(),
            running_max: self.running_max,
            held: self.runs.held(),
            journal_fault: self.journal_fault.clone(),
            is_ending: self.is_ending,
            machine: self.admission.status(),
            live: self.live.as_ref().map(|live| live.processes()).unwrap_or_default(),
            counters: self.measured.summaries(),
        }
    }

    /// Does what a change, which is on disk, asks of runs.
    fn carry_out(&mut self, event: &JobEvent) {
        let job = event.job;
        match &event.change {
            Change::Started { start, .. } => self.to_start.push(Lease { job, start: *start }),
            Change::GivenBack { .. } | Change::Paused { .. } => self.runs.hold(job),
            Change::TimedOut { .. } | Change::Cancelled { .. } | Change::Retried { .. } => {
                self.runs.dismiss(job)
            }
            Change::Submitted { .. }
            | Change::Promoted { .. }
            | Change::Completed
            | Change::Failed { .. }
            | Change::Resumed { .. } => {}
        }
        let Some(found) = self.queue.job(job) else {
            // It has ended, and so many others with it that it is not remembered.
            self.runner.forget(job);
            return;
        };
        if found.state.is_ended() {
            self.ended.insert((found.state_since_ns, job));
        }
        self.observer.changed(found);
        match &event.change {
            Change::Submitted { .. } => self.observer.submitted(found),
            Change::Started { .. } => self.observer.started(found),
            Change::Completed
            | Change::Failed { .. }
            | Change::TimedOut { .. }
            | Change::Cancelled { .. } => {
                self.observer.ended(found);
            }
            _ => {}
        }
    }
}

fn refuse(wish: Wish, why: ServeError) {
    match wish {
        Wish::Submit(_, reply) => drop(reply.try_send(Err(why))),
        Wish::Change(_, _, _, reply) => drop(reply.try_send(Err(why))),
        _ => {}
    }
}

/// Jobs that have ended and are remembered.
pub(crate) fn ended(queue: &JobQueue) -> BTreeSet<(i64, JobId)> {
    queue.jobs().filter(|job| job.state.is_ended()).map(|job| (job.state_since_ns, job.id)).collect()
}

/// Gives back what a server that is gone had running.
pub(crate) fn give_back_all(
    queue: &mut JobQueue,
    now_ns: i64,
    reason: &str,
) -> Result<Vec<JobEvent>, Refusal> {
    let leases: Vec<Lease> = queue.running().filter_map(Job::lease).collect();
    let mut events = Vec::new();
    for lease in leases {
        events.extend(queue.give_back(lease, now_ns, reason)?);
    }
    Ok(events)
}
