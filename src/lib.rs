//! barhive: an event-driven trading engine that backtests strategy sets on bars.
//!
//! One pass over the data feeds every account; each distinct indicator is computed once; nothing that
//! an account does can reach another. Results are exact and the same on every machine.
//!
//! Three ways in:
//!
//! - [`Backtest`] runs strategies on the caller's thread, without any runtime, thread or file.
//! - [`config`] and [`actors`] run a YAML strategy set on actors, as the program does.
//! - [`cli::run`] is the whole program, with your own parts in its [`Registry`].
//!
//! The library installs no signal handler, panic hook, allocator or log subscriber (only [`cli`],
//! which is a program, does), keeps no global state, and never ends the process.

#[doc(hidden)]
pub mod bench;
pub mod cli;
#[cfg(doctest)]
mod documents;
pub mod prelude;
mod registry;

pub use barhive_actors as actors;
pub use barhive_config as config;
pub use barhive_engine as engine;
pub use barhive_feeds as feeds;
pub use barhive_machine as machine;
pub use barhive_report as report;
pub use barhive_serve as serve;
pub use barhive_store as store;
pub use barhive_strategies as strategies;

pub use barhive_engine::backtest::{Backtest, run, run_recorded};
pub use registry::Registry;

/// Derives on a strategy's parameters name these two where `barhive` is the only dependency:
/// `#[serde(crate = "barhive::serde")]`, `#[schemars(crate = "barhive::schemars")]`.
pub use {schemars, serde};
