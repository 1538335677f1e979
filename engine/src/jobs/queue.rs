//! The queue: what is done to jobs, and what follows.

use std::collections::BTreeMap;

use super::{
    Change, Job, JobEvent, JobId, JobPriority, JobRequest, JobState, Lease, PausedBy, QueueOptions, Refusal,
    Resources, event::kept, index::Index, request::seconds, totals::Totals,
};

/// A job that was taken into the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// Its number.
    pub job: JobId,
    /// What happened; write it before the job is promised to anybody.
    pub events: Vec<JobEvent>,
}

/// Jobs by priority, deadline and order of submission.
///
/// Pure: the present is a parameter, and every change is answered as events. Write them to a journal
/// before acting on them, and [`replay`](Self::replay) makes the same queue after a crash. A present that
/// lies before the latest event counts as that event's time.
///
/// - **Order.** The highest [`Standing`](super::Standing) first; within it the earliest deadline, jobs
///   without one after those with; then the order of submission.
/// - **Ageing.** A job that has waited longer than its level's limit stands a level higher, in the end
///   before everybody. Its priority stays what it was, and so does its right to make others yield. Pauses
///   do not count as waiting; what yielded or was resumed keeps its standing and waits there anew.
/// - **Resources.** A job starts when all that it asks for is free. One that does not fit is passed by
///   others, `passes_max` times; then, or once it has risen, what it asks for is kept for it, as long as the
///   end of running jobs can provide it. Others still start on what is to spare.
/// - **Time.** A job whose deadline has come ends as TIMEOUT whatever it is doing, unless its worker says
///   before anybody noticed that it is done. An attempt that takes too long is retried as one that failed.
/// - **Pause.** A paused job has no worker; resumed, it is back in its place and waits to be handed out.
///
/// Every command is O(log n) in the number of jobs, for each job that it changes; a search for a job that
/// fits looks at `look_ahead` jobs at most.
///
/// ```
/// use barhive_engine::jobs::{JobPriority, JobQueue, JobRequest, JobState, QueueOptions, Resources};
///
/// let mut journal = Vec::new();
/// let mut queue = JobQueue::new(QueueOptions::default());
///
/// let sweep = JobRequest { priority: JobPriority::Bulk, ..JobRequest::new("sweep", "sweep.yaml") };
/// let check = JobRequest { priority: JobPriority::High, retries: 1, ..JobRequest::new("check", "check.yaml") };
/// let sweep = queue.submit(sweep, 1_000)?;
/// let check = queue.submit(check, 2_000)?;
/// journal.extend(sweep.events);
/// journal.extend(check.events);
///
/// // The more urgent one is handed out first, whoever came first.
/// let one_worker = Resources::new(1 << 30, 1);
/// let next = queue.next(3_000, one_worker);
/// let lease = next.lease.expect("a job that fits");
/// assert_eq!(lease.job, check.job);
/// journal.extend(next.events);
///
/// // It fails, waits for its retry, and its first worker has no say any more.
/// journal.extend(queue.fail(lease, 4_000, "the feed was cut off")?);
/// assert_eq!(queue.job(check.job).unwrap().state, JobState::Queued);
/// let refusal = queue.complete(lease, 5_000).unwrap_err();
/// assert_eq!(refusal.to_string(), "start 1 of job 2 is over, the job is queued at start 1: drop the work");
///
/// // After a crash the journal makes the same queue.
/// assert_eq!(JobQueue::replay(QueueOptions::default(), &journal)?, queue);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct JobQueue {
    pub(super) options: QueueOptions,
    pub(super) jobs: BTreeMap<JobId, Job>,
    pub(super) index: Index,
    pub(super) totals: Totals,
    pub(super) submitted: u64,
    pub(super) last_ns: i64,
}

impl JobQueue {
    /// An empty queue.
    pub fn new(options: QueueOptions) -> Self {
        Self {
            options,
            jobs: BTreeMap::new(),
            index: Index::default(),
            totals: Totals::default(),
            submitted: 0,
            last_ns: i64::MIN,
        }
    }

    /// Takes a job in. One whose deadline has passed ends at once as TIMEOUT.
    ///
    /// # Errors
    /// The request makes no sense, or as many jobs as there may be have not ended.
    pub fn submit(&mut self, request: JobRequest, now_ns: i64) -> Result<Submitted, Refusal> {
        let faults = request.faults(self.options.capacity);
        if !faults.is_empty() {
            return Err(Refusal::Invalid { faults });
        }
        let (priority, limit) = (request.priority, self.options.jobs_max.of(request.priority));
        if self.index.open(priority) >= limit {
            return Err(Refusal::LevelFull { priority, limit });
        }
        if self.index.open_total() >= self.options.total_max {
            return Err(Refusal::Full { limit: self.options.total_max });
        }
        let job = JobId(self.submitted + 1);
        let mut events = self.record(job, now_ns, Change::Submitted { request });
        events.extend(self.end_if_overdue(job, now_ns));
        Ok(Submitted { job, events })
    }

    /// The worker has finished the job.
    ///
    /// # Errors
    /// Its right to run it is not in force any more: the work is to be dropped.
    pub fn complete(&mut self, lease: Lease, now_ns: i64) -> Result<Vec<JobEvent>, Refusal> {
        self.leased(lease)?;
        Ok(self.record(lease.job, now_ns, Change::Completed))
    }

