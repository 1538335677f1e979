//! Foreign market data for barhive: CSV, JSON lines and Parquet with declared layouts, quality rules,
//! import, export and a synthetic market.
//!
//! [`import`] reads a file once, judges every row and hands what it lets through to a sink; the report says
//! what was guessed, what was wrong, in which rows, and what became of it. [`CsvSource`] and its siblings
//! read the same files in place, as a feed of a run. [`SyntheticSource`] makes up a market from a seed.
//!
//! ```
//! use barhive_engine::data::{FeedError, Source};
//! use barhive_feeds::{SyntheticParams, SyntheticSource};
//!
//! let market = SyntheticSource::new(SyntheticParams { instruments: 3, bars: 1_000, ..Default::default() })?;
//! let symbols: Vec<String> = market.instruments()?.into_iter().map(|instrument| instrument.symbol).collect();
//! assert_eq!(symbols, ["SYN000", "SYN001", "SYN002"]);
//! # Ok::<(), FeedError>(())
//! ```

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
