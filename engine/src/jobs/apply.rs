//! Events change the queue, and nothing else does: commands make them, a journal repeats them.

use std::borrow::Borrow;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Change, Job, JobEvent, JobId, JobQueue, QueueOptions, index::Index, totals::Totals};

/// A journal that can not have happened.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("event {event} of the journal can not have happened: {reason}; the events before it are sound")]
pub struct ReplayFault {
    /// Its how manieth event, from 1; 0 is the snapshot.
    pub event: u64,
    /// What was expected and what was found.
    pub reason: String,
}

/// A queue as it stands, without the events that made it: what a journal begins with when it is cut.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueueSnapshot {
    jobs: Vec<Job>,
    totals: Totals,
    submitted: u64,
    last_ns: i64,
}

impl JobQueue {
    /// The queue that these events made. Options are those of today: they limit what is submitted next,
    /// and do not judge what happened.
    ///
    /// Jobs that were running are running still: [`give_back`](Self::give_back) those whose workers are gone.
    ///
    /// # Errors
    /// An event can not have happened after those before it.
    pub fn replay(
        options: QueueOptions,
        events: impl IntoIterator<Item = impl Borrow<JobEvent>>,
    ) -> Result<Self, ReplayFault> {
        Self::new(options).with(events)
    }

    /// The queue that a snapshot holds, and then these events made.
    ///
    /// # Errors
    /// The snapshot does not hold together (event 0), or an event can not have happened.
    pub fn restore(
        options: QueueOptions,
        snapshot: QueueSnapshot,
        events: impl IntoIterator<Item = impl Borrow<JobEvent>>,
    ) -> Result<Self, ReplayFault> {
        let QueueSnapshot { jobs, totals, submitted, last_ns } = snapshot;
        let mut queue = Self { totals, submitted, last_ns, ..Self::new(options) };
        for job in jobs {
            let id = job.id;
            if id.0 == 0 || id.0 > submitted || queue.jobs.insert(id, job).is_some() {
                let reason = format!("expected jobs 1 to {submitted} at most once each, found job {id}");
                return Err(ReplayFault { event: 0, reason });
            }
        }
        queue.reindex();
        queue.with(events)
    }

    /// The queue as it stands.
    pub fn snapshot(&self) -> QueueSnapshot {
        QueueSnapshot {
            jobs: self.jobs.values().cloned().collect(),
            totals: self.totals.clone(),
            submitted: self.submitted,
            last_ns: self.last_ns,
        }
    }

    /// Takes other options. O(n log n).
    pub fn set_options(&mut self, options: QueueOptions) {
        self.options = options;
        self.reindex();
    }

    fn with(mut self, events: impl IntoIterator<Item = impl Borrow<JobEvent>>) -> Result<Self, ReplayFault> {
        for (event, number) in events.into_iter().zip(1..) {
            let event = event.borrow();
            self.possible(event).map_err(|reason| ReplayFault { event: number, reason })?;
            self.apply(event);
        }
        Ok(self)
    }

    fn reindex(&mut self) {
        self.index = Index::default();
        for job in self.jobs.values() {
            self.index.insert(job, &self.options);
        }
        self.forget();
    }

    /// Makes a change; a clock that was set back stands still.
    pub(super) fn record(&mut self, job: JobId, now_ns: i64, change: Change) -> Vec<JobEvent> {
        let event = JobEvent { at_ns: now_ns.max(self.last_ns), job, change };
        debug_assert_eq!(self.possible(&event), Ok(()));
        self.apply(&event);
        vec![event]
    }

    fn possible(&self, event: &JobEvent) -> Result<(), String> {
        let JobEvent { at_ns, job, change } = event;
        if *at_ns < self.last_ns {
            return Err(format!("expected a time from {} on, found {at_ns}", self.last_ns));
        }
        if let Change::Submitted { .. } = change {
            let next = self.submitted + 1;
            return match job.0 == next {
                true => Ok(()),
                false => Err(format!("expected job {next} to be submitted next, found job {job}")),
            };
        }
        let Some(found) = self.jobs.get(job) else { return Err(format!("job {job} is not known")) };
        change.possible(found)
    }

    fn apply(&mut self, event: &JobEvent) {
        let JobEvent { at_ns, job: id, change } = event;
        self.last_ns = *at_ns;
        if let Change::Submitted { request } = change {
            let job = Job::new(*id, request.clone(), *at_ns);
            self.submitted = id.0;
            self.index.insert(&job, &self.options);
            self.totals.count(&job, *at_ns, change);
            self.jobs.insert(*id, job);
            return;
        }
        if let Change::Started { passed, .. } = change {
            for passed in passed {
                if let Some(job) = self.jobs.get_mut(passed) {
                    job.passed += 1;
                }
            }
        }
        if let Some(job) = self.jobs.get_mut(id) {
            self.index.remove(job, &self.options);
            job.apply(*at_ns, change);
            self.index.insert(job, &self.options);
            self.totals.count(job, *at_ns, change);
        }
        self.forget();
    }

    /// Forgets ended jobs, those that ended first, until no more are remembered than may be.
    fn forget(&mut self) {
        while self.index.ended.len() > self.options.ended_max {
            let Some((_, job)) = self.index.ended.pop_first() else { return };
            self.jobs.remove(&job);
        }
    }
}
