//! When the throttle checks and what it says, on loads that are dictated.

use proptest::prelude::*;

use super::*;

const SECOND: u64 = 1_000_000_000;
const STEP: u64 = SECOND / 10;

fn limited(limit: f64) -> ThrottleConfig {
    ThrottleConfig { cpu_limit: Some(limit), ..ThrottleConfig::default() }
}

/// A throttle, its clock and all that it said.
struct Bench {
    throttle: Throttle,
    now_ns: u64,
    said: Vec<ThrottleEvent>,
}

impl Bench {
    fn new(config: &ThrottleConfig, workers: usize, cores: usize) -> Self {
        let throttle = Throttle::new(config, Some(workers), cores, 0).unwrap();
        Self { throttle, now_ns: 0, said: Vec::new() }
    }

    fn sample(&mut self, cpu_percent: f64, celsius: Option<f64>) {
        self.now_ns += STEP;
        let sample = ResourceSample { at_ns: self.now_ns, cpu_percent, celsius, ..ResourceSample::default() };
        self.said.extend(self.throttle.observe(&sample));
    }

    fn seconds(&mut self, seconds: u32, cpu: f64) -> &mut Self {
        for _ in 0..seconds * 10 {
            self.sample(cpu, None);
        }
        self
    }

    fn plan(&self) -> WorkPlan {
        self.throttle.plan(self.now_ns)
    }

    fn sentences(&self) -> Vec<&str> {
        self.said.iter().map(|event| event.why.as_str()).collect()
    }
}

#[test]
fn long_tasks_do_not_delay_the_check_by_more_than_a_second() {
    let mut bench = Bench::new(&limited(80.0), 4, 8);
    for _ in 0..9 {
        bench.sample(95.0, None);
    }
    assert_eq!(bench.plan().workers, 4);
    bench.sample(95.0, None);
    assert_eq!((bench.plan().workers, bench.now_ns), (3, SECOND));
}

#[test]
fn five_finished_tasks_bring_the_check_forward() {
    let mut bench = Bench::new(&limited(80.0), 4, 8);
    for _ in 0..4 {
        bench.sample(95.0, None);
        bench.said.extend(bench.throttle.task_finished(bench.now_ns));
    }
    assert_eq!(bench.plan().workers, 4);
    bench.said.extend(bench.throttle.task_finished(bench.now_ns));
    assert_eq!((bench.plan().workers, bench.now_ns), (3, 4 * STEP));
    // However short tasks are: what is judged is seen in more than one sample.
    for _ in 0..50 {
        bench.said.extend(bench.throttle.task_finished(bench.now_ns));
    }
    assert_eq!(bench.plan().workers, 3);
}

#[test]
fn short_tasks_do_not_make_it_check_more_than_three_times_a_second() {
    let mut bench = Bench::new(&limited(80.0), 16, 64);
    for _ in 0..30 {
        bench.sample(95.0, None);
        for _ in 0..100 {
            bench.said.extend(bench.throttle.task_finished(bench.now_ns));
        }
    }
    assert_eq!((bench.plan().workers, bench.now_ns), (6, 3 * SECOND));
}

#[test]
fn what_was_too_much_before_comes_back_in_part() {
    let mut bench = Bench::new(&limited(91.0), 5, 5);
    bench.seconds(1, 91.5);
    assert_eq!((bench.plan().workers, bench.plan().duty), (4, 1.0));
    // A whole worker more would be within the limit by its expected load, but was not.
    bench.seconds(1, 70.5);
    assert_eq!(bench.plan().workers, 5);
    assert!((0.9..1.0).contains(&bench.plan().duty), "{:?}", bench.plan());
}

#[test]
fn it_steps_by_one_down_to_one_and_up_to_the_most_and_says_why() {
    let mut bench = Bench::new(&limited(80.0), 3, 16);
    bench.seconds(2, 90.55);
    assert_eq!((bench.plan().workers, bench.plan().duty), (1, 1.0));
    bench.seconds(2, 40.0);
    assert_eq!((bench.plan().workers, bench.plan().duty), (3, 1.0));
    bench.seconds(5, 40.0);
    assert_eq!(
        bench.sentences(),
        [
            "CPU 90.5 % is above the limit of 80 %: 3 -> 2 workers",
            "CPU 90.5 % is above the limit of 80 %: 2 -> 1 worker",
            "CPU 40.0 % is below 60 % (the limit of 80 % less 20): 1 -> 2 workers",
            "CPU 40.0 % is below 60 % (the limit of 80 % less 20): 2 -> 3 workers",
        ]
    );
}

