//! What the job server itself takes: with nothing to do, and with four jobs.

use std::{thread, time::Duration};

use barhive::{
    bench::market::{self, Data},
    engine::jobs::JobState,
    machine::{clock::Stopwatch, smaps},
};

use crate::{
    fixtures,
    measure::{Figures, pin_to_one_core, unpin},
    server::{Server, cpu_s},
};

/// How long it is watched, after it has settled.
const WATCHED: Duration = Duration::from_secs(30);
const SETTLED: Duration = Duration::from_secs(2);

pub fn figures(figures: &mut Figures) {
    unpin();
    if figures.wants(&["manager_mb", "manager_cpu_pct", "manager_resident_mb"]) {
        let server = Server::start("workers: 4\n");
        let (cpu, memory) = watch(&server);
        figures.print("manager_mb", memory.anonymous as f64 / 1e6, "MB");
        // The program's own pages count there, which every process that runs it shares.
        figures.print("manager_proportional_mb", memory.proportional as f64 / 1e6, "MB");
        figures.print("manager_cpu_pct", cpu, "%");
    }
    if figures.wants(&["manager_cpu_pct_4_jobs", "manager_mb_4_jobs"]) {
        let mut server = Server::start("workers: 4\nbreaker: {enabled: false}\n");
        let workload = fixtures::synthetic("linear_1m", 1, 1_000_000);
        // Far more than they do meanwhile.
        let sweep = Data::of(&workload.catalog).sweep_text(&[market::crosses("cross", 1_000_000)]);
        let jobs: Vec<_> = (0..4).map(|job| server.submit(&format!("job{job}"), &sweep, 1)).collect();
        while jobs.iter().any(|job| server.job(*job).progress.is_none()) {
            thread::sleep(Duration::from_millis(10));
        }
        let (cpu, memory) = watch(&server);
        for job in jobs {
            let view = server.job(job);
            assert_eq!(view.job.state, JobState::Running, "{:?}", view.job.history);
        }
        figures.print("manager_mb_4_jobs", memory.anonymous as f64 / 1e6, "MB");
        figures.print("manager_cpu_pct_4_jobs", cpu, "%");
    }
    pin_to_one_core();
}

/// Percent of a core over some time, and memory at its end.
fn watch(server: &Server) -> (f64, smaps::Memory) {
    thread::sleep(SETTLED);
    let (before, since) = (cpu_s(server.pid()), Stopwatch::start());
    thread::sleep(WATCHED);
    let cpu = (cpu_s(server.pid()) - before) / since.elapsed().as_secs_f64() * 100.0;
    (cpu, smaps::of(&server.pid().to_string()).expect("the process is there"))
}
