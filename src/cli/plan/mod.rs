//! `plan`: what a run or a sweep will take, before it is begun.

mod pace;

use std::io::Write;

use barhive_config::{Document, Isolation, LoadedSweep, SweepSettings};
use barhive_engine::{
    plan::{PlanFault, PlanOptions, plan, plan_sweep},
    registry::Registry as Parts,
    sweep::CutOptions,
};
use clap::Args;

use super::{
    config_flags::ConfigFlags,
    outcome::{CliError, Done, Outcome},
    output::{self, Format},
    sweep::sweep_workers,
};

#[derive(Args, Debug)]
pub(super) struct PlanFlags {
    #[command(flatten)]
    config: ConfigFlags,
    /// Of a sweep: how many workers
    #[arg(short = 'w', long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: Option<u16>,
    /// Of a sweep: combinations of a pass at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    batch: Option<u64>,
    /// Of a sweep: combinations that a worker takes at a time
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    chunk: Option<u64>,
    /// Of a sweep: do not try a few combinations on this machine to learn how long one takes
    #[arg(long)]
    no_measure: bool,
    /// How to print: table or json
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    format: Format,
}

pub(super) fn run(flags: &PlanFlags, parts: &Parts, out: &mut dyn Write) -> Outcome {
    let unfit = |faults: Vec<PlanFault>| CliError::Usage(told(&flags.config, &faults));
    match flags.config.load_any(parts)? {
        Document::Set(_) if flags.workers.is_some() || flags.batch.is_some() || flags.chunk.is_some() => {
            let set = flags.config.set.display();
            Err(CliError::Usage(format!("{set} is a set: --workers, --batch and --chunk are for sweeps")))
        }
        Document::Set(loaded) => {
            let plan = plan(&loaded.spec, parts).map_err(unfit)?;
            match flags.format {
                Format::Table => write!(out, "{plan}")?,
                Format::Json => output::json(out, &plan)?,
            }
            Ok(Done::All)
        }
        Document::Sweep(loaded) => {
            let options = flags.cut_options(&loaded)?;
            let pace = match flags.no_measure {
                true => None,
                false => pace::measure(&loaded.spec, parts, options),
            };
            let are_processes = loaded.settings.isolation == Isolation::Process;
            let options = PlanOptions { cut: options, are_processes, pace };
            let plan = plan_sweep(&loaded.spec, parts, options).map_err(unfit)?;
            match flags.format {
                Format::Table => write!(out, "{plan}")?,
                Format::Json => output::json(out, &plan)?,
            }
            Ok(Done::All)
        }
    }
}

impl PlanFlags {
    /// How the sweep will be cut: flags first, then its file.
    ///
    /// # Errors
    /// When more workers are asked for than may be.
    fn cut_options(&self, loaded: &LoadedSweep) -> Result<CutOptions, CliError> {
        let settings = &loaded.settings;
        Ok(CutOptions {
            workers: sweep_workers(self.workers, settings, &settings.throttle)?,
            chunk: self.chunk.or(settings.chunk),
            batch: self.batch.or(settings.batch).unwrap_or(SweepSettings::BATCH),
        })
    }
}

/// The first faults of a file, after its name.
pub(super) fn told(config: &ConfigFlags, faults: &[PlanFault]) -> String {
    const SHOWN_MAX: usize = 20;
    let mut lines: Vec<String> = faults.iter().take(SHOWN_MAX).map(ToString::to_string).collect();
    if faults.len() > SHOWN_MAX {
        lines.push(format!("and {} more", faults.len() - SHOWN_MAX));
    }
    format!("{}: {}", config.set.display(), lines.join("\n       "))
}
