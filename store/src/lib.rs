//! What outlives a run: the bar catalog, the tail and the results of sweeps.
//!
//! The **catalog** is a folder with one uncompressed Arrow IPC file per series, mapped read-only by
//! every process and readable by pandas, polars and DuckDB as it is. The **tail** holds rows of a source
//! that cannot be read twice: they are appended to preallocated columns, seen at once by every process
//! that maps them, and sealed into the catalog when a segment is full.
//!
//! A sweep keeps its results in a **run folder** ([`sweep`]), pass by pass, so that whatever kills it
//! loses no more than the passes that were under way; a **results database** ([`database`]) follows it.
//!
//! Mapped memory is shared with the file system: the guarantees hold as long as nobody truncates or
//! overwrites a file in place. This crate never does; it replaces files by renaming.

pub mod catalog;
pub mod database;
mod error;
mod mapping;
pub mod sweep;
pub mod tail;

pub use catalog::{
    Catalog, CatalogFeed, CatalogParams, CatalogSource, CatalogWriter, CheckReport, Listing, SeriesEntry,
    SeriesFacts,
};
pub use error::StoreError;
pub use tail::{Sealed, TailFeed, TailOptions, TailWriter, seal};
