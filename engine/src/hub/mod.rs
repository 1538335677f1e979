//! The indicator hub: every distinct indicator is computed here, once per batch, for everybody.

mod cache;
mod work;

use cache::OpenColumn;
pub use cache::{CacheCounters, ColumnCache, ColumnKey};

use crate::{
    container::Progress,
    data::Bar,
    frame::{Column, Frame, SeriesRows},
    indicator::{IndicatorSpec, InputSpec, PriceField},
    layout::Layout,
    merge::OpenedSeries,
    registry::Registry,
    result::HubCounters,
};
use work::{Maker, OwnRows, Work, WorkInput, compute};

/// Outputs that one indicator may have.
const OUTPUTS_MAX: usize = 8;

/// Computes the indicator columns of frames.
pub struct Hub {
    work: Vec<Work>,
    cache: ColumnCache,
    /// A derived price (such as the mean of high and low).
    derived: Vec<f64>,
    /// The columns of the indicator in hand, leading values first.
    open: Vec<OpenColumn>,
    /// Rows by series so far: what `computed` is held against.
    rows: Vec<u64>,
    subscriptions: u64,
    is_replay: bool,
    /// Where it stands in the frame in hand: which of `work`, and how many of its rows are done.
    at: (usize, usize),
}

/// Bounds on what the hub keeps beyond the columns in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheBounds {
    /// Bytes.
    pub bytes: usize,
    /// Entries.
    pub entries: usize,
}

impl Hub {
    /// A hub for the indicators of `layout`, for frames of at most `rows_max` rows per series.
    ///
    /// `opened` says what is known of the series ([`crate::merge::Merge::opened`]). The computations of a
    /// replay are counted apart.
    ///
    /// # Panics
    /// When an indicator is not registered: the layout was made with another registry. When a series was
    /// opened for another layout.
    pub fn new(
        layout: &Layout,
        registry: &Registry,
        opened: &[OpenedSeries],
        rows_max: usize,
        bounds: CacheBounds,
        is_replay: bool,
    ) -> Self {
        let work = layout.indicators.iter().map(|plan| {
            let IndicatorSpec { name, params, input } = &plan.key.spec;
            let series = plan.key.series as usize;
            let OpenedSeries { price_factor, timetable } = &opened[series];
            let price_factor = *price_factor;
            let maker = if plan.key.spec.is_of_timetable() {
                let timetable = timetable.as_ref().expect("the series was opened for this layout");
                Maker::WeekEdges(timetable.week_edges(params.int("bars")))
            } else {
                let def = registry.find_indicator(name).expect("the layout's indicators are registered");
                assert!(def.outputs.len() <= OUTPUTS_MAX, "{name} has more than {OUTPUTS_MAX} outputs");
                Maker::Kernel((def.build)(params))
            };
            let (input, x_factor) = match (input, plan.input_column) {
                (InputSpec::Price(field), _) => {
                    (WorkInput::Price(*field), price_factor.filter(|_| is_raw_price(*field)))
                }
                (InputSpec::Indicator(..), column) => (WorkInput::Column(column.unwrap_or(0) as usize), None),
                // Stamps come with every frame.
                (InputSpec::Timetable, _) => (WorkInput::Price(PriceField::Close), None),
            };
            Work {
                series,
                column: plan.column,
                outputs: plan.outputs as usize,
                input,
                x_factor,
                price_factor,
                origin_ns: plan.key.origin_ns,
                maker,
                lead: layout.series[series].lead,
                tails: vec![Vec::with_capacity(layout.series[series].lead); plan.outputs as usize],
                computed: 0,
            }
        });
        let work: Vec<Work> = work.collect();
        let lead_max = layout.series.iter().map(|s| s.lead).max().unwrap_or(0);
        Self {
            work,
            cache: ColumnCache::new(lead_max + rows_max, bounds.bytes, bounds.entries),
            derived: Vec::new(),
            open: Vec::with_capacity(OUTPUTS_MAX),
            rows: vec![0; layout.series.len()],
            subscriptions: layout.subscriptions,
            is_replay,
            at: (0, 0),
        }
    }

    /// Computes the columns of a frame from its rows.
    pub fn compute(&mut self, frame: &mut Frame) {
        while !self.compute_part(frame, usize::MAX).is_done {}
    }

