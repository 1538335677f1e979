//! The throttle on a simulated machine: workers that really load it, other programs, noisy counters.

use proptest::prelude::*;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

use super::*;

const MS: u64 = 1_000_000;

/// A machine in steps of a millisecond.
struct Machine {
    cores: usize,
    throttle: Throttle,
    now_ms: u64,
    /// What each worker does for so many more milliseconds: work, or rest.
    workers: Vec<(bool, u64)>,
    slice_ms: u64,
    /// Mean load of other programs, in cores, and what is added to it now.
    others: f64,
    drift: f64,
    /// Greatest deviation of others and of the counters, percent of the machine.
    noise: f64,
    rng: ChaCha8Rng,
    /// Load of every 100 ms, percent of all cores.
    loads: Vec<f64>,
    events: Vec<ThrottleEvent>,
}

impl Machine {
    fn new(cores: usize, workers: usize, limit: f64, seed: u64) -> Self {
        let config = ThrottleConfig { cpu_limit: Some(limit), ..ThrottleConfig::default() };
        Self {
            cores,
            throttle: Throttle::new(&config, Some(workers), cores, 0).unwrap(),
            now_ms: 0,
            workers: vec![(false, 0); workers],
            slice_ms: 20,
            others: 0.0,
            drift: 0.0,
            noise: 0.0,
            rng: ChaCha8Rng::seed_from_u64(seed),
            loads: Vec::new(),
            events: Vec::new(),
        }
    }

    /// Uniform in -1 to 1.
    fn dice(&mut self) -> f64 {
        f64::from(self.rng.next_u32()) / f64::from(u32::MAX) * 2.0 - 1.0
    }

    fn run(&mut self, seconds: u64) -> &mut Self {
        for _ in 0..seconds * 10 {
            self.drift = 0.8 * self.drift + 0.5 * self.dice() * self.noise / 100.0 * self.cores as f64;
            let others = (self.others + self.drift).max(0.0);
            let mut used = 0.0;
            for _ in 0..100 {
                used += (self.step() as f64 + others).min(self.cores as f64);
                self.now_ms += 1;
            }
            let load = used / self.cores as f64;
            self.loads.push(load);
            let seen = (load + 0.5 * self.dice() * self.noise).clamp(0.0, 100.0);
            let at_ns = self.now_ms * MS;
            let sample = ResourceSample { at_ns, cpu_percent: seen, ..ResourceSample::default() };
            self.events.extend(self.throttle.observe(&sample));
        }
        self
    }

    /// One millisecond of all workers; how many of them worked.
    fn step(&mut self) -> usize {
        let now_ns = self.now_ms * MS;
        let plan = self.throttle.plan(now_ns);
        let mut busy = 0;
        for (place, (works, left_ms)) in self.workers.iter_mut().enumerate() {
            if *left_ms == 0 {
                let rest_ms = plan.rest_after_ns(self.slice_ms * MS).map_or(1, |ns| ns / MS);
                (*works, *left_ms) = match *works {
                    true if rest_ms > 0 => (false, rest_ms),
                    _ if place < plan.workers && !plan.is_resting(now_ns) => (true, self.slice_ms),
                    _ => (false, 1),
                };
            }
            *left_ms -= 1;
            busy += usize::from(*works);
        }
        busy
    }

    /// Mean of the last seconds.
    fn mean(&self, seconds: usize) -> f64 {
        self.means(seconds, seconds)[0]
    }

    /// Means of each `span` in the last seconds.
    fn means(&self, seconds: usize, span: usize) -> Vec<f64> {
        let tail = &self.loads[self.loads.len() - seconds * 10..];
        tail.chunks(span * 10).map(|chunk| chunk.iter().sum::<f64>() / chunk.len() as f64).collect()
    }

    fn changes(&self) -> usize {
        let changed = |kind| matches!(kind, ThrottleEventKind::Fewer | ThrottleEventKind::More);
        self.events.iter().filter(|event| changed(event.kind)).count()
    }
}

#[test]
fn a_limit_of_50_percent_is_held_within_5_points_for_a_minute() {
    for (cores, workers) in [(1, 1), (2, 2), (2, 4), (3, 3), (4, 4), (6, 6), (8, 8), (16, 16)] {
        for (others_percent, noise) in [(0.0, 0.0), (0.0, 4.0), (8.0, 4.0), (30.0, 4.0)] {
            let mut machine = Machine::new(cores, workers, 50.0, 7);
            machine.others = others_percent / 100.0 * cores as f64;
            machine.noise = noise;
            machine.run(30).run(60);
            let what = format!("{cores} cores, {workers} workers, others {others_percent} %, noise {noise}");
            let mean = machine.mean(60);
            assert!((45.0..=55.0).contains(&mean), "{what}: {mean:.1} %");
            let worst = machine.means(60, 5).into_iter().fold(0.0f64, |worst, x| worst.max((x - 50.0).abs()));
            assert!(worst <= 8.0, "{what}: 5 s at {worst:.1} points from the limit");
        }
    }
}

