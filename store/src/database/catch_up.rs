//! Copying into a database what a run folder has and it has not.

use barhive_engine::sweep::{SweepSpec, Variant, VariantSet};

use super::{DatabaseError, ResultStore};
use crate::sweep::SweepRun;

/// What [`catch_up`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CaughtUp {
    /// Passes that were copied.
    pub passes: u64,
    /// Variants that are new in the database.
    pub variants: u64,
    /// Whether the database has all that the folder has.
    pub complete: bool,
}

/// Copies the passes of `run` that `store` does not have, one transaction each; `go_on` is asked before
/// each. May be stopped and repeated at any point. A run without results leaves no trace.
///
/// # Errors
/// When the folder cannot be read, or the database is gone or refuses: what was copied before is there.
pub fn catch_up(
    run: &SweepRun,
    spec: &SweepSpec,
    store: &mut dyn ResultStore,
    go_on: &dyn Fn() -> bool,
) -> Result<CaughtUp, DatabaseError> {
    let mut done = CaughtUp::default();
    Copier::default().copy(run, spec, store, go_on, &mut done)?;
    Ok(done)
}

/// Copies again and again, and asks a database only once what it has.
#[derive(Debug, Default)]
pub(super) struct Copier {
    /// What the database has, once it has entered the run and was asked.
    stored: Option<VariantSet>,
}

impl Copier {
    /// As [`catch_up`]; what was copied before a failure is counted in `done`, too.
    pub(super) fn copy(
        &mut self,
        run: &SweepRun,
        spec: &SweepSpec,
        store: &mut dyn ResultStore,
        go_on: &dyn Fn() -> bool,
        done: &mut CaughtUp,
    ) -> Result<(), DatabaseError> {
        run.check_spec(spec)?;
        let (id, manifest) = (run.id(), run.manifest());
        for range in run.pass_ranges() {
            let stored = match &mut self.stored {
                Some(stored) => stored,
                None => {
                    store.begin_run(&id, manifest, run.folder())?;
                    self.stored.insert(store.stored(&id)?)
                }
            };
            if VariantSet::from(range).without(stored).is_empty() {
                continue;
            }
            if !go_on() {
                return Ok(());
            }
            let variants = run.pass_variants(range)?.collect::<Vec<Variant>>();
            done.variants += store.add_pass(&id, manifest, spec, &variants)?;
            done.passes += 1;
            stored.insert(range);
        }
        if let Some(result) = run.result()? {
            store.finish_run(&id, &result.result_hash)?;
        }
        done.complete = true;
        Ok(())
    }
}
