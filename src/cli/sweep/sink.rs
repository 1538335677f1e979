//! Where passes go: onto the disk first, then into the ranking.

use std::sync::{Arc, Mutex, PoisonError};

use barhive_actors::sweep::SweepSink;
use barhive_engine::sweep::{PassBlock, Variant};
use barhive_report::sweep::Ranking;
use barhive_store::sweep::SweepStore;
use serde::Serialize;

use super::facts::Failures;
use crate::cli::database::Keeper;

/// The best so far, for whoever watches.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Best {
    /// Its number, counted from 1.
    pub(super) variant: u64,
    /// What it is ranked by.
    pub(super) figure: &'static str,
    /// How much of that it has.
    pub(super) value: f64,
}

/// The best so far, shared with the watcher.
#[derive(Clone, Debug, Default)]
pub(super) struct BestSoFar(Arc<Mutex<Option<Best>>>);

impl BestSoFar {
    pub(super) fn get(&self) -> Option<Best> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, best: Option<Best>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = best;
    }
}

/// Keeps passes and ranks them.
pub(super) struct Sink<'a> {
    store: &'a mut SweepStore,
    ranking: &'a mut Ranking,
    failures: Failures,
    best: BestSoFar,
    keeper: Option<&'a Keeper>,
}

impl<'a> Sink<'a> {
    /// A sink for the rest of a run; what it has already is ranked first.
    ///
    /// # Errors
    /// When that cannot be read.
    pub(super) fn new(
        store: &'a mut SweepStore,
        ranking: &'a mut Ranking,
        best: BestSoFar,
        keeper: Option<&'a Keeper>,
    ) -> Result<Self, barhive_store::sweep::SweepError> {
        let mut failures = Failures::default();
        for variant in store.run().variants() {
            let variant = variant?;
            ranking.offer(&variant);
            failures.see(&variant);
        }
        let sink = Self { store, ranking, failures, best, keeper };
        sink.tell();
        Ok(sink)
    }

    /// The variants that failed.
    pub(super) fn failures(self) -> Failures {
        self.failures
    }

    fn tell(&self) {
        let Some(objective) = self.ranking.objectives().first() else { return };
        let best = |variant: &Variant| {
            let value = objective.value(variant.evaluation()?)?;
            Some(Best { variant: variant.index + 1, figure: objective.name(), value })
        };
        self.best.set(self.ranking.best().and_then(best));
    }
}

impl SweepSink for Sink<'_> {
    fn take(&mut self, block: &PassBlock) -> Result<(), String> {
        self.store.append(block).map_err(|error| error.to_string())?;
        if let Some(keeper) = self.keeper {
            keeper.wake();
        }
        for variant in &block.variants {
            self.ranking.offer(variant);
            self.failures.see(variant);
        }
        self.tell();
        Ok(())
    }
}
