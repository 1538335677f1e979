//! Files as sources: read in place, judged on the way, without an import.

mod feed;
mod file;
mod params;

pub(crate) use feed::{empty_span, span};
pub use file::FileSource;
pub use params::{CsvParams, CsvSource, JsonLinesParams, JsonLinesSource, ParquetParams, ParquetSource};
