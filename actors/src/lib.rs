//! The runtime of barhive: actix actors, shards and supervision around the engine.
//!
//! The library installs no signal handler, panic hook, allocator or subscriber, touches no thread
//! that it did not start, and never ends the process.

mod arbiters;
mod blueprint;
mod collector;
mod control;
mod engine;
mod execution;
mod indicator_hub;
mod isolation;
pub mod lifecycle;
mod market_data;
mod meters;
mod pace;
mod progress;
mod publish;
mod pump;
mod regulator;
mod round;
pub mod run_usage;
mod seat;
mod shard;
mod stage;
mod strategy;
pub mod supervisor;
pub mod sweep;
mod system;
mod throttled;

pub use barhive_machine::clock;
pub use collector::RecorderFactory;
pub use control::Control;
pub use engine::{Engine, Handle, RunOptions, RunOutcome, Threads, run};
pub use meters::{PartTimes, Slowest};
pub use progress::{Progress, Status};
pub use throttled::{ThrottledExecutor, Turn};
