//! Flags of `sweep`, as they are typed, and what they mean.

use std::path::{Path, PathBuf};

use barhive_actors::sweep::Isolation;
use barhive_config::{DatabaseUrl, LoadOptions, LoadedSweep, RankBy, SweepSettings, database_url};
use barhive_engine::{governor::ThrottleConfig, registry::Registry as Parts, sweep::VariantSet};
use barhive_report::{ranking::Objective, sweep::Ranking};
use clap::{Args, ValueEnum};

use super::{data::feed_override, throttle::ThrottleFlags};
use crate::cli::{
    control::ControlFlags,
    database::{self, Target},
    logging::LogFlags,
    outcome::CliError,
    output::{Format, count},
    profile::ProfileFlags,
    progress::ProgressWord,
    worker::{self, ProcessFlags},
};

#[derive(Args, Debug)]
pub(in crate::cli) struct SweepFlags {
    /// The sweep, a YAML file
    #[arg(value_name = "SWEEP")]
    pub(super) sweep: PathBuf,
    /// Change a value of the sweep, as in strategies[0].params.fast=[5,10] (may be repeated)
    #[arg(long = "set", value_name = "PATH=VALUE")]
    overrides: Vec<String>,
    /// How many workers [default: as the sweep says, else one per core]
    #[arg(short = 'w', long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: Option<u16>,
    /// What workers are: thread or process
    #[arg(long, value_enum, hide_possible_values = true)]
    isolation: Option<IsolationWord>,
    /// Combinations that a worker takes at a time [default: measured]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    chunk: Option<u64>,
    /// Combinations of a pass at most: what is checkpointed together [default: as the sweep says, else 1024]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_048_576))]
    batch: Option<u64>,
    /// Run only these combinations, by their numbers from 1, as in 1,5,10-15
    #[arg(long, value_name = "LIST")]
    jobs: Option<VariantSet>,
    /// Read these bars instead: a CSV, Parquet or JSON lines file, or the folder of a catalog
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Read only the first N bars of every series
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    bars: Option<u64>,
    #[command(flatten)]
    ranked: RankFlags,
    /// Copy results into this database: none, sqlite:FILE or postgres://USER@HOST/NAME, with
    /// ${VARIABLE} from the environment [default: as the sweep says, else results.sqlite in the folder
    /// of results]
    #[arg(long, value_name = "URL", value_parser = database_url)]
    database: Option<DatabaseUrl>,
    /// Go on with the newest unfinished run of the same configuration and data
    #[arg(long)]
    pub(super) resume: bool,
    /// Write results here [default: a new folder under results/]
    #[arg(long, value_name = "DIR")]
    pub(super) results_dir: Option<PathBuf>,
    /// How to print: table or json
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    pub(super) format: Format,
    #[command(flatten)]
    pub(super) profile: ProfileFlags,
    /// Show no progress
    #[arg(long)]
    pub(super) no_progress: bool,
    /// How progress is shown: bar (on a terminal only) or json (lines on standard error)
    #[arg(long, value_name = "HOW", value_enum, default_value_t, hide_possible_values = true)]
    pub(super) progress: ProgressWord,
    /// Show a line per worker under the bar, as -v does
    #[arg(long)]
    pub(super) per_worker: bool,
    #[command(flatten)]
    throttle: ThrottleFlags,
    #[command(flatten)]
    processes: ProcessFlags,
    #[command(flatten)]
    pub(super) control: ControlFlags,
}

