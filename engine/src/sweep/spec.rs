//! What a sweep runs: definitions, and the grid of each.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::{Grid, VariantRange};
use crate::{
    data::Source,
    instrument::{Instrument, InstrumentId},
    layout::SetupFault,
    registry::{Registry, StrategyFactory},
    set::{ContainerSpec, Limits, Machinery, RunSpec, StrategySpec},
    strategy::Sizing,
    timeframe::Timeframe,
};

/// One strategy and everything that is varied about it.
#[derive(Clone)]
pub struct Definition {
    /// Its name, unique in the sweep.
    pub id: String,
    /// Its registered kind.
    pub kind: String,
    /// What a variant trades: one of these lists each.
    pub instruments: Vec<Vec<InstrumentId>>,
    /// On which bars it works: one of these each.
    pub timeframes: Vec<Timeframe>,
    /// How large its positions are.
    pub sizing: Sizing,
    /// What bounds it.
    pub limits: Limits,
    /// The values of its parameters.
    pub grid: Grid,
}

impl Definition {
    /// How many variants it has.
    pub fn variants(&self) -> u64 {
        self.instruments.len() as u64 * self.timeframes.len() as u64 * self.grid.len()
    }
}

/// Everything that a sweep needs.
#[derive(Clone)]
pub struct SweepSpec {
    /// Its name.
    pub name: String,
    /// The instruments, sorted by symbol; [`InstrumentId`] indexes this list.
    pub instruments: Vec<Instrument>,
    /// Where the data come from.
    pub source: Arc<dyn Source>,
    /// The account that every variant starts with; its own list of strategies is not looked at.
    pub account: ContainerSpec,
    /// What is varied.
    pub definitions: Vec<Definition>,
    /// Only so many of the first bars of every series.
    pub bars_max: Option<u64>,
    /// Sizes of the machinery.
    pub machinery: Machinery,
}

/// A variant, taken apart.
#[derive(Clone, Debug, PartialEq)]
pub struct VariantParts<'a> {
    /// Index into [`SweepSpec::definitions`].
    pub definition: usize,
    /// What it trades.
    pub instruments: &'a [InstrumentId],
    /// On which bars.
    pub timeframe: Timeframe,
    /// Index into the definition's grid.
    pub point: u64,
    /// Its parameters, as far as the grid names them.
    pub params: Map<String, Json>,
}

impl SweepSpec {
    /// How many variants there are.
    pub fn variants(&self) -> u64 {
        self.definitions.iter().map(Definition::variants).sum()
    }

    /// All variants.
    pub fn all(&self) -> VariantRange {
        VariantRange { start: 0, end: self.variants() }
    }

    /// Variant `index` in grid order; `None` behind the last.
    pub fn variant(&self, index: u64) -> Option<VariantParts<'_>> {
        let mut left = index;
        for (place, definition) in self.definitions.iter().enumerate() {
            let variants = definition.variants();
            if left >= variants {
                left -= variants;
                continue;
            }
            let (rest, point) = (left / definition.grid.len(), left % definition.grid.len());
            let timeframes = definition.timeframes.len() as u64;
            let (list, timeframe) = (rest / timeframes, rest % timeframes);
            return Some(VariantParts {
                definition: place,
                instruments: &definition.instruments[list as usize],
                timeframe: definition.timeframes[timeframe as usize],
                point,
                params: definition.grid.point(point),
            });
        }
        None
    }

    /// What identifies a variant: its definition, kind, symbols, timeframe and the parameters that the
    /// grid names, as canonical JSON (keys sorted, no spaces). Names its container, and enters the hash.
    pub fn key(&self, parts: &VariantParts<'_>) -> String {
        let definition = &self.definitions[parts.definition];
        let symbols: Vec<&str> =
            parts.instruments.iter().map(|id| self.instruments[id.index()].symbol.as_str()).collect();
        json!({
            "id": definition.id,
            "instruments": symbols,
            "kind": definition.kind,
            "params": sorted(&parts.params),
            "timeframe": parts.timeframe.to_string(),
        })
        .to_string()
    }

    /// The container of a variant.
    ///
    /// # Errors
    /// When the strategy is not registered or refuses its parameters.
    pub fn container(&self, registry: &Registry, index: u64) -> Result<ContainerSpec, SetupFault> {
        let parts = self.variant(index).ok_or_else(|| SetupFault {
            container: index.to_string(),
            strategy: String::new(),
            what: format!("there is no variant {index}; the sweep has {}", self.variants()),
        })?;
        let name = self.key(&parts);
        let definition = &self.definitions[parts.definition];
        let factory = read_factory(registry, &definition.kind, parts.params).map_err(|what| SetupFault {
            container: name.clone(),
            strategy: definition.id.clone(),
            what,
        })?;
        let strategy = StrategySpec {
            id: definition.id.clone(),
            kind: definition.kind.clone(),
            factory,
            instruments: parts.instruments.to_vec(),
            timeframe: parts.timeframe,
            sizing: definition.sizing,
            limits: definition.limits,
        };
        Ok(ContainerSpec { name, strategies: vec![strategy], ..self.account.clone() })
    }

    /// A run of these variants as containers of an ordinary set; variants that cannot be set up are
    /// told apart.
    pub fn run_spec(
        &self,
        registry: &Registry,
        variants: impl Iterator<Item = u64>,
    ) -> (RunSpec, Vec<u64>, Vec<(u64, SetupFault)>) {
        let (mut containers, mut members, mut faults) = (Vec::new(), Vec::new(), Vec::new());
        for index in variants {
            match self.container(registry, index) {
                Ok(container) => {
                    containers.push(container);
                    members.push(index);
                }
                Err(fault) => faults.push((index, fault)),
            }
        }
        let run = RunSpec {
            name: self.name.clone(),
            instruments: self.instruments.clone(),
            source: Arc::clone(&self.source),
            containers,
            bars_max: self.bars_max,
            machinery: self.machinery.clone(),
        };
        (run, members, faults)
    }
}

/// A strategy's factory from parameters as the grid has them.
fn read_factory(
    registry: &Registry,
    kind: &str,
    params: Map<String, Json>,
) -> Result<Arc<dyn StrategyFactory>, String> {
    let Some(def) = registry.find_strategy(kind) else {
        let known: Vec<_> = registry.strategies().map(|def| def.name.as_str()).collect();
        return Err(format!("unknown strategy `{kind}`; known: {}", known.join(", ")));
    };
    let json = Json::Object(params);
    def.read(&mut <dyn erased_serde::Deserializer<'_>>::erase(&json)).map_err(|error| error.to_string())
}

fn sorted(params: &Map<String, Json>) -> Json {
    // Maps of this crate's JSON are sorted by key unless somebody asks for the order of insertion.
    let mut pairs: Vec<_> = params.iter().collect();
    pairs.sort_by(|a, b| a.0.cmp(b.0));
    Json::Object(pairs.into_iter().map(|(name, value)| (name.clone(), value.clone())).collect())
}
