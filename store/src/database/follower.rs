//! Keeping a database up to date beside a sweep, without ever holding the sweep up.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use barhive_engine::sweep::SweepSpec;

use super::{
    DatabaseError, ResultStore,
    catch_up::{CaughtUp, Copier},
};
use crate::sweep::SweepRun;

/// A database that is gone is tried again after this, then after twice as long, and so on.
const RETRY_MIN: Duration = Duration::from_millis(200);
const RETRY_MAX: Duration = Duration::from_secs(10);
/// The longest pause when somebody waits for the end.
const RETRY_ENDING: Duration = Duration::from_millis(500);
/// Between two looks at how far it is, by whoever waits for the end.
const LOOK: Duration = Duration::from_millis(50);
/// So many times as long as one that does not answer, a database that is at work is waited for: a pass may
/// be large.
const AT_WORK: u32 = 10;

/// Connects to the database, each time that it is needed anew.
pub type Connect = Box<dyn FnMut() -> Result<Box<dyn ResultStore>, DatabaseError> + Send>;

/// A thread that copies passes from the run folder into a database while the sweep goes on. It stands back
/// behind whatever else wants the processor.
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
    /// Whether it was given up: trying again makes no sense.
    pub refused: bool,
    /// Why it is not complete, as far as it is known.
    pub fault: Option<String>,
}

#[derive(Debug, Default)]
struct Shared {
    ending: AtomicBool,
    stop: AtomicBool,
    /// Passes that it has taken in hand.
    taken: AtomicU64,
    report: Mutex<FollowReport>,
}

impl Follower {
    /// Starts to follow the run in `folder`. It looks there once it is woken.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(connect: Connect, folder: PathBuf, spec: Arc<SweepSpec>) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (end, ended) = sync_channel(1);
        let state = Following {
            connect,
            folder,
            spec,
            run: None,
            store: None,
            copier: Copier::default(),
            shared: Arc::clone(&shared),
        };
        let thread = thread::Builder::new().name("results-database".to_owned()).spawn(move || {
            stand_back();
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

    /// Copies what is left. Gives up when a database that does not answer has not come back for as long as
    /// `patience`, when one that seems to be at work has not got on for ten times as long, or when `go_on`,
    /// which is asked often, says so; what is missing then can be brought in by [`super::catch_up()`]
    /// whenever the database is back.
    pub fn finish(self, patience: Duration, go_on: &dyn Fn() -> bool) -> FollowReport {
        let (mut known, mut waited) = (0, Duration::ZERO);
        let shared = Arc::clone(&self.shared);
        self.end(|| {
            let taken = shared.taken.load(Ordering::Relaxed);
            waited = if taken == known { waited + LOOK } else { Duration::ZERO };
            known = taken;
            let is_gone = shared.report().fault.is_some();
            waited < patience * if is_gone { 1 } else { AT_WORK } && go_on()
        })
    }

    /// As [`Follower::finish`], but waits no longer than `wait` in all, however much is left.
    pub fn finish_within(self, wait: Duration) -> FollowReport {
        let mut waited = Duration::ZERO;
        self.end(|| {
            waited += LOOK;
            waited < wait
        })
    }

    /// Lets it come to its end as long as `go_on` says so.
    fn end(self, mut go_on: impl FnMut() -> bool) -> FollowReport {
        self.shared.ending.store(true, Ordering::Release);
        self.wake();
        while self.ended.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
            if !go_on() {
                self.shared.stop.store(true, Ordering::Release);
                self.thread.thread().unpark();
                return self.shared.report().clone();
            }
        }
        // It has said its last word; a panic in it shows as an incomplete report.
        let _ = self.thread.join();
        self.shared.report().clone()
    }
}

/// Puts this thread behind all others. Only Linux has threads of their own rank.
fn stand_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, 19) {
        tracing::debug!(%error, "the results database is written at the usual rank");
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
    spec: Arc<SweepSpec>,
    run: Option<SweepRun>,
    store: Option<Box<dyn ResultStore>>,
    copier: Copier,
    shared: Arc<Shared>,
}

impl Following {
    fn follow(mut self) {
        let (mut pause, mut warned) = (RETRY_MIN, false);
        // Nothing is done before there is a pass: the first result is on its way to the same disk.
        thread::park();
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
                    if std::mem::replace(&mut warned, true) {
                        tracing::debug!(%what, "the results database still does not answer");
                    } else {
                        tracing::warn!(
                            "the results database does not answer ({what}); results wait in the run folder"
                        );
                    }
                    // The next connection may be to one that has lost what this one had.
                    (self.store, self.copier) = (None, Copier::default());
                    {
                        let mut report = self.shared.report();
                        report.gone += 1;
                        report.fault = Some(DatabaseError::Gone(what).to_string());
                    }
                    thread::park_timeout(if ending { pause.min(RETRY_ENDING) } else { pause });
                    pause = (pause * 2).min(RETRY_MAX);
                }
                Err(error) => {
                    tracing::warn!("{error}; nothing more is copied into it");
                    let mut report = self.shared.report();
                    (report.refused, report.fault) = (true, Some(error.to_string()));
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
            None => {
                let store = self.store.insert((self.connect)()?);
                self.shared.report().fault = None;
                store
            }
        };
        let mut copied = CaughtUp::default();
        let shared = &self.shared;
        let go_on = || {
            shared.taken.fetch_add(1, Ordering::Relaxed);
            !shared.stops()
        };
        let ended = self.copier.copy(run, &self.spec, &mut **store, &go_on, &mut copied);
        let mut report = self.shared.report();
        report.variants += copied.variants;
        report.complete = copied.complete;
        if copied.complete {
            report.fault = None;
        }
        ended
    }
}