/// What results are ranked by, and how many are shown.
#[derive(Args, Debug, Default)]
pub(in crate::cli) struct RankFlags {
    /// Rank by these figures, the largest first; with a minus, the smallest; several give the front
    #[arg(long, value_name = "FIGURE,...", value_delimiter = ',', value_parser = rank_by, allow_hyphen_values = true)]
    rank: Vec<RankBy>,
    /// How many of the best are shown [default: as the sweep says, else 20]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000))]
    top: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum IsolationWord {
    Thread,
    Process,
}

impl SweepFlags {
    /// Reads the sweep with all changes that flags make to it; its warnings go to the log.
    ///
    /// # Errors
    /// All faults of the file at once.
    pub(super) fn load(&self, parts: &Parts) -> Result<LoadedSweep, CliError> {
        let mut sets = Vec::new();
        if let Some(data) = &self.data {
            sets.push(feed_override(data)?);
        }
        sets.extend(self.overrides.iter().cloned());
        sets.extend(self.bars.map(|bars| format!("bars={bars}")));
        let options = LoadOptions { sets, ..LoadOptions::default() };
        let loaded = barhive_config::load_sweep(&self.sweep, parts, &options)
            .map_err(|faults| CliError::Usage(faults.to_string()))?;
        for warning in &loaded.warnings {
            tracing::warn!("{}: {warning}", self.sweep.display());
        }
        Ok(loaded)
    }

    /// The combinations that are to be run.
    ///
    /// # Errors
    /// When `--jobs` names some that there are not.
    pub(super) fn selected(&self, loaded: &LoadedSweep) -> Result<VariantSet, CliError> {
        let all = VariantSet::from(loaded.spec.all());
        let Some(jobs) = &self.jobs else { return Ok(all) };
        let beyond = jobs.without(&all);
        if beyond.is_empty() {
            return Ok(jobs.clone());
        }
        let there_are = count(loaded.spec.variants() as usize, "combination");
        Err(CliError::Usage(format!("--jobs: there is no {beyond}: the sweep has {there_are}")))
    }

    /// Workers, as [`sweep_workers`] says.
    ///
    /// # Errors
    /// When more are asked for than may be.
    pub(super) fn workers(
        &self,
        settings: &SweepSettings,
        throttle: &ThrottleConfig,
    ) -> Result<usize, CliError> {
        sweep_workers(self.workers, settings, throttle)
    }

    /// How much of the machine the sweep takes.
    ///
    /// # Errors
    /// Every setting that cannot be used.
    pub(super) fn throttle(&self, settings: &SweepSettings) -> Result<ThrottleConfig, CliError> {
        self.throttle.config(&settings.throttle)
    }

    /// How far workers stand back behind other programs.
    pub(super) fn nice(&self, settings: &SweepSettings, throttle: &ThrottleConfig) -> i32 {
        self.processes.nice(&settings.process, throttle)
    }

    pub(super) fn chunk(&self, settings: &SweepSettings) -> Option<u64> {
        self.chunk.or(settings.chunk)
    }

    pub(super) fn batch(&self, settings: &SweepSettings) -> Option<u64> {
        self.batch.or(settings.batch)
    }

    /// The database that results are copied into; `folder` is where it is unless somebody says otherwise.
    pub(super) fn database(&self, settings: &SweepSettings, folder: &Path) -> Option<Target> {
        match self.database.as_ref().or(settings.database.as_ref()) {
            Some(url) => Target::of(url.clone()),
            None => Some(Target::file(folder.join(database::FILE))),
        }
    }

    /// The ranking that flags or else the sweep ask for.
    ///
    /// # Errors
    /// When a figure is named twice.
    pub(super) fn ranking(&self, settings: &SweepSettings) -> Result<Ranking, CliError> {
        self.ranked.ranking(settings)
    }

    /// Has `settings` rank as flags say.
    pub(super) fn rank_as_asked(&self, settings: &mut SweepSettings) {
        if !self.ranked.rank.is_empty() {
            settings.rank.clone_from(&self.ranked.rank);
        }
        settings.top = self.ranked.top.unwrap_or(settings.top);
    }

