//! `data import`: foreign files into the catalog.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use barhive_actors::clock::SystemClock;
use barhive_engine::{data::FeedError, time::Clock};
use barhive_feeds::import::{ImportReport, ImportSpec, import_file, import_stream};
use barhive_store::Catalog;
use clap::Args;
use serde_json::json;

use super::{CatalogFlag, failed, file_flags::FileFlags, sink::CatalogSink};
use crate::cli::{
    outcome::{CliError, Done, Outcome},
    output::{self, Format},
};

#[derive(Args, Debug)]
pub(in crate::cli) struct ImportFlags {
    /// Files to import; - reads standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How to print: table or json
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    format: Format,
    #[command(flatten)]
    catalog: CatalogFlag,
    #[command(flatten)]
    file: FileFlags,
}

pub(super) fn run(flags: &ImportFlags, out: &mut dyn Write) -> Outcome {
    let spec = flags.file.spec(SystemClock.now_ns()).map_err(CliError::Usage)?;
    let catalog = Catalog::open_or_create(&flags.catalog.catalog).map_err(failed)?;
    let mut reports = Vec::new();
    for file in &flags.files {
        let report = import(file, &spec, &catalog).map_err(failed)?;
        if flags.format == Format::Table {
            for line in report.lines() {
                write!(out, "{}", output::wrapped(&line))?;
            }
        }
        reports.push(report);
    }
    if flags.format == Format::Json {
        output::json(out, &reports)?;
    }
    Ok(Done::All)
}

fn import(file: &Path, spec: &ImportSpec, catalog: &Catalog) -> Result<ImportReport, FeedError> {
    let is_pipe = file == Path::new("-");
    let origin = if is_pipe { "standard input".to_owned() } else { file.display().to_string() };
    let mut sink = CatalogSink::new(catalog, json!({ "origin": origin, "spec": spec }));
    if is_pipe {
        if spec.symbol.is_none() && spec.layout.columns.symbol.is_none() {
            let what = "a pipe has no name to take the symbol from: declare --symbol, or --column symbol=...";
            return Err(FeedError::Io { origin, what: what.to_owned() });
        }
        import_stream(&origin, Box::new(io::stdin()), spec, &mut sink)
    } else {
        import_file(file, spec, &mut sink)
    }
}
