//! Reports of barhive runs: terminal, JSON, HTML, and records as Parquet, CSV or JSON lines.

pub mod curve;
pub mod store;
