//! From sections to what the engine runs.

mod accounts;
mod feed;
mod fees;
mod instruments;
mod lots;
mod machinery;
mod paths;
mod sizes;
mod strategies;
mod sweep;
mod terms;

pub(crate) use fees::fee_schedule;
pub(crate) use paths::make_absolute;
pub(crate) use sweep::build_sweep;

use std::{path::Path, sync::Arc};

use barhive_engine::{
    Registry,
    data::Source,
    set::{Machinery, MarketFill, RunSpec},
};

use self::{instruments::Universe, terms::Terms};
use crate::{
    Origin, ReportOptions,
    read::{Captured, Located, Place, Reader},
    section::SetSection,
    suggest,
    tree::quote,
};

/// What building needs to know all along.
pub(crate) struct Scene<'s, 't> {
    pub(crate) reader: &'s Reader<'t>,
    pub(crate) registry: &'s Registry,
    /// Where relative paths of the configuration start.
    pub(crate) base_dir: &'s Path,
    /// The set's name unless it says another.
    pub(crate) default_name: &'s str,
    pub(crate) root: Place<'t>,
}

/// A built set or sweep.
pub(crate) struct Built<S> {
    pub(crate) spec: S,
    pub(crate) report: ReportOptions,
    pub(crate) origin: Option<Origin>,
    pub(crate) warnings: Vec<String>,
}

/// Builds a set; `None` when faults left too little of it. Every fault goes to the reader's log.
pub(crate) fn build(scene: &Scene<'_, '_>) -> Option<Built<RunSpec>> {
    let set: SetSection = scene.reader.read(&scene.root)?;
    let stage = Stage::new(scene, &set);
    let universe = stage.universe.as_ref();
    let strategies = strategies::strategies(scene, set.strategies.as_ref(), universe);
    let accounts = accounts::accounts(scene, &set);
    let risks = accounts::risks(scene, set.risk.as_ref());
    let universe = universe?;
    let containers = accounts::containers(scene, &accounts, &risks, &strategies, universe, stage.terms);
    let spec = RunSpec {
        name: stage.name,
        instruments: universe.instruments.to_vec(),
        source: stage.source?,
        containers,
        bars_max: stage.terms.bars_max,
        machinery: stage.machinery,
    };
    let origin = set.origin.as_ref().and_then(|origin| scene.reader.open(origin));
    Some(Built { spec, report: stage.report, origin, warnings: stage.warnings })
}

/// What sets and sweeps share: data, instruments, terms.
struct Stage {
    name: String,
    terms: Terms,
    machinery: Machinery,
    report: ReportOptions,
    source: Option<Arc<dyn Source>>,
    universe: Option<Universe>,
    warnings: Vec<String>,
}

impl Stage {
    fn new(scene: &Scene<'_, '_>, set: &SetSection) -> Self {
        let name = scene.name(set.name.as_ref()).unwrap_or_else(|| scene.default_name.to_owned());
        let calendars = instruments::own_calendars(scene, set.calendars.as_ref());
        let fees = set.fees.as_ref().and_then(|entry| fees::entry(scene, entry));
        let terms = terms::terms(scene, set);
        let machinery = machinery::machinery(scene, set.engine.as_ref(), set.bus.as_ref());
        let report = machinery::report(scene, set.report.as_ref());
        let source = feed::open(scene, set.feed.as_ref());
        let universe = source.as_deref().and_then(|source| {
            instruments::universe(scene, source, set.instruments.as_ref(), fees, &calendars)
        });
        let mut warnings = Vec::new();
        if terms.fill.market == MarketFill::DecidingClose {
            warnings
                .push("market orders fill at the close that decided, a price that is gone by then".into());
        }
        Self { name, terms, machinery, report, source, universe, warnings }
    }
}

impl<'t> Scene<'_, 't> {
    /// The value of a captured section, or its default.
    fn section<T: serde::de::DeserializeOwned + Default>(&self, captured: Option<&Captured<T>>) -> T {
        captured.and_then(|captured| self.reader.open(captured)).unwrap_or_default()
    }

    /// Takes in a fault of a located value.
    fn fault_at<T>(&self, value: &Located<T>, message: impl Into<String>, hint: Option<String>) {
        self.reader.fault(&self.reader.place(value.place), message, hint);
    }

    /// A located number when it lies within bounds.
    fn within(&self, value: &Located<u64>, min: u64, max: u64) -> Option<u64> {
        if (min..=max).contains(&value.value) {
            return Some(value.value);
        }
        self.fault_at(
            value,
            format!("expected a whole number from {min} to {max}, found {}", value.value),
            None,
        );
        None
    }

    /// A name that can stand in a report and in the name of a file.
    fn name(&self, name: Option<&Located<String>>) -> Option<String> {
        let located = name?;
        let name = &located.value;
        let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
        let good = (1..=64).contains(&name.chars().count())
            && name.chars().all(fits)
            && !name.starts_with(['.', ' '])
            && !name.ends_with(['.', ' ']);
        if good {
            return Some(name.clone());
        }
        let message = format!(
            "expected 1 to 64 letters, digits, \"-\", \"_\", \".\" and spaces, found {}",
            quote(name)
        );
        self.fault_at(located, message, None);
        None
    }

    /// Takes in that a name is not among those that are known.
    fn unknown<T>(&self, located: &Located<T>, what: &str, name: &str, known: &[&str]) {
        let message = format!("unknown {what} {}", quote(name));
        self.fault_at(located, message, Some(suggest::hint(name, known)));
    }

    /// Whether a field of a mapping was given: when it is not there, it has a fault of its own.
    fn has(place: &Place<'t>, key: &str) -> bool {
        place.node.get(key).is_some_and(|node| !node.is_null())
    }
}
