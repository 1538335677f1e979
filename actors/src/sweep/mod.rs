//! Sweeps on many workers: who runs which pass, and what becomes of a worker that fails.
//!
//! One coordinator on the caller's thread, workers that take passes one at a time from bounded queues:
//! threads of this process, or processes of their own. Results go to the sink as they come.

mod coordinator;
mod crew;
mod expected;
mod inspect;
mod process;
mod progress;
mod protocol;
mod record;
mod restart;
mod serve;
mod thread;
mod times;
mod worker;

pub use crate::regulator::ThrottleListener;
pub use barhive_machine::process::{Affinity, die_with_parent, stand_back};
pub use coordinator::{BATCH, Isolation, SweepError, SweepOptions, SweepOutcome, SweepSink, run_sweep};
pub use inspect::inspect_workers;
pub use process::{Patience, ProcessSpec};
pub use progress::{SweepProgress, SweepStatus, WorkerStatus};
pub use record::SweepCounters;
pub use restart::restart_times;
pub use serve::{ServeError, serve_worker, worker_pipes};
pub use times::PassTimes;
