//! Strategies of a sweep: kinds, parameters and their values, instruments, timeframes.

use std::collections::BTreeSet;

use barhive_engine::{
    instrument::InstrumentId,
    registry::StrategyDef,
    sweep::{Axis, Condition, Definition, Grid, GridError},
    timeframe::Timeframe,
};
use serde_json::{Map, Value as Json};

use super::{
    Typing,
    conditions::condition,
    params::{Said, Swept, said},
    points::points,
};
use crate::{
    PointsFile,
    build::{
        Scene,
        instruments::{Universe, matches},
        sizes::{Size, Sizes, sizing_is_sound},
        strategies::assigned,
    },
    read::{Captured, Located, Place},
    section::SweepStrategySection,
    suggest,
    tree::{Entry, Node, Value, quote},
};

/// Combinations that are held against constraints at most.
const FILTERED_MAX: u64 = 10_000_000;
/// Combinations of one strategy at most.
const POINTS_MAX: u64 = 1_000_000_000;
/// Values of an axis that are tried when something else is wrong already.
const TRIED_MAX: usize = 100;

/// A definition with the place of its parameters.
pub(super) struct Drafted<'t> {
    pub(super) definition: Definition,
    pub(super) params: Place<'t>,
    /// Which entry of the list it came from.
    pub(super) entry: usize,
}

/// All strategies that have no fault of their own.
pub(super) fn definitions<'t>(
    scene: &Scene<'_, 't>,
    captured: Option<&Captured<Vec<SweepStrategySection>>>,
    universe: Option<&Universe>,
    files: &mut Vec<PointsFile>,
) -> Vec<Drafted<'t>> {
    let Some(captured) = captured else {
        scene.reader.missing(&scene.root, "strategies", "list at least one strategy");
        return Vec::new();
    };
    let places = scene.reader.items(captured);
    let list = scene.reader.place(captured.place);
    if places.is_empty() && (list.node.is_null() || matches!(list.node.value, Value::Sequence(_))) {
        scene.reader.fault(&list, "expected at least one strategy", None);
    }
    let mut ids = BTreeSet::new();
    let mut drafted = Vec::new();
    for (entry, place) in places.into_iter().enumerate() {
        let Some(section) = scene.reader.read::<SweepStrategySection>(&place) else { continue };
        if let Some(id) = &section.id
            && !ids.insert(id.value.clone())
        {
            scene.fault_at(id, format!("the id {} is given twice", quote(&id.value)), None);
        }
        let strategy = Strategy { scene, place, section, entry };
        drafted.extend(strategy.drafted(universe, files));
    }
    drafted
}

/// One entry of the list.
struct Strategy<'a, 's, 't> {
    scene: &'a Scene<'s, 't>,
    place: Place<'t>,
    section: SweepStrategySection,
    entry: usize,
}

