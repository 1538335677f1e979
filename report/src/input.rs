//! What a report is made from.

use std::path::PathBuf;

use barhive_engine::{instrument::Instrument, result::RunResult};
use serde::Serialize;

use crate::{
    curve::{AccountCurves, SymbolPrices},
    store::WriteFault,
};

/// A finished run with everything that a report shows. Borrowed: making a report copies little.
#[derive(Clone, Copy)]
pub struct ReportInput<'a> {
    /// What the run answered.
    pub result: &'a RunResult,
    /// How it was run.
    pub meta: &'a RunMeta,
    /// The run's instruments, by [`InstrumentId`](barhive_engine::instrument::InstrumentId).
    pub instruments: &'a [Instrument],
    /// Curves by account; an account without one has no chart.
    pub curves: &'a [AccountCurves],
    /// Prices by symbol; a symbol without them has no chart.
    pub prices: &'a [SymbolPrices],
    /// Record files that were written.
    pub files: &'a [PathBuf],
    /// Record files that could not be written.
    pub faults: &'a [WriteFault],
}

/// How a run was made: what the result itself does not say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunMeta {
    /// Its name.
    pub name: String,
    /// Version of the program.
    pub version: String,
    /// When it started, UTC nanoseconds, as the caller's clock said.
    pub started_ns: Option<i64>,
    /// How long it took, milliseconds.
    pub wall_ms: f64,
    /// The configuration as it was written, with `${...}` unresolved: secrets never enter a report.
    pub config_text: String,
    /// Where the configuration was.
    pub config_path: Option<String>,
    /// Overrides from the command line, as given.
    pub overrides: Vec<String>,
    /// Root of all randomness.
    pub seed: u64,
    /// What the run used.
    pub resources: Resources,
}

/// What a run used. `None` where nobody measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Resources {
    /// Cores that it was allowed.
    pub cores: Option<u32>,
    /// Shards that stepped containers.
    pub shards: Option<u32>,
    /// Processor time of all threads, milliseconds.
    pub cpu_ms: Option<f64>,
    /// Most memory in use that was not shared with a file, bytes.
    pub private_bytes_peak: Option<u64>,
    /// Most memory resident, mapped files counted, bytes.
    pub resident_bytes_peak: Option<u64>,
}

impl ReportInput<'_> {
    /// Rows read over all series.
    pub fn rows(&self) -> u64 {
        self.result.series.iter().map(|series| series.rows).sum()
    }

    /// Rows read per second of the whole run, start-up and reports included. `None` for a run of no time.
    pub fn rows_per_second(&self) -> Option<f64> {
        (self.meta.wall_ms > 0.0).then(|| self.rows() as f64 * 1e3 / self.meta.wall_ms)
    }

    /// The hub's proof in one sentence.
    pub fn hub_proof(&self) -> String {
        use crate::format::count;
        let hub = &self.result.hub;
        if hub.keys == 0 {
            return "no indicator was asked for".into();
        }
        let bars = if hub.expected.is_multiple_of(hub.keys) {
            format!(
                "{} {} x {} bars = {} computations",
                count(hub.keys),
                plural(hub.keys, "indicator"),
                count(hub.expected / hub.keys),
                count(hub.computed)
            )
        } else {
            format!(
                "{} {} over their bars = {} computations",
                count(hub.keys),
                plural(hub.keys, "indicator"),
                count(hub.computed)
            )
        };
        let verdict = if hub.computed == hub.expected {
            String::new()
        } else {
            format!(" (expected {})", count(hub.expected))
        };
        format!(
            "{bars}{verdict} for {} {}; {} recomputed",
            count(hub.subscriptions),
            plural(hub.subscriptions, "subscription"),
            count(hub.recomputed)
        )
    }
}

/// `word`, with an `s` unless there is one.
pub(crate) fn plural(count: u64, word: &str) -> String {
    if count == 1 { word.to_owned() } else { format!("{word}s") }
}
