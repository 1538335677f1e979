//! How soon the first result is there, and how soon a worker is back.

use std::{
    fs::{self, File},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use barhive_actors::sweep::restart_times;
use barhive_engine::registry::Registry as Parts;

use super::{
    BenchError, Place, ensure,
    market::{self, Data},
    not_written, timed,
};

/// How often the results are looked at.
const LOOK: Duration = Duration::from_micros(200);
/// Bytes of a log before its first result.
const HEAD: u64 = 4_096;

/// From the start of the program, which is to sweep over so many rows of a catalog, to its first result
/// on disk; the sweep is then waited for.
///
/// # Errors
/// When the program cannot be run, or the sweep fails.
pub fn first_result(place: &Place, rows: u64) -> Result<Duration, BenchError> {
    let catalog = place.folder.join(format!("first-{rows}"));
    market::catalog(&catalog, 1, rows)?;
    let folder = place.empty("first")?;
    let (sweep, results) = (folder.join("sweep.yaml"), folder.join("results"));
    let text = Data::of(&catalog).sweep_text(&[market::crosses("cross", 1_000)]);
    fs::write(&sweep, text).map_err(|error| not_written(&sweep, &error))?;
    let (time, child) = timed(|| {
        let mut child = Command::new(&place.program)
            .args(["sweep", "--no-progress", "--quiet", "-w", "1", "--results-dir"])
            .args([&results, &sweep])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| BenchError(format!("{} cannot be started: {error}", place.program.display())))?;
        let log = results.join("results.log");
        while fs::metadata(&log).map_or(0, |log| log.len()) <= HEAD {
            let is_over = child.try_wait().map_err(BenchError::of)?.is_some();
            ensure(!is_over, || "the program ended without a result".to_owned())?;
            std::thread::sleep(LOOK);
        }
        // Written is not on disk: the program waits for the disk, too.
        File::open(&log).and_then(|log| log.sync_data()).map_err(BenchError::of)?;
        Ok::<_, BenchError>(child)
    });
    let status = child?.wait().map_err(BenchError::of)?;
    ensure(status.success() && results.join("results.parquet").exists(), || {
        format!("the measured sweep failed: {status}")
    })?;
    Ok(time)
}

/// How long the program takes to say its version: what no start can be quicker than.
///
/// # Errors
/// When the program cannot be run.
pub fn version(program: &Path) -> Result<Duration, BenchError> {
    let (time, status) = timed(|| Command::new(program).arg("--version").stdout(Stdio::null()).status());
    ensure(status.map_err(BenchError::of)?.success(), || "the program does not say its version".to_owned())?;
    Ok(time)
}

/// Kills a worker process of a sweep over 100,000 rows so many times, and answers how long each time
/// until the one in its place has read its sweep and is ready for work.
///
/// # Errors
/// When workers cannot be started.
pub fn worker_restarts(place: &Place, parts: &Parts, kills: usize) -> Result<Vec<Duration>, BenchError> {
    let catalog = place.folder.join("first-100000");
    market::catalog(&catalog, 1, 100_000)?;
    let sweep = Data::of(&catalog).sweep(&[market::crosses("cross", 1_000)], parts)?;
    let process = place.workers(&sweep)?;
    restart_times(&process, kills).map_err(BenchError::of)
}
