//! The pure ground floor of barhive: market data, bus, indicators, strategies, orders and accounts.
//!
//! Nothing here knows an actor, a thread pool, a clock, a file or a socket.

pub mod backtest;
pub mod bus;
pub mod calendar;
pub mod container;
pub mod data;
pub mod execution;
pub mod frame;
pub mod governor;
pub mod hub;
pub mod indicator;
pub mod instrument;
pub mod jobs;

pub mod lanes;
pub mod layout;
pub mod math;
pub mod merge;
pub mod money;
pub mod order;
pub mod outcome;
pub mod pass;
pub mod plan;
pub mod portfolio;
pub mod record;
pub mod recorder;
pub mod registry;
pub mod restart;
pub mod result;
pub mod secret;
pub mod set;
pub mod simd;
pub mod strategy;
pub mod sweep;
pub mod time;
pub mod timeframe;

pub use registry::Registry;
