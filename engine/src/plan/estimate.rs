//! Estimates of rows, memory and time. The constants are orders of magnitude from measured runs on one
//! core of a server of 2024; they tell a second from an hour, not one machine from another.

use serde::Serialize;

use super::{PlannedSeries, keeps_records};
use crate::{
    data::SeriesInfo,
    layout::{Declared, Layout},
    set::{ContainerSpec, Machinery, Retention, RunSpec},
    timeframe::Timeframe,
};

/// Reading, checking and merging a bar.
const BAR_NS: f64 = 6.0;
/// Computing one output of one indicator for one bar.
const VALUE_NS: f64 = 4.0;
/// Handing a bar to a strategy, marking the account, and the strategy's own work.
const STRATEGY_BAR_NS: f64 = 12.0;
/// One row of a batch: two times and five prices of eight bytes.
const ROW_BYTES: u64 = 56;
/// A container with its ledger, statistics and order book, at rest.
const CONTAINER_BYTES: u64 = 16 << 10;
/// A strategy instance with its bindings.
const STRATEGY_BYTES: u64 = 2 << 10;
/// One equity sample.
const EQUITY_POINT_BYTES: u64 = 16;
/// One fill with its share of a round trip.
const FILL_BYTES: u64 = 200;
/// Bars between two fills of a strategy, for want of anything better.
const BARS_PER_FILL: u64 = 25;
/// Threads, queues, registry and program.
const BASE_BYTES: u64 = 6 << 20;
/// The program with a sweep, its log and its report.
const SWEEP_BASE_BYTES: u64 = 19 << 20;
/// A worker process before its first pass.
const WORKER_BASE_BYTES: u64 = 8 << 20;
/// A combination that runs as a container.
const SWEEP_CONTAINER_BYTES: u64 = 8 << 10;
/// A combination that runs as a lane.
const LANE_BYTES: u64 = 1 << 10;
/// A combination that is kept for the ranking, the front or the sample of the report.
const RANKED_BYTES: u64 = 2 << 10;
/// How many are kept.
const RANKED_MAX: u64 = 5_000;
/// What is known of every other combination that is done.
const DONE_BYTES: u64 = 22;

/// What a run does, in counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Work {
    /// Bars over all series.
    pub bars: Option<u64>,
    /// Bars times columns over all indicators.
    pub values: Option<u64>,
    /// Calls of strategies with a bar.
    pub strategy_bars: Option<u64>,
    /// Bars that each container sees.
    container_bars: Vec<Option<u64>>,
}

impl Work {
    pub(super) fn of(
        layout: &Layout,
        declared: &[Declared],
        series: &[PlannedSeries],
        spec: &RunSpec,
    ) -> Self {
        let rows = |index: u32| series[index as usize].rows;
        let values = layout
            .indicators
            .iter()
            .map(|i| rows(i.key.series).map(|rows| rows * u64::from(i.outputs)))
            .sum();
        let mut strategy_bars = Some(0u64);
        let mut container_bars = Vec::with_capacity(spec.containers.len());
        for one in declared {
            let slots: Vec<Option<u64>> =
                one.declarations.series.iter().map(|s| rows(layout.series_index(s.key))).collect();
            for (_, subscribed) in &one.strategies {
                let calls: Option<u64> = subscribed.bars.iter().map(|bars| slots[bars.slot as usize]).sum();
                strategy_bars = strategy_bars.zip(calls).map(|(sum, calls)| sum.saturating_add(calls));
            }
            container_bars.push(slots.into_iter().sum());
        }
        Self { bars: series.iter().map(|one| one.rows).sum(), values, strategy_bars, container_bars }
    }

    /// No work, with all of it known.
    pub(super) fn nothing() -> Self {
        Self { bars: Some(0), values: Some(0), strategy_bars: Some(0), container_bars: Vec::new() }
    }

    /// Adds the work of another pass.
    pub(super) fn add(&mut self, other: &Self) {
        let add = |to: &mut Option<u64>, more: Option<u64>| {
            *to = to.zip(more).map(|(sum, more)| sum.saturating_add(more));
        };
        add(&mut self.bars, other.bars);
        add(&mut self.values, other.values);
        add(&mut self.strategy_bars, other.strategy_bars);
    }

    /// Reading, indicators, strategies, each in milliseconds.
    pub(super) fn parts_ms(&self) -> Option<[f64; 3]> {
        let ms = |count: u64, ns: f64| count as f64 * ns / 1e6;
        Some([ms(self.bars?, BAR_NS), ms(self.values?, VALUE_NS), ms(self.strategy_bars?, STRATEGY_BAR_NS)])
    }

    pub(super) fn time_ms(&self) -> Option<f64> {
        self.parts_ms().map(|parts| parts.iter().sum())
    }
}

/// Estimated private memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// Program, threads and queues.
    pub base_bytes: u64,
    /// Batches that wait between market data and accounts.
    pub batches_bytes: u64,
    /// Indicator columns in use and kept.
    pub columns_bytes: u64,
    /// Accounts at rest.
    pub accounts_bytes: u64,
    /// Records that are kept in memory at the end of the run, at most; of a sweep, results for its ranking.
    pub records_bytes: u64,
    /// All of it.
    pub total_bytes: u64,
}

