//! `bench live`: how late the orders of live work are, alone and beside a sweep that takes all other cores.

use std::{io::Write, path::PathBuf};

use barhive_engine::registry::Registry as Parts;
use clap::Args;
use serde_json::json;

use super::{Bench, PlaceFlags, Report, failed, figures};
use crate::{
    bench::live::{Latency, beside_sweep, run_set as run_live},
    cli::outcome::{Done, Outcome},
};

#[derive(Args, Debug)]
pub(in crate::cli) struct LiveFlags {
    /// Bars that are measured, ten a second; twice, and 15 seconds before them
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u64).range(100..=100_000))]
    bars: u64,
    #[command(flatten)]
    place: PlaceFlags,
}

/// The live process.
#[derive(Args, Debug)]
pub(in crate::cli) struct LiveSetFlags {
    #[arg(long)]
    bars: u64,
    #[arg(long)]
    skip: u64,
    #[arg(long)]
    out: PathBuf,
}

pub(super) fn run_set(flags: &LiveSetFlags, parts: &Parts) -> Outcome {
    run_live(parts, flags.bars, flags.skip, &flags.out).map_err(failed)?;
    Ok(Done::All)
}

pub(super) fn run(flags: &LiveFlags, out: &mut dyn Write) -> Outcome {
    let bench = Bench::begin(&flags.place)?;
    let found = bench.part(|place| beside_sweep(place, flags.bars))?;
    let mut table = figures(&["live work", "bars", "missed", "median", "99 %", "longest"]);
    let mut row = |what: &str, latency: &Latency| {
        let ms = |ms: f64| format!("{ms:.2} ms");
        table.add_row([
            what.to_owned(),
            latency.bars.to_string(),
            latency.missed.to_string(),
            ms(latency.p50_ms),
            ms(latency.p99_ms),
            ms(latency.max_ms),
        ]);
    };
    row("alone", &found.alone);
    row("beside a sweep", &found.beside);
    let rise_ms = found.beside.p99_ms - found.alone.p99_ms;
    let mut notes = vec![
        format!("99 %: {rise_ms:+.2} ms beside the sweep (goal: below +5 ms); longest: goal below 1,000 ms"),
        format!(
            "kept for live work: {}; the sweep: {} worker process(es), {:.0} % of all cores, {} ended by signals",
            found.kept, found.workers, found.workers_cpu_percent, found.ended
        ),
    ];
    notes.extend(found.notes.iter().map(|note| format!("note: {note}")));
    let report = Report {
        name: "live",
        title: "from the moment in which a bar is due to its order, ten bars a second; nine strategies"
            .to_owned(),
        table,
        notes,
        json: json!({ "found": found, "p99_rise_ms": rise_ms }),
    };
    bench.end(report, out)
}
