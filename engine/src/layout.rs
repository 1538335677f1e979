//! The layout of a pass: which series it reads, which indicators it computes, how containers are
//! grouped by what they look at. Worked out once, before the first row.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use crate::{
    container::{Declarations, Setup, Subscriptions},
    data::SeriesKey,
    indicator::{IndicatorSpec, InputSpec},
    instrument::Instrument,
    outcome::panic_message,
    registry::Registry,
    set::ContainerSpec,
    strategy::{SetupError, Strategy},
};

/// A series of a pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesPlan {
    /// Which series.
    pub key: SeriesKey,
    /// Earlier rows that every frame must keep visible.
    pub lead: usize,
}

/// The canonical key of an indicator: instrument and timeframe (by series), indicator, parameters and
/// input (by specification), origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndicatorKey {
    /// Index into the pass's series.
    pub series: u32,
    /// The completed specification.
    pub spec: IndicatorSpec,
    /// Rows that open before this time are not shown to it; `None` starts with the series' first row.
    pub origin_ns: Option<i64>,
}

/// An indicator of a pass.
#[derive(Clone, Debug)]
pub struct IndicatorPlan {
    /// Its key.
    pub key: IndicatorKey,
    /// The column of its first output; the others follow.
    pub column: u32,
    /// How many outputs.
    pub outputs: u32,
    /// The column that it reads in place of a price.
    pub input_column: Option<u32>,
}

/// What a pass reads and computes.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    /// The series in order of their keys, which is the order of rows within a step.
    pub series: Vec<SeriesPlan>,
    /// The indicators, and columns made of time stamps; an input stands before what reads it.
    pub indicators: Vec<IndicatorPlan>,
    /// Columns over all indicators.
    pub columns: u32,
    /// The distinct sets of series that containers look at, each ascending.
    pub groups: Vec<Vec<u32>>,
    /// Index into `groups`, by container.
    pub group_of: Vec<u32>,
    /// Indicator outputs asked for over all strategies, shared ones counted every time.
    pub subscriptions: u64,
    /// The first column of every indicator, by series.
    places: Vec<HashMap<IndicatorSpec, u32>>,
}

/// A strategy could not be set up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("account {container}, strategy {strategy}: {what}")]
pub struct SetupFault {
    /// Whose.
    pub container: String,
    /// Which.
    pub strategy: String,
    /// What is wrong.
    pub what: String,
}

/// A container's strategies, set up, and what they declared.
pub struct Declared {
    /// Series and indicator outputs.
    pub declarations: Declarations,
    /// The strategies and what each is called for.
    pub strategies: Vec<(Box<dyn Strategy>, Subscriptions)>,
    /// Indicator outputs that the strategies asked for, shared ones counted every time.
    pub subscriptions: u64,
}

/// Sets up the strategies of a container.
///
/// # Errors
/// Every strategy's faults.
pub fn declare(
    spec: &ContainerSpec,
    instruments: &Arc<[Instrument]>,
    registry: &Registry,
) -> Result<Declared, Vec<SetupFault>> {
    let mut declarations = Declarations::default();
    let mut strategies = Vec::with_capacity(spec.strategies.len());
    let mut faults = Vec::new();
    let mut subscriptions = 0;
    for strategy in &spec.strategies {
        let mut setup = Setup {
            registry,
            instruments,
            assigned: &strategy.instruments,
            timeframe: strategy.timeframe,
            declarations: &mut declarations,
            subscriptions: Subscriptions::default(),
        };
        let built = catch_unwind(AssertUnwindSafe(|| strategy.factory.build(&mut setup)));
        let built = built.unwrap_or_else(|panic| {
            Err(SetupError::new(format!("set-up panicked: {}", panic_message(panic.as_ref()))))
        });
        match built {
            Ok(built) => {
                // What a strategy trades must be priced even if it looks at something else.
                let traded: Vec<_> = setup.instruments().collect();
                for instrument in traded {
                    if !setup.subscriptions.bars.iter().any(|bars| bars.instrument() == instrument) {
                        setup.price(instrument);
                    }
                }
                subscriptions += setup.subscriptions.indicators;
                let subscribed = setup.subscriptions;
                strategies.push((built, subscribed));
            }
            Err(error) => faults.extend(error.0.into_iter().map(|what| SetupFault {
                container: spec.name.clone(),
                strategy: strategy.id.clone(),
                what,
            })),
        }
    }
    if faults.is_empty() { Ok(Declared { declarations, strategies, subscriptions }) } else { Err(faults) }
}

