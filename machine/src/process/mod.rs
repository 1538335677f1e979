//! Processes: what they may take, and a manager that starts them, looks after them and starts them again.
//!
//! A process is put on its cores and given its niceness by the thread that starts it, which is its own and waits for
//! it; what it may take of memory is set once it is there. On Linux the class of its reading and writing follows from
//! its niceness: who stands back for the processor does so for the disk.

mod config;
mod limits;
mod processes;
#[cfg(test)]
mod tests;
mod view;
mod watch;

pub use config::{ProcessConfig, ProcessType};
pub use limits::{
    Affinity, Memory, allowed_cores, die_with_parent, keep_to, lock_memory, may_have, pin, stand_back,
    volunteer,
};
pub use processes::{ProcessError, ProcessManager};
pub use view::{ProcessEvent, ProcessState, ProcessView};