    /// Computes at most `values_max` values (at least 1) of a frame's columns; until all are there it wants to be
    /// called with the same frame again. Where it is cut changes no value: who must not hold a thread for long asks
    /// for little of what is slow.
    pub fn compute_part(&mut self, frame: &mut Frame, values_max: usize) -> Progress {
        if self.at == (0, 0) {
            frame.columns.clear();
            for (rows, series) in self.rows.iter_mut().zip(&frame.series) {
                *rows += series.rows() as u64;
            }
        }
        let values_max = values_max.max(1);
        let mut left = values_max;
        while let Some(work) = self.work.get_mut(self.at.0) {
            if left == 0 {
                return Progress { work: values_max, is_done: false };
            }
            let SeriesRows { columns: bars, lead } = &frame.series[work.series];
            let lead = *lead;
            let end = bars.len();
            let x: &[f64] = match work.input {
                WorkInput::Price(PriceField::Open) => &bars.open[lead..],
                WorkInput::Price(PriceField::High) => &bars.high[lead..],
                WorkInput::Price(PriceField::Low) => &bars.low[lead..],
                WorkInput::Price(PriceField::Close) => &bars.close[lead..],
                WorkInput::Price(PriceField::Volume) => &bars.volume[lead..],
                WorkInput::Price(field) => {
                    if self.at.1 == 0 {
                        self.derived.clear();
                        self.derived.extend((lead..end).map(|row| derive(&bars.bar(row), field)));
                    }
                    &self.derived
                }
                WorkInput::Column(column) => &frame.columns[column][lead..end],
            };
            let own = OwnRows { bars, lead, x, x_factor: work.x_factor, price_factor: work.price_factor };
            if self.at.1 == 0 {
                let key = |output: u32| ColumnKey { column: work.column + output, sequence: frame.sequence };
                self.open.extend((0..work.outputs as u32).map(|output| self.cache.open(key(output))));
            }
            let mut outputs: [&mut [f64]; OUTPUTS_MAX] = Default::default();
            for (values, open) in outputs.iter_mut().zip(&mut self.open) {
                *values = open.values();
            }
            let rows = self.at.1..(end - lead).min(self.at.1.saturating_add(left));
            left -= rows.len();
            let written = work.outputs;
            compute(work, &own, &rows, &mut outputs[..written]);
            if rows.end < end - lead {
                self.at.1 = rows.end;
                return Progress { work: values_max, is_done: false };
            }
            self.at = (self.at.0 + 1, 0);
            work.computed += (end - lead) as u64;
            frame.columns.extend(self.open.drain(..).map(|open| self.cache.close(open)));
        }
        self.at = (0, 0);
        Progress { work: values_max - left, is_done: true }
    }

    /// The hub's account of its work.
    pub fn counters(&self) -> HubCounters {
        let cache = self.cache.counters();
        let indicators = || self.work.iter().filter(|work| work.is_indicator());
        let keys = indicators().count() as u64;
        let computed: u64 = indicators().map(|work| work.computed).sum();
        let (computed, recomputed) = if self.is_replay { (0, computed) } else { (computed, 0) };
        HubCounters {
            keys,
            subscriptions: self.subscriptions,
            computed,
            expected: if self.is_replay { 0 } else { indicators().map(|work| self.rows[work.series]).sum() },
            recomputed,
            shared: self.subscriptions.saturating_sub(keys),
            cache_hits: cache.hits,
            cache_misses: cache.misses,
            cache_evictions: cache.evictions,
            cache_bytes_peak: cache.bytes_peak,
        }
    }

    /// A column of an earlier frame, if the cache still holds it.
    pub fn column(&mut self, key: ColumnKey) -> Option<Column> {
        self.cache.get(key)
    }
}

fn is_raw_price(field: PriceField) -> bool {
    matches!(field, PriceField::Open | PriceField::High | PriceField::Low | PriceField::Close)
}

fn derive(bar: &Bar, field: PriceField) -> f64 {
    match field {
        PriceField::Open => bar.open,
        PriceField::High => bar.high,
        PriceField::Low => bar.low,
        PriceField::Close => bar.close,
        PriceField::Volume => bar.volume,
        PriceField::Hl2 => (bar.high + bar.low) / 2.0,
        PriceField::Hlc3 => (bar.high + bar.low + bar.close) / 3.0,
        PriceField::Ohlc4 => (bar.open + bar.high + bar.low + bar.close) / 4.0,
    }
}
