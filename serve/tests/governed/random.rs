//! Whatever the machine does: the order of urgency holds, and every refusal has a reason.

use barhive_engine::jobs::{ExecutionMode, JobPriority, JobState, PausedBy};
use barhive_machine::LiveReport;
use proptest::prelude::*;

use crate::bench::Bench;

#[derive(Clone, Debug)]
enum Step {
    Load(u64, f64, f64),
    Submit(usize),
    Mode(usize),
    Lag(f64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..40u64, 0.0..100.0f64, 20.0..80.0f64).prop_map(|(samples, cpu, memory)| Step::Load(samples, cpu, memory)),
        1 => (1..8u64, 0.0..100.0f64, 85.0..100.0f64).prop_map(|(samples, cpu, memory)| Step::Load(samples, cpu, memory)),
        2 => (300..400u64).prop_map(|samples| Step::Load(samples, 5.0, 20.0)),
        5 => (0..JobPriority::ALL.len()).prop_map(Step::Submit),
        1 => (0..ExecutionMode::ALL.len()).prop_map(Step::Mode),
        1 => (0.0..3_000.0f64).prop_map(Step::Lag),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nobody_runs_who_must_stand_back_and_all_run_when_it_is_over(
        steps in proptest::collection::vec(step(), 1..40),
    ) {
        let mut bench = Bench::new(ExecutionMode::Concurrent);
        for step in steps {
            match step {
                Step::Load(samples, cpu, memory) => bench.load(samples, cpu, memory),
                Step::Submit(priority) => {
                    let may = bench.status().refusal.is_none();
                    let submitted = bench.submit(JobPriority::ALL[priority]);
                    prop_assert_eq!(submitted.is_ok(), may);
                    if let Err(why) = submitted {
                        prop_assert!(why.to_string().starts_with("overloaded: "), "{}", why);
                    }
                }
                Step::Mode(mode) => bench.manager.set_mode(ExecutionMode::ALL[mode]).unwrap(),
                Step::Lag(lag_ms) => bench.manager.live(LiveReport::new("live", lag_ms)).unwrap(),
            }
            let running_before = bench.jobs().into_iter().filter(|view| view.job.state == JobState::Running);
            let running_before: Vec<_> = running_before.map(|view| view.job.starts).collect();
            let (jobs, status) = (bench.jobs(), bench.status());
            for view in &jobs {
                let (job, priority) = (&view.job, view.job.request.priority);
                if job.state == JobState::Running {
                    let must_stand_back = status.shed.paused_up_to().is_some_and(|level| priority <= level);
                    prop_assert!(!must_stand_back, "job {} runs: {}", job.id, status.explanation);
                }
                if job.paused_by == Some(PausedBy::Load) {
                    prop_assert!(status.hold.is_some() || status.shed.paused_up_to() >= Some(priority), "{}", status.explanation);
                    prop_assert!(!job.reason().is_empty());
                }
            }
            let running = jobs.iter().filter(|view| view.job.state == JobState::Running);
            prop_assert_eq!(running_before, running.map(|view| view.job.starts).collect::<Vec<_>>(), "it is settled");
            prop_assert_eq!(status.shed_why.is_some(), status.shed.paused_up_to().is_some());
        }
        // Quiet for long enough, and everybody runs, in every mode but one.
        bench.manager.set_mode(ExecutionMode::Concurrent).unwrap();
        bench.calm(800);
        for view in bench.jobs() {
            prop_assert_eq!(view.job.state, JobState::Running, "job {}: {}", view.job.id, bench.status().explanation);
        }
    }
}
