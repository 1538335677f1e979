//! `runs sync`: what the results database has missed.

use std::{io::Write, path::Path};

use barhive_engine::registry::Registry as Parts;
use barhive_report::format::count;
use barhive_store::sweep::list;
use clap::Args;
use serde_json::{Value as Json, json};

use super::{BaseFlags, OpenSweep, open::find};
use crate::cli::{
    database::{Brought, DatabaseFlags, SyncFault, Target, bring, marked},
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
    for (folder, wanted) in folders.iter().flat_map(|folder| wanted(flags, folder, &target)) {
        let brought = match (OpenSweep::open(folder, parts), wanted.target) {
            (Ok(open), Ok(target)) => bring(&open, &target, parts, &stop),
            (Ok(_), Err(what)) => Err(SyncFault::Unknown(what)),
            (Err(error), _) => Err(SyncFault::Run(error.to_string())),
        };
        all &= brought.is_ok();
        let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy();
        match flags.format {
            Format::Json => rows.push(row(&name, &wanted.name, &brought)),
            Format::Table => {
                writeln!(out, "{name}")?;
                out.write_all(wrapped(&format!("  {}", words(&brought))).as_bytes())?;
                // A name is to be copied: it is never broken.
                if wanted.name != target.to_string() {
                    writeln!(out, "  in {}, which waits for it", wanted.name)?;
                }
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

/// A database that a run is copied into.
struct Wanted {
    name: String,
    /// What is to be done where it cannot be opened.
    target: Result<Target, String>,
}

/// Where the run in `folder` is copied to: into the database that is named, else into those that wait for it,
/// else into the usual one.
fn wanted<'a>(flags: &SyncFlags, folder: &'a Path, usual: &Target) -> Vec<(&'a Path, Wanted)> {
    let names = if flags.database.named().is_some() { Vec::new() } else { marked(folder) };
    if names.is_empty() {
        return vec![(folder, Wanted { name: usual.to_string(), target: Ok(usual.clone()) })];
    }
    let wanted = |name: String| Wanted { target: flags.database.waited_for(&name), name };
    names.into_iter().map(|name| (folder, wanted(name))).collect()
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

fn row(name: &str, database: &str, brought: &Result<Brought, SyncFault>) -> Json {
    match brought {
        Ok(Brought { variants, recorded }) => {
            json!({
                "run": name,
                "database": database,
                "combinations": variants,
                "recorded": recorded,
                "fault": null,
            })
        }
        Err(fault) => json!({ "run": name, "database": database, "fault": fault.to_string() }),
    }
}
