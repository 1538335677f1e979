//! `bench sharing`: what worker processes that map the catalog take, and what they would take.

use std::{io::Write, path::PathBuf};

use barhive_engine::registry::Registry as Parts;
use barhive_report::format::{bytes, percent};
use clap::Args;
use serde_json::{Value, json};

use super::{Bench, PlaceFlags, Report, figures};
use crate::{
    bench::{
        market,
        sharing::{Kept, Shared, after_failed_jobs, after_killed_workers, shared},
    },
    cli::outcome::{CliError, Outcome},
};

#[derive(Args, Debug)]
pub(in crate::cli) struct SharingFlags {
    /// Numbers of worker processes
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_values_t = [1u16, 2, 4, 8],
          value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: Vec<u16>,
    /// Bars of the made-up data
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1_000..))]
    bars: u64,
    /// The folder of a catalog with one-minute bars in place of made-up ones
    #[arg(long, value_name = "DIR", conflicts_with = "bars")]
    data: Option<PathBuf>,
    /// Failed jobs, and killed workers, after which memory is compared
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    jobs: u64,
    #[command(flatten)]
    place: PlaceFlags,
}

/// What is claimed elsewhere for so many workers: in the comparison of start-up and sharing that this
/// program is held against.
const CLAIMED: [(usize, &str, &[f64]); 3] =
    [(2, "75 %", &[0.75]), (4, "75 / 87.5 %", &[0.75, 0.875]), (8, "93.75 %", &[0.9375])];

pub(super) fn run(flags: &SharingFlags, parts: &Parts, out: &mut dyn Write) -> Outcome {
    let bench = Bench::begin(&flags.place)?;
    let catalog = match &flags.data {
        Some(data) => data.canonicalize().map_err(|error| {
            CliError::Usage(format!("--data: {}: cannot be read: {error}", data.display()))
        })?,
        None => bench.part(|place| {
            let catalog = place.folder.join("many");
            market::catalog(&catalog, 1, flags.bars).map(|()| catalog)
        })?,
    };
    let mut rows = Vec::new();
    for workers in &flags.workers {
        rows.push(bench.part(|place| shared(place, parts, &catalog, usize::from(*workers)))?);
    }
    let failed = bench.part(|place| after_failed_jobs(place, parts, flags.jobs))?;
    let killed = bench.part(|place| after_killed_workers(place, parts, flags.jobs))?;
    bench.end(report(&rows, failed, killed), out)
}

fn report(rows: &[Shared], failed: Kept, killed: Kept) -> Report {
    let mut table = figures(&["workers", "mapped", "in mappings", "read", "saved", "limit", "claimed"]);
    for row in rows {
        table.add_row([
            row.workers.to_string(),
            bytes(row.shared_bytes),
            bytes(row.mapped_bytes),
            bytes(row.read_bytes),
            percent(row.saving()),
            percent(row.saving_max()),
            claimed(row.workers).map_or("", |(words, _)| words).to_owned(),
        ]);
    }
    let mut notes = vec![
        "saved: what is mapped is what was touched, what is read is the whole file. limit: 1 - 1/n, for one copy of \
         n is left. claimed: by the reference, whose table multiplies sizes and \
         was never measured: 75 % with two workers is beyond the limit, and for four it has two figures."
            .to_owned(),
    ];
    notes.extend(copies(rows).map(|(workers, times)| {
        format!("{workers} workers hold {times:.2} times the data of the first row (goal: at most 1.10)")
    }));
    notes.push(kept(failed, "a worker's memory after", "failed jobs"));
    notes.push(kept(killed, "this process's memory after", "killed workers"));
    let json_of = |kept: Kept| {
        json!({
            "times": kept.times,
            "before_bytes": kept.before_bytes,
            "after_bytes": kept.after_bytes,
            "growth": kept.growth(),
        })
    };
    let of_row = |row: &Shared| -> Value {
        json!({
            "workers": row.workers,
            "shared_bytes": row.shared_bytes,
            "mapped_bytes": row.mapped_bytes,
            "read_bytes": row.read_bytes,
            "saving": row.saving(),
            "saving_max": row.saving_max(),
            "claimed": claimed(row.workers).map(|(_, figures)| figures),
        })
    };
    Report {
        name: "sharing",
        title: "the data part of worker processes: their proportional memory (PSS) without the program, \
                beyond what the same workers have of their own with little data; with the catalog mapped, and \
                read by each"
            .to_owned(),
        table,
        notes,
        json: json!({
            "rows": rows.iter().map(of_row).collect::<Vec<_>>(),
            "failed_jobs": json_of(failed),
            "killed_workers": json_of(killed),
        }),
    }
}

fn claimed(workers: usize) -> Option<(&'static str, &'static [f64])> {
    CLAIMED.iter().find(|(known, ..)| *known == workers).map(|(_, words, figures)| (*words, *figures))
}

/// How many times the data of the first row the others hold.
fn copies(rows: &[Shared]) -> impl Iterator<Item = (usize, f64)> {
    let first = rows.first().map_or(1, |first| first.shared_bytes.max(1));
    rows.iter().skip(1).map(move |row| (row.workers, row.shared_bytes as f64 / first as f64))
}

fn kept(kept: Kept, whose: &str, what: &str) -> String {
    let (before, after) = (bytes(kept.before_bytes), bytes(kept.after_bytes));
    let growth = kept.growth() * 100.0;
    format!(
        "{whose} {} {what}: {before} before, {after} after: {growth:+.1} % (goal: within 5 %)",
        kept.times
    )
}
