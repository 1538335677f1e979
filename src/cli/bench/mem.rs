//! `bench mem`: what whole runs take of the machine's memory.

use std::io::Write;

use barhive_report::format::{bytes, count};
use clap::{Args, ValueEnum};
use serde_json::json;

use super::{Bench, PlaceFlags, Report, figures};
use crate::{
    bench::memory::{FullBacktests, full_backtests},
    cli::outcome::Outcome,
};

#[derive(Args, Debug)]
pub(in crate::cli) struct MemFlags {
    /// What is run: full (a backtest that records everything)
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    kind: Kind,
    /// How often each is run; the median counts
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    rounds: u16,
    #[command(flatten)]
    place: PlaceFlags,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Kind {
    #[default]
    Full,
}

pub(super) fn run(flags: &MemFlags, out: &mut dyn Write) -> Outcome {
    let bench = Bench::begin(&flags.place)?;
    match flags.kind {
        Kind::Full => {
            let full = bench.part(|place| full_backtests(place, usize::from(flags.rounds)))?;
            bench.end(report(&full), out)
        }
    }
}

fn report(full: &FullBacktests) -> Report {
    const MB: u64 = 1_000_000;
    let mut table = figures(&["full backtest", "memory", "reference"]);
    let mut row = |what: String, found: u64, reference: u64| {
        let reference = if reference > 0 { bytes(reference) } else { String::new() };
        table.add_row([what, bytes(found), reference]);
    };
    row("base: one account, one instrument".to_owned(), full.base_bytes, 50 * MB);
    row("every further instrument".to_owned(), full.per_instrument_bytes, 10 * MB);
    for (of, reference) in full.per_container.iter().zip([100 * MB, 500 * MB]) {
        let bars = count(of.bars);
        row(format!("a run over {bars} bars"), of.run_bytes, reference);
        row(format!("every further account over {bars} bars"), of.container_bytes, 0);
    }
    Report {
        name: "mem",
        title: "memory of full backtests: anonymous pages at their highest, everything recorded and reported"
            .to_owned(),
        table,
        notes: vec!["reference: what the reference says of itself.".to_owned()],
        json: json!({ "kind": "full", "full": full }),
    }
}
