//! Reports of barhive runs: terminal, JSON, HTML, and records as Parquet, CSV or JSON lines.

pub mod curve;
pub mod format;
mod html;
mod input;
mod json;
pub mod statistics;
pub mod store;
mod terminal;

pub use html::html;
pub use input::{ReportInput, Resources, RunMeta};
pub use json::{SCHEMA_VERSION, write_json};
pub use terminal::{TerminalStyle, terminal};
