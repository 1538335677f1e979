//! What a second worker is worth, how evenly work ends, and how soon a worker is back.

use std::sync::Arc;

use barhive::{
    actors::sweep::{Isolation, SweepOptions},
    bench::{
        Place,
        market::Data,
        scale::{self, Ran},
        startup, strategies,
    },
    config::LoadedSweep,
    engine::{Registry, set::Machinery},
};
use fearless_simd::Level;

use crate::{
    fixtures,
    measure::{Figures, median, pin_to_one_core, timed, unpin},
    w2::{self, Floor},
};

pub fn figures(figures: &mut Figures) {
    if figures.wants(&["scale_threads_2", "scale_processes_2", "scale_floor_2"]) {
        two_workers(figures);
    }
    if figures.wants(&["tail_idle_pct", "tail_idle_processes_pct", "balance_pct"]) {
        tail(figures);
    }
    if figures.wants(&["worker_restart_ms_p99", "worker_restart_ms_max"]) {
        restarts(figures);
    }
}

/// How many times over a sweep has the backtests of W2: what starting workers takes is in the figure, but
/// is not what it is about.
const TIMES: usize = 10;

/// W2 as a file has it.
fn w2_sweep(times: usize, registry: &Registry) -> LoadedSweep {
    let points: Vec<_> =
        w2::pairs().iter().map(|(fast, slow)| format!("{{fast: {fast}, slow: {slow}}}")).collect();
    let points = points.join(", ");
    let strategy = |id: String| {
        format!("id: {id}, kind: sma_cross, points: [{points}], timeframe: 1m, sizing: {{fixed: 1}}")
    };
    // The first is called as W2 itself calls it.
    let id = |number: usize| if number == 0 { "cross".to_owned() } else { format!("cross{number}") };
    let strategies: Vec<_> = (0..times).map(|number| strategy(id(number))).collect();
    let workload = fixtures::w1();
    let data = Data { bars: Some(w2::BARS), ..Data::of(&workload.catalog) };
    data.sweep(&strategies, registry).expect("a sweep")
}

fn place() -> Place {
    Place::new(env!("CARGO_BIN_EXE_barhive"), fixtures::cache())
}

fn processes(sweep: &LoadedSweep) -> Isolation {
    Isolation::Process(Box::new(place().workers(sweep).expect("a sweep")))
}

fn run(sweep: &LoadedSweep, registry: &Registry, workers: usize, isolation: Isolation) -> Ran {
    let options = SweepOptions { workers, isolation, ..SweepOptions::default() };
    scale::sweep(&Arc::new(sweep.spec.clone()), &Arc::new(registry.clone()), options).expect("it runs")
}

/// Two workers against one, in turns; and two loops that have nothing in common, against one.
fn two_workers(figures: &mut Figures) {
    let allowed = unpin();
    assert!(allowed >= 2, "two workers need two cores");
    let registry = fixtures::registry_with_feeds();
    let once = w2_sweep(1, &registry);
    let spec = Arc::new(w2::spec(Machinery::default()));
    let itself = scale::sweep(&spec, &Arc::new(fixtures::registry()), SweepOptions::default());
    let hash = run(&once, &registry, 1, Isolation::Thread).hash;
    assert_eq!(hash, itself.expect("W2 runs").hash, "the file says what W2 is");
    assert_eq!(hash, run(&once, &registry, 2, processes(&once)).hash);
    let sweep = w2_sweep(TIMES, &registry);
    let expected = run(&sweep, &registry, 1, Isolation::Thread).hash;
    let floor = Floor::new();
    let alone = |count: u32| floor.side_by_side(Level::new(), count);
    let mut ratios = [const { Vec::new() }; 3];
    for _ in 0..5 {
        for (isolation, ratios) in [Isolation::Thread, processes(&sweep)].iter().zip(&mut ratios) {
            let [one, two] = [1, 2].map(|workers| {
                let ran = run(&sweep, &registry, workers, isolation.clone());
                assert_eq!(ran.hash, expected);
                ran.elapsed.as_secs_f64()
            });
            ratios.push(one / two);
        }
        let one = timed(|| (0..4).map(|_| alone(1_000)).sum::<f64>()).0.as_secs_f64();
        let two = timed(|| {
            std::thread::scope(|scope| {
                let other = scope.spawn(|| alone(1_000) + alone(1_000));
                alone(1_000) + alone(1_000) + other.join().expect("it does not panic")
            })
        });
        ratios[2].push(one / two.0.as_secs_f64());
    }
    for (name, ratios) in ["scale_threads_2", "scale_processes_2", "scale_floor_2"].iter().zip(ratios) {
        figures.print(name, median(ratios), "times");
    }
    pin_to_one_core();
}