    /// What keeps workers apart.
    ///
    /// # Errors
    /// When that is not to be had.
    pub(super) fn isolation(&self, loaded: &LoadedSweep, logs: &LogFlags) -> Result<Isolation, CliError> {
        let asked = self.isolation.unwrap_or(match loaded.settings.isolation {
            barhive_config::Isolation::Thread => IsolationWord::Thread,
            barhive_config::Isolation::Process => IsolationWord::Process,
        });
        match asked {
            IsolationWord::Thread => match self.processes.given() {
                Some(flag) => Err(CliError::Usage(format!("{flag} is for --isolation process"))),
                None => Ok(Isolation::Thread),
            },
            IsolationWord::Process => {
                let folder = self.sweep.parent().unwrap_or(Path::new(""));
                let mut process = worker::process_spec(loaded, folder, logs)?;
                self.processes.apply(&loaded.settings.process, &mut process);
                process.affinity.check().map_err(|fault| CliError::Usage(format!("--affinity: {fault}")))?;
                process.nice = self.nice(&loaded.settings, &self.throttle(&loaded.settings)?);
                Ok(Isolation::Process(Box::new(process)))
            }
        }
    }

    /// The command that goes on with an interrupted run.
    pub(super) fn to_resume(&self) -> String {
        let mut command = format!("barhive sweep {} --resume", self.sweep.display());
        if let Some(folder) = &self.results_dir {
            command.push_str(&format!(" --results-dir {}", folder.display()));
        }
        if self.data.is_some() || self.bars.is_some() || self.jobs.is_some() || !self.overrides.is_empty() {
            command.push_str(" and the same --data, --bars, --jobs and --set");
        }
        if self.database.is_some() {
            command.push_str(" and the same --database");
        }
        command
    }
}

impl RankFlags {
    /// Whether anything was said.
    pub(in crate::cli) fn is_given(&self) -> bool {
        self.top.is_some() || !self.rank.is_empty()
    }

    /// How many are meant, where that was said.
    pub(in crate::cli) fn top(&self) -> Option<u64> {
        self.top
    }

    /// The ranking that flags or else the sweep ask for.
    ///
    /// # Errors
    /// When a figure is named twice.
    pub(in crate::cli) fn ranking(&self, settings: &SweepSettings) -> Result<Ranking, CliError> {
        let by = if self.rank.is_empty() { &settings.rank } else { &self.rank };
        let mut objectives: Vec<Objective> = Vec::new();
        for one in by {
            let objective = objective(one).map_err(CliError::Usage)?;
            if objectives.iter().any(|known| known.name() == objective.name()) {
                return Err(CliError::Usage(format!("--rank: {} is named twice", one.figure)));
            }
            objectives.push(objective);
        }
        let Some((first, others)) = objectives.split_first() else {
            return Err(CliError::Usage("--rank: expected a figure, found none".to_owned()));
        };
        let keep = usize::try_from(self.top.unwrap_or(settings.top)).unwrap_or(usize::MAX);
        Ok(Ranking::new(*first, others, keep))
    }
}

/// Workers of a sweep: as many as are asked for, else as the sweep or its throttle says, else one per core.
///
/// # Errors
/// When more are asked for than may be.
pub(in crate::cli) fn sweep_workers(
    asked: Option<u16>,
    settings: &SweepSettings,
    throttle: &ThrottleConfig,
) -> Result<usize, CliError> {
    let asked = asked.map_or(settings.workers, usize::from);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = throttle.workers((asked > 0).then_some(asked), cores);
    workers.map_err(|faults| CliError::Usage(faults.to_string()))
}

/// Configurations say which end comes first; an objective knows which is usual for its figure.
fn objective(by: &RankBy) -> Result<Objective, String> {
    let usual: Objective = by.figure.parse()?;
    if usual.more_is_better() == by.smallest_first { format!("-{}", by.figure).parse() } else { Ok(usual) }
}

fn rank_by(text: &str) -> Result<RankBy, String> {
    text.parse().map_err(|fault: String| {
        let known: Vec<_> = Objective::names().collect();
        format!("{fault}; known: {}", known.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sign_of_a_figure_says_which_end_comes_first() {
        for (text, more_is_better) in
            [("sharpe", true), ("-sharpe", false), ("max_drawdown", true), ("-max_drawdown", false)]
        {
            let objective = objective(&rank_by(text).expect("a figure")).expect("an objective");
            assert_eq!(objective.more_is_better(), more_is_better, "{text}");
        }
        let fault = rank_by("sharp").expect_err("no figure");
        assert!(fault.contains("sharpe"), "{fault}");
    }
}
