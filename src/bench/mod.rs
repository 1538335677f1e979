//! Measurements that `barhive bench` and the project's own benches share.
//!
//! No part of what the library promises: it changes whenever there is something else to measure.

pub mod live;
pub mod machine;
pub mod market;
pub mod memory;
pub mod portfolios;
pub mod scale;
pub mod sharing;
pub mod startup;
pub mod strategies;

use std::{
    fmt::Display,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use barhive_actors::sweep::ProcessSpec;
use barhive_config::LoadedSweep;

use crate::cli::worker_process;

/// Why there is nothing to report.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BenchError(String);

impl BenchError {
    pub(crate) fn of(error: impl Display) -> Self {
        Self(error.to_string())
    }
}

/// A measurement holds, or everything that follows from it is wrong.
fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), BenchError> {
    if holds { Ok(()) } else { Err(BenchError(what())) }
}

/// What measurements need of their surroundings.
#[derive(Clone, Debug)]
pub struct Place {
    /// The program that is measured: `barhive`, or one with the same command line.
    pub program: PathBuf,
    /// The folder that data and results are written to.
    pub folder: PathBuf,
}

impl Place {
    /// The program in a folder.
    pub fn new(program: impl Into<PathBuf>, folder: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), folder: folder.into() }
    }

    /// The program as the worker processes of a sweep; it knows the strategies that only measurements
    /// need, too.
    ///
    /// # Errors
    /// When workers cannot be told of the sweep.
    pub fn workers(&self, sweep: &LoadedSweep) -> Result<ProcessSpec, BenchError> {
        worker_process(sweep, &self.program).map_err(BenchError)
    }

    /// A folder in the folder; what was in it is gone.
    fn empty(&self, name: &str) -> Result<PathBuf, BenchError> {
        let folder = self.folder.join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).map_err(|error| not_written(&folder, &error))?;
        Ok(folder)
    }
}

fn not_written(path: &Path, error: &std::io::Error) -> BenchError {
    BenchError(format!("{}: cannot be written: {error}", path.display()))
}

/// How long `work` takes.
pub fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = now();
    let value = work();
    (start.elapsed(), value)
}

#[allow(clippy::disallowed_methods, reason = "how long something takes is what is measured")]
fn now() -> Instant {
    Instant::now()
}

/// The middle one; 0 where there is none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