    /// The worker's attempt failed: the job waits for a retry, or has none left and ends as FAILED.
    ///
    /// # Errors
    /// Its right to run it is not in force any more.
    pub fn fail(&mut self, lease: Lease, now_ns: i64, reason: &str) -> Result<Vec<JobEvent>, Refusal> {
        let job = self.leased(lease)?;
        let (reason, again) = (kept(reason), job.failures < job.request.retries);
        let change = match again {
            true => Change::Retried { after: JobState::Failed, reason },
            false => Change::Failed { reason },
        };
        Ok(self.record(lease.job, now_ns, change))
    }

    /// The job goes back to its place unfinished and without fault: it yielded, or its worker was lost.
    /// No retry is used up, and the time of its attempt runs on when it is started again.
    ///
    /// # Errors
    /// The worker's right to run it is not in force any more.
    pub fn give_back(&mut self, lease: Lease, now_ns: i64, reason: &str) -> Result<Vec<JobEvent>, Refusal> {
        self.leased(lease)?;
        Ok(self.record(lease.job, now_ns, Change::GivenBack { reason: kept(reason) }))
    }

    /// Holds a queued or running job back. One that is paused for the load can be paused by its owner, and
    /// then stays so when the load has fallen.
    ///
    /// # Errors
    /// There is no such job, it has ended, or it is held back already.
    pub fn pause(
        &mut self,
        job: JobId,
        by: PausedBy,
        now_ns: i64,
        reason: &str,
    ) -> Result<Vec<JobEvent>, Refusal> {
        match self.open_job(job, "paused")?.paused_by {
            Some(PausedBy::Load) if by == PausedBy::Owner => {}
            Some(by) => return Err(Refusal::AlreadyPaused { job, by }),
            None => {}
        }
        Ok(self.record(job, now_ns, Change::Paused { by, reason: kept(reason) }))
    }

    /// Puts a paused job back in its place.
    ///
    /// # Errors
    /// There is no such job, it is not paused, or somebody else paused it.
    pub fn resume(
        &mut self,
        job: JobId,
        by: PausedBy,
        now_ns: i64,
        reason: &str,
    ) -> Result<Vec<JobEvent>, Refusal> {
        let found = self.open_job(job, "resumed")?;
        match found.paused_by {
            None => return Err(Refusal::NotPaused { job, state: found.state }),
            Some(holder) if holder != by => return Err(Refusal::HeldByOther { job, by: holder }),
            Some(_) => {}
        }
        Ok(self.record(job, now_ns, Change::Resumed { reason: kept(reason) }))
    }

    /// Calls a job off, whatever it is doing.
    ///
    /// # Errors
    /// There is no such job, or it has ended.
    pub fn cancel(&mut self, job: JobId, now_ns: i64, reason: &str) -> Result<Vec<JobEvent>, Refusal> {
        self.open_job(job, "cancelled")?;
        Ok(self.record(job, now_ns, Change::Cancelled { reason: kept(reason) }))
    }

    /// A job, if it has not ended or is still remembered.
    pub fn job(&self, job: JobId) -> Option<&Job> {
        self.jobs.get(&job)
    }

    /// All jobs that are known, in order of submission.
    pub fn jobs(&self) -> impl Iterator<Item = &Job> {
        self.jobs.values()
    }

    /// Waiting jobs in the order in which they are handed out.
    pub fn waiting(&self) -> impl ExactSizeIterator<Item = &Job> {
        self.index.waiting.iter().map(|place| &self.jobs[&place.job])
    }

    /// Running jobs in the order in which they yield.
    pub fn running(&self) -> impl ExactSizeIterator<Item = &Job> {
        self.index.running.iter().map(|(.., job)| &self.jobs[&job.0])
    }

    /// What running jobs asked for.
    pub fn in_use(&self) -> Resources {
        self.index.in_use()
    }

    /// Jobs of a priority that have not ended: what `jobs_max` limits.
    pub fn open(&self, priority: JobPriority) -> u32 {
        self.index.open(priority)
    }

    /// The options in force.
    pub fn options(&self) -> &QueueOptions {
        &self.options
    }

    fn open_job(&self, job: JobId, action: &'static str) -> Result<&Job, Refusal> {
        let ended_max = self.options.ended_max;
        let found = self.jobs.get(&job).ok_or(Refusal::Unknown { job, ended_max })?;
        match found.state.is_ended() {
            true => Err(Refusal::Ended { job, state: found.state, action }),
            false => Ok(found),
        }
    }

    fn leased(&self, lease: Lease) -> Result<&Job, Refusal> {
        let Lease { job, start } = lease;
        let ended_max = self.options.ended_max;
        let found = self.jobs.get(&job).ok_or(Refusal::Unknown { job, ended_max })?;
        match found.lease() == Some(lease) {
            true => Ok(found),
            false => Err(Refusal::Stale { job, start, state: found.state, starts: found.starts }),
        }
    }

    pub(super) fn end_if_overdue(&mut self, job: JobId, now_ns: i64) -> Vec<JobEvent> {
        let now_ns = now_ns.max(self.last_ns);
        let Some(found) = self.jobs.get(&job).filter(|found| found.is_overdue(now_ns)) else {
            return Vec::new();
        };
        let late_ns = found.request.deadline_ns.map_or(0, |deadline_ns| now_ns.saturating_sub(deadline_ns));
        let reason = format!("{} when its deadline passed, {} ago", found.state, seconds(late_ns));
        self.record(job, now_ns, Change::TimedOut { reason })
    }
}
