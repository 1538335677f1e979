//! Strategies: looked up, given their parameters, assigned, and set up once to see whether they can be.

use std::{collections::BTreeSet, sync::Arc};

use barhive_engine::{
    instrument::{Currency, InstrumentId},
    layout::declare,
    money::Money,
    registry::{StrategyDef, StrategyFactory},
    set::{ContainerSpec, FillSpec, Limits, Retention, StrategySpec, Trace},
    strategy::{Scope, Sizing},
    timeframe::Timeframe,
};

use super::{Scene, instruments::Universe, lots::lots};
use crate::{
    read::{Captured, Located, Place},
    section::{LimitsSection, RiskSection, SizingSection, StrategySection},
    suggest,
    tree::quote,
    value::Decimal,
};

/// Instruments that one strategy may trade.
const INSTRUMENTS_MAX: usize = u16::MAX as usize;

/// A strategy of the set, before it is given to accounts.
pub(super) struct Draft<'t> {
    pub(super) id: String,
    pub(super) place: Place<'t>,
    pub(super) instruments: Vec<InstrumentId>,
    kind: String,
    scope: Scope,
    factory: Arc<dyn StrategyFactory>,
    timeframe: Timeframe,
    sizing: Located<SizingSection>,
    limits: LimitsSection,
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
    if places.is_empty() {
        let place = scene.reader.place(captured.place);
        scene.reader.fault(&place, "expected at least one strategy", None);
    }
    let mut ids = BTreeSet::new();
    let mut drafts = Vec::new();
    for place in places {
        let Some(section) = scene.reader.read::<StrategySection>(&place) else { continue };
        if let Some(id) = &section.id {
            if !ids.insert(id.value.clone()) {
                scene.fault_at(id, format!("the id {} is given twice", quote(&id.value)), None);
            }
        }
        if let Some(draft) = draft(scene, place, section, universe) {
            if universe.is_some_and(|universe| set_up(scene, &draft, universe)) {
                drafts.push(draft);
            }
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
    let id = scene.name(section.id.as_ref(), "id");
    let kind = kind(scene, &place, section.kind.as_ref());
    let factory = kind.and_then(|def| params(scene, &place, def, section.params.as_ref()));
    let instruments =
        universe.and_then(|universe| assigned(scene, &place, section.instruments.as_deref(), universe));
    let mut good = sizing_is_sound(scene, section.sizing.as_ref());
    if let (Some(universe), Some(instruments), Some(timeframe)) = (universe, &instruments, &section.timeframe)
    {
        for id in instruments {
            if let Err(fault) = universe.check_timeframe(*id, timeframe.value) {
                scene.fault_at(timeframe, fault, None);
                good = false;
                break;
            }
        }
    }
    let draft = Draft {
        id: id?,
        place,
        kind: kind?.name.clone(),
        scope: kind?.scope,
        factory: factory?,
        instruments: instruments?,
        timeframe: section.timeframe?.value,
        sizing: section.sizing?,
        limits: section.limits.unwrap_or_default(),
    };
    good.then_some(draft)
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

fn assigned(
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

fn sizing_is_sound(scene: &Scene<'_, '_>, sizing: Option<&Located<SizingSection>>) -> bool {
    match sizing.map(|sizing| &sizing.value) {
        Some(SizingSection::Notional(money)) => {
            let sound = money.value.to_f64() > 0.0;
            if !sound {
                scene.fault_at(money, format!("expected an amount above 0, found {}", money.value), None);
            }
            sound
        }
        Some(SizingSection::EquityFraction(fraction)) => {
            let sound = fraction.value.0 > 0.0 && fraction.value.0 <= 100.0;
            if !sound {
                let found = fraction.value.0;
                let message = format!("expected a fraction above 0 and up to 100, found {found}");
                scene.fault_at(fraction, message, Some("1 is all equity; more needs leverage".into()));
            }
            sound
        }
        _ => true,
    }
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
fn named_param<'t>(params: &Place<'t>, complaint: &str) -> Option<Place<'t>> {
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
        let groups: Vec<&[InstrumentId]> = match self.scope {
            Scope::PerInstrument => self.instruments.chunks(1).collect(),
            Scope::Across => vec![&self.instruments],
        };
        let single = groups.len() == 1;
        let mut specs = Vec::with_capacity(groups.len());
        let mut good = true;
        for group in groups {
            let sizing = self.sizing(scene, universe, group, risk);
            let limits = self.limits(scene, universe, group, risk);
            let (Some(sizing), Some(limits)) = (sizing, limits) else {
                good = false;
                continue;
            };
            let id = match group {
                [only] if !single => format!("{}/{}", self.id, universe.get(*only).symbol),
                _ => self.id.clone(),
            };
            specs.push(StrategySpec {
                id,
                kind: self.kind.clone(),
                factory: Arc::clone(&self.factory),
                instruments: group.to_vec(),
                timeframe: self.timeframe,
                sizing,
                limits,
            });
        }
        good.then_some(specs)
    }

    fn sizing(
        &self,
        scene: &Scene<'_, '_>,
        universe: &Universe,
        group: &[InstrumentId],
        risk: Option<&RiskSection>,
    ) -> Option<Sizing> {
        let size = risk.and_then(|risk| risk.size.as_ref());
        let factor = size.map_or(1.0, |size| size.value.to_f64());
        match &self.sizing.value {
            SizingSection::Fixed(quantity) => {
                let at = size.unwrap_or(quantity);
                let size = size.map(|size| &size.value);
                same_lots(scene, universe, group, quantity, size, at).map(Sizing::Lots)
            }
            SizingSection::Notional(money) => Some(Sizing::Notional(money.value.to_f64() * factor)),
            SizingSection::EquityFraction(fraction) => {
                Some(Sizing::EquityFraction(fraction.value.0 * factor))
            }
            SizingSection::AllIn => match size {
                Some(size) => {
                    let message =
                        format!("strategy {} is sized all_in, which has no size to multiply", self.id);
                    scene.fault_at(size, message, Some("size it by equity_fraction".into()));
                    None
                }
                None => Some(Sizing::AllIn),
            },
        }
    }

    fn limits(
        &self,
        scene: &Scene<'_, '_>,
        universe: &Universe,
        group: &[InstrumentId],
        risk: Option<&RiskSection>,
    ) -> Option<Limits> {
        let over = risk.and_then(|risk| risk.limits.as_ref());
        let pick = |field: fn(&LimitsSection) -> Option<&Located<Decimal>>| {
            over.and_then(field).or_else(|| field(&self.limits))
        };
        let in_lots = |limit: Option<&Located<Decimal>>| match limit {
            Some(limit) => same_lots(scene, universe, group, limit, None, limit).map(Some),
            None => Some(None),
        };
        let notional = pick(|limits| limits.max_notional.as_ref());
        if let Some(limit) = notional.filter(|limit| limit.value.to_f64() <= 0.0) {
            scene.fault_at(limit, format!("expected an amount above 0, found {}", limit.value), None);
        }
        let (position, order) = (
            in_lots(pick(|limits| limits.max_position.as_ref())),
            in_lots(pick(|limits| limits.max_order.as_ref())),
        );
        Some(Limits {
            position_lots_max: position?,
            order_lots_max: order?,
            order_notional_max: notional.map(|limit| limit.value.to_f64()),
        })
    }
}

/// A quantity in lots that is the same for all instruments of a strategy instance.
fn same_lots(
    scene: &Scene<'_, '_>,
    universe: &Universe,
    group: &[InstrumentId],
    quantity: &Located<Decimal>,
    factor: Option<&Decimal>,
    at: &Located<Decimal>,
) -> Option<i64> {
    let mut common: Option<(i64, InstrumentId)> = None;
    for id in group {
        let count = match lots(&quantity.value, factor, universe.get(*id)) {
            Ok(count) => count,
            Err(fault) => {
                scene.fault_at(at, fault.replace('`', "\""), None);
                return None;
            }
        };
        match common {
            Some((known, first)) if known != count => {
                let message = format!(
                    "{} are {known} lots of {} but {count} lots of {}",
                    quantity.value,
                    universe.get(first).symbol,
                    universe.get(*id).symbol
                );
                let hint = "a strategy across instruments needs one lot for all; size it by notional";
                scene.fault_at(at, message, Some(hint.into()));
                return None;
            }
            _ => common = Some((count, *id)),
        }
    }
    common.map(|(count, _)| count)
}
