//! The rules of the queue over a plain list that is scanned from its start, for comparison.

use std::cmp::Reverse;

use super::*;

#[derive(Clone, Debug)]
pub(super) struct ModelJob {
    pub(super) id: JobId,
    pub(super) request: JobRequest,
    pub(super) state: JobState,
    /// 0 bulk to 4 critical, 5 before everybody.
    pub(super) rank: usize,
    ranked_ns: i64,
    entered_ns: i64,
    pub(super) by: Option<PausedBy>,
    pub(super) starts: u32,
    pub(super) failures: u32,
    pub(super) passed: u32,
    pub(super) queued_ns: i64,
    pub(super) running_ns: i64,
    attempt_ns: i64,
    first_wait_ns: Option<i64>,
}

pub(super) struct Model {
    pub(super) options: QueueOptions,
    pub(super) jobs: Vec<ModelJob>,
    pub(super) retried: u64,
    last_ns: i64,
}

impl Model {
    pub(super) fn new(options: QueueOptions) -> Self {
        Self { options, jobs: Vec::new(), retried: 0, last_ns: i64::MIN }
    }

    fn enter(&mut self, index: usize, now_ns: i64, state: JobState) {
        self.last_ns = self.last_ns.max(now_ns);
        let (now_ns, job) = (self.last_ns, &mut self.jobs[index]);
        let spent_ns = now_ns - job.entered_ns;
        if job.state == JobState::Queued {
            job.queued_ns += spent_ns;
        }
        if job.state == JobState::Running {
            job.running_ns += spent_ns;
            job.attempt_ns += spent_ns;
        }
        if state == JobState::Running {
            job.starts += 1;
            job.passed = 0;
            job.first_wait_ns.get_or_insert(job.queued_ns);
        }
        if state == JobState::Queued {
            job.ranked_ns = now_ns;
        }
        (job.state, job.entered_ns, job.by) = (state, now_ns, None);
    }

    pub(super) fn submit(&mut self, request: JobRequest, now_ns: i64) -> bool {
        let open = self.jobs.iter().filter(|job| !job.state.is_ended());
        let same = open.clone().filter(|job| job.request.priority == request.priority).count();
        let full = open.count() >= self.options.total_max as usize;
        if full || same >= self.options.jobs_max.of(request.priority) as usize {
            return false;
        }
        self.last_ns = self.last_ns.max(now_ns);
        let now_ns = self.last_ns;
        self.jobs.push(ModelJob {
            id: JobId(self.jobs.len() as u64 + 1),
            state: JobState::Queued,
            rank: request.priority as usize,
            ranked_ns: now_ns,
            entered_ns: now_ns,
            by: None,
            starts: 0,
            failures: 0,
            passed: 0,
            queued_ns: 0,
            running_ns: 0,
            attempt_ns: 0,
            first_wait_ns: None,
            request,
        });
        let index = self.jobs.len() - 1;
        if self.jobs[index].request.deadline_ns.is_some_and(|at_ns| at_ns <= now_ns) {
            self.enter(index, now_ns, JobState::Timeout);
        }
        true
    }

    pub(super) fn tick(&mut self, now_ns: i64) {
        let now_ns = now_ns.max(self.last_ns);
        for index in 0..self.jobs.len() {
            let job = &self.jobs[index];
            if !job.state.is_ended() && job.request.deadline_ns.is_some_and(|at_ns| at_ns <= now_ns) {
                self.jobs[index].failures += u32::from(job.state == JobState::Running);
                self.enter(index, now_ns, JobState::Timeout);
            }
        }
        for index in 0..self.jobs.len() {
            let job = &self.jobs[index];
            let ran_ns = job.attempt_ns + now_ns - job.entered_ns;
            if job.state == JobState::Running && job.request.timeout_ns.is_some_and(|most| ran_ns >= most) {
                self.attempt_failed(index, now_ns, JobState::Timeout);
            }
        }
        for job in self.jobs.iter_mut().filter(|job| job.state == JobState::Queued) {
            while job.rank < 5 {
                let limit_ns = self.options.ageing_ns.of(JobPriority::ALL[job.rank]);
                if now_ns - job.ranked_ns < limit_ns {
                    break;
                }
                job.rank += 1;
                job.ranked_ns += limit_ns;
                self.last_ns = now_ns;
            }
        }
    }

    fn attempt_failed(&mut self, index: usize, now_ns: i64, ended: JobState) {
        let job = &mut self.jobs[index];
        job.failures += 1;
        if job.failures > job.request.retries {
            return self.enter(index, now_ns, ended);
        }
        self.retried += 1;
        self.enter(index, now_ns, JobState::Queued);
        self.jobs[index].attempt_ns = 0;
    }

