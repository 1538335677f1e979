//! The run folder of a sweep.
//!
//! | file | what | when |
//! |---|---|---|
//! | `manifest.json` | what the sweep is made from ([`SweepManifest`]) | once, when the folder is made |
//! | `results.log` | one frame of columns per pass, with checksums | after every pass: a checkpoint |
//! | `results.parquet` | one row per variant, parameters as columns | at the end |
//! | `sessions.jsonl` | who worked on it and for how long ([`SweepSession`]), a line each | when a session ends |
//! | `work.json` | what the sweep took ([`SweepWork`]) | at the end |
//! | `result.json` | what it brought, with its hash ([`SweepResult`]) | last; then it is finished |
//!
//! The *final results* are `results.parquet` and `result.json`. Their bytes are a function of program,
//! configuration, data and selection: they are the same however the sweep was cut into passes, in
//! whatever order those came, and however often it was killed and resumed. The other files say how it
//! came about and differ.
//!
//! A frame is in the log when its checksums hold; its header is its entry in the index, so that one
//! write and one fsync make a checkpoint. A tail that a crash has torn is cut off when the folder is
//! opened to go on. Damage before the end loses the frames that it hit and no others: their variants
//! have no results then and are run again.

mod block;
mod error;
mod export;
mod finish;
mod frame;
mod listing;
mod log;
mod manifest;
mod parameters;
mod record;
mod run;
mod session;
mod store;

pub(crate) use export::hex;

pub use error::SweepError;
pub use finish::{PARQUET, RESULT, SweepResult, SweepWork, VariantFailure, WORK};
pub use listing::{Keep, SweepEntry, list, prune};
pub use manifest::{DataUse, SweepManifest};
pub use parameters::{ParameterColumn, ParameterKind, parameter_columns};
pub use run::SweepRun;
pub use session::{SESSIONS, SweepSession, TimeSpread, append_session, sessions};
pub use store::SweepStore;
