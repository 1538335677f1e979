//! The YAML configuration of barhive: what a strategy set may say, with the place of every fault.
//!
//! A file is parsed into a tree that keeps the text and place of every scalar; includes and overrides
//! work on the tree; each section is then read into its type, and registered parts read their own
//! parameters in place. All faults of a set come to light at once.

mod build;
mod compose;
mod fault;
mod json_schema;
mod load;
mod preset;
mod read;
mod reference;
mod section;
mod source;
mod suggest;
mod tree;
mod value;

pub use barhive_engine::secret::Secret;
pub use fault::{Fault, Faults};
pub use json_schema::schema;
pub use load::{Environment, LoadOptions, Loaded, ReportOptions, load, load_str};
pub use preset::{calendar, calendar_names, fee_names, fees};
pub use reference::reference_markdown;
