//! What tells one variant from another: only what varies is shown.

use std::collections::BTreeMap;

use barhive_engine::sweep::{Definition, SweepSpec, VariantParts};
use serde_json::Value as Json;

/// Points of a list that are compared to find out which parameters vary.
const POINTS_COMPARED: u64 = 10_000;

/// Which parts of a variant vary over a sweep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Naming {
    /// What to call each definition, where there are several.
    definitions: Option<Vec<String>>,
    instruments: bool,
    timeframes: bool,
    params: Vec<String>,
}

impl Naming {
    /// Of this sweep.
    pub fn of(spec: &SweepSpec) -> Self {
        let all = &spec.definitions;
        let first = |definition: &Definition| {
            (definition.instruments.first().cloned(), definition.timeframes.first().copied())
        };
        let differ = |pick: fn(&Definition) -> usize| all.iter().any(|definition| pick(definition) > 1);
        let firsts: Vec<_> = all.iter().map(first).collect();
        let mut params = Vec::new();
        for name in all.iter().flat_map(varied) {
            if !params.contains(&name) {
                params.push(name);
            }
        }
        Self {
            definitions: (all.len() > 1).then(|| short_ids(all)),
            instruments: differ(|one| one.instruments.len())
                || firsts.windows(2).any(|two| two[0].0 != two[1].0),
            timeframes: differ(|one| one.timeframes.len())
                || firsts.windows(2).any(|two| two[0].1 != two[1].1),
            params,
        }
    }

    /// The parameters that vary, in the order of the file.
    pub fn params(&self) -> &[String] {
        &self.params
    }

    /// A variant in words: `sma_cross ALPHA fast=5 slow=20`.
    pub fn words(&self, spec: &SweepSpec, parts: &VariantParts<'_>) -> String {
        let mut words = Vec::new();
        if let Some(id) = self.definitions.as_ref().and_then(|ids| ids.get(parts.definition)) {
            words.push(id.clone());
        }
        if self.instruments {
            let symbols = parts.instruments.iter().map(|id| spec.instruments[id.index()].symbol.as_str());
            words.push(symbols.collect::<Vec<_>>().join("+"));
        }
        if self.timeframes {
            words.push(parts.timeframe.to_string());
        }
        for name in &self.params {
            words.extend(parts.params.get(name).map(|value| format!("{name}={}", text(value))));
        }
        // Of a single variant everything is the same, and all of it is shown.
        if words.is_empty() {
            words.extend(parts.params.iter().map(|(name, value)| format!("{name}={}", text(value))));
        }
        words.join(" ")
    }

    /// [`Naming::words`] of a variant's number, counted from 0.
    pub fn words_of(&self, spec: &SweepSpec, index: u64) -> String {
        spec.variant(index).map(|parts| self.words(spec, &parts)).unwrap_or_default()
    }
}

/// The names of definitions without what all of them begin with: `averages/sma_cross` is `sma_cross` where
/// all are `averages/` something.
fn short_ids(all: &[Definition]) -> Vec<String> {
    let head = |id: &str| id.rfind('/').map(|slash| id[..=slash].to_owned()).unwrap_or_default();
    let shared = all.first().map(|one| head(&one.id)).unwrap_or_default();
    let is_shared = all.iter().all(|one| one.id.starts_with(&shared));
    let start = if is_shared { shared.len() } else { 0 };
    all.iter().map(|one| one.id[start..].to_owned()).collect()
}

/// A parameter's value without quotation marks.
pub(super) fn text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The parameters that vary within a definition.
fn varied(definition: &Definition) -> Vec<String> {
    let grid = &definition.grid;
    if !grid.axes().is_empty() {
        let several = grid.axes().iter().filter(|axis| axis.values.len() > 1);
        return several.map(|axis| axis.name.clone()).collect();
    }
    let mut seen: BTreeMap<String, Option<Json>> = BTreeMap::new();
    let mut order = Vec::new();
    let first = grid.point(0);
    for point in 0..grid.len().min(POINTS_COMPARED) {
        let point = grid.point(point);
        let names: Vec<String> = first.keys().chain(point.keys()).cloned().collect();
        for name in names {
            let value = point.get(&name).cloned();
            match seen.get(&name) {
                None => {
                    if first.get(&name) != value.as_ref() {
                        order.push(name.clone());
                    }
                    seen.insert(name, value);
                }
                Some(known) if *known != value && !order.contains(&name) => order.push(name),
                Some(_) => {}
            }
        }
    }
    order
}
