//! What a run will take, predicted before its first row: parts, series, indicators, memory, time.

mod estimate;
mod sweep;
mod sweep_text;
mod text;
mod timetable;

use serde::Serialize;

use crate::{
    data::{FeedError, SeriesInfo, SeriesKind},
    layout::{Declared, Layout, SetupFault, declare},
    registry::Registry,
    set::{RunSpec, Trace},
    timeframe::Timeframe,
};

pub use estimate::{Memory, Work};
pub use sweep::{PlanOptions, PlannedDefinition, PlannedHub, SweepPlan, SweepTime, plan_sweep, planned_rows};
pub use timetable::{MeasuredPace, planned_passes};

/// A prediction of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// The set's name.
    pub name: String,
    /// The parts that will run.
    pub parts: Parts,
    /// Strategy instances over all accounts.
    pub strategies: u64,
    /// Instruments of the set.
    pub instruments: u64,
    /// The distinct series that are read, in order of timeframe and symbol.
    pub series: Vec<PlannedSeries>,
    /// The distinct indicators that are computed, each once however many accounts read it.
    pub indicators: Vec<PlannedIndicator>,
    /// Indicator outputs that strategies asked for: computations without sharing.
    pub subscriptions: u64,
    /// Bars over all series; `None` when a source does not know.
    pub bars: Option<u64>,
    /// Calls of strategies with a bar; `None` when a source does not know.
    pub strategy_bars: Option<u64>,
    /// Estimated private memory, mapped data not counted.
    pub memory: Memory,
    /// Estimated processor time in milliseconds; `None` when a source does not know its rows.
    pub time_ms: Option<f64>,
}

/// The parts of a run. Accounts share market data, indicators and execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Parts {
    /// Market data: 1.
    pub market_data: u64,
    /// Indicator hub: 1.
    pub hub: u64,
    /// Accounts with their strategies: one container each.
    pub accounts: u64,
    /// Execution: 1.
    pub execution: u64,
    /// All of them.
    pub total: u64,
}

/// A series that will be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedSeries {
    /// Whose rows.
    pub symbol: String,
    /// What the rows are.
    pub kind: String,
    /// How long a row lasts.
    pub timeframe: String,
    /// What it is aggregated from, if the source does not offer it.
    pub aggregated_from: Option<String>,
    /// About how many rows; `None` when the source does not know.
    pub rows: Option<u64>,
}

/// An indicator that will be computed once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedIndicator {
    /// On whose bars.
    pub symbol: String,
    /// On bars of which length.
    pub timeframe: String,
    /// Its canonical specification.
    pub indicator: String,
}

/// Why a run cannot be planned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanFault {
    /// A strategy could not be set up.
    #[error(transparent)]
    Setup(#[from] SetupFault),
    /// The source could not be read.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// A series that a strategy looks at is not offered and cannot be aggregated.
    #[error("no bars of {symbol} at {timeframe}; the source has: {offered}")]
    NoSeries {
        /// Whose bars.
        symbol: String,
        /// At which timeframe.
        timeframe: Timeframe,
        /// What there is.
        offered: String,
    },
}

/// The offered series that serves a timeframe: itself, or the finest that divides it.
pub fn serving(offered: &[SeriesInfo], kind: SeriesKind, timeframe: Timeframe) -> Option<&SeriesInfo> {
    let of_kind = || offered.iter().filter(|info| info.kind == kind);
    of_kind()
        .find(|info| info.timeframe == timeframe)
        .or_else(|| of_kind().filter(|i| timeframe.ns() % i.timeframe.ns() == 0).min_by_key(|i| i.timeframe))
}

/// Predicts a run. Reads no row.
///
/// # Errors
/// Every strategy that cannot be set up and every series that there is not.
pub fn plan(spec: &RunSpec, registry: &Registry) -> Result<Plan, Vec<PlanFault>> {
    let instruments = spec.instruments.clone().into();
    let mut faults: Vec<PlanFault> = Vec::new();
    let mut declared: Vec<Declared> = Vec::with_capacity(spec.containers.len());
    for container in &spec.containers {
        match declare(container, &instruments, registry) {
            Ok(one) => declared.push(one),
            Err(some) => faults.extend(some.into_iter().map(PlanFault::from)),
        }
    }
    let layout = Layout::new(&declared, registry);
    let mut series = Vec::with_capacity(layout.series.len());
    for planned in &layout.series {
        match planned_series(spec, planned.key.instrument.index(), planned.key.kind, planned.key.timeframe) {
            Ok(one) => series.push(one),
            Err(fault) => faults.push(fault),
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let work = Work::of(&layout, &declared, &series, spec);
    let accounts = spec.containers.len() as u64;
    let computed = layout.indicators.iter().filter(|indicator| !indicator.key.spec.is_of_timetable());
    let indicators = computed.map(|indicator| {
        let on = &series[indicator.key.series as usize];
        PlannedIndicator {
            symbol: on.symbol.clone(),
            timeframe: on.timeframe.clone(),
            indicator: indicator.key.spec.to_string(),
        }
    });
    Ok(Plan {
        name: spec.name.clone(),
        parts: Parts { market_data: 1, hub: 1, accounts, execution: 1, total: accounts + 3 },
        strategies: spec.containers.iter().map(|container| container.strategies.len() as u64).sum(),
        instruments: spec.instruments.len() as u64,
        indicators: indicators.collect(),
        subscriptions: layout.subscriptions,
        bars: series.iter().map(|one| one.rows).sum(),
        strategy_bars: work.strategy_bars,
        memory: Memory::of(&layout, &work, spec),
        time_ms: work.time_ms(),
        series,
    })
}

fn planned_series(
    spec: &RunSpec,
    instrument: usize,
    kind: SeriesKind,
    timeframe: Timeframe,
) -> Result<PlannedSeries, PlanFault> {
    let symbol = spec.instruments[instrument].symbol.clone();
    let offered = spec.source.series(&symbol)?;
    let Some(info) = serving(&offered, kind, timeframe) else {
        let offered: Vec<_> =
            offered.iter().map(|info| format!("{} {}", info.kind, info.timeframe)).collect();
        return Err(PlanFault::NoSeries { symbol, timeframe, offered: offered.join(", ") });
    };
    Ok(PlannedSeries {
        symbol,
        kind: kind.to_string(),
        timeframe: timeframe.to_string(),
        aggregated_from: (info.timeframe != timeframe).then(|| info.timeframe.to_string()),
        rows: estimate::rows(info, timeframe, spec),
    })
}

/// Whether a container keeps fills and round trips.
fn keeps_records(trace: Trace) -> bool {
    trace != Trace::Minimal
}
