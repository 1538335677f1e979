//! A loaded sweep.

use std::{fmt, path::PathBuf, str::FromStr};

use barhive_engine::{
    governor::ThrottleConfig,
    sweep::{Evaluation, SweepSpec},
};

use crate::{Cores, DatabaseUrl, ReportOptions, VariantSets, tree::quote};

/// A loaded sweep.
#[derive(Clone)]
pub struct LoadedSweep {
    /// What the engine runs.
    pub spec: SweepSpec,
    /// How it is run and ranked, unless the command line says otherwise.
    pub settings: SweepSettings,
    /// What the report holds.
    pub report: ReportOptions,
    /// The exact configuration, includes and overrides applied, secrets hidden.
    pub canonical_yaml: String,
    /// The same with absolute data paths and without the database: it gives the same result from whatever
    /// folder it is read, when `files` lie in that folder.
    pub standalone_yaml: String,
    /// Makes sets of single variants.
    pub sets: VariantSets,
    /// Files of points that the configuration names.
    pub files: Vec<PointsFile>,
    /// What the user should know, one sentence each.
    pub warnings: Vec<String>,
}

impl fmt::Debug for LoadedSweep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadedSweep").field("name", &self.spec.name).finish_non_exhaustive()
    }
}

/// A file of points that a sweep was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PointsFile {
    /// Relative to the folder of the configuration.
    pub path: PathBuf,
    /// What it says.
    pub text: String,
}

/// How a sweep is run and ranked.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepSettings {
    /// By what variants are ranked: one figure, or the Pareto front of several.
    pub rank: Vec<RankBy>,
    /// How many of the best are shown and run again.
    pub top: u64,
    /// Variants of a pass at most; `None` takes [`Self::BATCH`].
    pub batch: Option<u64>,
    /// Variants that a worker takes at a time; `None` sizes it from what variants take.
    pub chunk: Option<u64>,
    /// Workers; 0 takes as many as cores are allowed.
    pub workers: usize,
    /// Where results are copied to; `None` takes a file in the folder of results.
    pub database: Option<DatabaseUrl>,
    /// What keeps workers apart.
    pub isolation: Isolation,
    /// How much of the machine it takes.
    pub throttle: ThrottleConfig,
    /// What worker processes may take.
    pub process: ProcessSettings,
}

/// What worker processes may take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProcessSettings {
    /// Memory that one may take beyond the sweep itself, files not counted; `None` leaves it to the sweep.
    pub memory_max_bytes: Option<u64>,
    /// On which cores they run.
    pub cores: Cores,
    /// How far they stand back behind other programs: 0 to 19.
    pub nice: u8,
}

impl ProcessSettings {
    /// The least memory that a worker can be given: below it none does a single combination, in bytes.
    pub const MEMORY_MIN_BYTES: u64 = 16 << 20;
}

impl SweepSettings {
    /// Variants of a pass at most, unless somebody says otherwise.
    pub const BATCH: u64 = 1024;
}

impl Default for SweepSettings {
    fn default() -> Self {
        Self {
            rank: vec![RankBy { figure: "sharpe".into(), smallest_first: false }],
            top: 20,
            batch: None,
            chunk: None,
            workers: 0,
            database: None,
            isolation: Isolation::Thread,
            throttle: ThrottleConfig::default(),
            process: ProcessSettings::default(),
        }
    }
}

/// A figure that variants are ranked by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RankBy {
    /// Its name, one of [`Evaluation::figure_names`].
    pub figure: String,
    /// Whether small is good: `-max_drawdown`.
    pub smallest_first: bool,
}

impl FromStr for RankBy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (smallest_first, name) = match text.strip_prefix('-') {
            Some(name) => (true, name.trim_start()),
            None => (false, text),
        };
        match Evaluation::figure_names().contains(&name) {
            true => Ok(Self { figure: name.to_owned(), smallest_first }),
            false => Err(format!("unknown figure {}", quote(name))),
        }
    }
}

impl fmt::Display for RankBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.smallest_first { "-" } else { "" })?;
        f.write_str(&self.figure)
    }
}

/// What keeps workers apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// Workers are threads.
    #[default]
    Thread,
    /// Workers are processes.
    Process,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minus_ranks_the_smallest_first() {
        let rank = |text: &str| text.parse::<RankBy>().map(|rank| rank.to_string());
        assert_eq!(rank("sharpe").as_deref(), Ok("sharpe"));
        assert_eq!(rank("-max_drawdown").as_deref(), Ok("-max_drawdown"));
        assert_eq!(rank("final_equity").as_deref(), Ok("final_equity"));
        assert_eq!(rank("sharp").unwrap_err(), "unknown figure \"sharp\"");
    }
}
