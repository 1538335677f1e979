//! A database kept up to date beside a sweep that writes its folder.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use barhive_engine::{registry::Registry as Parts, sweep::SweepSpec};
use barhive_report::sweep::Ranking;
use barhive_store::{database::Follower, sweep::SweepRun};

use super::{
    SyncFault, Target,
    pending::{mark, unmark},
    sync::{others, record_best},
};

/// How long a database that does not answer is waited for once the sweep is done.
const PATIENCE: Duration = Duration::from_secs(6);
/// How long anything is waited for when the sweep was interrupted: it ends within two seconds.
const INTERRUPTED: Duration = Duration::from_millis(500);

/// What became of the copy of a sweep that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Copied {
    /// The database has all of it.
    Whole,
    /// The rest comes when the database is back: with the next sweep, or when somebody asks for it.
    Later,
    /// Somebody has to do something about it; what, is told.
    Refused,
}

/// Keeps a database up to date while a sweep writes its folder.
pub(in crate::cli) struct Keeper {
    target: Target,
    folder: PathBuf,
    follower: Follower,
}

/// A sweep that is done, as far as its copy needs it.
pub(in crate::cli) struct Finished<'a> {
    pub(in crate::cli) run: &'a SweepRun,
    pub(in crate::cli) spec: &'a SweepSpec,
    pub(in crate::cli) ranking: &'a Ranking,
    pub(in crate::cli) parts: &'a Parts,
    /// The folder that other runs of the same database are in.
    pub(in crate::cli) base: Option<&'a Path>,
}

impl Keeper {
    /// Starts to copy what comes into `folder`; `None`, with a warning, when no thread is to be had.
    pub(in crate::cli) fn start(target: Target, folder: &Path, spec: &Arc<SweepSpec>) -> Option<Self> {
        mark(folder, &target);
        match Follower::start(target.connect(), folder.to_owned(), Arc::clone(spec)) {
            Ok(follower) => Some(Self { target, folder: folder.to_owned(), follower }),
            Err(error) => {
                tracing::warn!("results are not copied into {target} now: {error}");
                None
            }
        }
    }

    /// Says that a pass is on the disk. Never waits.
    pub(in crate::cli) fn wake(&self) {
        self.follower.wake();
    }

    /// Ends with a sweep that was interrupted or could not go on.
    pub(in crate::cli) fn leave(self) {
        if self.follower.finish_within(INTERRUPTED).complete {
            unmark(&self.folder, &self.target);
        }
    }

    /// Copies the rest of a sweep that is done, the signals and trades of its best, and what the database
    /// has missed of other runs. `stop` ends the waiting.
    pub(in crate::cli) fn finish(self, done: &Finished<'_>, stop: &AtomicBool) -> Copied {
        let report = self.follower.finish(PATIENCE, &|| !stop.load(Ordering::Relaxed));
        let told = |what: &str| {
            tracing::warn!(
                "{} has not got all results: {what}; the next sweep brings the rest, and so does: barhive runs \
                 sync {}",
                self.target,
                self.folder.display()
            );
        };
        if !report.complete {
            told(report.fault.as_deref().unwrap_or("it was not waited for"));
            return if report.refused { Copied::Refused } else { Copied::Later };
        }
        let target = &self.target;
        let recorded = target.open().map_err(SyncFault::from).and_then(|mut database| {
            record_best(done.run, done.spec, done.ranking, &mut database, done.parts, stop)
        });
        match recorded {
            Ok(_) => unmark(&self.folder, target),
            Err(fault) => {
                told(&fault.to_string());
                return if fault.may_pass() { Copied::Later } else { Copied::Refused };
            }
        }
        if let Some(base) = done.base {
            others(base, &self.folder, target, done.parts, stop);
        }
        Copied::Whole
    }
}
