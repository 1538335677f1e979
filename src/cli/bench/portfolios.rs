//! `bench portfolios`: many accounts on one stream, on one core.

use std::io::Write;

use barhive_engine::registry::Registry as Parts;
use barhive_report::format::{bytes, count, number};
use clap::Args;
use serde_json::{Value, json};

use super::{Bench, PlaceFlags, Report, figures};
use crate::{
    bench::{
        market::{self, Data},
        portfolios::measure,
    },
    cli::outcome::Outcome,
};

#[derive(Args, Debug)]
pub(in crate::cli) struct PortfoliosFlags {
    /// How many accounts
    #[arg(long, value_name = "N", default_value_t = 3_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    n: u64,
    /// Bars that each of them sees
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(100..))]
    bars: u64,
    /// How often it is measured; the median counts
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    rounds: u16,
    #[command(flatten)]
    place: PlaceFlags,
}

pub(super) fn run(flags: &PortfoliosFlags, parts: &Parts, out: &mut dyn Write) -> Outcome {
    let bench = Bench::begin(&flags.place)?;
    let found = bench.part(|place| {
        let catalog = place.folder.join("stream");
        market::catalog(&catalog, 1, flags.bars)?;
        let sweep = Data::of(&catalog).sweep(&[market::crosses("cross", flags.n)], parts)?;
        measure(&sweep.spec, parts, flags.n, usize::from(flags.rounds))
    })?;
    let mut table = figures(&["accounts", "bars each", "updates/s", "memory each", "goal"]);
    table.add_row([
        count(found.portfolios),
        count(found.bars),
        format!("{} M", number(found.updates_per_s / 1e6, 2)),
        bytes(found.bytes_each),
        "3 M updates/s".to_owned(),
    ]);
    let mut json = serde_json::to_value(found).unwrap_or(Value::Null);
    json["goal_updates_per_s"] = json!(3e6);
    let report = Report {
        name: "portfolios",
        title:
            "accounts of one crossing of averages each, all of them different, stepped and sampled at every \
                bar by one thread"
                .to_owned(),
        table,
        notes: vec![
            "the reference says 2 to 3 M updates/s of itself, on several workers; this is one core."
                .to_owned(),
        ],
        json,
    };
    bench.end(report, out)
}
