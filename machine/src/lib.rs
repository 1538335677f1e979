//! The machine beneath the rest: its clock, what its kernel counts, and how bad that is.
//!
//! - [`clock`] is the only place that reads one.
//! - [`gauge`] measures the use of the machine, ten times a second; [`smaps`] the memory of a process.
//!
//! Nothing here knows what the machine is used for.

pub mod clock;
pub mod gauge;
pub mod smaps;
