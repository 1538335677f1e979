//! `plan`: what a run will take, before its first row.

use std::io::Write;

use barhive_engine::{plan::plan, registry::Registry as Parts};
use clap::Args;

use super::{
    config_flags::ConfigFlags,
    outcome::{CliError, Done, Outcome},
    output::{self, Format},
};

#[derive(Args, Debug)]
pub(super) struct PlanFlags {
    #[command(flatten)]
    config: ConfigFlags,
    /// How to print: table or json
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    format: Format,
}

pub(super) fn run(flags: &PlanFlags, parts: &Parts, out: &mut dyn Write) -> Outcome {
    let loaded = flags.config.load(parts, false)?;
    let plan = plan(&loaded.spec, parts).map_err(|faults| {
        let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
        CliError::Usage(format!("{}: {}", flags.config.set.display(), faults.join("\n       ")))
    })?;
    match flags.format {
        Format::Table => write!(out, "{plan}")?,
        Format::Json => output::json(out, &plan)?,
    }
    Ok(Done::All)
}
