//! Live work beside a sweep that takes all that it can get: how much later its orders are.
//!
//! Both run as they do for a user: a server that keeps a core for live work looks after the live process, and the
//! sweep comes through its queue. While it is measured, worker processes of the sweep are killed.

mod set;

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use barhive_actors::clock::Stopwatch;
use barhive_engine::jobs::{JobId, JobRequest, Resources};
use barhive_machine::{gauge::Role, process::allowed_cores};
use barhive_serve::{Answer, Client, JobView, Request, ServerStatus, Work, WorkKind};
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;

use super::{BenchError, Place, ensure, market, not_written};

pub use set::{EVERY, LiveLags, run as run_set};

/// Bars before those that are measured: in that time the sweep begins.
const SKIP: u64 = 150;
/// Between two looks at the server.
const LOOK: Duration = Duration::from_millis(200);
/// Workers that are ended while it is measured, in turn by themselves and by force.
const ENDED: [Signal; 3] = [Signal::KILL, Signal::ABORT, Signal::KILL];

/// How late orders were.
#[derive(Clone, Debug, Serialize)]
pub struct Latency {
    /// Bars that were measured.
    pub bars: u64,
    /// Bars that had no order.
    pub missed: u64,
    /// From the moment in which a bar was due to its order, milliseconds: for half of them at most this.
    pub p50_ms: f64,
    /// For 99 % of them.
    pub p99_ms: f64,
    /// For all of them.
    pub max_ms: f64,
}

/// Live work alone, and beside a sweep.
#[derive(Clone, Debug, Serialize)]
pub struct Beside {
    /// Nothing else is asked of the server.
    pub alone: Latency,
    /// A sweep takes all other cores.
    pub beside: Latency,
    /// Its workers.
    pub workers: u32,
    /// What they used of all cores, percent, on average.
    pub workers_cpu_percent: f64,
    /// Those that were ended by a signal meanwhile.
    pub ended: usize,
    /// What the server keeps for live work, as it says.
    pub kept: String,
    /// What live work was not given, a sentence each.
    pub notes: Vec<String>,
}

/// Measures so many bars, ten a second, alone and then beside a sweep.
///
/// # Errors
/// On a machine with one core; when the server, the live process or the sweep does not run as it should.
pub fn beside_sweep(place: &Place, bars: u64) -> Result<Beside, BenchError> {
    let cores = allowed_cores().len();
    ensure(cores > 1, || "one core is kept for live work, and this machine lends only one".to_owned())?;
    let workers = cores as u32 - 1;
    let (alone, _) = measure(place, bars, None)?;
    let (beside, seen) = measure(place, bars, Some(workers))?;
    ensure(seen.ended == ENDED.len(), || format!("{} workers were ended, not {}", seen.ended, ENDED.len()))?;
    let mut notes = [alone.notes.clone(), beside.notes.clone(), seen.notes].concat();
    notes.sort();
    notes.dedup();
    Ok(Beside {
        alone: latency(alone),
        beside: latency(beside),
        workers,
        workers_cpu_percent: seen.cpu_percent / f64::from(seen.looks.max(1)),
        ended: seen.ended,
        kept: seen.kept,
        notes,
    })
}

fn latency(LiveLags { mut lags_ms, missed, .. }: LiveLags) -> Latency {
    lags_ms.sort_by(f64::total_cmp);
    let at = |part: usize| lags_ms[(lags_ms.len() - 1) * part / 100];
    Latency {
        bars: lags_ms.len() as u64 + missed,
        missed,
        p50_ms: at(50),
        // The rank is rounded up: of 300 bars the fourth from the end.
        p99_ms: lags_ms[(lags_ms.len() * 99).div_ceil(100) - 1],
        max_ms: at(100),
    }
}

/// What was seen of a server while live work was measured.
#[derive(Default)]
struct Seen {
    looks: u32,
    cpu_percent: f64,
    ended: usize,
    kept: String,
    notes: Vec<String>,
}

/// A server that is killed when this is dropped; its processes end with it.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(pid) = Pid::from_raw(self.0.id() as i32) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let _ = self.0.wait();
    }
}

fn measure(place: &Place, bars: u64, workers: Option<u32>) -> Result<(LiveLags, Seen), BenchError> {
    let folder = place.empty("live")?;
    let out = folder.join("lags.json");
    let (mut server, mut client) = serve(place, &folder, &out, bars)?;
    let watch = Stopwatch::start();
    let job = match workers {
        None => None,
        Some(workers) => Some(submit(&mut client, &folder, workers)?),
    };
    let first = EVERY * SKIP as u32;
    let patience = first + EVERY * bars as u32 + Duration::from_secs(30);
    let mut seen = Seen::default();
    loop {
        std::thread::sleep(LOOK);
        let status = status(&mut client)?;
        for process in &status.live {
            seen.kept = format!("cores {:?}, nice {}", process.cores, process.nice.unwrap_or_default());
            seen.notes.clone_from(&process.notes);
            ensure(process.restarts == 0, || format!("the live process failed: {:?}", process.failure))?;
        }
        if let Some(job) = job {
            let view = view(&mut client, job)?;
            ensure(!view.job.state.is_ended(), || {
                format!("the sweep ended too soon: {}, {}", view.job.state, view.job.reason())
            })?;
        }
        if let Some(lags) = set::read(&out)? {
            return Ok((lags, seen));
        }
        ensure(watch.elapsed() < patience, || "the live set has written nothing".to_owned())?;
        ensure(matches!(server.0.try_wait(), Ok(None)), || "the server has ended".to_owned())?;
        if job.is_some() && watch.elapsed() > first {
            look(
                &status,
                &mut seen,
                (watch.elapsed() - first).as_secs_f64() / (EVERY * bars as u32).as_secs_f64(),
            )?;
        }
    }
}

