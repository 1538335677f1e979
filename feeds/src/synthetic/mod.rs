//! A seeded market: the same seed gives the same bytes on every machine.

mod feed;
mod grid;
mod params;
mod walk;

pub use feed::SyntheticSource;
pub use params::SyntheticParams;