    pub(super) fn next(&mut self, now_ns: i64, free: Resources) -> Option<Lease> {
        self.tick(now_ns);
        let running = self.jobs.iter().filter(|job| job.state == JobState::Running);
        let (mut memory, mut workers) = (free.memory_bytes, free.workers);
        for job in running {
            memory += job.request.resources.memory_bytes;
            workers += job.request.resources.workers;
        }
        let mut order: Vec<_> =
            (0..self.jobs.len()).filter(|i| self.jobs[*i].state == JobState::Queued).collect();
        order.sort_by_key(|index| {
            let job = &self.jobs[*index];
            let deadline_ns = if job.rank == 5 { None } else { job.request.deadline_ns };
            (Reverse(job.rank), deadline_ns.is_none(), deadline_ns, job.id)
        });
        order.truncate(self.options.look_ahead);
        let (mut free_memory, mut free_workers) = (free.memory_bytes, free.workers);
        let mut passed = Vec::new();
        for index in order {
            let job = &self.jobs[index];
            let asked = job.request.resources;
            if asked.memory_bytes <= free_memory && asked.workers <= free_workers {
                for other in passed {
                    let other: &mut ModelJob = &mut self.jobs[other];
                    other.passed += 1;
                }
                self.enter(index, now_ns, JobState::Running);
                return Some(Lease { job: self.jobs[index].id, start: self.jobs[index].starts });
            }
            if job.passed < self.options.passes_max && job.rank == job.request.priority as usize {
                passed.push(index);
            } else if asked.memory_bytes <= memory && asked.workers <= workers {
                free_memory = free_memory.saturating_sub(asked.memory_bytes);
                free_workers = free_workers.saturating_sub(asked.workers);
            }
        }
        None
    }

    fn leased(&self, lease: Lease) -> Option<usize> {
        let found = |job: &ModelJob| {
            job.id == lease.job && job.starts == lease.start && job.state == JobState::Running
        };
        self.jobs.iter().position(found)
    }

    /// Ends a start of a job so, `None` for an attempt that failed; whether the lease was in force.
    pub(super) fn end(&mut self, lease: Lease, now_ns: i64, state: Option<JobState>) -> bool {
        let Some(index) = self.leased(lease) else { return false };
        match state {
            Some(state) => self.enter(index, now_ns, state),
            None => self.attempt_failed(index, now_ns, JobState::Failed),
        }
        true
    }

    fn open(&self, job: JobId) -> Option<usize> {
        self.jobs.iter().position(|other| other.id == job && !other.state.is_ended())
    }

    pub(super) fn pause(&mut self, job: JobId, by: PausedBy, now_ns: i64) -> bool {
        let Some(index) = self.open(job) else { return false };
        let was = self.jobs[index].by;
        if !(was.is_none() || was == Some(PausedBy::Load) && by == PausedBy::Owner) {
            return false;
        }
        self.enter(index, now_ns, JobState::Paused);
        self.jobs[index].by = Some(by);
        true
    }

    pub(super) fn resume(&mut self, job: JobId, by: PausedBy, now_ns: i64) -> bool {
        let Some(index) = self.open(job).filter(|index| self.jobs[*index].by == Some(by)) else {
            return false;
        };
        self.enter(index, now_ns, JobState::Queued);
        true
    }

    pub(super) fn cancel(&mut self, job: JobId, now_ns: i64) -> bool {
        let Some(index) = self.open(job) else { return false };
        self.enter(index, now_ns, JobState::Cancelled);
        true
    }

    /// Ended jobs that should be remembered still.
    pub(super) fn remembered(&self) -> Vec<JobId> {
        let mut ended: Vec<_> = self.jobs.iter().filter(|job| job.state.is_ended()).collect();
        ended.sort_by_key(|job| (Reverse(job.entered_ns), Reverse(job.id)));
        ended.iter().take(self.options.ended_max).map(|job| job.id).collect()
    }

    pub(super) fn count(&self, state: JobState) -> u64 {
        self.jobs.iter().filter(|job| job.state == state).count() as u64
    }

    pub(super) fn mean_queue_time_ns(&self) -> Option<i64> {
        mean(self.jobs.iter().filter_map(|job| job.first_wait_ns))
    }

    pub(super) fn mean_execution_time_ns(&self) -> Option<i64> {
        let completed = self.jobs.iter().filter(|job| job.state == JobState::Completed);
        mean(completed.map(|job| job.running_ns))
    }
}

fn mean(times: impl Iterator<Item = i64>) -> Option<i64> {
    let times: Vec<_> = times.collect();
    (!times.is_empty()).then(|| times.iter().sum::<i64>() / times.len() as i64)
}
