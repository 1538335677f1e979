//! Bringing runs into a database that has not got all of them.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use barhive_engine::{registry::Registry as Parts, sweep::SweepSpec};
use barhive_report::sweep::Ranking;
use barhive_store::{
    database::{Database, DatabaseError, catch_up},
    sweep::{SweepError, SweepRun},
};

use super::{
    Target,
    pending::{marked, unmark},
    records::record,
};
use crate::cli::{
    runs::OpenSweep,
    sweep::{RankFlags, read},
};

/// What was brought into a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::cli) struct Brought {
    /// Variants that are new there.
    pub(in crate::cli) variants: u64,
    /// Variants whose signals and trades are new there.
    pub(in crate::cli) recorded: u64,
}

/// Why a run is not whole in a database.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum SyncFault {
    /// The database is gone or refuses, or the folder cannot be read.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The sweep cannot be read again, or its combinations cannot be run again.
    #[error("its best cannot be run again for their signals and trades: {0}")]
    Run(String),
    /// A combination that was run again has another result; which, is told already.
    #[error("a combination has another result than the sweep says: were its data changed?")]
    Differs,
    /// It is not known how the database is opened; the text says what to do.
    #[error("its database has not got all of it: {0}")]
    Unknown(String),
    /// Somebody does not want to wait any longer.
    #[error("interrupted")]
    Stopped,
}

impl From<SweepError> for SyncFault {
    fn from(error: SweepError) -> Self {
        Self::Database(error.into())
    }
}

impl SyncFault {
    /// Whether it is worth trying again later, without anybody doing anything about it.
    pub(super) fn may_pass(&self) -> bool {
        matches!(self, Self::Database(DatabaseError::Gone(_)) | Self::Stopped)
    }
}

/// Copies what a run has and `target` has not; once the run is finished, also the signals and trades of its
/// best.
///
/// # Errors
/// When the database is gone or refuses, or the best cannot be run again: what was brought before is there.
pub(in crate::cli) fn bring(
    open: &OpenSweep,
    target: &Target,
    parts: &Parts,
    stop: &AtomicBool,
) -> Result<Brought, SyncFault> {
    let mut database = target.open()?;
    let caught_up = catch_up(&open.run, &open.spec, &mut database, &|| !stop.load(Ordering::Relaxed))?;
    if !caught_up.complete {
        return Err(SyncFault::Stopped);
    }
    let mut brought = Brought { variants: caught_up.variants, recorded: 0 };
    let is_finished = open.run.result()?.is_some();
    if is_finished {
        let ranking = RankFlags::default().ranking(&open.settings);
        let mut ranking = ranking.map_err(|error| SyncFault::Run(error.to_string()))?;
        read(&open.run, &mut ranking, &mut |_| {})?;
        brought.recorded = record_best(&open.run, &open.spec, &ranking, &mut database, parts, stop)?;
    }
    if is_finished || !open.run.is_being_written() {
        unmark(open.run.folder(), target);
    }
    Ok(brought)
}

/// Puts signals and trades of the best into the database where they are missing; answers of how many.
pub(super) fn record_best(
    run: &SweepRun,
    spec: &SweepSpec,
    ranking: &Ranking,
    database: &mut Database,
    parts: &Parts,
    stop: &AtomicBool,
) -> Result<u64, SyncFault> {
    let known = database.recorded(&run.id())?;
    let best = ranking.shown().into_iter().map(|variant| variant.index);
    let wanted: Vec<u64> = best.filter(|index| !known.contains(*index)).collect();
    record(run, spec, parts, &wanted, database, stop)
}

/// Brings in the runs below `base`, but for `own`, that `target` has not got whole, as far as they say so.
/// What goes wrong with one of them is told, and does not keep the others.
pub(in crate::cli) fn others(base: &Path, own: &Path, target: &Target, parts: &Parts, stop: &AtomicBool) {
    let name = target.to_string();
    for folder in folders(base) {
        if folder == own || !marked(&folder).contains(&name) {
            continue;
        }
        let ended = OpenSweep::open(&folder, parts).map(|open| match open.run.is_being_written() {
            true => Ok(Brought::default()),
            false => bring(&open, target, parts, stop),
        });
        match ended {
            Ok(Ok(_)) => {}
            Ok(Err(SyncFault::Stopped)) => return,
            Ok(Err(fault)) => {
                tracing::warn!("{} is not whole in the results database: {fault}", folder.display());
                // Its trials are there, and its signals and trades will never be: nothing is waited for.
                if matches!(fault, SyncFault::Differs) {
                    unmark(&folder, target);
                }
            }
            Err(error) => tracing::warn!("{error}"),
        }
    }
}

fn folders(base: &Path) -> Vec<PathBuf> {
    let listing = std::fs::read_dir(base).into_iter().flatten();
    let mut folders: Vec<_> = listing.filter_map(|entry| Some(entry.ok()?.path())).collect();
    folders.sort();
    folders
}
