//! What a sweep will take: combinations, passes, indicators, memory, time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::Serialize;

use super::{
    MeasuredPace, Memory, PlanFault, PlannedSeries, Work, planned_series,
    timetable::{Timetable, timetable},
};
use crate::{
    data::SeriesKey,
    instrument::Instrument,
    lanes::LaneGroup,
    layout::{Declared, Layout, declare},
    registry::Registry,
    sweep::{CutOptions, SweepSpec, VariantRange},
};

/// Variants that are looked at one by one; of more, a sample of passes.
const EXACT_MAX: u64 = 200_000;

/// A prediction of a sweep.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SweepPlan {
    /// The sweep's name.
    pub name: String,
    /// Combinations over all definitions.
    pub combinations: u64,
    /// The definitions, in order.
    pub definitions: Vec<PlannedDefinition>,
    /// Workers.
    pub workers: u64,
    /// Combinations of a pass at most.
    pub batch: u64,
    /// Reads of the data, each feeding up to `batch` combinations.
    pub passes: u64,
    /// Combinations that run as lanes.
    pub lanes: u64,
    /// Combinations that run as containers of their own.
    pub containers: u64,
    /// The distinct series that are read, in order of timeframe and symbol.
    pub series: Vec<PlannedSeries>,
    /// What the indicator hub does.
    pub indicators: PlannedHub,
    /// Bars read over all passes; `None` when a source does not know.
    pub bars: Option<u64>,
    /// Calls of strategies with a bar; `None` when a source does not know.
    pub strategy_bars: Option<u64>,
    /// Estimated private memory at the busiest pass, all workers, mapped data not counted.
    pub memory: Memory,
    /// Estimated processor time; `None` when a source does not know its rows.
    pub time: Option<SweepTime>,
    /// Whether indicators and work were counted on a sample of the passes and multiplied.
    pub is_sampled: bool,
}

/// A definition of a sweep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedDefinition {
    /// Its name.
    pub id: String,
    /// Its registered kind.
    pub kind: String,
    /// Points of its grid.
    pub points: u64,
    /// Lists of instruments that it is varied over.
    pub instruments: u64,
    /// Timeframes that it is varied over.
    pub timeframes: u64,
    /// Combinations.
    pub combinations: u64,
    /// Parameters that take several values, with how many; empty where points are listed.
    pub parameters: Vec<(String, u64)>,
}

/// What the indicator hub does for a sweep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct PlannedHub {
    /// Distinct indicators over the whole sweep; on a sample, at least so many.
    pub distinct: u64,
    /// Distinct indicators of a pass, on average.
    pub per_pass: f64,
    /// Computations over all passes: each distinct indicator once a pass.
    pub computed: u64,
    /// Indicator outputs that strategies asked for: computations without sharing.
    pub subscriptions: u64,
    /// The share of what strategies asked for that was computed for another already.
    pub shared: Option<f64>,
}

/// How a sweep will be run.
#[derive(Clone, Copy, Debug)]
pub struct PlanOptions {
    /// How it is cut.
    pub cut: CutOptions,
    /// Whether workers are processes.
    pub are_processes: bool,
    /// How long things take, where that was measured.
    pub pace: Option<MeasuredPace>,
}

/// Estimated processor time of a sweep in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct SweepTime {
    /// Whether it was measured on this machine; else it is an order of magnitude.
    pub is_measured: bool,
    /// Reading and merging.
    pub read_ms: f64,
    /// Computing indicators.
    pub indicators_ms: f64,
    /// Strategies, accounts and execution.
    pub strategies_ms: f64,
    /// All of it.
    pub total_ms: f64,
    /// From start to end with all workers.
    pub elapsed_ms: f64,
    /// Combinations per second, all workers.
    pub combinations_per_s: f64,
}

/// What one pass does.
struct PassPlan {
    work: Work,
    distinct: BTreeSet<(SeriesKey, String)>,
    subscriptions: u64,
    memory: Memory,
    /// Variants that can run as lanes.
    lanes: u64,
}

