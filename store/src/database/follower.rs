//! Keeping a database up to date beside a sweep, without ever holding the sweep up.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use barhive_engine::sweep::SweepSpec;

use super::{
    DatabaseError, ResultStore,
    catch_up::{CaughtUp, copy},
};
use crate::sweep::SweepRun;

/// A database that is gone is tried again after this, then after twice as long, and so on.
const RETRY_MIN: Duration = Duration::from_millis(200);
const RETRY_MAX: Duration = Duration::from_secs(10);

/// Connects to the database, each time that it is needed anew.
pub type Connect = Box<dyn FnMut() -> Result<Box<dyn ResultStore>, DatabaseError> + Send>;

/// A thread that copies passes from the run folder into a database while the sweep goes on.
#[derive(Debug)]
pub struct Follower {
    shared: Arc<Shared>,
    ended: Receiver<()>,
    thread: JoinHandle<()>,
}

/// What became of a database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FollowReport {
    /// Variants that this follower has brought into the database, as far as the database has confirmed it.
    pub variants: u64,
    /// Whether the database has everything that the folder has.
    pub complete: bool,
    /// How often the database was gone.
    pub gone: u64,
    /// Why it is not complete, as far as it is known.
    pub fault: Option<String>,
}

#[derive(Debug, Default)]
struct Shared {
    ending: AtomicBool,
    stop: AtomicBool,
    report: Mutex<FollowReport>,
}

impl Follower {
    /// Starts to follow the run in `folder`.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(connect: Connect, folder: PathBuf, spec: SweepSpec) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (end, ended) = sync_channel(1);
        let state = Following { connect, folder, spec, run: None, store: None, shared: Arc::clone(&shared) };
        let thread = thread::Builder::new().name("results-database".to_owned()).spawn(move || {
            state.follow();
            // Nobody may be waiting any more.
            let _ = end.try_send(());
        })?;
        Ok(Self { shared, ended, thread })
    }

    /// Says that the folder has new passes. Never waits.
    pub fn wake(&self) {
        self.thread.thread().unpark();
    }

    /// How far it is.
    pub fn report(&self) -> FollowReport {
        self.shared.report().clone()
    }

    /// Copies what is left, but no longer than `wait`; what is missing then can be brought in by
    /// [`super::catch_up()`] whenever the database is back.
    pub fn finish(self, wait: Duration) -> FollowReport {
        self.shared.ending.store(true, Ordering::Release);
        self.wake();
        if self.ended.recv_timeout(wait).is_ok() {
            // It has said its last word; a panic in it shows as an incomplete report.
            let _ = self.thread.join();
        } else {
            self.shared.stop.store(true, Ordering::Release);
            self.thread.thread().unpark();
        }
        self.shared.report().clone()
    }
}

impl Shared {
    fn report(&self) -> std::sync::MutexGuard<'_, FollowReport> {
        // Its fields are set one by one; none contradicts another.
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stops(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
}

struct Following {
    connect: Connect,
    folder: PathBuf,
    spec: SweepSpec,
    run: Option<SweepRun>,
    store: Option<Box<dyn ResultStore>>,
    shared: Arc<Shared>,
}

impl Following {
    fn follow(mut self) {
        let mut pause = RETRY_MIN;
        while !self.shared.stops() {
            // Asked before looking: what is there now is what must be copied.
            let ending = self.shared.ending.load(Ordering::Acquire);
            match self.copy() {
                Ok(()) if ending => return,
                Ok(()) => {
                    pause = RETRY_MIN;
                    thread::park();
                }
                Err(DatabaseError::Gone(what)) => {
                    tracing::warn!(%what, "the results database does not answer; results wait in the run folder");
                    self.store = None;
                    {
                        let mut report = self.shared.report();
                        report.gone += 1;
                        report.fault = Some(DatabaseError::Gone(what).to_string());
                    }
                    thread::park_timeout(pause);
                    pause = (pause * 2).min(RETRY_MAX);
                }
                Err(error) => {
                    tracing::error!(%error, "the results database is given up");
                    self.shared.report().fault = Some(error.to_string());
                    return;
                }
            }
        }
    }

    fn copy(&mut self) -> Result<(), DatabaseError> {
        self.shared.report().complete = false;
        let run = match &mut self.run {
            Some(run) => {
                run.refresh()?;
                run
            }
            None => self.run.insert(SweepRun::open(&self.folder)?),
        };
        let store = match &mut self.store {
            Some(store) => store,
            None => self.store.insert((self.connect)()?),
        };
        let mut copied = CaughtUp::default();
        let ended = copy(run, &self.spec, &mut **store, &|| !self.shared.stops(), &mut copied);
        let mut report = self.shared.report();
        report.variants += copied.variants;
        report.complete = copied.complete;
        if copied.complete {
            report.fault = None;
        }
        ended
    }
}
