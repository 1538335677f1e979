//! The threads of a run, and how many it takes.

use std::num::NonZeroUsize;

use actix_rt::{Arbiter, ArbiterHandle, System, SystemRunner};
use barhive_engine::pass::RunError;

use crate::engine::Threads;

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_time().build()
}

/// Makes the caller's thread a system's. No thread of it does any I/O by itself.
pub(crate) fn system() -> Result<SystemRunner, RunError> {
    // Built before actix asks for it: actix has no way to hear that it cannot be built.
    let runtime = runtime().map_err(|error| fault(&error))?;
    Ok(System::with_tokio_rt(|| runtime))
}

fn fault(error: &std::io::Error) -> RunError {
    RunError::Machinery { part: "system".to_owned(), what: format!("a thread cannot be started: {error}") }
}

/// The threads of a run, but the system's own.
#[derive(Default)]
pub(crate) struct Arbiters(Vec<Arbiter>);

impl Arbiters {
    /// Starts a thread. The caller's thread must be a system's.
    pub(crate) fn start(&mut self) -> Result<ArbiterHandle, RunError> {
        let arbiter = Arbiter::try_with_tokio_rt(runtime).map_err(|error| fault(&error))?;
        let handle = arbiter.handle();
        self.0.push(arbiter);
        Ok(handle)
    }

    /// Stops all threads and waits for each: a stopped system does not do that.
    pub(crate) fn join(self) {
        for arbiter in &self.0 {
            arbiter.stop();
        }
        for arbiter in self.0 {
            if arbiter.join().is_err() {
                tracing::error!("a thread of the system ended in a panic");
            }
        }
    }
}

/// How a run is spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spread {
    pub(crate) shards: usize,
    /// Whether all data actors share a thread, so that no frame is waited for by waking another.
    pub(crate) one_thread: bool,
}

impl Spread {
    /// `asked` shards (0 takes one per core) for `containers`.
    pub(crate) fn new(asked: usize, containers: usize, threads: Threads) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let shards = if asked == 0 { cores } else { asked }.clamp(1, containers.max(1));
        let one_thread = match threads {
            Threads::ByCores => cores == 1 || shards == 1,
            Threads::One => true,
            Threads::PerPart => false,
        };
        Self { shards, one_thread }
    }
}
