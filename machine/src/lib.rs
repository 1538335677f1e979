//! The machine beneath the rest: its clock, what its kernel counts, and how bad that is.
//!
//! - [`clock`] is the only place that reads one.
//! - [`counters`] count what takes how long, and keep percentiles.
//! - [`gauge`] measures the use of the machine, ten times a second; [`smaps`] the memory of a process.
//! - [`process`] starts processes with what they may take and looks after them.
//! - [`timeline`] keeps who worked on what and when, as a trace.
//! - [`ResourceMonitor`] does so on a thread of its own, judges what it sees by the rules of
//!   [`barhive_engine::governor`], and publishes it for readers that never wait.
//!
//! Nothing here knows what the machine is used for.

pub mod clock;
pub mod counters;
pub mod gauge;
mod monitor;
pub mod process;
pub mod smaps;
pub mod timeline;

pub use monitor::{
    Decision, LiveLag, LiveReport, MachineStatus, MonitorError, MonitorOptions, Outlook, ResourceMonitor,
};
