//! Foreign market data for barhive: CSV and Parquet with declared layouts, quality rules, import,
//! export and a synthetic market.

pub mod csv;
mod guess;
pub mod import;
mod jsonl;
pub mod layout;
mod lines;
mod number;
mod parquet;
pub mod quality;
mod resolve;
mod rows;
mod scale;
mod source;
pub mod stamp;
pub mod synthetic;
mod timing;
pub mod write;

use barhive_engine::Registry;

pub use source::{
    CsvParams, CsvSource, FileSource, JsonLinesParams, JsonLinesSource, ParquetParams, ParquetSource,
};
pub use synthetic::{SyntheticParams, SyntheticSource};

/// Adds the feed kinds `csv`, `json_lines`, `parquet` and `synthetic`.
#[must_use]
pub fn register(registry: Registry) -> Registry {
    registry
        .feed("csv", CsvSource::open)
        .feed("json_lines", JsonLinesSource::open)
        .feed("parquet", ParquetSource::open)
        .feed("synthetic", SyntheticSource::open)
}