#[test]
fn nothing_changes_between_the_limit_and_twenty_below() {
    let mut bench = Bench::new(&limited(80.0), 4, 8);
    for load in [60.0, 80.0, 70.0, 61.0, 79.9] {
        bench.seconds(10, load);
    }
    assert_eq!(bench.sentences(), Vec::<&str>::new());
    assert_eq!(bench.plan().workers, 4);
}

#[test]
fn the_last_worker_works_for_a_part_of_the_time() {
    let mut bench = Bench::new(&limited(30.0), 1, 2);
    bench.seconds(1, 50.0);
    let plan = bench.plan();
    assert_eq!(plan.workers, 1);
    assert!((0.5..0.6).contains(&plan.duty), "{plan:?}");
    assert_eq!(
        bench.sentences(),
        ["CPU 50.0 % is above the limit of 30 %: 1 worker, working 56 % of the time"]
    );
    let rest_ns = plan.rest_after_ns(56_000).unwrap();
    assert!((43_900..44_100).contains(&rest_ns), "{rest_ns}");
}

#[test]
fn a_limit_below_one_worker_is_explained_after_a_minute_once() {
    let mut bench = Bench::new(&limited(30.0), 2, 2);
    bench.seconds(1, 90.0).seconds(1, 50.0).seconds(300, 28.0);
    let advice: Vec<_> = bench.said.iter().filter(|e| e.kind == ThrottleEventKind::Advice).collect();
    assert_eq!(advice.len(), 1);
    assert_eq!(
        advice[0].why,
        "1 worker for 60 s with a limit of 30 %; one worker alone is 50 % of this machine: raise --cpu-limit"
    );
}

#[test]
fn without_a_limit_nothing_is_throttled() {
    let mut bench = Bench::new(&ThrottleConfig::default(), 2, 2);
    bench.seconds(60, 100.0);
    assert_eq!(bench.throttle.batch_finished(bench.now_ns), None);
    assert_eq!(
        (bench.plan(), bench.said.len()),
        (WorkPlan { workers: 2, duty: 1.0, rest_until_ns: None }, 0)
    );
    assert_eq!(bench.throttle.explain(bench.now_ns), "2 of 2 workers, no CPU limit");
}

#[test]
fn a_limit_that_is_not_adaptive_is_only_told() {
    let mut bench = Bench::new(&ThrottleConfig { adaptive_throttling: false, ..limited(50.0) }, 2, 2);
    bench.seconds(60, 100.0);
    assert_eq!(bench.plan().workers, 2);
    assert_eq!(
        bench.sentences(),
        ["CPU 100.0 % is above the limit of 50 %: nothing follows, adaptive_throttling is off"]
    );
}

#[test]
fn the_cool_down_lies_between_passes_and_is_not_judged() {
    let mut bench = Bench::new(&ThrottleConfig { cooldown_seconds: 5.0, ..limited(80.0) }, 4, 8);
    bench.seconds(2, 90.0);
    assert_eq!(bench.plan().workers, 2);
    let event = bench.throttle.batch_finished(bench.now_ns).unwrap();
    assert_eq!(event.why, "cool-down of 5 s after a pass: all workers rest");
    bench.seconds(4, 0.0);
    assert!(bench.plan().is_resting(bench.now_ns));
    assert!(bench.throttle.explain(bench.now_ns).ends_with("all rest for 1.0 s more"));
    bench.seconds(1, 0.0);
    assert!(!bench.plan().is_resting(bench.now_ns));
    assert_eq!(bench.plan().workers, 2, "an idle machine in a cool-down is no reason for more workers");
}

