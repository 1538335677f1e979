//! Which job is handed out next, and what time does to those that wait and run.

use super::{
    Change, Job, JobEvent, JobId, JobPriority, JobQueue, JobState, Lease, Resources, Standing,
    request::seconds,
};

/// What is to be run next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next {
    /// The right to run a job, if one fits.
    pub lease: Option<Lease>,
    /// What happened, time's doings first; write it before the job is run.
    pub events: Vec<JobEvent>,
}

impl JobQueue {
    /// Hands out the first job that fits in `free`, after [`tick`](Self::tick).
    pub fn next(&mut self, now_ns: i64, free: Resources) -> Next {
        self.next_from(now_ns, free, JobPriority::Bulk)
    }

    /// [`next`](Self::next) of the jobs of priority `lowest` and above; the others wait, and nobody passes them.
    pub fn next_from(&mut self, now_ns: i64, free: Resources, lowest: JobPriority) -> Next {
        let mut events = self.tick(now_ns);
        let Some((job, passed)) = self.first_that_fits(now_ns, free, self.in_use(), lowest) else {
            return Next { lease: None, events };
        };
        let start = self.jobs[&job].starts + 1;
        events.extend(self.record(job, now_ns, Change::Started { start, passed }));
        Next { lease: Some(Lease { job, start }), events }
    }

    /// Ends what is overdue, takes back what runs too long, and raises what has waited too long.
    ///
    /// Workers must let go of jobs that it takes from them: those in events of other changes than
    /// [`Change::Promoted`].
    pub fn tick(&mut self, now_ns: i64) -> Vec<JobEvent> {
        let now_ns = now_ns.max(self.last_ns);
        let mut events = Vec::new();
        while let Some((_, job)) = self.index.deadlines.first().copied().filter(|(at_ns, _)| *at_ns <= now_ns)
        {
            events.extend(self.end_if_overdue(job, now_ns));
        }
        while let Some((_, job)) = self.index.timeouts.first().copied().filter(|(at_ns, _)| *at_ns <= now_ns)
        {
            events.extend(self.take_back(job, now_ns));
        }
        while let Some((since_ns, job)) = self.index.rising.first().copied().filter(|(at, _)| *at <= now_ns) {
            let Some(standing) = self.jobs[&job].standing.raised() else { break };
            events.extend(self.record(job, now_ns, Change::Promoted { standing, since_ns }));
        }
        events
    }

    /// When [`tick`](Self::tick) has something to do next if nothing else happens; `None` for never.
    pub fn due_ns(&self) -> Option<i64> {
        let index = &self.index;
        let firsts = [index.deadlines.first(), index.timeouts.first(), index.rising.first()];
        firsts.into_iter().flatten().map(|(at_ns, _)| *at_ns).min()
    }

    fn take_back(&mut self, job: JobId, now_ns: i64) -> Vec<JobEvent> {
        let found = &self.jobs[&job];
        let (limit, again) = (found.request.timeout_ns.unwrap_or(0), found.failures < found.request.retries);
        let reason = format!("attempt {} took longer than {}", found.failures + 1, seconds(limit));
        let change = match again {
            true => Change::Retried { after: JobState::Timeout, reason },
            false => Change::TimedOut { reason },
        };
        self.record(job, now_ns, change)
    }

    /// The first job that fits, and those before it that it passes.
    ///
    /// What a job that is kept room for asks for is not free for those behind it; it does not count as passed,
    /// for it is not delayed.
    pub(super) fn first_that_fits(
        &self,
        now_ns: i64,
        mut free: Resources,
        in_use: Resources,
        lowest: JobPriority,
    ) -> Option<(JobId, Vec<JobId>)> {
        let now_ns = now_ns.max(self.last_ns);
        let reachable = free.plus(in_use);
        let mut passed = Vec::new();
        let may_start = self.waiting().filter(|job| job.request.priority >= lowest);
        for job in may_start.take(self.options.look_ahead.max(1)) {
            if free.workers == 0 {
                return None;
            }
            if job.is_overdue(now_ns) {
                continue;
            }
            if job.resources().fits(free) {
                return Some((job.id, passed));
            }
            match self.has_waited_enough(job) {
                true if job.resources().fits(reachable) => free = free.minus(job.resources()),
                true => {}
                false => passed.push(job.id),
            }
        }
        None
    }

    fn has_waited_enough(&self, job: &Job) -> bool {
        job.passed >= self.options.passes_max || job.standing > Standing::from(job.request.priority)
    }
}
