//! Random operations on the queue and on the model: they agree after each, and the journal makes the same queue.

use proptest::prelude::*;

use super::{model::Model, *};

#[derive(Clone, Debug)]
enum Step {
    Submit(JobRequest),
    Next(Resources),
    Complete(usize),
    Fail(usize),
    GiveBack(usize),
    Pause(u64, PausedBy),
    Resume(u64, PausedBy),
    Cancel(u64),
    Tick,
    Preempt(Resources),
    Later(i64),
}

/// Small numbers, so that everything meets everything.
fn options() -> impl Strategy<Value = QueueOptions> {
    (1u32..4, 1usize..6, 1u32..6, 4u32..14, 1usize..12).prop_map(|(passes, look, level, total, ended)| {
        QueueOptions {
            jobs_max: PerLevel { critical: level, high: level, normal: level + 1, low: level, bulk: level },
            total_max: total,
            ageing_ns: PerLevel { critical: 5, high: 7, normal: 9, low: 11, bulk: 13 },
            passes_max: passes,
            look_ahead: look,
            capacity: None,
            ended_max: ended,
        }
    })
}

fn step() -> impl Strategy<Value = Step> {
    let priority = (0..JobPriority::ALL.len()).prop_map(|at| JobPriority::ALL[at]);
    let asked = (0u64..5, 1u32..4).prop_map(|(memory, workers)| Resources::new(memory, workers));
    let free = || (0u64..7, 0u32..5).prop_map(|(memory, workers)| Resources::new(memory, workers));
    let by = || any::<bool>().prop_map(|owner| if owner { PausedBy::Owner } else { PausedBy::Load });
    let optional = |most: i64| proptest::option::weighted(0.4, 1..most);
    let request = (priority, asked, optional(120), optional(12), 0u32..3);
    let submit = request.prop_map(|(priority, resources, deadline_ns, timeout_ns, retries)| {
        Step::Submit(JobRequest { deadline_ns, timeout_ns, retries, resources, ..super::request(priority) })
    });
    prop_oneof![
        6 => submit,
        6 => free().prop_map(Step::Next),
        2 => any::<usize>().prop_map(Step::Complete),
        2 => any::<usize>().prop_map(Step::Fail),
        1 => any::<usize>().prop_map(Step::GiveBack),
        2 => (1u64..40, by()).prop_map(|(job, by)| Step::Pause(job, by)),
        2 => (1u64..40, by()).prop_map(|(job, by)| Step::Resume(job, by)),
        1 => (1u64..40).prop_map(Step::Cancel),
        1 => Just(Step::Tick),
        3 => free().prop_map(Step::Preempt),
        5 => (-2i64..8).prop_map(Step::Later),
    ]
}

struct Both {
    queue: JobQueue,
    model: Model,
    journal: Vec<JobEvent>,
    leases: Vec<Lease>,
    now_ns: i64,
}

impl Both {
    fn take(&mut self, free: Resources) -> Result<Option<Lease>, TestCaseError> {
        let next = self.queue.next(self.now_ns, free);
        self.journal.extend(next.events);
        self.leases.extend(next.lease);
        prop_assert_eq!(next.lease, self.model.next(self.now_ns, free));
        Ok(next.lease)
    }

    /// A command was done by both, or refused by both and with words.
    fn did(&mut self, done: Result<Vec<JobEvent>, Refusal>, expected: bool) -> Result<(), TestCaseError> {
        prop_assert_eq!(done.is_ok(), expected);
        match done {
            Ok(events) => self.journal.extend(events),
            Err(refusal) => prop_assert!(refusal.to_string().contains(": "), "{}", refusal),
        }
        Ok(())
    }

    fn give_back(&mut self, lease: Lease) -> Result<(), TestCaseError> {
        let done = self.queue.give_back(lease, self.now_ns, "yielded");
        let expected = self.model.end(lease, self.now_ns, Some(JobState::Queued));
        self.did(done, expected)
    }

    fn preempt(&mut self, free: Resources) -> Result<(), TestCaseError> {
        if self.take(free)?.is_some() {
            return Ok(());
        }
        let Some(preemption) = self.queue.preempt(self.now_ns, free) else {
            // The first in the queue never goes without what lower ones could give it.
            let Some(first) = self.queue.waiting().next() else { return Ok(()) };
            let lower = self
                .queue
                .running()
                .filter(|job| job.request.priority < first.request.priority && job.standing < first.standing);
            let most = lower.fold(free, |free, job| free.plus(job.resources()));
            prop_assert!(!first.resources().fits(most));
            return Ok(());
        };
        let waiting = self.queue.job(preemption.waiting).unwrap();
        let victims: Vec<_> =
            preemption.victims.iter().map(|lease| self.queue.job(lease.job).unwrap()).collect();
        prop_assert!(victims.iter().all(|job| job.request.priority < waiting.request.priority));
        prop_assert!(victims.is_sorted_by_key(|job| job.request.priority));
        let freed = victims.iter().fold(free, |freed, job| freed.plus(job.resources()));
        prop_assert!(victims.iter().all(|job| !waiting.resources().fits(freed.minus(job.resources()))));
        for victim in preemption.victims {
            self.give_back(victim)?;
        }
        prop_assert_eq!(self.take(freed)?.map(|lease| lease.job), Some(preemption.waiting));
        Ok(())
    }