#[test]
fn the_first_cool_down_is_told_and_every_tenth() {
    let mut bench = Bench::new(&ThrottleConfig { cooldown_seconds: 1.0, ..ThrottleConfig::default() }, 2, 2);
    let mut told = Vec::new();
    for pass in 1..=20 {
        told.extend(bench.throttle.batch_finished(bench.now_ns).map(|event| (pass, event.why)));
        assert!(bench.plan().is_resting(bench.now_ns), "it rests after every pass, told or not: {pass}");
        bench.seconds(2, 0.0);
    }
    let words = |which: &str| format!("cool-down of 1 s after a pass{which}: all workers rest");
    assert_eq!(told, [(1, words("")), (10, words(", no. 10")), (20, words(", no. 20"))]);
}

#[test]
fn above_the_threshold_all_rest_for_the_cooling_duration() {
    let config =
        ThrottleConfig { cpu_threshold: Some(ThrottleConfig::CPU_THRESHOLD), ..ThrottleConfig::default() };
    let mut bench = Bench::new(&config, 2, 2);
    bench.seconds(1, 85.0);
    assert!(!bench.plan().is_resting(bench.now_ns));
    bench.seconds(1, 85.1);
    assert_eq!(bench.sentences(), ["CPU 85.1 % is above the threshold of 85 %: all workers rest for 120 s"]);
    bench.seconds(119, 0.0);
    assert!(bench.plan().is_resting(bench.now_ns));
    bench.seconds(1, 0.0);
    assert!(!bench.plan().is_resting(bench.now_ns));
}

#[test]
fn a_hot_processor_has_fewer_workers_and_a_missing_sensor_all() {
    let config = ThrottleConfig { thermal: Some(ThermalTable::default()), ..ThrottleConfig::default() };
    let mut bench = Bench::new(&config, 4, 4);
    let mut seen = Vec::new();
    for celsius in [None, Some(75.0), Some(80.0), Some(85.0), Some(90.0), Some(95.0), None, Some(60.0)] {
        bench.sample(100.0, celsius);
        let plan = bench.plan();
        seen.push((plan.workers as f64 * plan.duty, plan.is_resting(bench.now_ns)));
    }
    assert_eq!(
        seen,
        [
            (4.0, false),
            (4.0, false),
            (3.0, false),
            (2.0, false),
            (1.0, false),
            (0.0, true),
            (0.0, true),
            (4.0, false)
        ]
    );
    assert_eq!(bench.sentences()[0], "processor at 80.0 C: 25 % fewer workers (3 of 4)");
    assert_eq!(bench.plan().rest_after_ns(1_000), Some(0));
    // Of two workers a quarter is half of one.
    let mut bench = Bench::new(&config, 2, 2);
    bench.sample(100.0, Some(80.0));
    assert_eq!((bench.plan().workers, bench.plan().duty), (2, 0.75));
}

proptest! {
    #[test]
    fn there_is_never_more_than_the_most_nor_less_than_one_worker(
        limit in 1.0..=100.0f64,
        workers in 1..=16usize,
        cores in 1..=64usize,
        loads in proptest::collection::vec((0.0..=100.0f64, 0..8u32, proptest::option::of(40.0..110.0f64)), 1..600),
    ) {
        let config = ThrottleConfig { thermal: Some(ThermalTable::default()), cooldown_seconds: 1.0, ..limited(limit) };
        let mut bench = Bench::new(&config, workers, cores);
        let mut before = bench.plan().workers;
        for (place, (load, tasks, celsius)) in loads.into_iter().enumerate() {
            bench.sample(load, celsius);
            for _ in 0..tasks {
                bench.said.extend(bench.throttle.task_finished(bench.now_ns));
            }
            if place % 50 == 49 {
                bench.throttle.batch_finished(bench.now_ns);
            }
            let plan = bench.plan();
            prop_assert!((1..=workers).contains(&plan.workers), "{plan:?}");
            prop_assert!((0.0..=1.0).contains(&plan.duty), "{plan:?}");
            if celsius.is_none() {
                prop_assert!(plan.workers.abs_diff(before) <= 1, "{before} -> {plan:?}");
            }
            before = plan.workers;
        }
        for event in &bench.said {
            prop_assert!(event.why.contains(' ') && event.workers >= 1);
        }
    }
}
