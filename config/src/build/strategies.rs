//! Strategies: looked up, given their parameters, assigned, and set up once to see whether they can be.

use std::{collections::BTreeSet, sync::Arc};

use barhive_engine::{
    instrument::{Currency, InstrumentId},
    layout::declare,
    money::Money,
    registry::{StrategyDef, StrategyFactory},
    set::{ContainerSpec, FillSpec, Retention, StrategySpec, Trace},
    timeframe::Timeframe,
};

use super::{
    Scene,
    instruments::Universe,
    sizes::{Size, Sizes, sizing_is_sound},
};
use crate::{
    read::{Captured, Located, Place},
    section::{RiskSection, StrategySection},
    suggest,
    tree::{Value, quote},
};

/// Instruments that one strategy may trade.
const INSTRUMENTS_MAX: usize = u16::MAX as usize;

/// A strategy of the set, before it is given to accounts.
pub(super) struct Draft<'t> {
    pub(super) id: String,
    pub(super) place: Place<'t>,
    pub(super) sizes: Sizes,
    kind: String,
    factory: Arc<dyn StrategyFactory>,
    timeframe: Timeframe,
}

/// All strategies that have no fault of their own.
pub(super) fn strategies<'t>(
    scene: &Scene<'_, 't>,
    captured: Option<&Captured<Vec<StrategySection>>>,
    universe: Option<&Universe>,
) -> Vec<Draft<'t>> {
    let Some(captured) = captured else {
        scene.reader.missing(&scene.root, "strategies", "list at least one strategy");
        return Vec::new();
    };
    let places = scene.reader.items(captured);
    let place = scene.reader.place(captured.place);
    if places.is_empty() && (place.node.is_null() || matches!(place.node.value, Value::Sequence(_))) {
        scene.reader.fault(&place, "expected at least one strategy", None);
    }
    let mut ids = BTreeSet::new();
    let mut drafts = Vec::new();
    for place in places {
        let Some(section) = scene.reader.read::<StrategySection>(&place) else { continue };
        if let Some(id) = &section.id
            && !ids.insert(id.value.clone())
        {
            scene.fault_at(id, format!("the id {} is given twice", quote(&id.value)), None);
        }
        if let (Some(draft), Some(universe)) = (draft(scene, place, section, universe), universe)
            && set_up(scene, &draft, universe)
        {
            drafts.push(draft);
        }
    }
    drafts
}

fn draft<'t>(
    scene: &Scene<'_, 't>,
    place: Place<'t>,
    section: StrategySection,
    universe: Option<&Universe>,
) -> Option<Draft<'t>> {
    let reader = scene.reader;
    let missing = |field: &str, hint: &str| reader.missing(&place, field, hint);
    if section.id.is_none() {
        missing("id", "give it a name of its own");
    }
    if section.timeframe.is_none() {
        missing("timeframe", "write how long its bars last: timeframe: 1m");
    }
    if section.sizing.is_none() {
        missing("sizing", "write {fixed: 1}, {notional: 1000}, {equity_fraction: 10%} or all_in");
    }
    let id = scene.name(section.id.as_ref());
    let kind = kind(scene, &place, section.kind.as_ref());
    let factory = kind.and_then(|def| params(scene, &place, def, section.params.as_ref()));
    let instruments =
        universe.and_then(|universe| assigned(scene, &place, section.instruments.as_deref(), universe));
    let sound = sizing_is_sound(scene, section.sizing.as_ref());
    let timely = universe.zip(instruments.as_ref()).zip(section.timeframe.as_ref()).is_none_or(
        |((universe, instruments), timeframe)| {
            let fault =
                instruments.iter().find_map(|id| universe.check_timeframe(*id, timeframe.value).err());
            if let Some(fault) = &fault {
                scene.fault_at(timeframe, fault.clone(), None);
            }
            fault.is_none()
        },
    );
    let limits = section.limits.unwrap_or_default();
    let sizes = Sizes { instruments: instruments?, scope: kind?.scope, sizing: section.sizing?, limits };
    // Sizes are checked whether or not the parameters are sound: all faults come to light at once.
    let fitting = universe.is_some_and(|universe| sizes.of_groups(scene, universe, None).is_some());
    let draft = Draft {
        id: id?,
        place,
        sizes,
        kind: kind?.name.clone(),
        factory: factory?,
        timeframe: section.timeframe?.value,
    };
    (sound && timely && fitting).then_some(draft)
}

fn kind<'s>(
    scene: &Scene<'s, '_>,
    place: &Place<'_>,
    kind: Option<&Located<String>>,
) -> Option<&'s StrategyDef> {
    let known: Vec<&str> = scene.registry.strategies().map(|def| def.name.as_str()).collect();
    let Some(kind) = kind else {
        let hint = format!("kinds of strategy: {}", suggest::list(&known));
        scene.reader.missing(place, "kind", &hint);
        return None;
    };
    let def = scene.registry.find_strategy(&kind.value);
    if def.is_none() {
        scene.unknown(kind, "kind of strategy", &kind.value, &known);
    }
    def
}

