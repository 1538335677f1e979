//! From the sections of a sweep to what the engine runs.

mod conditions;
mod csv;
mod definitions;
mod params;
mod points;
mod settings;
mod trial;
mod typing;

use barhive_engine::sweep::SweepSpec;
use typing::Typing;

use super::{Built, Scene, Stage, accounts};
use crate::{PointsFile, SweepSettings, section::SweepFileSection};

/// What there is of a sweep beside what the engine runs.
pub(crate) struct Extent {
    pub(crate) settings: SweepSettings,
    pub(crate) files: Vec<PointsFile>,
    /// The entry of `strategies` that each definition came from.
    pub(crate) entries: Vec<usize>,
}

/// Builds a sweep; `None` when faults left too little of it. Every fault goes to the reader's log.
pub(crate) fn build_sweep(scene: &Scene<'_, '_>) -> Option<(Built<SweepSpec>, Extent)> {
    let file: SweepFileSection = scene.reader.read(&scene.root)?;
    let (set, strategies, sweep) = file.into_parts();
    let stage = Stage::new(scene, &set);
    let universe = stage.universe.as_ref();
    let mut files = Vec::new();
    let drafted = definitions::definitions(scene, strategies.as_ref(), universe, &mut files);
    let account = accounts::accounts(scene, &set).pop();
    let settings = settings::settings(scene, sweep.as_ref());
    let (account, universe) = (account?, universe?);
    account.refuse_strategies(scene, "every combination has the account of a sweep for itself");
    for one in &drafted {
        let instruments = one.definition.instruments.concat();
        if !accounts::check_currency(scene, &account, &one.definition.id, &instruments, universe) {
            break;
        }
    }
    let entries = drafted.iter().map(|one| one.entry).collect();
    let (definitions, places): (Vec<_>, Vec<_>) =
        drafted.into_iter().map(|one| (one.definition, one.params)).unzip();
    let spec = SweepSpec {
        name: stage.name,
        instruments: universe.instruments.to_vec(),
        source: stage.source?,
        account: account.bare(stage.terms),
        definitions,
        bars_max: stage.terms.bars_max,
        machinery: stage.machinery,
    };
    trial::set_up(scene, &spec, &places, universe);
    Some((
        Built { spec, report: stage.report, origin: None, warnings: stage.warnings },
        Extent { settings, files, entries },
    ))
}