impl Memory {
    pub(super) fn of(layout: &Layout, work: &Work, spec: &RunSpec) -> Self {
        let (batches_bytes, columns_bytes) = frames_bytes(layout, &spec.machinery);
        let strategies: usize = spec.containers.iter().map(|container| container.strategies.len()).sum();
        let accounts_bytes =
            spec.containers.len() as u64 * CONTAINER_BYTES + strategies as u64 * STRATEGY_BYTES;
        let kept = spec.containers.iter().zip(&work.container_bars);
        let records_bytes = kept.map(|(container, bars)| records_kept(container, *bars)).sum();
        Self {
            base_bytes: BASE_BYTES,
            batches_bytes,
            columns_bytes,
            accounts_bytes,
            records_bytes,
            total_bytes: BASE_BYTES + batches_bytes + columns_bytes + accounts_bytes + records_bytes,
        }
    }
}

impl Memory {
    /// What one worker of a sweep needs for a pass, of whose combinations `lanes` run as lanes.
    pub(super) fn of_pass(layout: &Layout, spec: &RunSpec, lanes: u64) -> Self {
        // A worker has one frame in hand, whose columns are the cache's.
        let cache_bytes = spec.machinery.hub_cache_bytes as u64;
        let columns_bytes = columns_bytes(layout, &spec.machinery).max(cache_bytes);
        let batches_bytes = batch_bytes(layout, &spec.machinery) * 2;
        let combinations = spec.containers.len() as u64;
        let accounts_bytes = (combinations - lanes) * SWEEP_CONTAINER_BYTES + lanes * LANE_BYTES;
        let total_bytes = batches_bytes + columns_bytes + accounts_bytes;
        Self { batches_bytes, columns_bytes, accounts_bytes, total_bytes, ..Self::default() }
    }

    /// What a sweep needs whose busiest pass is this, for so many workers.
    pub(super) fn of_sweep(self, combinations: u64, workers: u64, are_processes: bool) -> Self {
        let of_workers = if are_processes { workers * WORKER_BASE_BYTES } else { 0 };
        let base_bytes = SWEEP_BASE_BYTES + of_workers;
        let records_bytes = combinations.min(RANKED_MAX) * RANKED_BYTES + combinations * DONE_BYTES;
        Self {
            base_bytes,
            batches_bytes: self.batches_bytes * workers,
            columns_bytes: self.columns_bytes * workers,
            accounts_bytes: self.accounts_bytes * workers,
            records_bytes,
            total_bytes: base_bytes + records_bytes + self.total_bytes * workers,
        }
    }
}

/// Batches on their way, and the columns beside them.
fn frames_bytes(layout: &Layout, machinery: &Machinery) -> (u64, u64) {
    let frames = machinery.queue_frames as u64 + 2;
    let columns = columns_bytes(layout, machinery) * frames;
    (batch_bytes(layout, machinery) * frames, columns + machinery.hub_cache_bytes as u64)
}

/// The rows of one batch.
fn batch_bytes(layout: &Layout, machinery: &Machinery) -> u64 {
    layout.series.iter().map(|s| (machinery.batch_rows as u64 + s.lead as u64) * ROW_BYTES).sum()
}

/// The columns beside it.
fn columns_bytes(layout: &Layout, machinery: &Machinery) -> u64 {
    u64::from(layout.columns) * machinery.batch_rows as u64 * 8
}

fn records_kept(container: &ContainerSpec, bars: Option<u64>) -> u64 {
    let bars = bars.unwrap_or(0);
    let fills = if keeps_records(container.trace) { bars / BARS_PER_FILL * FILL_BYTES } else { 0 };
    match container.retention {
        Retention::Minimal => 0,
        Retention::TradeComplete => fills / 2,
        Retention::SlidingWindow(rows) => {
            (rows as u64 * (EQUITY_POINT_BYTES + FILL_BYTES)).min(bars * EQUITY_POINT_BYTES + fills)
        }
        Retention::Full => bars * EQUITY_POINT_BYTES + fills,
    }
}

/// About how many rows of a series a run will see.
pub(super) fn rows(info: &SeriesInfo, timeframe: Timeframe, spec: &RunSpec) -> Option<u64> {
    let mut rows = info.rows?.div_ceil((timeframe.ns() / info.timeframe.ns()).max(1) as u64);
    if let Some((first, last)) = info.span_ns.filter(|(first, last)| last > first) {
        // The widest span that any container asks for decides what is read.
        let from = spec.containers.iter().map(|c| c.from_ns.unwrap_or(i64::MIN)).min().unwrap_or(i64::MIN);
        let to = spec.containers.iter().map(|c| c.to_ns.unwrap_or(i64::MAX)).max().unwrap_or(i64::MAX);
        let overlap = (i128::from(to.min(last)) - i128::from(from.max(first))).max(0);
        let share = overlap as f64 / (i128::from(last) - i128::from(first)) as f64;
        rows = (rows as f64 * share).ceil() as u64;
    }
    Some(spec.bars_max.map_or(rows, |most| rows.min(most)))
}
