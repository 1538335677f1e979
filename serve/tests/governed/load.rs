//! Others' load: who stands back first, who is refused, and how it ends.

use barhive_engine::{
    governor::{BreakerState, Shed},
    jobs::{
        ExecutionMode::{Concurrent, Standalone},
        JobId, JobPriority,
        JobState::{Paused, Queued, Running},
        PausedBy,
    },
};

use crate::bench::Bench;

fn one_of_each(bench: &Bench) -> Vec<(JobPriority, JobId)> {
    // The least urgent first.
    JobPriority::ALL.iter().map(|priority| (*priority, bench.submit(*priority).unwrap())).collect()
}

/// The jobs that are paused for the load, the least urgent first.
fn paused(bench: &Bench) -> Vec<JobPriority> {
    let jobs = bench.jobs();
    let paused = jobs.iter().filter(|view| view.job.paused_by == Some(PausedBy::Load));
    let mut paused: Vec<_> = paused.map(|view| view.job.request.priority).collect();
    paused.sort();
    paused
}

#[test]
fn a_bulk_job_is_the_first_to_be_paused_and_a_critical_one_the_last_and_they_come_back_the_other_way() {
    let mut bench = Bench::new(Concurrent);
    let jobs = one_of_each(&bench);
    assert!(jobs.iter().all(|(_, job)| bench.state(*job) == Running));
    let mut steps = vec![paused(&bench)];
    let mut note = |bench: &Bench| {
        let now = paused(bench);
        if steps.last() != Some(&now) {
            steps.push(now);
        }
    };
    for _ in 0..40 {
        bench.load(1, 97.0, 20.0);
        note(&bench);
    }
    assert_eq!(bench.status().breaker, BreakerState::Open);
    // An open breaker starts nothing: what was shed waits for the probe and then for the end.
    for _ in 0..600 {
        bench.calm(1);
        note(&bench);
    }
    assert_eq!(bench.status().breaker, BreakerState::Closed);
    let all: Vec<_> = JobPriority::ALL.to_vec();
    let up: Vec<Vec<_>> = (0..=5).map(|levels| all[..levels].to_vec()).collect();
    assert_eq!(steps[..6], up[..], "one level more at a time");
    let down = &steps[5..];
    assert!(down.windows(2).all(|pair| pair[1].len() < pair[0].len()), "{down:?}");
    assert!(down.iter().all(|paused| *paused == all[..paused.len()]), "the least urgent last: {down:?}");
    assert_eq!(down.last(), Some(&Vec::new()));
    for (_, job) in jobs {
        assert_eq!(bench.state(job), Running);
        assert_eq!(bench.deeds(job), ["start", "pause", "resume"], "held, not started anew");
        let view = bench.manager.job(job).unwrap();
        let reasons: Vec<_> = view.job.history.iter().map(|step| &*step.reason).collect();
        assert!(
            reasons.iter().any(|why| why.contains("are paused: CPU without our workers 97.0 %")),
            "{reasons:?}"
        );
        assert!(reasons.contains(&"the load has fallen"), "{reasons:?}");
    }
}

#[test]
fn above_orange_nothing_new_starts_but_jobs_are_taken_in() {
    let mut bench = Bench::new(Concurrent);
    bench.load(1, 88.0, 20.0);
    let job = bench.submit(JobPriority::Critical).unwrap();
    assert_eq!(bench.state(job), Queued);
    let why = bench.status().hold.clone().unwrap();
    assert!(why.starts_with("nothing new starts: CPU without our workers 88.0 %, limit 85 %"), "{why}");
    // Between calm and orange nothing changes.
    bench.load(100, 75.0, 20.0);
    assert_eq!(bench.state(job), Queued);
    bench.calm(52);
    assert_eq!(bench.state(job), Running);
}

