//! Time stamps as files spell them: formats, and wall clocks of a zone.

mod format;
mod scan;
mod stamps;
mod zone;

pub use format::TimeFormat;
pub(crate) use stamps::Stamps;
pub(crate) use zone::WallClock;