impl Layout {
    /// The layout for containers with these declarations.
    pub fn new<'a>(declared: impl IntoIterator<Item = &'a Declared>, registry: &Registry) -> Self {
        let declared: Vec<&Declared> = declared.into_iter().collect();
        let mut layout = Self::default();
        for container in &declared {
            layout.add_series(&container.declarations);
            layout.subscriptions += container.subscriptions;
        }
        layout.series.sort_by_key(|series| series.key);
        layout.places = vec![HashMap::new(); layout.series.len()];
        for container in &declared {
            for value in &container.declarations.values {
                let series = layout.series_index(container.declarations.series[value.slot as usize].key);
                layout.add_indicator(series, &value.spec, registry);
            }
            let mut group: Vec<u32> =
                container.declarations.series.iter().map(|s| layout.series_index(s.key)).collect();
            group.sort_unstable();
            let index = layout.groups.iter().position(|g| *g == group).unwrap_or_else(|| {
                layout.groups.push(group);
                layout.groups.len() - 1
            });
            layout.group_of.push(index as u32);
        }
        layout
    }

    fn add_series(&mut self, declarations: &Declarations) {
        // A step of one series must still see the last row of every other series of the container, with
        // all that it looks back to from there.
        let shared = usize::from(declarations.series.len() > 1);
        for (slot, series) in declarations.series.iter().enumerate() {
            let lag = declarations.values.iter().filter(|v| v.slot as usize == slot).map(|v| v.lag).max();
            let lead = series.lookback.max(lag.unwrap_or(0)) + shared;
            match self.series.iter_mut().find(|s| s.key == series.key) {
                Some(known) => known.lead = known.lead.max(lead),
                None => self.series.push(SeriesPlan { key: series.key, lead }),
            }
        }
    }

    /// The place of a series in the pass.
    ///
    /// # Panics
    /// When the series is not part of it.
    pub fn series_index(&self, key: SeriesKey) -> u32 {
        self.series.binary_search_by_key(&key, |s| s.key).expect("a container's series are part of its pass")
            as u32
    }

    /// The column of an indicator's output.
    ///
    /// # Panics
    /// When the indicator is not part of the pass.
    pub fn column(&self, series: u32, spec: &IndicatorSpec, output: usize) -> u32 {
        let first = self.places[series as usize].get(spec);
        first.expect("a container's indicators are part of its pass") + output as u32
    }

    /// Whether a column of the series is made of its time stamps.
    pub fn needs_timetable(&self, series: usize) -> bool {
        let reads_it =
            |plan: &IndicatorPlan| plan.key.series as usize == series && plan.key.spec.is_of_timetable();
        self.indicators.iter().any(reads_it)
    }

    fn add_indicator(&mut self, series: u32, spec: &IndicatorSpec, registry: &Registry) -> u32 {
        if let Some(column) = self.places[series as usize].get(spec) {
            return *column;
        }
        let input_column = match &spec.input {
            InputSpec::Price(_) | InputSpec::Timetable => None,
            InputSpec::Indicator(inner, output) => {
                Some(self.add_indicator(series, inner, registry) + *output as u32)
            }
        };
        let def = registry.find_indicator(&spec.name).filter(|_| !spec.is_of_timetable());
        let outputs = def.map_or(1, |def| def.outputs.len()) as u32;
        let column = self.columns;
        self.columns += outputs;
        let key = IndicatorKey { series, spec: spec.clone(), origin_ns: None };
        self.places[series as usize].insert(spec.clone(), column);
        self.indicators.push(IndicatorPlan { key, column, outputs, input_column });
        column
    }
}
