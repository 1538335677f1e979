//! The runtime of barhive: actix actors, shards and supervision around the engine.
//!
//! The library installs no signal handler, panic hook, allocator or subscriber, touches no thread
//! that it did not start, and never ends the process.

pub mod clock;
pub mod lifecycle;
pub mod resource_monitor;
pub mod supervisor;