fn params<'t>(
    scene: &Scene<'_, 't>,
    place: &Place<'t>,
    def: &StrategyDef,
    captured: Option<&Captured<crate::section::Params>>,
) -> Option<Arc<dyn StrategyFactory>> {
    let params = match captured {
        Some(captured) => scene.reader.place(captured.place),
        None if Scene::has(place, "params") => return None,
        None => place.left_out("params"),
    };
    scene.reader.read_with(&params, |deserializer| {
        def.read(&mut <dyn erased_serde::Deserializer<'_>>::erase(deserializer))
    })
}

pub(super) fn assigned(
    scene: &Scene<'_, '_>,
    place: &Place<'_>,
    patterns: Option<&[Located<String>]>,
    universe: &Universe,
) -> Option<Vec<InstrumentId>> {
    let Some(patterns) = patterns else {
        return if Scene::has(place, "instruments") { None } else { Some(universe.order.clone()) };
    };
    let mut assigned: Vec<InstrumentId> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut good = true;
    for pattern in patterns {
        let before = seen.len();
        let mut found = false;
        for id in universe.matching(&pattern.value) {
            found = true;
            if seen.insert(id) {
                assigned.push(id);
            }
        }
        if !found {
            let known: Vec<&str> = universe.instruments.iter().map(|i| i.symbol.as_str()).collect();
            scene.unknown(pattern, "instrument", &pattern.value, &known);
            good = false;
        } else if seen.len() == before {
            scene.fault_at(pattern, format!("{} is already listed", quote(&pattern.value)), None);
            good = false;
        }
    }
    if good && assigned.is_empty() {
        let place = place.get("instruments").unwrap_or_else(|| place.clone());
        scene.reader.fault(&place, "expected at least one instrument", None);
        return None;
    }
    if assigned.len() > INSTRUMENTS_MAX {
        scene.reader.fault(place, format!("more than {INSTRUMENTS_MAX} instruments"), None);
        return None;
    }
    good.then_some(assigned)
}

/// Sets a strategy up as it will be run, to bring its faults to light.
fn set_up<'t>(scene: &Scene<'_, 't>, draft: &Draft<'t>, universe: &Universe) -> bool {
    let Some(strategies) = draft.specs(scene, universe, None) else { return false };
    let trial = ContainerSpec {
        name: draft.id.clone(),
        cash: Money::ZERO,
        currency: trial_currency(universe),
        leverage_max: 1,
        drawdown_max: None,
        strategies,
        fees: None,
        fill: FillSpec::default(),
        from_ns: None,
        to_ns: None,
        trace: Trace::Minimal,
        retention: Retention::Minimal,
        memory_max_bytes: ContainerSpec::MEMORY_MAX_BYTES,
        seed: 0,
    };
    let params = draft.place.get("params").or_else(|| draft.place.get("kind"));
    let params = params.unwrap_or_else(|| draft.place.clone());
    match declare(&trial, &universe.instruments, scene.registry) {
        Err(faults) => {
            for fault in faults {
                let at = named_param(&params, &fault.what).unwrap_or_else(|| params.clone());
                scene.reader.fault(&at, fault.what, None);
            }
            false
        }
        Ok(declared) => {
            let series = &declared.declarations.series;
            let mut faults = series
                .iter()
                .filter_map(|s| universe.check_timeframe(s.key.instrument, s.key.timeframe).err());
            let fault = faults.next();
            if let Some(fault) = &fault {
                scene.reader.fault(&params, fault.clone(), None);
            }
            fault.is_none()
        }
    }
}

fn trial_currency(universe: &Universe) -> Currency {
    universe.instruments[0].currency.clone()
}

/// The parameter that a strategy's complaint names.
pub(super) fn named_param<'t>(params: &Place<'t>, complaint: &str) -> Option<Place<'t>> {
    complaint.split('`').skip(1).step_by(2).find_map(|name| params.get(name))
}

impl Draft<'_> {
    /// The strategy as a container runs it: once, or once per instrument.
    ///
    /// `None` when a size or limit does not fit an instrument; the faults are in the log.
    pub(super) fn specs(
        &self,
        scene: &Scene<'_, '_>,
        universe: &Universe,
        risk: Option<&RiskSection>,
    ) -> Option<Vec<StrategySpec>> {
        let sizes = self.sizes.of_groups(scene, universe, risk)?;
        let single = sizes.len() == 1;
        let spec = |(group, (sizing, limits)): (&[InstrumentId], Size)| StrategySpec {
            id: match group {
                [only] if !single => format!("{}/{}", self.id, universe.get(*only).symbol),
                _ => self.id.clone(),
            },
            kind: self.kind.clone(),
            factory: Arc::clone(&self.factory),
            instruments: group.to_vec(),
            timeframe: self.timeframe,
            sizing,
            limits,
        };
        Some(self.sizes.groups().into_iter().zip(sizes).map(spec).collect())
    }
}
