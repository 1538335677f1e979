//! `data check`: every row of a catalog, read and compared with its checksums.

use std::io::Write;

use barhive_store::{Catalog, CheckReport};
use clap::Args;
use serde_json::{Value, json};

use super::{CatalogFlag, failed};
use crate::cli::{
    outcome::{Done, Outcome},
    output::{self, Format, count},
};

#[derive(Args, Debug)]
pub(in crate::cli) struct CheckFlags {
    /// Only these symbols
    #[arg(value_name = "SYMBOL")]
    symbols: Vec<String>,
    #[command(flatten)]
    catalog: CatalogFlag,
    /// How to print: table or json
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    format: Format,
}

pub(super) fn run(flags: &CheckFlags, out: &mut dyn Write) -> Outcome {
    let catalog = Catalog::open(&flags.catalog.catalog).map_err(failed)?;
    let reports = catalog.check(&flags.symbols).map_err(failed)?;
    if reports.is_empty() {
        let path = flags.catalog.catalog.display();
        return Err(failed(format!(
            "{path}: no data: the catalog is empty; fill it with `barhive data import`"
        )));
    }
    let unsound = reports.iter().filter(|report| !report.is_sound()).count();
    match flags.format {
        Format::Json => output::json(out, &reports.iter().map(to_json).collect::<Vec<_>>())?,
        Format::Table => {
            for report in &reports {
                writeln!(out, "{}: {} rows sound", report.path.display(), report.rows_sound)?;
                for fault in &report.faults {
                    writeln!(out, "  {fault}")?;
                }
                let notes = report.series.iter().flat_map(|series| &series.facts.notes);
                for note in notes {
                    writeln!(out, "  - {note}")?;
                }
            }
            writeln!(out, "{} checked, {unsound} unsound", count(reports.len(), "file"))?;
        }
    }
    Ok(if unsound == 0 { Done::All } else { Done::WithFailures })
}

fn to_json(report: &CheckReport) -> Value {
    json!({
        "path": report.path,
        "symbol": report.series.as_ref().map(|series| &series.symbol),
        "sound": report.is_sound(),
        "rows_sound": report.rows_sound,
        "faults": report.faults,
        "notes": report.series.as_ref().map(|series| &series.facts.notes),
    })
}