/// Predicts a sweep. Reads no row. Where the pace was measured, the time is of this machine, and
/// passes are cut as they will be at that pace.
///
/// # Errors
/// Every series that there is not, and the first variants that cannot be set up.
pub fn plan_sweep(
    spec: &SweepSpec,
    registry: &Registry,
    options: PlanOptions,
) -> Result<SweepPlan, Vec<PlanFault>> {
    let PlanOptions { cut: options, are_processes, pace } = options;
    let Timetable { passes, worker_ns, last_ns } = timetable(spec, options, pace);
    let combinations = spec.variants();
    let is_sampled = combinations > EXACT_MAX;
    let looked_at = sample(&passes, combinations);
    let mut series: BTreeMap<SeriesKey, PlannedSeries> = BTreeMap::new();
    let mut distinct = BTreeSet::new();
    let mut hub = PlannedHub::default();
    let mut work = Work::nothing();
    let mut memory = Memory::default();
    let (mut seen, mut lanes) = (0, 0);
    for range in &looked_at {
        let pass = plan_pass(spec, registry, *range, &mut series)?;
        work.add(&pass.work);
        hub.computed += pass.distinct.len() as u64;
        hub.subscriptions += pass.subscriptions;
        lanes += pass.lanes;
        distinct.extend(pass.distinct);
        if pass.memory.total_bytes > memory.total_bytes {
            memory = pass.memory;
        }
        seen += range.len();
    }
    // What the sample did, as often as it fits into all of it.
    let passes_factor = passes.len() as f64 / looked_at.len().max(1) as f64;
    let factor = combinations as f64 / seen.max(1) as f64;
    let times = |count: u64, factor: f64| (count as f64 * factor).round() as u64;
    hub.distinct = distinct.len() as u64;
    hub.per_pass = hub.computed as f64 / looked_at.len().max(1) as f64;
    hub.computed = times(hub.computed, passes_factor);
    hub.subscriptions = times(hub.subscriptions, factor);
    let asked = hub.subscriptions as f64;
    hub.shared = (asked > 0.0).then(|| (1.0 - hub.computed as f64 / asked).max(0.0));
    let lane_share = lanes as f64 / seen.max(1) as f64;
    let lanes = times(lanes, factor).min(combinations);
    Ok(SweepPlan {
        name: spec.name.clone(),
        combinations,
        definitions: spec.definitions.iter().map(definition).collect(),
        workers: options.workers.max(1) as u64,
        batch: options.batch,
        passes: passes.len() as u64,
        lanes,
        containers: combinations - lanes,
        series: series.into_values().collect(),
        indicators: hub,
        bars: work.bars.map(|bars| times(bars, passes_factor)),
        strategy_bars: work.strategy_bars.map(|calls| times(calls, factor)),
        memory: memory.of_sweep(combinations, options.workers.max(1) as u64, are_processes),
        time: work.parts_ms().map(|[read, indicators, strategies]| {
            let strategies = strategies * factor * (1.0 - lane_share * (1.0 - LANE_SHARE));
            let parts = [read * passes_factor, indicators * passes_factor, strategies];
            match pace {
                Some(_) => SweepTime::measured(parts, worker_ns / 1e6, last_ns / 1e6, combinations),
                None => SweepTime::guessed(parts, options.workers.max(1), combinations),
            }
        }),
        is_sampled,
    })
}

/// Rows that a pass over the variants of `range` reads, over all series; `None` where a source does not
/// know, or the pass cannot be set up.
pub fn planned_rows(spec: &SweepSpec, registry: &Registry, range: VariantRange) -> Option<u64> {
    plan_pass(spec, registry, range, &mut BTreeMap::new()).ok()?.work.bars
}

/// Passes that are looked at: all, or as many as hold [`EXACT_MAX`] variants, evenly spread.
fn sample(passes: &[VariantRange], combinations: u64) -> Vec<VariantRange> {
    if combinations <= EXACT_MAX {
        return passes.to_vec();
    }
    let share = EXACT_MAX as f64 / combinations as f64;
    let wanted = ((passes.len() as f64 * share) as usize).clamp(1, passes.len().max(1));
    (0..wanted).filter_map(|index| passes.get(index * passes.len() / wanted)).copied().collect()
}

