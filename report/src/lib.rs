//! Reports of barhive runs: terminal, JSON, HTML, and records as Parquet, CSV or JSON lines.
//!
//! A run records through a [`store::RecordStore`] and, for prices, reads through a [`curve::PriceTap`];
//! its result, what those two kept and a [`RunMeta`] make a [`ReportInput`], from which [`terminal()`],
//! [`write_json`], [`html()`] and [`write_reports`] are made.

use std::path::{Path, PathBuf};

pub mod curve;
pub mod format;
mod html;
mod input;
mod json;
pub mod ranking;
pub mod statistics;
pub mod store;
pub mod sweep;
mod terminal;

pub use html::html;
pub use input::{ReportInput, Resources, RunMeta};
pub use json::{SCHEMA_VERSION, write_json};
pub use terminal::{TerminalStyle, terminal};

/// Writes `report.html` and `report.json` into the run's folder and answers their paths.
///
/// # Errors
/// When a file cannot be written; a file is whole or not there.
pub fn write_reports(input: &ReportInput<'_>, run_dir: &Path) -> Result<[PathBuf; 2], store::WriteFault> {
    let mut json = Vec::new();
    let (page, data) = (run_dir.join("report.html"), run_dir.join("report.json"));
    let fault =
        |path: &Path, what: std::io::Error| store::WriteFault { path: path.into(), what: what.to_string() };
    store::write_whole(&page, html(input).as_bytes()).map_err(|what| fault(&page, what))?;
    write_json(input, &mut json).map_err(|what| fault(&data, what))?;
    store::write_whole(&data, &json).map_err(|what| fault(&data, what))?;
    Ok([page, data])
}
