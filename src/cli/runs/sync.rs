//! `runs sync`: what the results database has missed.

use std::io::Write;

use barhive_engine::registry::Registry as Parts;
use barhive_report::format::count;
use barhive_store::sweep::list;
use clap::Args;
use serde_json::{Value as Json, json};

use super::{BaseFlags, OpenSweep, open::find};
use crate::cli::{
    database::{Brought, DatabaseFlags, SyncFault, bring},
    outcome::{CliError, Done, Outcome},
    output::{self, Format, wrapped},
    signals,
    sweep::failure,
};

#[derive(Args, Debug)]
pub(in crate::cli) struct SyncFlags {
    /// Only this run, as in `runs show` [default: all runs in the folder]
    #[arg(value_name = "RUN")]
    name: Option<String>,
    #[command(flatten)]
    base: BaseFlags,
    #[command(flatten)]
    database: DatabaseFlags,
    /// How to print: table or json
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    format: Format,
}

pub(super) fn run(flags: &SyncFlags, parts: &Parts, out: &mut dyn Write) -> Outcome {
    let stop = signals::interrupt_flag()
        .map_err(|error| CliError::Failed(format!("cannot listen to signals: {error}")))?;
    let base = &flags.base.base;
    let (folders, place) = match &flags.name {
        Some(name) => {
            let folder = find(base, name)?;
            // A run in a folder of its own has its database there.
            let is_below = folder.join("..").canonicalize().ok() == base.canonicalize().ok();
            (vec![folder.clone()], if is_below { base.clone() } else { folder })
        }
        None => {
            let (entries, faults) = list(base).map_err(failure)?;
            faults.iter().for_each(|fault| tracing::warn!("{fault}"));
            (entries.into_iter().map(|entry| entry.folder).collect(), base.clone())
        }
    };
    if folders.is_empty() {
        return Err(CliError::Usage(format!("there is no sweep in {}", base.display())));
    }
    let target = flags.database.or_in(&place);
    let target = target.ok_or_else(|| CliError::Usage("--database none: expected a database".to_owned()))?;
    let (mut rows, mut all) = (Vec::new(), true);
    for folder in folders {
        let brought = match OpenSweep::open(&folder, parts) {
            Ok(open) => bring(&open, &target, parts, &stop),
            Err(error) => Err(SyncFault::Run(error.to_string())),
        };
        all &= brought.is_ok();
        let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy();
        match flags.format {
            Format::Json => rows.push(row(&name, &brought)),
            Format::Table => {
                writeln!(out, "{name}")?;
                out.write_all(wrapped(&format!("  {}", words(&brought))).as_bytes())?;
                out.flush()?;
            }
        }
        if matches!(brought, Err(SyncFault::Stopped)) {
            break;
        }
    }
    match flags.format {
        Format::Json => output::json(out, &json!({ "database": target.to_string(), "runs": rows }))?,
        Format::Table => writeln!(out, "database  {target}")?,
    }
    Ok(if all { Done::All } else { Done::WithFailures })
}

fn words(brought: &Result<Brought, SyncFault>) -> String {
    match brought {
        Ok(Brought { variants: 0, recorded: 0 }) => "nothing was missing".to_owned(),
        Ok(Brought { variants, recorded }) => format!(
            "{} combinations and the signals and trades of {} are new there",
            count(*variants),
            count(*recorded)
        ),
        Err(fault) => fault.to_string(),
    }
}

fn row(name: &str, brought: &Result<Brought, SyncFault>) -> Json {
    match brought {
        Ok(Brought { variants, recorded }) => {
            json!({ "run": name, "combinations": variants, "recorded": recorded, "fault": null })
        }
        Err(fault) => json!({ "run": name, "fault": fault.to_string() }),
    }
}
