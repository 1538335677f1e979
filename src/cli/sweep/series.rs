//! The series that are read, and their hashes.

use std::collections::{BTreeMap, BTreeSet};

use barhive_engine::{
    data::{SeriesKind, Source},
    plan::serving,
    sweep::SweepSpec,
    timeframe::Timeframe,
};
use barhive_store::sweep::DataUse;

use crate::cli::outcome::CliError;

/// Symbols and the timeframes that are wanted of them.
pub(in crate::cli) type Wanted<'a> = BTreeMap<&'a str, BTreeSet<Timeframe>>;

/// What a sweep reads.
pub(super) fn of_sweep(spec: &SweepSpec) -> Wanted<'_> {
    let mut wanted = Wanted::new();
    for definition in &spec.definitions {
        for id in definition.instruments.iter().flatten() {
            let symbol = spec.instruments[id.index()].symbol.as_str();
            wanted.entry(symbol).or_default().extend(definition.timeframes.iter().copied());
        }
    }
    wanted
}

/// The series that serve what is wanted, sorted.
///
/// # Errors
/// When the source cannot say what it has.
pub(in crate::cli) fn series(source: &dyn Source, wanted: Wanted<'_>) -> Result<Vec<DataUse>, CliError> {
    let mut found = BTreeMap::new();
    for (symbol, timeframes) in wanted {
        let offered =
            source.series(symbol).map_err(|error| CliError::Failed(format!("{symbol}: {error}")))?;
        for timeframe in timeframes {
            let Some(info) = serving(&offered, SeriesKind::BAR, timeframe) else { continue };
            let mut name = format!("{symbol} {} {}", info.kind, info.timeframe);
            if info.data_hash.is_none() {
                name.extend(info.rows.map(|rows| format!(", {rows} rows")));
            }
            found.insert(name, info.data_hash.clone());
        }
    }
    Ok(found.into_iter().map(|(series, hash)| DataUse { series, hash }).collect())
}
