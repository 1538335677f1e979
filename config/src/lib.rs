//! The YAML configuration of barhive: what a strategy set may say, with the place of every fault.
//!
//! A file is parsed into a tree that keeps the text and place of every scalar; includes and overrides
//! work on the tree; each section is then read into its type, and registered parts read their own
//! parameters in place. All faults of a set come to light at once.

mod build;
mod compose;
mod fault;
mod http;
mod json_schema;
mod kind;
mod live;
mod load;
mod preset;
mod read;
mod reference;
mod section;
mod server;
mod shape;
mod source;
mod suggest;
mod sweep;
mod tree;
mod value;
mod variant;

pub use barhive_engine::secret::Secret;
pub use fault::{Fault, Faults};
pub use http::{HttpListen, HttpSettings, TelegramSettings, http_listen};
pub use json_schema::{schema, sweep_schema};
pub use live::{LiveProcessSettings, LiveSettings};
pub use load::{
    Document, Environment, LoadOptions, Loaded, ReportOptions, load, load_any, load_str, load_sweep,
    load_sweep_str,
};
pub use preset::{calendar, calendar_names, fee_names, fees};
pub use reference::reference_markdown;
pub use section::Origin;
pub use server::{ServerSettings, load_server, server_schema};
pub use sweep::{Isolation, LoadedSweep, PointsFile, ProcessSettings, RankBy, SweepSettings};
pub use value::{Cores, DatabaseUrl, byte_size, database_url, time_span};
pub use variant::VariantSets;
