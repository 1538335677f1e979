//! The axes that variants are drawn on: what varies about them, and their figures.

use barhive_engine::sweep::{Evaluation, SweepSpec, VariantParts};
use serde_json::{Value as Json, json};

use crate::{
    ranking::Objective,
    sweep::{Naming, Ranking, naming::text},
};

/// Points of a list that are looked at for the values of a parameter.
const POINTS_SEEN: u64 = 10_000;
/// Figures that are shown beside those that rank.
const USUAL: [&str; 4] = ["total_return", "max_drawdown", "sharpe", "trades"];

/// An axis.
pub(super) struct Dimension {
    name: String,
    kind: Kind,
    /// The values that it takes, where they are known before: numbers ascending, else in their order.
    values: Values,
}

enum Kind {
    Definition,
    Instruments,
    Timeframe,
    Parameter,
    Figure(Objective),
}

enum Values {
    Numbers(Vec<f64>),
    Words(Vec<String>),
}

impl Dimension {
    /// What varies about the variants of a sweep: parameters first.
    pub(super) fn varied(spec: &SweepSpec) -> Vec<Self> {
        let naming = Naming::of(spec);
        let mut all: Vec<Self> = naming.params().iter().map(|name| Self::parameter(spec, name)).collect();
        let words = |words: &mut dyn Iterator<Item = String>| {
            let mut seen: Vec<String> = Vec::new();
            words.for_each(|word| {
                if !seen.contains(&word) {
                    seen.push(word);
                }
            });
            seen
        };
        let definitions = &spec.definitions;
        let ids = words(&mut definitions.iter().map(|one| one.id.clone()));
        let lists = definitions.iter().flat_map(|one| one.instruments.iter());
        let lists = words(&mut lists.map(|ids| symbols(spec, ids)));
        let timeframes = definitions.iter().flat_map(|one| one.timeframes.iter());
        let timeframes = words(&mut timeframes.map(ToString::to_string));
        for (name, kind, values) in [
            ("strategy", Kind::Definition, ids),
            ("instruments", Kind::Instruments, lists),
            ("timeframe", Kind::Timeframe, timeframes),
        ] {
            if values.len() > 1 {
                all.push(Self { name: name.to_owned(), kind, values: Values::Words(values) });
            }
        }
        all
    }

    fn parameter(spec: &SweepSpec, name: &str) -> Self {
        let mut values: Vec<Json> = Vec::new();
        for definition in &spec.definitions {
            let grid = &definition.grid;
            let axis = grid.axes().iter().find(|axis| axis.name == name);
            match axis {
                Some(axis) => values.extend(axis.values.iter().chain(&axis.default).cloned()),
                None => {
                    let points = if grid.axes().is_empty() { grid.len().min(POINTS_SEEN) } else { 1 };
                    values.extend((0..points).filter_map(|point| grid.point(point).get(name).cloned()));
                }
            }
        }
        let numbers: Option<Vec<f64>> = values.iter().map(Json::as_f64).collect();
        let values = match numbers {
            Some(mut numbers) => {
                numbers.sort_by(f64::total_cmp);
                numbers.dedup();
                Values::Numbers(numbers)
            }
            None => {
                let mut words: Vec<String> = Vec::new();
                for word in values.iter().map(text) {
                    if !words.contains(&word) {
                        words.push(word);
                    }
                }
                Values::Words(words)
            }
        };
        Self { name: name.to_owned(), kind: Kind::Parameter, values }
    }

    /// The figures that rank, and the usual ones.
    pub(super) fn figures(ranking: &Ranking) -> Vec<Self> {
        let mut objectives = ranking.objectives().to_vec();
        for name in USUAL {
            let known = objectives.iter().any(|objective| objective.name() == name);
            objectives.extend(name.parse::<Objective>().ok().filter(|_| !known));
        }
        let of = |objective: Objective| Self {
            name: objective.name().to_owned(),
            kind: Kind::Figure(objective),
            values: Values::Numbers(Vec::new()),
        };
        objectives.into_iter().map(of).collect()
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// How many values it takes; of a figure that is not known.
    pub(super) fn len(&self) -> usize {
        match &self.values {
            Values::Numbers(values) => values.len(),
            Values::Words(values) => values.len(),
        }
    }

    /// Its values as they are shown.
    pub(super) fn labels(&self) -> Vec<String> {
        match &self.values {
            Values::Numbers(values) => values.iter().map(f64::to_string).collect(),
            Values::Words(values) => values.clone(),
        }
    }

    /// The place of a value of [`Dimension::value`] among its labels.
    pub(super) fn place(&self, value: f64) -> Option<usize> {
        match &self.values {
            Values::Numbers(values) => values.binary_search_by(|known| known.total_cmp(&value)).ok(),
            Values::Words(values) => Some(value as usize).filter(|place| *place < values.len()),
        }
    }

    /// Where a variant is on it: a number, or the place of a word.
    pub(super) fn value(&self, spec: &SweepSpec, parts: &VariantParts<'_>, done: &Evaluation) -> Option<f64> {
        let word = |word: &str| match &self.values {
            Values::Words(words) => words.iter().position(|known| known == word).map(|place| place as f64),
            Values::Numbers(_) => None,
        };
        match (&self.kind, &self.values) {
            (Kind::Figure(objective), _) => objective.value(done),
            (Kind::Definition, _) => word(&spec.definitions[parts.definition].id),
            (Kind::Instruments, _) => word(&symbols(spec, parts.instruments)),
            (Kind::Timeframe, _) => word(&parts.timeframe.to_string()),
            (Kind::Parameter, Values::Numbers(_)) => parts.params.get(&self.name)?.as_f64(),
            (Kind::Parameter, Values::Words(_)) => word(&text(parts.params.get(&self.name)?)),
        }
    }

    /// For the scripts: its name, its words, and for a figure which end is better.
    pub(super) fn json(&self) -> Json {
        let words = match &self.values {
            Values::Words(words) => Some(words),
            Values::Numbers(_) => None,
        };
        let better = match self.kind {
            Kind::Figure(objective) => Some(if objective.more_is_better() { 1 } else { -1 }),
            _ => None,
        };
        json!({ "name": self.name, "words": words, "better": better })
    }
}

fn symbols(spec: &SweepSpec, ids: &[barhive_engine::instrument::InstrumentId]) -> String {
    let symbols = ids.iter().map(|id| spec.instruments[id.index()].symbol.as_str());
    symbols.collect::<Vec<_>>().join("+")
}
