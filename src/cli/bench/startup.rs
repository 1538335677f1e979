//! `bench startup`: how soon something is there.

use std::io::Write;

use barhive_engine::registry::Registry as Parts;
use barhive_report::format::count;
use clap::Args;
use serde_json::json;

use super::{Bench, PlaceFlags, Report, figures, ms};
use crate::{
    bench::{
        median,
        startup::{first_result, version, worker_restarts},
    },
    cli::outcome::Outcome,
};

#[derive(Args, Debug)]
pub(in crate::cli) struct StartupFlags {
    /// Rows of the catalog that is swept, several figures for several numbers
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_values_t = [10_000u64, 50_000, 100_000],
          value_parser = clap::value_parser!(u64).range(100..))]
    rows: Vec<u64>,
    /// How often each is measured; the median counts
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    rounds: u16,
    /// Worker processes that are killed, to see how soon the next is ready
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    kills: u16,
    #[command(flatten)]
    place: PlaceFlags,
}

/// Rows, the goal in milliseconds, and what is claimed elsewhere, before and after it was improved, in
/// seconds.
const KNOWN: [(u64, f64, [f64; 2]); 3] =
    [(10_000, 20.0, [2.5, 0.8]), (50_000, 60.0, [12.0, 3.2]), (100_000, 120.0, [24.0, 6.5])];

pub(super) fn run(flags: &StartupFlags, parts: &Parts, out: &mut dyn Write) -> Outcome {
    let bench = Bench::begin(&flags.place)?;
    let mut table = figures(&["from the start to", "took", "goal", "reference"]);
    let mut rows = Vec::new();
    let mut versions = Vec::new();
    for _ in 0..flags.rounds {
        versions.push(ms(bench.part(|place| version(&place.program))?));
    }
    let version_ms = median(versions);
    table.add_row(["its version".to_owned(), format!("{version_ms:.1} ms"), String::new(), String::new()]);
    for asked in &flags.rows {
        let mut times = Vec::new();
        for _ in 0..flags.rounds {
            times.push(ms(bench.part(|place| first_result(place, *asked))?));
        }
        let found = median(times);
        let known = KNOWN.iter().find(|(rows, ..)| rows == asked);
        table.add_row([
            format!("the first result over {} rows", count(*asked)),
            format!("{found:.1} ms"),
            known.map_or_else(String::new, |(_, goal, _)| format!("{goal} ms")),
            known.map_or_else(String::new, |(.., [before, after])| format!("{before} s, now {after} s")),
        ]);
        rows.push(
            json!({ "rows": asked, "first_result_ms": found, "goal_ms": known.map(|(_, goal, _)| goal) }),
        );
    }
    let mut times = bench.part(|place| worker_restarts(place, parts, usize::from(flags.kills)))?;
    times.sort();
    let at = |part: usize| ms(times[(times.len() - 1) * part / 100]);
    let (p50, p99, max) = (at(50), at(99), at(100));
    for (what, found, goal) in [("median", p50, ""), ("99 % of them", p99, "500 ms"), ("longest", max, "2 s")]
    {
        let what = format!("a killed worker's place taken, {what}");
        table.add_row([what, format!("{found:.1} ms"), goal.to_owned(), String::new()]);
    }
    let report = Report {
        name: "startup",
        title: format!(
            "a sweep of 1,000 combinations on one worker: until its first results are on disk; medians of {}",
            flags.rounds
        ),
        table,
        notes: vec![
            "reference: what the reference says of itself, before and after it was improved.".to_owned(),
        ],
        json: json!({
            "version_ms": version_ms,
            "rows": rows,
            "worker_restart_ms": { "kills": flags.kills, "median": p50, "p99": p99, "max": max },
        }),
    };
    bench.end(report, out)
}