impl<'t> Strategy<'_, '_, 't> {
    fn drafted(&self, universe: Option<&Universe>, files: &mut Vec<PointsFile>) -> Vec<Drafted<'t>> {
        let (scene, section) = (self.scene, &self.section);
        let missing = |field: &str, hint: &str| scene.reader.missing(&self.place, field, hint);
        if section.id.is_none() {
            missing("id", "give it a name of its own");
        }
        if section.sizing.is_none() {
            missing("sizing", "write {fixed: 1}, {notional: 1000}, {equity_fraction: 10%} or all_in");
        }
        let id = scene.name(section.id.as_ref());
        let sized = sizing_is_sound(scene, section.sizing.as_ref());
        let instruments = universe
            .and_then(|universe| assigned(scene, &self.place, section.instruments.as_deref(), universe));
        let timeframes = self.timeframes(universe, instruments.as_deref());
        let mut drafted = Vec::new();
        let kinds = self.kinds();
        for def in &kinds {
            let (grid, params) = self.grid(def, files);
            let named = id.as_ref().map(|id| match kinds.len() {
                1 => id.clone(),
                _ => format!("{id}/{}", def.name),
            });
            let (Some(instruments), Some(sizing)) = (&instruments, &section.sizing) else { continue };
            let limits = section.limits.clone().unwrap_or_default();
            let sizes =
                Sizes { instruments: instruments.clone(), scope: def.scope, sizing: sizing.clone(), limits };
            let groups = universe.and_then(|universe| sizes.of_groups(scene, universe, None));
            let (Some(grid), Some(id), Some(groups)) = (grid, named, groups) else { continue };
            let Some(timeframes) = timeframes.clone().filter(|_| sized) else { continue };
            let groups: Vec<_> = sizes.groups().into_iter().zip(groups).collect();
            for (suffix, instruments, (sizing, limits)) in of_one_size(groups, universe) {
                let definition = Definition {
                    id: format!("{id}{suffix}"),
                    kind: def.name.clone(),
                    instruments,
                    timeframes: timeframes.clone(),
                    sizing,
                    limits,
                    grid: grid.clone(),
                };
                drafted.push(Drafted { definition, params: params.clone(), entry: self.entry });
            }
        }
        drafted
    }

    /// The kinds that are meant: one, or all that a wildcard matches.
    fn kinds(&self) -> Vec<StrategyDef> {
        let scene = self.scene;
        let known: Vec<&str> = scene.registry.strategies().map(|def| def.name.as_str()).collect();
        let Some(kind) = &self.section.kind else {
            let hint = format!("kinds of strategy: {}", suggest::list(&known));
            scene.reader.missing(&self.place, "kind", &hint);
            return Vec::new();
        };
        let kinds: Vec<StrategyDef> =
            scene.registry.strategies().filter(|def| matches(&kind.value, &def.name)).cloned().collect();
        if kinds.is_empty() {
            scene.unknown(kind, "kind of strategy", &kind.value, &known);
        }
        kinds
    }

    fn timeframes(
        &self,
        universe: Option<&Universe>,
        instruments: Option<&[InstrumentId]>,
    ) -> Option<Vec<Timeframe>> {
        let (scene, section) = (self.scene, &self.section);
        let list: Vec<&Located<Timeframe>> = match (&section.timeframe, &section.timeframes) {
            (Some(_), Some(several)) => {
                let place = self.place.get("timeframes").unwrap_or_else(|| self.place.clone());
                scene.reader.fault(&place, "either timeframe or timeframes, not both", None);
                several.iter().collect()
            }
            (Some(one), None) => vec![one],
            (None, Some(several)) => several.iter().collect(),
            (None, None) => {
                if !Scene::has(&self.place, "timeframes") {
                    let hint = "write how long its bars last: timeframe: 1m, or timeframes: [1m, 5m]";
                    scene.reader.missing(&self.place, "timeframe", hint);
                }
                return None;
            }
        };
        if list.is_empty() {
            let place = self.place.get("timeframes").unwrap_or_else(|| self.place.clone());
            scene.reader.fault(&place, "expected at least one timeframe", None);
            return None;
        }
        let mut timeframes = Vec::with_capacity(list.len());
        let mut sound = true;
        for located in list {
            if timeframes.contains(&located.value) {
                scene.fault_at(located, format!("{} is already listed", located.value), None);
                sound = false;
                continue;
            }
            timeframes.push(located.value);
            let faults = universe.zip(instruments).and_then(|(universe, instruments)| {
                instruments.iter().find_map(|id| universe.check_timeframe(*id, located.value).err())
            });
            if let Some(fault) = faults {
                scene.fault_at(located, fault, None);
                sound = false;
            }
        }
        sound.then_some(timeframes)
    }

    /// The points of a kind; `None` when there is a fault. With the place at which parameters are told.
    fn grid(&self, def: &StrategyDef, files: &mut Vec<PointsFile>) -> (Option<Grid>, Place<'t>) {
        let scene = self.scene;
        let mut typing = Typing { scene, def, hidden: BTreeSet::new() };
        let params = match &self.section.params {
            Some(captured) => scene.reader.place(captured.place),
            None => self.place.left_out("params"),
        };
        let before = scene.reader.log().count();
        let said = match self.section.params.is_none() && Scene::has(&self.place, "params") {
            true => Said::default(),
            false => said(&mut typing, &params),
        };
        let shown = self.place.get("params").or_else(|| self.place.get("kind"));
        let shown = shown.unwrap_or_else(|| self.place.clone());
        let grid = match &self.section.points {
            Some(captured) => self.listed(&typing, &said, &scene.reader.place(captured.place), files),
            None => self.product(&typing, &params, said),
        };
        (grid.filter(|_| scene.reader.log().count() == before), shown)
    }

    /// Points one by one.
    fn listed(
        &self,
        typing: &Typing<'_, '_, 't>,
        said: &Said<'t>,
        place: &Place<'t>,
        files: &mut Vec<PointsFile>,
    ) -> Option<Grid> {
        let reader = self.scene.reader;
        let mut fixed = said.fixed.clone();
        for swept in &said.swept {
            match &swept.default {
                Some(default) => fixed.push(default.clone()),
                None => {
                    let hint = "points name their own values; give this one value, or a default";
                    reader.fault(
                        &swept.place,
                        "either several values or points, not both",
                        Some(hint.into()),
                    );
                }
            }
        }
        let properties = typing.def.schema["properties"].as_object();
        let known: Vec<&str> = properties.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        let constraints = self.constraints(&known);
        let points = points(typing, place, &fixed, &constraints, files)?;
        // A point carries what all of them share as well.
        Grid::listed(Map::new(), points).map_err(|error| reader.fault(place, error.to_string(), None)).ok()
    }

    fn constraints(&self, known: &[&str]) -> Vec<Condition> {
        let Some(captured) = &self.section.constraints else { return Vec::new() };
        let place = self.scene.reader.place(captured.place);
        let items = match &place.node.value {
            Value::Sequence(_) => place.items(),
            _ if place.node.is_null() => Vec::new(),
            _ => vec![place],
        };
        items.iter().filter_map(|item| condition(self.scene, item, known)).collect()
    }

    /// Every combination of values.
    fn product(&self, typing: &Typing<'_, '_, 't>, params: &Place<'t>, said: Said<'t>) -> Option<Grid> {
        let scene = self.scene;
        let base: Vec<Entry> =
            said.fixed.iter().cloned().chain(said.swept.iter().map(|swept| swept.entry.clone())).collect();
        let typed = typing.read(params.at, &params.steps, base.clone());
        let mut axes = Vec::with_capacity(said.swept.len());
        for (place, swept) in said.swept.iter().enumerate() {
            let others = said.fixed.len() + place;
            axes.push(values(typing, params, swept, &base, others, typed.is_some()));
        }
        let typed = typed?;
        let mut axes = axes.into_iter().collect::<Option<Vec<Axis>>>()?;
        // Parameters that nobody names but a condition are named here, at their defaults.
        let varied = |name: &str| said.swept.iter().any(|swept| &*swept.entry.key.text == name);
        let mut seen: Vec<&str> =
            typed.completed.keys().map(String::as_str).filter(|name| !varied(name)).collect();
        let mut conditions = Vec::new();
        for (axis, swept) in axes.iter_mut().zip(&said.swept) {
            if let Some(when) = &swept.when {
                axis.when = condition(scene, when, &seen);
                conditions.extend(axis.when.clone());
            }
            seen.push(&swept.entry.key.text);
        }
        let constraints = self.constraints(&seen);
        conditions.extend(constraints.iter().cloned());
        let mut fixed: Map<String, Json> = typed
            .given
            .iter()
            .filter(|(name, _)| !varied(name))
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect();
        for name in conditions.iter().flat_map(Condition::names).filter(|name| !varied(name)) {
            if let Some(value) = typed.completed.get(name) {
                fixed.insert(name.to_owned(), value.clone());
            }
        }
        self.combined(params, fixed, axes, &constraints)
    }

    fn combined(
        &self,
        params: &Place<'t>,
        fixed: Map<String, Json>,
        axes: Vec<Axis>,
        constraints: &[Condition],
    ) -> Option<Grid> {
        let reader = self.scene.reader;
        let conditional = !constraints.is_empty() || axes.iter().any(|axis| axis.when.is_some());
        let most = if conditional { FILTERED_MAX } else { POINTS_MAX };
        let count = axes.iter().try_fold(1u64, |count, axis| count.checked_mul(axis.values.len() as u64));
        if count.is_none_or(|count| count > most) {
            let count = count.map_or_else(|| "more than 2^64".to_owned(), |count| count.to_string());
            let bound = if conditional { "held against conditions" } else { "run" };
            let message = format!("the values make {count} combinations; at most {most} can be {bound}");
            reader.fault(params, message, Some("use larger steps or fewer values".into()));
            return None;
        }
        match Grid::new(fixed, axes, constraints) {
            Ok(grid) => Some(grid),
            Err(error) => {
                let constrained = self.place.get("where");
                let place = match error {
                    GridError::NothingLeft | GridError::Condition { .. } => constrained.as_ref(),
                    _ => None,
                };
                reader.fault(place.unwrap_or(params), error.to_string().replace('`', "\""), None);
                None
            }
        }
    }
}

