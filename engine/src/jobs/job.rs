//! A job and what has happened to it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{Change, JobRequest, JobState, PausedBy, Resources, Standing};

/// Most transitions that are remembered per job: the first, and the latest others.
pub const HISTORY_MAX: usize = 64;

/// A job's number: 1, 2, 3 in order of submission.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(transparent)]
pub struct JobId(pub u64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for JobId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.parse().ok().filter(|number| *number > 0);
        number.map(Self).ok_or_else(|| format!("expected a job's number such as 7, found `{text}`"))
    }
}

/// The right to run a job. Each start has another, so that a worker that was given up cannot end what a
/// later one runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Lease {
    /// Which job.
    pub job: JobId,
    /// Its how manieth start, from 1.
    pub start: u32,
}

/// A step in a job's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Transition {
    /// When, UTC nanoseconds.
    pub at_ns: i64,
    /// What the job has been doing since.
    pub state: JobState,
    /// Why.
    pub reason: String,
}

/// A job that was submitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Job {
    /// Its number.
    pub id: JobId,
    /// What was asked for; its priority stays what it was, however long it waits.
    pub request: JobRequest,
    /// What it is doing.
    pub state: JobState,
    /// Since when, UTC nanoseconds.
    pub state_since_ns: i64,
    /// Where it stands in the queue, or will when it is back there. It is kept until the job ends.
    pub standing: Standing,
    /// Since when it has been waiting there, UTC nanoseconds; of meaning while it is queued.
    pub standing_since_ns: i64,
    /// Who paused it, while it is paused.
    pub paused_by: Option<PausedBy>,
    /// When it was submitted, UTC nanoseconds.
    pub submitted_ns: i64,
    /// How often it was handed out.
    pub starts: u32,
    /// How many attempts failed or took too long; what was given back or paused did neither.
    pub failures: u32,
    /// How often a job behind it was handed out since it was last handed out itself.
    pub passed: u32,
    /// How long it has waited, up to its last transition, in nanoseconds.
    pub queued_ns: i64,
    /// How long it has run, up to its last transition and over all attempts, in nanoseconds.
    pub running_ns: i64,
    /// How long its present attempt has run, up to its last transition, in nanoseconds.
    pub attempt_ns: i64,
    /// What happened, in order.
    pub history: Vec<Transition>,
    /// How many transitions between the first and the second of the history are not remembered.
    pub forgotten: u64,
}

impl Job {
    pub(super) fn new(id: JobId, request: JobRequest, at_ns: i64) -> Self {
        let reason = format!("submitted at priority {}", request.priority);
        Self {
            id,
            state: JobState::Queued,
            state_since_ns: at_ns,
            standing: request.priority.into(),
            standing_since_ns: at_ns,
            paused_by: None,
            submitted_ns: at_ns,
            starts: 0,
            failures: 0,
            passed: 0,
            queued_ns: 0,
            running_ns: 0,
            attempt_ns: 0,
            history: vec![Transition { at_ns, state: JobState::Queued, reason }],
            forgotten: 0,
            request,
        }
    }

    /// The right to run it that is in force, if a worker has it.
    pub fn lease(&self) -> Option<Lease> {
        (self.state == JobState::Running).then_some(Lease { job: self.id, start: self.starts })
    }

    /// What it asks of the machine.
    pub fn resources(&self) -> Resources {
        self.request.resources
    }

    /// Why it is in the state that it is in.
    pub fn reason(&self) -> &str {
        self.history.last().map_or("", |last| &last.reason)
    }

    /// Whether its deadline has passed at `now_ns`.
    pub fn is_overdue(&self, now_ns: i64) -> bool {
        !self.state.is_ended() && self.request.deadline_ns.is_some_and(|deadline_ns| deadline_ns <= now_ns)
    }

    /// When its present attempt will have taken too long, while it runs.
    pub(super) fn times_out_ns(&self) -> Option<i64> {
        let left_ns = self.request.timeout_ns?.saturating_sub(self.attempt_ns);
        (self.state == JobState::Running).then(|| self.state_since_ns.saturating_add(left_ns))
    }

    /// Makes a change that is known to be possible.
    pub(super) fn apply(&mut self, at_ns: i64, change: &Change) {
        match change {
            Change::Submitted { .. } => {}
            Change::Started { start, .. } => {
                (self.starts, self.passed) = (*start, 0);
                self.enter(at_ns, JobState::Running, &format!("start {start}"));
            }
            Change::Promoted { standing, since_ns } => {
                let reason = format!("waited too long at {}; stands at {standing}", self.standing);
                (self.standing, self.standing_since_ns) = (*standing, *since_ns);
                self.note(at_ns, &reason);
            }
            Change::Completed => self.enter(at_ns, JobState::Completed, "completed"),
            Change::Failed { reason } => self.fail(at_ns, JobState::Failed, reason),
            Change::TimedOut { reason } => self.fail(at_ns, JobState::Timeout, reason),
            Change::Cancelled { reason } => self.enter(at_ns, JobState::Cancelled, reason),
            Change::Retried { after, reason } => {
                self.fail(at_ns, *after, reason);
                self.attempt_ns = 0;
                let (retry, of) = (self.failures, self.request.retries);
                self.enter(at_ns, JobState::Queued, &format!("retry {retry} of {of}"));
            }
            Change::GivenBack { reason } => self.enter(at_ns, JobState::Queued, reason),
            Change::Paused { by, reason } => {
                self.enter(at_ns, JobState::Paused, reason);
                self.paused_by = Some(*by);
            }
            Change::Resumed { reason } => self.enter(at_ns, JobState::Queued, reason),
        }
    }

    /// An attempt went wrong; what never ran did not attempt anything.
    fn fail(&mut self, at_ns: i64, state: JobState, reason: &str) {
        self.failures += u32::from(self.state == JobState::Running);
        self.enter(at_ns, state, reason);
    }

    fn enter(&mut self, at_ns: i64, state: JobState, reason: &str) {
        let spent_ns = at_ns.saturating_sub(self.state_since_ns);
        match self.state {
            JobState::Queued => self.queued_ns = self.queued_ns.saturating_add(spent_ns),
            JobState::Running => {
                self.running_ns = self.running_ns.saturating_add(spent_ns);
                self.attempt_ns = self.attempt_ns.saturating_add(spent_ns);
            }
            _ => {}
        }
        (self.state, self.state_since_ns, self.paused_by) = (state, at_ns, None);
        if state == JobState::Queued {
            self.standing_since_ns = at_ns;
        }
        self.note(at_ns, reason);
    }

    fn note(&mut self, at_ns: i64, reason: &str) {
        if self.history.len() >= HISTORY_MAX {
            self.history.remove(1);
            self.forgotten += 1;
        }
        self.history.push(Transition { at_ns, state: self.state, reason: reason.to_owned() });
    }
}
