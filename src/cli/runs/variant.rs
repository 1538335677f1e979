//! A combination of a sweep as a file that runs on its own.

use std::collections::BTreeSet;

use barhive_config::{Origin, VariantSets};
use barhive_engine::{
    set::RunSpec,
    sweep::{SweepSpec, Variant},
};
use barhive_store::sweep::{DataUse, SweepRun};

use super::same::hex;
use crate::cli::{
    outcome::CliError,
    sweep::{Wanted, series, series_of_run},
};

/// The best combination of a sweep, in its run's folder.
pub(in crate::cli) const BEST: &str = "best.yaml";

/// A combination of a run as the text of a set.
///
/// # Errors
/// When the data cannot say what they are.
pub(in crate::cli) fn text(
    run: &SweepRun,
    spec: &SweepSpec,
    sets: &VariantSets,
    variant: &Variant,
) -> Result<String, CliError> {
    let number = variant.index + 1;
    let missing = || CliError::Failed(format!("there is no combination {number}"));
    let parts = spec.variant(variant.index).ok_or_else(missing)?;
    let symbols = parts.instruments.iter().map(|id| spec.instruments[id.index()].symbol.as_str());
    let wanted = symbols.map(|symbol| (symbol, BTreeSet::from([parts.timeframe]))).collect();
    let manifest = run.manifest();
    let data = series_of_run(&*spec.source, wanted, spec.bars_max, &manifest.data)?;
    let origin = Origin {
        run: run.id(),
        variant: number,
        program: manifest.program.clone(),
        config_hash: manifest.config_hash(),
        data_hash: DataUse::hash_of(&data),
        digest: variant.evaluation().map(|done| hex(&done.digest)),
    };
    let set = sets.write(spec, variant.index, &origin).ok_or_else(missing)?;
    Ok(format!(
        "# Combination {number} of the sweep {}, as a set of its own. `barhive run` runs it; `barhive runs\n\
         # rerun` runs it and says whether its data and its result are what they were.\n{set}",
        manifest.sweep
    ))
}

/// Hash over the series that the accounts of a set read.
///
/// # Errors
/// When the data cannot say what they are.
pub(super) fn data_hash(set: &RunSpec) -> Result<String, CliError> {
    let mut wanted = Wanted::new();
    for strategy in set.containers.iter().flat_map(|container| &container.strategies) {
        for id in &strategy.instruments {
            let symbol = set.instruments[id.index()].symbol.as_str();
            wanted.entry(symbol).or_default().insert(strategy.timeframe);
        }
    }
    Ok(DataUse::hash_of(&series(&*set.source, wanted, set.bars_max)?))
}
