//! `runs show`: one run in full.

use std::{fs, io::Write, path::Path};

use barhive_engine::registry::Registry as Parts;
use barhive_report::{
    format::{count, stamp},
    sweep::SweepReport,
};
use barhive_store::sweep::{SweepWork, WORK};
use clap::Args;

use super::{OpenRun, OpenSweep};
use crate::cli::{
    database::{DatabaseFlags, Target},
    outcome::{Done, Outcome},
    output::{Format, wrapped},
    sweep::{RankFlags, failure, print_report, read},
};

#[derive(Args, Debug)]
pub(in crate::cli) struct ShowFlags {
    #[command(flatten)]
    run: OpenRun,
    #[command(flatten)]
    ranked: RankFlags,
    #[command(flatten)]
    database: DatabaseFlags,
    /// How to print: table or json
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    format: Format,
}

pub(super) fn run(flags: &ShowFlags, parts: &Parts, out: &mut dyn Write) -> Outcome {
    let open = flags.run.open(parts)?;
    let folder = open.run.folder();
    let database = flags.database.existing(&[folder, folder.parent().unwrap_or(Path::new(""))])?;
    let mut ranking = flags.ranked.ranking(&open.settings)?;
    let facts = read(&open.run, &mut ranking, &mut |_| {}).map_err(failure)?;
    let report = SweepReport { spec: &open.spec, ranking: &ranking, facts: &facts, took: None };
    print_report(flags.format, &report, out)?;
    if flags.format == Format::Json {
        return Ok(Done::All);
    }
    let mut lines = vec![
        format!("config hash  {}", facts.config_hash),
        format!("data hash    {}", open.run.manifest().data_hash()),
        format!("seed         {}", facts.seed),
        format!("begun        {} UTC", stamp(facts.created_ns.div_euclid(1_000_000_000) * 1_000_000_000)),
    ];
    let work = fs::read(open.run.folder().join(WORK)).ok();
    if let Some(work) = work.and_then(|bytes| serde_json::from_slice::<SweepWork>(&bytes).ok()) {
        let second = work.finished_ns.div_euclid(1_000_000_000) * 1_000_000_000;
        lines.push(format!("finished     {} UTC", stamp(second)));
    }
    lines.push(format!("work         {} rows, {} steps", count(facts.work.rows), count(facts.work.steps)));
    lines.extend(database.and_then(|database| trials(&database, &open)));
    const SERIES_SHOWN: usize = 10;
    for (series, hash) in facts.data.iter().take(SERIES_SHOWN) {
        lines.push(format!("data         {series} {}", hash.as_deref().unwrap_or("")));
    }
    if facts.data.len() > SERIES_SHOWN {
        lines.push(format!("             and {} more series", facts.data.len() - SERIES_SHOWN));
    }
    for note in open.run.notes() {
        lines.push(note.clone());
    }
    for line in lines {
        // Hashes are longer than what is left of a line beside their names.
        if line.len() <= 80 { writeln!(out, "{line}")? } else { out.write_all(wrapped(&line).as_bytes())? }
    }
    Ok(Done::All)
}

/// How many trials were ever made on the same data, as far as a database knows.
fn trials(target: &Target, open: &OpenSweep) -> Option<String> {
    let asked = target.open().and_then(|mut database| database.trials(&open.run.manifest().data_hash()));
    match asked {
        Ok(trials) => Some(format!("trials       {} on these data, by {target}", count(trials))),
        Err(error) => {
            tracing::warn!("{target}: {error}");
            None
        }
    }
}
