//! What a run folder says about its sweep.

use barhive_engine::sweep::{Outcome, Variant};
use barhive_report::sweep::{Ranking, SweepFacts};
use barhive_store::sweep::{SweepError, SweepRun};

/// Failed variants that are kept by name.
const NAMED_MAX: usize = 100;

/// The variants that failed, counted, and the first of them named.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Failures {
    count: u64,
    /// By number from 1.
    named: Vec<(u64, String)>,
}

impl Failures {
    /// Looks at a variant.
    pub(super) fn see(&mut self, variant: &Variant) {
        let Outcome::Failed { reason, .. } = &variant.outcome else { return };
        self.count += 1;
        let number = variant.index + 1;
        // Passes come in any order; the lowest numbers are kept.
        let place = self.named.partition_point(|(known, _)| *known < number);
        if place < NAMED_MAX {
            self.named.insert(place, (number, reason.clone()));
            self.named.truncate(NAMED_MAX);
        }
    }
}

/// The facts of a run, with failures that were counted while its results went by.
///
/// # Errors
/// When its result cannot be read.
pub(super) fn facts(run: &SweepRun, failures: Failures) -> Result<SweepFacts, SweepError> {
    let manifest = run.manifest();
    Ok(SweepFacts {
        name: manifest.sweep.clone(),
        program: manifest.program.clone(),
        folder: run.folder().display().to_string(),
        created_ns: manifest.created_ns,
        config_text: manifest.config.clone(),
        config_hash: manifest.config_hash(),
        data: manifest.data.iter().map(|data| (data.series.clone(), data.hash.clone())).collect(),
        seed: manifest.seed,
        variants: manifest.variants,
        selected: manifest.selected.len(),
        done: run.done().len(),
        failed: failures.count,
        failures: failures.named,
        result_hash: run.result()?.map(|result| result.result_hash),
        passes: run.passes() as u64,
        work: *run.work(),
    })
}

/// The facts of a run that nobody watched: all that it has is offered to `ranking` and told to `each`.
///
/// # Errors
/// When it cannot be read.
pub(in crate::cli) fn read(
    run: &SweepRun,
    ranking: &mut Ranking,
    each: &mut dyn FnMut(&Variant),
) -> Result<SweepFacts, SweepError> {
    let mut failures = Failures::default();
    for variant in run.variants() {
        let variant = variant?;
        ranking.offer(&variant);
        failures.see(&variant);
        each(&variant);
    }
    facts(run, failures)
}