#[test]
fn limits_that_whole_workers_cannot_hold_are_held_by_duty() {
    for (cores, limit) in [(2, 30.0), (2, 10.0), (2, 65.0), (2, 80.0), (1, 25.0), (4, 15.0), (4, 60.0)] {
        let mut machine = Machine::new(cores, cores, limit, 3);
        machine.noise = 3.0;
        machine.run(30).run(60);
        let mean = machine.mean(60);
        assert!((mean - limit).abs() <= 5.0, "{cores} cores, limit {limit} %: {mean:.1} %");
        let plan = machine.throttle.plan(machine.now_ms * MS);
        assert!(plan.duty < 1.0, "{plan:?}");
    }
}

#[test]
fn workers_go_down_when_others_come_and_up_again_when_they_leave() {
    let mut machine = Machine::new(8, 6, 80.0, 11);
    machine.noise = 2.0;
    machine.run(20);
    assert_eq!(
        machine.throttle.plan(machine.now_ms * MS),
        WorkPlan { workers: 6, duty: 1.0, rest_until_ns: None }
    );
    machine.others = 4.0;
    machine.run(30);
    let plan = machine.throttle.plan(machine.now_ms * MS);
    assert!(plan.workers <= 3, "{plan:?}");
    assert!((machine.mean(15) - 80.0).abs() <= 5.0, "{:.1}", machine.mean(15));
    machine.others = 0.0;
    machine.run(30);
    let plan = machine.throttle.plan(machine.now_ms * MS);
    assert_eq!((plan.workers, plan.duty), (6, 1.0));
}

#[test]
fn others_above_the_limit_leave_one_worker_that_works_a_little() {
    let mut machine = Machine::new(2, 2, 50.0, 5);
    machine.others = 1.8;
    machine.run(70);
    let plan = machine.throttle.plan(machine.now_ms * MS);
    assert_eq!((plan.workers, plan.duty), (1, Controller::CAPACITY_MIN));
    let advice = machine.events.iter().find(|event| event.kind == ThrottleEventKind::Advice).unwrap();
    assert!(advice.why.contains("are used by others: raise --cpu-limit"), "{advice}");
    assert_eq!(machine.events.iter().filter(|e| e.kind == ThrottleEventKind::Advice).count(), 1);
    machine.others = 0.0;
    machine.run(20);
    assert!((machine.mean(10) - 50.0).abs() <= 5.0, "{:.1}", machine.mean(10));
}

#[test]
fn slices_of_half_a_second_hold_the_limit_on_average() {
    let mut machine = Machine::new(2, 2, 30.0, 2);
    machine.slice_ms = 500;
    machine.noise = 3.0;
    machine.run(30).run(60);
    let mean = machine.mean(60);
    assert!((mean - 30.0).abs() <= 5.0, "{mean:.1} %");
}

#[test]
fn ten_minutes_of_noise_do_not_make_it_flap() {
    for (cores, limit, others) in
        [(2, 50.0, 5), (2, 75.0, 5), (4, 50.0, 5), (8, 60.0, 8), (16, 50.0, 8), (16, 80.0, 5), (16, 80.0, 8)]
    {
        let mut machine = Machine::new(cores, cores, limit, 13);
        machine.others = f64::from(others) / 100.0 * cores as f64;
        machine.noise = 4.0;
        machine.run(60);
        let settled = machine.changes();
        machine.run(600);
        let flaps = machine.changes() - settled;
        assert!(flaps <= 6, "{cores} cores, limit {limit} %: {flaps} changes in ten minutes");
    }
}

#[test]
fn a_load_at_the_very_limit_does_not_send_a_worker_to_and_fro() {
    // Four of five workers and the others are half a point below the limit.
    let mut machine = Machine::new(5, 5, 91.0, 304_837);
    machine.others = 0.52;
    machine.noise = 2.2;
    machine.run(40);
    let settled = machine.changes();
    machine.run(120);
    assert!(machine.changes() - settled <= 2, "{} changes", machine.changes() - settled);
    assert!((machine.mean(60) - 91.0).abs() <= 5.0, "{:.1}", machine.mean(60));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_limit_is_held_within_5_points_on_any_machine(
        cores in 1..=16usize,
        limit in 20.0..95.0f64,
        others_part in 0.0..0.6f64,
        noise in 0.0..5.0f64,
        seed in any::<u64>(),
    ) {
        let mut machine = Machine::new(cores, cores, limit, seed);
        machine.others = others_part * limit / 100.0 * cores as f64;
        machine.noise = noise;
        machine.run(40).run(60);
        let mean = machine.mean(60);
        prop_assert!((mean - limit).abs() <= 5.0, "{mean:.1} % with a limit of {limit:.1} %");
    }
}
