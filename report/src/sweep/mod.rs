//! The report of a sweep: which of many variants are best, and what the sweep took.

mod html;
mod json;
mod naming;
mod ranking;
mod table;
mod terminal;

use barhive_engine::sweep::{PassWork, SweepSpec};

pub use html::{AxesFault, SweepPage};
pub use json::{row_json, sweep_json};
pub use naming::Naming;
pub use ranking::Ranking;
pub use terminal::sweep_terminal;

/// What a report of a sweep is made from.
#[derive(Clone)]
pub struct SweepReport<'a> {
    /// The sweep.
    pub spec: &'a SweepSpec,
    /// Its best variants.
    pub ranking: &'a Ranking,
    /// Where it came from and what it brought.
    pub facts: &'a SweepFacts,
    /// How it was run, where that is known: just after it.
    pub took: Option<SweepTook>,
}

/// What a sweep was made from, and what it brought.
#[derive(Clone, Debug, Default)]
pub struct SweepFacts {
    /// The sweep's name.
    pub name: String,
    /// Version of the program that ran it.
    pub program: String,
    /// The run's folder.
    pub folder: String,
    /// When it was begun, UTC nanoseconds.
    pub created_ns: i64,
    /// The configuration that it was made from, secrets hidden.
    pub config_text: String,
    /// Hash of that.
    pub config_hash: String,
    /// Series and their hashes.
    pub data: Vec<(String, Option<String>)>,
    /// Root of its randomness.
    pub seed: u64,
    /// Variants of the grid.
    pub variants: u64,
    /// Variants that were to be run.
    pub selected: u64,
    /// Variants that have results, failed ones counted.
    pub done: u64,
    /// Variants that failed for good.
    pub failed: u64,
    /// The first of those: number from 1, and why.
    pub failures: Vec<(u64, String)>,
    /// The hash over all results; `None` until the sweep is finished.
    pub result_hash: Option<String>,
    /// Passes over the data.
    pub passes: u64,
    /// The work behind the results.
    pub work: PassWork,
}

/// How a sweep was run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SweepTook {
    /// Workers.
    pub workers: usize,
    /// Variants that a worker took at a time.
    pub chunk: u64,
    /// Variants that were run, those of earlier runs not counted.
    pub run: u64,
    /// How often a worker failed.
    pub worker_failures: u64,
    /// By the wall clock, in seconds.
    pub elapsed_s: f64,
}

impl SweepTook {
    /// Backtests per second.
    pub fn per_s(&self) -> f64 {
        if self.elapsed_s > 0.0 { self.run as f64 / self.elapsed_s } else { 0.0 }
    }
}