    fn step(&mut self, step: Step) -> Result<(), TestCaseError> {
        let now_ns = self.now_ns;
        let lease = |at: usize| match self.leases.as_slice() {
            [] => Lease { job: JobId(1), start: 1 },
            leases => leases[at % leases.len()],
        };
        match step {
            Step::Submit(request) => {
                let done = self.queue.submit(request.clone(), now_ns).map(|submitted| submitted.events);
                let expected = self.model.submit(request, now_ns);
                self.did(done, expected)
            }
            Step::Next(free) => self.take(free).map(|_| ()),
            Step::Complete(at) => {
                let lease = lease(at);
                let expected = self.model.end(lease, now_ns, Some(JobState::Completed));
                let done = self.queue.complete(lease, now_ns);
                self.did(done, expected)
            }
            Step::Fail(at) => {
                let lease = lease(at);
                let expected = self.model.end(lease, now_ns, None);
                let done = self.queue.fail(lease, now_ns, "fault");
                self.did(done, expected)
            }
            Step::GiveBack(at) => self.give_back(lease(at)),
            Step::Pause(job, by) => {
                let done = self.queue.pause(JobId(job), by, now_ns, "lunch");
                let expected = self.model.pause(JobId(job), by, now_ns);
                self.did(done, expected)
            }
            Step::Resume(job, by) => {
                let done = self.queue.resume(JobId(job), by, now_ns, "back");
                let expected = self.model.resume(JobId(job), by, now_ns);
                self.did(done, expected)
            }
            Step::Cancel(job) => {
                let done = self.queue.cancel(JobId(job), now_ns, "not needed");
                let expected = self.model.cancel(JobId(job), now_ns);
                self.did(done, expected)
            }
            Step::Tick => {
                self.journal.extend(self.queue.tick(now_ns));
                self.model.tick(now_ns);
                prop_assert!(self.queue.due_ns().is_none_or(|due_ns| due_ns > now_ns));
                Ok(())
            }
            Step::Preempt(free) => self.preempt(free),
            Step::Later(by_ns) => {
                self.now_ns += by_ns;
                Ok(())
            }
        }
    }

    fn agree(&self) -> Result<(), TestCaseError> {
        let remembered = self.model.remembered();
        for expected in &self.model.jobs {
            let Some(job) = self.queue.job(expected.id) else {
                prop_assert!(expected.state.is_ended() && !remembered.contains(&expected.id));
                continue;
            };
            prop_assert!(!job.state.is_ended() || remembered.contains(&job.id));
            let seen = (job.state, job.standing, job.paused_by, job.starts, job.failures, job.passed);
            let standing = Standing::ALL[expected.rank];
            let model =
                (expected.state, standing, expected.by, expected.starts, expected.failures, expected.passed);
            prop_assert_eq!(seen, model, "job {}", job.id);
            prop_assert_eq!((job.queued_ns, job.running_ns), (expected.queued_ns, expected.running_ns));
        }
        let statistics = self.queue.statistics(self.now_ns);
        let counts = [
            (statistics.queued, JobState::Queued),
            (statistics.paused, JobState::Paused),
            (statistics.running, JobState::Running),
            (statistics.completed, JobState::Completed),
            (statistics.failed, JobState::Failed),
            (statistics.cancelled, JobState::Cancelled),
            (statistics.timed_out, JobState::Timeout),
        ];
        for (count, state) in counts {
            prop_assert_eq!(count, self.model.count(state), "{}", state);
        }
        prop_assert_eq!(statistics.submitted, self.model.jobs.len() as u64);
        prop_assert_eq!(statistics.retried, self.model.retried);
        prop_assert_eq!(statistics.queue_time_mean_ns, self.model.mean_queue_time_ns());
        prop_assert_eq!(statistics.execution_time_mean_ns, self.model.mean_execution_time_ns());
        let in_use = self.queue.running().fold(Resources::NONE, |sum, job| sum.plus(job.resources()));
        prop_assert_eq!(self.queue.in_use(), in_use);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_queue_is_the_model_and_its_journal(
        options in options(),
        steps in proptest::collection::vec(step(), 1..160),
        cut in any::<proptest::sample::Index>(),
    ) {
        let mut both = Both {
            queue: JobQueue::new(options.clone()),
            model: Model::new(options.clone()),
            journal: Vec::new(),
            leases: Vec::new(),
            now_ns: 0,
        };
        for step in steps {
            both.step(step)?;
            both.agree()?;
        }
        let Both { queue, journal, .. } = both;
        let json = serde_json::to_string(&journal).unwrap();
        let read: Vec<JobEvent> = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(&read, &journal);
        prop_assert_eq!(&JobQueue::replay(options.clone(), read).unwrap(), &queue);
        let cut = cut.index(journal.len() + 1);
        let early = JobQueue::replay(options.clone(), &journal[..cut]).unwrap();
        let late = JobQueue::restore(options, early.snapshot(), &journal[cut..]).unwrap();
        prop_assert_eq!(&late, &queue);
    }
}
