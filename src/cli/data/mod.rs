//! `data`: bars from foreign files into the catalog, and what can be done with them there.

mod bar_file;
mod check;
mod convert;
mod file_flags;
mod generate;
mod import;
mod instrument_flags;
mod list;
mod series_copy;
mod sink;
mod word;

use std::{io::Write, path::PathBuf};

use barhive_engine::registry::Registry as Parts;
use clap::{Args, Subcommand};

use super::outcome::{CliError, Outcome};

#[derive(Subcommand, Debug)]
pub(super) enum DataCommand {
    /// Import bars from CSV, Parquet or JSON lines into the catalog
    Import(import::ImportFlags),
    /// List what the catalog holds
    List(list::ListFlags),
    /// Read every row of the catalog and report what is wrong
    Check(check::CheckFlags),
    /// Convert a file of bars into another format; prints size and read time of both
    Convert(convert::ConvertFlags),
    /// Generate a synthetic market into the catalog
    Generate(generate::GenerateFlags),
}

pub(super) fn run(command: &DataCommand, _: &Parts, out: &mut dyn Write) -> Outcome {
    match command {
        DataCommand::Import(flags) => import::run(flags, out),
        DataCommand::List(flags) => list::run(flags, out),
        DataCommand::Check(flags) => check::run(flags, out),
        DataCommand::Convert(flags) => convert::run(flags, out),
        DataCommand::Generate(flags) => generate::run(flags, out),
    }
}

/// Which catalog is meant.
#[derive(Args, Debug)]
struct CatalogFlag {
    /// The catalog's folder
    #[arg(long, value_name = "DIR", default_value = "data")]
    catalog: PathBuf,
}

/// Data that cannot be read or written: the work failed, the command line was understood.
fn failed(error: impl std::fmt::Display) -> CliError {
    CliError::Failed(error.to_string())
}
