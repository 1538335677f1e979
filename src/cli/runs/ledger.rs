//! `runs list --ledger`: every trial ever made on a data set, runs that are gone included.

use std::{io::Write, path::Path};

use barhive_engine::time::{NS_PER_MINUTE, format_utc};
use barhive_report::format::{count, stamp};
use barhive_store::database::LedgerEntry;
use serde_json::{Value as Json, json};

use crate::cli::{
    database::Target,
    outcome::{CliError, Done, Outcome},
    output::{self, Format},
};

/// Digits of a hash that people are shown.
const HASH_SHOWN: usize = 16;

/// The runs on one data set, newest first.
struct DataSet {
    hash: String,
    runs: Vec<LedgerEntry>,
}

impl DataSet {
    fn trials(&self) -> u64 {
        self.runs.iter().map(|run| run.trials).sum()
    }
}

pub(super) fn list(target: Option<Target>, base: &Path, format: Format, out: &mut dyn Write) -> Outcome {
    let target = target.ok_or_else(|| {
        let base = base.display();
        CliError::Failed(format!(
            "{base} has no results database; `barhive runs sync` makes one, or name one with --database"
        ))
    })?;
    let mut sets: Vec<DataSet> = Vec::new();
    for run in entries(&target)? {
        match sets.iter_mut().find(|set| set.hash == run.data_hash) {
            Some(set) => set.runs.push(run),
            None => sets.push(DataSet { hash: run.data_hash.clone(), runs: vec![run] }),
        }
    }
    match format {
        Format::Json => output::json(out, &sets.iter().map(json_of).collect::<Vec<_>>())?,
        Format::Table if sets.is_empty() => writeln!(out, "no trials in {target}")?,
        Format::Table => {
            for set in &sets {
                let trials = output::count(set.trials() as usize, "trial");
                let runs = output::count(set.runs.len(), "run");
                let hash: String = set.hash.chars().take(HASH_SHOWN).collect();
                writeln!(out, "data {hash}: {trials} in {runs}")?;
                for run in &set.runs {
                    // A name is to be copied: it is never broken.
                    writeln!(out, "  {}\n    {}", name(run), facts(run))?;
                }
            }
        }
    }
    Ok(Done::All)
}

/// All runs that a database knows, newest first.
///
/// # Errors
/// When it is gone or refuses.
fn entries(target: &Target) -> Result<Vec<LedgerEntry>, CliError> {
    let asked = target.open().and_then(|mut database| database.ledger());
    asked.map_err(|error| CliError::Failed(format!("{target}: {error}")))
}

/// The folder's name, and whether it is still there.
fn name(run: &LedgerEntry) -> String {
    let folder = Path::new(&run.folder);
    let name =
        folder.file_name().map_or_else(|| run.folder.clone(), |name| name.to_string_lossy().into_owned());
    if folder.exists() { name } else { format!("{name} (gone)") }
}

/// `2026-01-31 09:30  1,000 trials  c1bc5ea05dad9e7f`.
fn facts(run: &LedgerEntry) -> String {
    let minute = run.created_ns.div_euclid(NS_PER_MINUTE) * NS_PER_MINUTE;
    let hash: String = run.result_hash.as_deref().unwrap_or("unfinished").chars().take(HASH_SHOWN).collect();
    format!("{}  {} trials  {hash}", stamp(minute), count(run.trials))
}

fn json_of(set: &DataSet) -> Json {
    let run = |run: &LedgerEntry| {
        json!({
            "id": run.run,
            "sweep": run.sweep,
            "created": format_utc(run.created_ns),
            "trials": run.trials,
            "hash": run.result_hash,
            "folder": run.folder,
            "gone": !Path::new(&run.folder).exists(),
        })
    };
    json!({
        "data_hash": set.hash,
        "trials": set.trials(),
        "runs": set.runs.iter().map(run).collect::<Vec<_>>(),
    })
}
