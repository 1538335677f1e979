//! `data list`: what a catalog holds.

use std::io::Write;

use barhive_engine::time::format_utc;
use barhive_store::{Catalog, SeriesEntry};
use clap::Args;
use serde_json::{Value, json};

use super::{CatalogFlag, failed};
use crate::cli::{
    outcome::{Done, Outcome},
    output::{self, Format},
    table,
};

#[derive(Args, Debug)]
pub(in crate::cli) struct ListFlags {
    /// Only these symbols
    #[arg(value_name = "SYMBOL")]
    symbols: Vec<String>,
    #[command(flatten)]
    catalog: CatalogFlag,
    /// How to print: table or json
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    format: Format,
}

pub(super) fn run(flags: &ListFlags, out: &mut dyn Write) -> Outcome {
    let mut listing = Catalog::open(&flags.catalog.catalog).and_then(|one| one.list()).map_err(failed)?;
    let is_known = |symbol: &String| listing.entries.iter().any(|entry| entry.symbol == *symbol);
    let unknown: Vec<_> = flags.symbols.iter().filter(|symbol| !is_known(symbol)).cloned().collect();
    if !unknown.is_empty() {
        let path = flags.catalog.catalog.display();
        return Err(failed(format!(
            "{path}: no series {}; without a symbol, all are listed",
            unknown.join(", ")
        )));
    }
    if !flags.symbols.is_empty() {
        listing.entries.retain(|entry| flags.symbols.contains(&entry.symbol));
    }
    match flags.format {
        Format::Json => output::json(out, &listing.entries.iter().map(to_json).collect::<Vec<_>>())?,
        Format::Table => {
            let mut rows =
                table::table(&["symbol", "kind", "bar", "rows", "first close", "last close", "MiB"]);
            for entry in &listing.entries {
                rows.add_row([
                    entry.symbol.clone(),
                    entry.kind.to_string(),
                    entry.timeframe.to_string(),
                    entry.rows.to_string(),
                    format_utc(entry.span_ns.0),
                    format_utc(entry.span_ns.1),
                    format!("{:.1}", entry.size_bytes as f64 / f64::from(1 << 20)),
                ]);
            }
            write!(out, "{}", table::lines(rows))?;
        }
    }
    if listing.entries.is_empty() && listing.faults.is_empty() {
        let path = flags.catalog.catalog.display();
        tracing::warn!("{path}: the catalog is empty; fill it with `barhive data import`");
    }
    for fault in &listing.faults {
        tracing::error!("{fault}");
    }
    Ok(if listing.faults.is_empty() { Done::All } else { Done::WithFailures })
}

fn to_json(entry: &SeriesEntry) -> Value {
    json!({
        "symbol": entry.symbol,
        "kind": entry.kind.to_string(),
        "timeframe": entry.timeframe,
        "rows": entry.rows,
        "first_close": format_utc(entry.span_ns.0),
        "last_close": format_utc(entry.span_ns.1),
        "size_bytes": entry.size_bytes,
        "hash": entry.hash,
        "notes": entry.facts.notes,
        "path": entry.path,
    })
}