/// The values of a parameter as its strategy writes them; `None` when it refuses one of them.
fn values<'t>(
    typing: &Typing<'_, '_, 't>,
    params: &Place<'t>,
    swept: &Swept<'t>,
    base: &[Entry],
    others: usize,
    sound: bool,
) -> Option<Axis> {
    let name = &*swept.entry.key.text;
    let log = typing.scene.reader.log();
    let read = |node: &Node| {
        let mut entries = base.to_vec();
        entries[others].value = node.clone();
        let typed = typing.read(params.at, &params.steps, entries)?;
        typed.given.get(name).cloned()
    };
    let tried = if sound { usize::MAX } else { TRIED_MAX };
    let mut values: Vec<Json> = Vec::with_capacity(swept.values.len());
    let mut known = BTreeSet::new();
    let mut good = true;
    for node in swept.values.iter().take(tried) {
        if log.is_full() {
            return None;
        }
        let Some(value) = read(node) else {
            good = false;
            continue;
        };
        if !known.insert(value.to_string()) {
            let message = format!("{value} is listed twice");
            log.add(node.at, &swept.place.path(), message, None);
            good = false;
        }
        values.push(value);
    }
    let default = match &swept.default {
        Some(entry) => match read(&entry.value) {
            Some(value) => Some(value),
            None => return None,
        },
        None => None,
    };
    good.then(|| Axis { default, ..Axis::new(name, values) })
}

type OfOneSize = (String, Vec<Vec<InstrumentId>>, Size);

/// Instruments with the size of their positions: all in one, or each by itself where sizes differ, for
/// then a fixed quantity is not the same number of lots.
fn of_one_size(groups: Vec<(&[InstrumentId], Size)>, universe: Option<&Universe>) -> Vec<OfOneSize> {
    let Some((_, first)) = groups.first().copied() else { return Vec::new() };
    if groups.iter().all(|(_, size)| *size == first) {
        return vec![(String::new(), groups.iter().map(|(group, _)| group.to_vec()).collect(), first)];
    }
    let suffix = |group: &[InstrumentId]| {
        let symbols = group.iter().zip(universe).map(|(id, universe)| universe.get(*id).symbol.as_str());
        format!("/{}", symbols.collect::<Vec<_>>().join("+"))
    };
    groups.into_iter().map(|(group, size)| (suffix(group), vec![group.to_vec()], size)).collect()
}