#[test]
fn an_open_breaker_refuses_probes_with_one_job_and_closes() {
    let mut bench = Bench::new(Concurrent);
    let before = bench.submit(JobPriority::Normal).unwrap();
    bench.load(2, 99.0, 20.0);
    let waiting: Vec<_> = (0..3).map(|_| bench.submit(JobPriority::High).unwrap()).collect();
    assert_eq!((bench.state(before), bench.state(waiting[0])), (Running, Queued));
    bench.load(1, 99.0, 20.0);
    for _ in 0..2 {
        let refused = bench.submit(JobPriority::Critical).unwrap_err().to_string();
        assert!(refused.starts_with("overloaded: CPU without our workers 99.0 %, limit 95 %"), "{refused}");
        assert!(refused.contains("submit again then"), "{refused}");
    }
    let told = bench.status().decisions.iter().filter(|said| said.sentence.contains("is refused")).count();
    assert_eq!(told, 1, "the first refusal is told, not every one");

    // Calm from here on; half a minute later one job may start.
    bench.calm(299);
    assert!(bench.submit(JobPriority::High).is_err());
    let running = |bench: &Bench| waiting.iter().filter(|job| bench.state(**job) == Running).count();
    assert_eq!(running(&bench), 0);
    bench.calm(1);
    assert_eq!((bench.status().breaker, running(&bench)), (BreakerState::HalfOpen, 1));
    let held = bench.submit(JobPriority::Critical).unwrap();
    assert_eq!(bench.state(held), Queued, "one probe is enough");
    bench.calm(1);
    assert_eq!(bench.status().breaker, BreakerState::Closed);
    assert_eq!((running(&bench), bench.state(held)), (3, Running));
    let sentences: Vec<_> = bench.status().decisions.iter().map(|said| said.sentence.clone()).collect();
    for part in ["breaker open:", "half-open after 30.0 s", "as the breaker's probe", "breaker closed:"] {
        assert!(sentences.iter().any(|sentence| sentence.contains(part)), "{part}: {sentences:#?}");
    }
}

#[test]
fn a_probe_that_meets_load_opens_the_breaker_again() {
    let mut bench = Bench::new(Concurrent);
    bench.load(3, 99.0, 20.0);
    bench.calm(300);
    assert_eq!(bench.status().breaker, BreakerState::HalfOpen);
    bench.load(1, 96.0, 20.0);
    assert_eq!(bench.status().breaker, BreakerState::Open);
    assert!(bench.submit(JobPriority::High).is_err());
}

#[test]
fn where_memory_is_short_what_is_paused_gives_its_memory_back() {
    let mut bench = Bench::new(Concurrent);
    let bulk = bench.submit(JobPriority::Bulk).unwrap();
    let high = bench.submit(JobPriority::High).unwrap();
    assert_eq!(bench.state(bulk), Running);
    bench.load(4, 5.0, 92.0);
    assert_eq!((bench.state(bulk), bench.state(high)), (Paused, Running));
    assert_eq!(bench.deeds(bulk), ["start", "pause", "stop"]);
    bench.calm(60);
    assert_eq!(bench.state(bulk), Running);
    assert_eq!(bench.deeds(bulk), ["start", "pause", "stop", "start"]);
}

#[test]
fn what_its_owner_paused_stays_paused_when_the_load_has_fallen() {
    use barhive_serve::JobChange::{Pause, Resume};
    let mut bench = Bench::new(Concurrent);
    let bulk = bench.submit(JobPriority::Bulk).unwrap();
    bench.load(4, 90.0, 20.0);
    assert_eq!(bench.state(bulk), Paused);
    let refused = bench.manager.change(bulk, Resume(PausedBy::Owner), "resumed").unwrap_err().to_string();
    assert!(refused.contains("it goes on by itself when the load has fallen"), "{refused}");
    bench.manager.change(bulk, Pause(PausedBy::Owner), "paused by its owner").unwrap();
    bench.calm(100);
    assert_eq!((bench.status().shed, bench.state(bulk)), (Shed::Nothing, Paused));
    bench.manager.change(bulk, Resume(PausedBy::Owner), "resumed").unwrap();
    assert_eq!(bench.state(bulk), Running);
}

#[test]
fn alone_a_job_has_the_machine_to_itself_and_the_mode_can_change_while_it_runs() {
    let bench = Bench::new(Standalone);
    let jobs: Vec<_> = (0..3).map(|_| bench.submit(JobPriority::Normal).unwrap()).collect();
    let running = |bench: &Bench| jobs.iter().filter(|job| bench.state(**job) == Running).count();
    assert_eq!(running(&bench), 1);
    bench.manager.set_mode(Concurrent).unwrap();
    assert_eq!(running(&bench), 3);
    bench.manager.set_mode(Standalone).unwrap();
    assert_eq!(running(&bench), 3, "what runs is not interrupted");
    assert_eq!(bench.state(bench.submit(JobPriority::Normal).unwrap()), Queued);
}
