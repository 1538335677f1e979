//! What a sweep will take: combinations, passes, indicators, memory, time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::Serialize;

use super::{Memory, PlanFault, PlannedSeries, Work, planned_series};
use crate::{
    data::SeriesKey,
    instrument::Instrument,
    lanes::LaneGroup,
    layout::{Declared, Layout, declare},
    registry::Registry,
    sweep::{CutOptions, Schedule, SweepSpec, VariantRange, VariantSet},
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

/// What a combination was measured to take on the machine that asks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeasuredPace {
    /// What happens once: data that are made or read for the first time, in nanoseconds.
    pub start_ns: f64,
    /// One combination on one worker, its share of its pass included, in nanoseconds.
    pub variant_ns: f64,
    /// Processors that the workers share.
    pub cores: usize,
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
    options: CutOptions,
    pace: Option<MeasuredPace>,
) -> Result<SweepPlan, Vec<PlanFault>> {
    let passes = planned_passes(spec, options, pace.map(|pace| pace.variant_ns));
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
        memory: memory.of_workers(options.workers.max(1) as u64),
        time: time(&work, lane_share, passes_factor, factor, combinations, options.workers.max(1), pace),
        is_sampled,
    })
}

/// The passes of a sweep, as its schedule cuts them for workers that take turns and need `variant_ns`
/// for a combination; a nanosecond where that is unknown.
pub fn planned_passes(spec: &SweepSpec, options: CutOptions, variant_ns: Option<f64>) -> Vec<VariantRange> {
    let all = VariantSet::from(spec.all());
    let mut schedule = Schedule::new(spec, &all, &VariantSet::new(), options);
    let mut passes = Vec::new();
    let variant_ns = variant_ns.unwrap_or(1.0);
    for worker in (0..options.workers.max(1)).cycle() {
        let Some(lease) = schedule.next(worker) else { break };
        passes.push(lease.range);
        if !schedule.complete(lease.id, (lease.range.len() as f64 * variant_ns) as u64) {
            break;
        }
    }
    passes
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
        memory: Memory::of(&layout, &work, &run).without_records(),
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

fn time(
    work: &Work,
    lane_share: f64,
    passes_factor: f64,
    factor: f64,
    combinations: u64,
    workers: usize,
    pace: Option<MeasuredPace>,
) -> Option<SweepTime> {
    let (read, indicators, strategies) = work.parts_ms()?;
    let parts = [
        read * passes_factor,
        indicators * passes_factor,
        strategies * factor * (1.0 - lane_share * (1.0 - LANE_SHARE)),
    ];
    let guessed_ms: f64 = parts.iter().sum();
    let total_ms = pace.map_or(guessed_ms, |pace| combinations as f64 * pace.variant_ns / 1e6);
    // The measured whole has the parts that were guessed.
    let [read_ms, indicators_ms, strategies_ms] = parts.map(|part| part * total_ms / guessed_ms.max(1e-9));
    let at_work = pace.map_or(workers, |pace| workers.min(pace.cores.max(1)));
    let elapsed_ms = pace.map_or(0.0, |pace| pace.start_ns / 1e6) + total_ms / at_work as f64;
    let combinations_per_s = if elapsed_ms > 0.0 { combinations as f64 / elapsed_ms * 1e3 } else { 0.0 };
    Some(SweepTime {
        is_measured: pace.is_some(),
        read_ms,
        indicators_ms,
        strategies_ms,
        total_ms,
        elapsed_ms,
        combinations_per_s,
    })
}
