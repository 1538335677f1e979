//! CSV: declared, preset or guessed layouts, read in one pass and bounded memory.

mod open;
mod presets;
mod reader;

pub(crate) use open::open;
pub use presets::{Preset, presets};