fn plan_pass(
    spec: &SweepSpec,
    registry: &Registry,
    range: VariantRange,
    series: &mut BTreeMap<SeriesKey, PlannedSeries>,
) -> Result<PassPlan, Vec<PlanFault>> {
    let (run, _, faults) = spec.run_spec(registry, range.iter());
    let mut faults: Vec<PlanFault> = faults.into_iter().map(|(_, fault)| fault.into()).collect();
    let instruments: Arc<[Instrument]> = run.instruments.clone().into();
    let mut declared: Vec<Declared> = Vec::with_capacity(run.containers.len());
    for container in &run.containers {
        match declare(container, &instruments, registry) {
            Ok(one) => declared.push(one),
            Err(some) => faults.extend(some.into_iter().map(PlanFault::from)),
        }
    }
    let layout = Layout::new(&declared, registry);
    let mut group = LaneGroup::default();
    if run.machinery.lanes {
        for (place, (container, declared)) in run.containers.iter().zip(&declared).enumerate() {
            group.add(container, &instruments, declared, &layout, place, run.machinery.simd);
        }
    }
    let mut own = Vec::with_capacity(layout.series.len());
    for planned in &layout.series {
        let key = planned.key;
        if let Some(known) = series.get(&key) {
            own.push(known.clone());
            continue;
        }
        match planned_series(&run, key.instrument.index(), key.kind, key.timeframe) {
            Ok(one) => {
                own.push(one.clone());
                series.insert(key, one);
            }
            Err(fault) => faults.push(fault),
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let work = Work::of(&layout, &declared, &own, &run);
    let computed = layout.indicators.iter().filter(|indicator| !indicator.key.spec.is_of_timetable());
    let distinct = computed
        .map(|indicator| (layout.series[indicator.key.series as usize].key, indicator.key.spec.to_string()));
    Ok(PassPlan {
        distinct: distinct.collect(),
        subscriptions: layout.subscriptions,
        memory: Memory::of_pass(&layout, &run, group.len() as u64),
        lanes: group.len() as u64,
        work,
    })
}

/// What a lane takes of what a container takes.
const LANE_SHARE: f64 = 0.16;

fn definition(definition: &crate::sweep::Definition) -> PlannedDefinition {
    let varied = definition.grid.axes().iter().filter(|axis| axis.values.len() > 1);
    PlannedDefinition {
        id: definition.id.clone(),
        kind: definition.kind.clone(),
        points: definition.grid.len(),
        instruments: definition.instruments.len() as u64,
        timeframes: definition.timeframes.len() as u64,
        combinations: definition.variants(),
        parameters: varied.map(|axis| (axis.name.clone(), axis.values.len() as u64)).collect(),
    }
}

impl SweepTime {
    /// From constants: orders of magnitude.
    fn guessed(parts_ms: [f64; 3], workers: usize, combinations: u64) -> Self {
        let total_ms: f64 = parts_ms.iter().sum();
        Self::of(parts_ms, total_ms, total_ms / workers as f64, combinations)
    }

    /// From measured passes: the whole is known, its parts are as they were guessed.
    fn measured(parts_ms: [f64; 3], total_ms: f64, elapsed_ms: f64, combinations: u64) -> Self {
        let guessed_ms: f64 = parts_ms.iter().sum();
        let parts_ms = parts_ms.map(|part| part * total_ms / guessed_ms.max(1e-9));
        Self { is_measured: true, ..Self::of(parts_ms, total_ms, elapsed_ms, combinations) }
    }

    fn of(parts_ms: [f64; 3], total_ms: f64, elapsed_ms: f64, combinations: u64) -> Self {
        let [read_ms, indicators_ms, strategies_ms] = parts_ms;
        let combinations_per_s = if elapsed_ms > 0.0 { combinations as f64 / elapsed_ms * 1e3 } else { 0.0 };
        Self {
            is_measured: false,
            read_ms,
            indicators_ms,
            strategies_ms,
            total_ms,
            elapsed_ms,
            combinations_per_s,
        }
    }
}
