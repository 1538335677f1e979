//! What holds for every sequence of loads.

use proptest::prelude::*;

use super::{tests::breaker, *};

/// Sequences of (pause in ms, processor, memory), with runs of the same load so that streaks occur.
fn loads() -> impl Strategy<Value = Vec<(u64, f64, f64)>> {
    let load = prop_oneof![Just(99.0), Just(90.0), Just(75.0), Just(10.0), 0.0..100.0];
    let pause = prop_oneof![8 => Just(100u64), 1 => 1..40_000u64, 1 => Just(0u64)];
    let run = (pause, load.clone(), prop_oneof![4 => Just(40.0), 1 => load], 1..80usize);
    proptest::collection::vec(run, 1..40).prop_map(|runs| {
        runs.into_iter().flat_map(|(ms, cpu, memory, len)| vec![(ms, cpu, memory); len]).collect()
    })
}

fn sample(at_ns: u64, cpu_percent: f64, memory_percent: f64) -> ResourceSample {
    ResourceSample { at_ns, cpu_percent, memory_percent, ..ResourceSample::default() }
}

proptest! {
    #[test]
    fn it_never_skips_a_state_and_tells_every_change(loads in loads()) {
        let mut breaker = breaker();
        let (mut now_ns, mut state) = (0, BreakerState::Closed);
        for (ms, cpu, memory) in loads {
            now_ns += ms * 1_000_000;
            for event in breaker.observe(&sample(now_ns, cpu, memory)) {
                prop_assert_eq!(event.at_ns, now_ns);
                state = match (state, event.kind) {
                    (BreakerState::Closed, BreakerEventKind::Opened) => BreakerState::Open,
                    (BreakerState::Open, BreakerEventKind::Probing) => BreakerState::HalfOpen,
                    (BreakerState::HalfOpen, BreakerEventKind::Reopened) => BreakerState::Open,
                    (BreakerState::HalfOpen, BreakerEventKind::Closed) => BreakerState::Closed,
                    (
                        state,
                        BreakerEventKind::Held
                        | BreakerEventKind::Released
                        | BreakerEventKind::Shed(_)
                        | BreakerEventKind::Resumed(_),
                    ) => state,
                    (state, kind) => return Err(TestCaseError::fail(format!("{kind:?} while {state}"))),
                };
            }
            prop_assert_eq!(breaker.state(), state);
        }
    }

    #[test]
    fn nothing_is_admitted_without_a_reason_not_to_and_shedding_goes_step_by_step(loads in loads()) {
        let mut breaker = breaker();
        let (mut now_ns, mut shed) = (0, Shed::Nothing);
        for (ms, cpu, memory) in loads {
            now_ns += ms * 1_000_000;
            breaker.observe(&sample(now_ns, cpu, memory));
            let admission = breaker.submission(now_ns);
            if ms > 0 && (cpu >= 85.0 || memory >= 90.0) {
                prop_assert!(!admission.is_admitted());
            }
            match (breaker.state(), &admission) {
                (BreakerState::Open, Admission::Refuse { reason }) => {
                    prop_assert!(reason.starts_with("overloaded: "));
                }
                (BreakerState::HalfOpen, Admission::Hold { reason }) => prop_assert!(!reason.is_empty()),
                (BreakerState::Closed, Admission::Hold { reason }) => {
                    prop_assert!(reason.contains(" %, limit "));
                }
                (BreakerState::Closed, Admission::Admit) => {}
                (state, admission) => {
                    return Err(TestCaseError::fail(format!("{admission:?} while {state}")));
                }
            }
            prop_assert!(shed.levels().abs_diff(breaker.shed().levels()) <= 1);
            shed = breaker.shed();
        }
    }

    #[test]
    fn noise_around_a_limit_holds_once_and_never_flaps(
        noise in proptest::collection::vec(-14.9..14.9f64, 100..600),
    ) {
        let mut breaker = breaker();
        let mut held = 0;
        for (step, noise) in noise.into_iter().enumerate() {
            // Within calm and red on both sides of the limit of 85 %.
            let cpu = (85.0 + noise).min(94.9);
            let events = breaker.observe(&sample((step as u64 + 1) * 100_000_000, cpu, 40.0));
            held += events.iter().filter(|e| e.kind == BreakerEventKind::Held).count();
            prop_assert!(!events.iter().any(|e| matches!(
                e.kind,
                BreakerEventKind::Released | BreakerEventKind::Resumed(_) | BreakerEventKind::Opened
            )));
        }
        prop_assert!(held <= 1);
    }
}