/// Jobs of which the longest takes two hundred times what the shortest does.
const JOBS: u64 = 1_000;

/// What two workers wait at the end of uneven jobs, as a part of all their time: of jobs in no order, of
/// those that take longer and longer, and of those that take less and less, the worst.
fn tail(figures: &mut Figures) {
    unpin();
    let registry = strategies::register(fixtures::registry_with_feeds());
    let orders: [fn(u64) -> u64; 3] = [|job| job * 7_919 % JOBS, |job| job, |job| JOBS - 1 - job];
    let mut worst = [0.0f64; 2];
    for order in orders {
        let sweep = uneven(order, &registry);
        let mut hash = None;
        for (isolation, worst) in [Isolation::Thread, processes(&sweep)].iter().zip(&mut worst) {
            let idle = (0..3).map(|_| {
                let ran = run(&sweep, &registry, 2, isolation.clone());
                assert_eq!(*hash.get_or_insert_with(|| ran.hash.clone()), ran.hash);
                ran.idle.as_secs_f64() / (2.0 * ran.elapsed.as_secs_f64()) * 100.0
            });
            *worst = worst.max(median(idle.collect()));
        }
    }
    for (name, worst) in ["tail_idle_pct", "tail_idle_processes_pct"].iter().zip(worst) {
        figures.print(name, worst, "%");
    }
    // One of them works to the end: by how much more than what both do on average.
    let idle = worst.into_iter().fold(0.0, f64::max) / 100.0;
    figures.print("balance_pct", (1.0 / (1.0 - idle) - 1.0) * 100.0, "%");
    pin_to_one_core();
}

/// Jobs that reckon: how long is spread evenly over the orders of magnitude.
fn uneven(order: fn(u64) -> u64, registry: &Registry) -> LoadedSweep {
    let workload = fixtures::synthetic("tail", 1, 100);
    let rounds = |job: u64| (1_000.0 * 200f64.powf(order(job) as f64 / JOBS as f64)) as u64;
    let points: Vec<_> = (0..JOBS).map(|job| format!("{{rounds: {}}}", rounds(job))).collect();
    let strategy = format!(
        "id: works, kind: bench_works, points: [{}], timeframe: 1m, sizing: {{fixed: 1}}",
        points.join(", ")
    );
    let sweep = Data::of(&workload.catalog).sweep(&[strategy], registry).expect("a sweep");
    assert_eq!(sweep.spec.variants(), JOBS);
    sweep
}

/// Worker processes killed by SIGKILL.
const KILLS: usize = 200;

/// How long a killed worker process is missing.
fn restarts(figures: &mut Figures) {
    unpin();
    let registry = fixtures::registry_with_feeds();
    let mut times = startup::worker_restarts(&place(), &registry, KILLS).expect("workers start");
    assert_eq!(times.len(), KILLS);
    times.sort();
    let ms = |index: usize| times[index].as_secs_f64() * 1e3;
    figures.print("worker_restart_ms_p99", ms(KILLS * 99 / 100), "ms");
    figures.print("worker_restart_ms_max", ms(KILLS - 1), "ms");
    pin_to_one_core();
}
