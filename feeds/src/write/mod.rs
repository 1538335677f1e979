//! Bars into files: CSV, JSON lines, Parquet.

mod parquet;
mod text;

use std::{io::Write, path::Path};

use barhive_engine::data::{BarColumns, FeedError};

use crate::import::Format;

/// Takes the rows of one series.
pub trait BarWriter {
    /// Writes further rows.
    ///
    /// # Errors
    /// When the file cannot be written.
    fn rows(&mut self, rows: &BarColumns) -> Result<(), FeedError>;

    /// Completes the file; without it the file is not whole.
    ///
    /// # Errors
    /// When the file cannot be written.
    fn finish(self: Box<Self>) -> Result<(), FeedError>;
}

/// A writer of `format` into `out`. `origin` names the file in messages.
///
/// CSV and JSON lines have the fields `ts_open_ns`, `ts_close_ns`, `open`, `high`, `low`, `close` and
/// `volume` (layout preset `barhive_full`), each number the shortest decimal that reads back as the same
/// double. Parquet has them as `ts_open` and `ts_close` (timestamps of nanoseconds in UTC) and doubles.
///
/// # Errors
/// When the file cannot be begun.
pub fn writer(
    origin: &Path,
    format: Format,
    out: Box<dyn Write + Send>,
) -> Result<Box<dyn BarWriter>, FeedError> {
    let origin = origin.display().to_string();
    Ok(match format {
        Format::Csv => Box::new(text::CsvWriter::new(origin, out)?),
        Format::JsonLines => Box::new(text::JsonWriter::new(origin, out)),
        Format::Parquet => Box::new(parquet::ParquetWriter::new(origin, out)?),
    })
}

pub(crate) fn write_error(origin: &str, fault: &dyn std::fmt::Display) -> FeedError {
    FeedError::Io { origin: origin.to_owned(), what: fault.to_string() }
}
