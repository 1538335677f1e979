//! `runs list`: what is in the results folder.

use std::{fs, io::Write, path::Path};

use barhive_engine::{
    registry::Registry as Parts,
    time::{NS_PER_MINUTE, format_utc},
};
use barhive_report::format::{NOTHING, number, stamp};
use barhive_store::sweep::{SweepEntry, list};
use clap::Args;
use serde_json::{Value as Json, json};

use super::{BaseFlags, OpenSweep, ledger};
use crate::cli::{
    database::DatabaseFlags,
    outcome::{Done, Outcome},
    output::{self, Format},
    sweep::{RankFlags, failure, read},
};

#[derive(Args, Debug)]
pub(in crate::cli) struct ListFlags {
    #[command(flatten)]
    base: BaseFlags,
    /// Show the ledger of the results database instead: every trial ever made on a data set, runs that
    /// were removed included
    #[arg(long)]
    ledger: bool,
    #[command(flatten)]
    database: DatabaseFlags,
    /// How to print: table or json
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    format: Format,
}

pub(super) fn run(flags: &ListFlags, parts: &Parts, out: &mut dyn Write) -> Outcome {
    let base = &flags.base.base;
    if flags.ledger {
        return ledger::list(flags.database.existing(&[base])?, base, flags.format, out);
    }
    let (entries, faults) = list(base).map_err(failure)?;
    for fault in &faults {
        tracing::warn!("{fault}");
    }
    let mut rows: Vec<Json> = entries.iter().map(|entry| sweep_row(entry, parts)).collect();
    rows.extend(set_rows(base));
    match flags.format {
        Format::Json => output::json(out, &rows)?,
        Format::Table if rows.is_empty() => writeln!(out, "no runs in {}", base.display())?,
        Format::Table => {
            // A name is to be copied: it is never broken.
            for row in &rows {
                writeln!(out, "{}", row["run"].as_str().unwrap_or(NOTHING))?;
                writeln!(out, "  {}", facts(row))?;
            }
        }
    }
    Ok(if faults.is_empty() { Done::All } else { Done::WithFailures })
}

/// When, how much, how, what: `2026-01-31 09:30  336/336  finished  c1bc5ea0  sharpe 2.6610 (no. 192)`.
fn facts(row: &Json) -> String {
    let text = |field: &str| row[field].as_str().unwrap_or(NOTHING);
    let done = match (&row["done"], &row["selected"]) {
        (Json::Number(done), Json::Number(selected)) => format!("{done}/{selected}"),
        _ => "a set".to_owned(),
    };
    let hash: String = text("hash").chars().take(8).collect();
    let best = match (row["best"]["figure"].as_str(), row["best"]["value"].as_f64()) {
        (Some(figure), Some(value)) => {
            format!("{figure} {} (no. {})", number(value, 4), row["best"]["variant"])
        }
        _ => String::new(),
    };
    let line = format!("{}  {done:<9}  {:<10}  {hash:<8}  {best}", text("when"), text("state"));
    line.trim_end().to_owned()
}

fn sweep_row(entry: &SweepEntry, parts: &Parts) -> Json {
    let minute = entry.manifest.created_ns.div_euclid(NS_PER_MINUTE) * NS_PER_MINUTE;
    let state = match &entry.result {
        Some(result) if result.failed > 0 => format!("{} failed", result.failed),
        Some(_) => "finished".to_owned(),
        None => "unfinished".to_owned(),
    };
    json!({
        "run": entry.folder.file_name().map(|name| name.to_string_lossy()),
        "folder": entry.folder,
        "kind": "sweep",
        "name": entry.manifest.sweep,
        "when": stamp(minute),
        "created": format_utc(entry.manifest.created_ns),
        "done": entry.done,
        "selected": entry.manifest.selected.len(),
        "state": state,
        "hash": entry.result.as_ref().map(|result| &result.result_hash),
        "best": best(entry, parts),
    })
}

/// The best of a run by its own first figure; nothing where its data are gone.
fn best(entry: &SweepEntry, parts: &Parts) -> Option<Json> {
    let open = OpenSweep::open(&entry.folder, parts).ok()?;
    let mut ranking = RankFlags::default().ranking(&open.settings).ok()?;
    read(&open.run, &mut ranking, &mut |_| {}).ok()?;
    let (best, objective) = (ranking.best()?, *ranking.objectives().first()?);
    let value = objective.value(best.evaluation()?);
    Some(json!({ "variant": best.index + 1, "figure": objective.name(), "value": value }))
}

/// The runs of sets below `base`, the newest name first.
fn set_rows(base: &Path) -> Vec<Json> {
    let Ok(listing) = fs::read_dir(base) else { return Vec::new() };
    let mut folders: Vec<_> = listing.filter_map(|entry| Some(entry.ok()?.path())).collect();
    folders.sort();
    let rows = folders.iter().rev().filter_map(|folder| {
        let report: Json = serde_json::from_slice(&fs::read(folder.join("report.json")).ok()?).ok()?;
        let meta = &report["run"];
        Some(json!({
            "run": folder.file_name().map(|name| name.to_string_lossy()),
            "folder": folder,
            "kind": "set",
            "name": meta["name"],
            "when": meta["started"].as_str().map(|text| text.chars().take(16).collect::<String>().replace('T', " ")),
            "state": "finished",
            "hash": report["result_hash"],
        }))
    });
    rows.collect()
}
