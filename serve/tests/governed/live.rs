//! Live work that lags: backtests stand back as far as the mode says.

use barhive_engine::jobs::{
    ExecutionMode::{Concurrent, PriorityLive},
    JobPriority,
    JobState::{Paused, Queued, Running},
};
use barhive_machine::LiveReport;

use crate::bench::Bench;

fn lags(bench: &Bench, lag_ms: f64) {
    bench.manager.live(LiveReport::new("paper", lag_ms)).unwrap();
}

#[test]
fn with_live_first_backtests_get_nothing_while_it_lags() {
    let mut bench = Bench::new(PriorityLive);
    let (bulk, critical) =
        (bench.submit(JobPriority::Bulk).unwrap(), bench.submit(JobPriority::Critical).unwrap());
    lags(&bench, 80.0);
    assert_eq!((bench.state(bulk), bench.state(critical)), (Running, Running));
    lags(&bench, 620.0);
    assert_eq!((bench.state(bulk), bench.state(critical)), (Paused, Paused));
    let late = bench.submit(JobPriority::Critical).unwrap();
    assert_eq!(bench.state(late), Queued, "taken in, and waits");
    assert_eq!(bench.status().sample.live_latency_ms, Some(620.0));
    // It has caught up, and after five seconds all go on.
    for _ in 0..51 {
        lags(&bench, 20.0);
        bench.calm(1);
    }
    assert_eq!(bench.state(bulk), Running);
    assert_eq!((bench.state(critical), bench.state(late)), (Running, Running));
}

#[test]
fn beside_each_other_only_the_least_urgent_stand_back_and_only_from_orange() {
    let bench = Bench::new(Concurrent);
    let jobs = JobPriority::ALL.iter().map(|priority| bench.submit(*priority).unwrap());
    let jobs: Vec<_> = jobs.collect();
    let states = |bench: &Bench| jobs.iter().map(|job| bench.state(*job)).collect::<Vec<_>>();
    lags(&bench, 900.0);
    assert_eq!(states(&bench), [Running; 5]);
    lags(&bench, 1_000.0);
    assert_eq!(states(&bench), [Paused, Paused, Running, Running, Running]);
    // The mode changes what follows from the same report.
    bench.manager.set_mode(PriorityLive).unwrap();
    assert_eq!(states(&bench), [Paused; 5]);
}

#[test]
fn a_report_that_makes_no_sense_is_refused_with_all_that_is_wrong() {
    let bench = Bench::new(PriorityLive);
    let report = LiveReport { lag_ms: -1.0, name: String::new(), valid_ms: 0 };
    let refused = bench.manager.live(report).unwrap_err().to_string();
    for part in ["lag_ms: expected 0 or more", "valid_ms: expected 1 to 600000", "name: expected 1 to 64"] {
        assert!(refused.contains(part), "{part}: {refused}");
    }
}