/// Looks at the sweep's processes, and ends one of them where it is time to.
fn look(status: &ServerStatus, seen: &mut Seen, gone: f64) -> Result<(), BenchError> {
    let machine = status.machine.as_ref();
    seen.looks += 1;
    seen.cpu_percent += machine.map_or(0.0, |machine| machine.sample.workers_cpu_percent);
    let trees = machine.iter().flat_map(|machine| &machine.trees).filter(|tree| tree.role == Role::Worker);
    let workers: Vec<u32> =
        trees.flat_map(|tree| tree.processes.iter().filter(|pid| **pid != tree.pid)).copied().collect();
    ensure(seen.looks > 1 || !workers.is_empty(), || "the sweep has not begun in time".to_owned())?;
    let is_time = gone > (seen.ended + 1) as f64 / (ENDED.len() + 1) as f64;
    if let Some(signal) = ENDED.get(seen.ended).filter(|_| is_time)
        && let Some(pid) = workers.first().and_then(|pid| Pid::from_raw(*pid as i32))
        && kill_process(pid, *signal).is_ok()
    {
        seen.ended += 1;
    }
    Ok(())
}

/// Starts a server with a live process.
fn serve(place: &Place, folder: &Path, out: &Path, bars: u64) -> Result<(Server, Client), BenchError> {
    let words = serde_json::json!([
        place.program,
        "bench",
        "live-set",
        "--bars",
        bars.to_string(),
        "--skip",
        SKIP.to_string(),
        "--out",
        out
    ]);
    // Others that load this machine are no reason to hold the sweep.
    let text = format!(
        "state: state\nbreaker: {{enabled: false}}\nhttp: {{listen: none}}\nlive:\n  cores: 1\n  memory: 512MiB\n  \
         nice: -5\n  run:\n    - {{name: paced, command: {words}, silence_max: 5s}}\n"
    );
    let file = folder.join("server.yaml");
    fs::write(&file, text).map_err(|error| not_written(&file, &error))?;
    let mut command = Command::new(&place.program);
    command.args(["serve", "--quiet"]).arg(&file);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
    let mut server = Server(child.map_err(BenchError::of)?);
    loop {
        if let Ok(client) = Client::connect(&folder.join("state")) {
            return Ok((server, client));
        }
        ensure(matches!(server.0.try_wait(), Ok(None)), || "the server does not start".to_owned())?;
        std::thread::sleep(LOOK / 10);
    }
}

/// A sweep that does not end while it is needed, with workers that are processes.
fn submit(client: &mut Client, folder: &Path, workers: u32) -> Result<JobId, BenchError> {
    let sweep = folder.join("sweep.yaml");
    let cross = market::crosses("cross", 100_000);
    let text = format!(
        "name: beside\nfeed: {{kind: synthetic, params: {{symbols: [X], bars: 1000000}}}}\n\
         account: {{cash: 1000000 USD}}\nsweep: {{isolation: process}}\n\
         strategies:\n  - {{{cross}}}\n"
    );
    fs::write(&sweep, text).map_err(|error| not_written(&sweep, &error))?;
    let work = Work {
        kind: WorkKind::Sweep,
        file: sweep,
        results_dir: None,
        folder: folder.to_owned(),
        notify: Vec::new(),
    };
    let payload = serde_json::to_string(&work).map_err(BenchError::of)?;
    let request = JobRequest { resources: Resources::new(0, workers), ..JobRequest::new("beside", &payload) };
    match client.ask(&Request::Submit { request }).map_err(BenchError::of)? {
        Answer::Submitted { job } => Ok(job),
        other => Err(BenchError(format!("the sweep was not taken in: {other:?}"))),
    }
}

fn view(client: &mut Client, job: JobId) -> Result<JobView, BenchError> {
    match client.ask(&Request::Show { job }).map_err(BenchError::of)? {
        Answer::Job(view) => Ok(*view),
        other => Err(BenchError(format!("the server does not show the sweep: {other:?}"))),
    }
}

fn status(client: &mut Client) -> Result<ServerStatus, BenchError> {
    match client.ask(&Request::Status).map_err(BenchError::of)? {
        Answer::Status(status) => Ok(*status),
        other => Err(BenchError(format!("the server does not say how it is: {other:?}"))),
    }
}
