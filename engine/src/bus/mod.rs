//! The event bus: typed topics in three scopes over bounded queues.
//!
//! One message carries one batch; every subscriber gets it once, through a queue of its own. What is
//! published in a container is heard there, in its set and at the root, and never in another
//! container; what another container's event led to is refused, and a run on the tree then ends.
//! Nothing here blocks a thread: a full queue hands the batch back, or is awaited.
//!
//! A subscriber to fills must name containers, a subscriber to signals must name strategies; leaving
//! the name out does not compile:
//!
//! ```
//! use barhive_engine::bus::{Bus, ContainerFilter, ContainerId, QueueOptions, payload::Fill};
//! let bus = Bus::root();
//! let fills = bus.subscribe::<Fill>("audit", ContainerFilter::of(ContainerId(3)), QueueOptions::default());
//! # drop(fills);
//! ```
//! ```compile_fail,E0061
//! # use barhive_engine::bus::{Bus, QueueOptions, payload::Fill};
//! # let bus = Bus::root();
//! let fills = bus.subscribe::<Fill>("audit", QueueOptions::default());
//! ```
//! ```compile_fail,E0308
//! # use barhive_engine::bus::{Bus, QueueOptions, Unfiltered, payload::Fill};
//! # let bus = Bus::root();
//! let fills = bus.subscribe::<Fill>("audit", Unfiltered, QueueOptions::default());
//! ```
//! ```compile_fail,E0308
//! # use barhive_engine::bus::{Bus, ContainerFilter, ContainerId, QueueOptions, payload::Signal};
//! # let bus = Bus::root();
//! let container = ContainerFilter::of(ContainerId(3));
//! let signals = bus.subscribe::<Signal>("audit", container, QueueOptions::default());
//! ```

mod conflate;
mod counters;
mod dead_letters;
mod event;
mod filter;
mod frames;
mod isolation;
pub mod payload;
mod publisher;
mod queue;
mod topic;
mod tree;
mod wakers;

#[cfg(test)]
mod isolation_tests;
#[cfg(test)]
mod queue_tests;
#[cfg(test)]
mod tests;

pub use counters::QueueCounters;
pub use dead_letters::{DeadCause, DeadLetter, DeadLetters};
pub use event::{AnyPayload, ContainerId, Event, EventId, EventKind, Header, Payload, SourceId};
pub use filter::{ContainerFilter, Filter, SeriesFilter, StrategyFilter, Unfiltered};
pub use frames::{FrameOutbox, FramePool, FrameTopic, PoolUse};
pub use isolation::{Foreign, IsolationViolation};
pub use publisher::{Draft, EventPublisher, FlushRule, Publisher, Refused};
pub use queue::{Carries, Offer, Policy, QueueOptions, QueueReceiver, QueueSender, queue};
pub use topic::{Batch, EventHandler, Message, Subscription};
pub use tree::{Bus, Scope};
