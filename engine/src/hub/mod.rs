//! The indicator hub: every distinct indicator is computed here, once per batch, for everybody.

mod cache;

pub use cache::{CacheCounters, ColumnCache, ColumnKey};

use std::ops::Range;

use crate::{
    data::{Bar, BarColumns},
    frame::{Column, Frame, SeriesRows},
    indicator::{IndicatorSpec, Input, InputSpec, Kernel, Output, PriceField},
    layout::Layout,
    registry::Registry,
    result::HubCounters,
};

/// Outputs that one indicator may have.
const OUTPUTS_MAX: usize = 8;

/// One indicator at work.
struct Work {
    series: usize,
    column: u32,
    outputs: usize,
    input: WorkInput,
    /// `10^scale` of the input, where its values are exact decimals.
    x_factor: Option<f64>,
    price_factor: Option<f64>,
    origin_ns: Option<i64>,
    kernel: Box<dyn Kernel>,
    /// Leading rows of its series.
    lead: usize,
    /// The last values of each output, for the next frame's leading rows.
    tails: Vec<Vec<f64>>,
    computed: u64,
}

#[derive(Clone, Copy)]
enum WorkInput {
    Price(PriceField),
    Column(usize),
}

/// Computes the indicator columns of frames.
pub struct Hub {
    work: Vec<Work>,
    cache: ColumnCache,
    /// A derived price (such as the mean of high and low).
    derived: Vec<f64>,
    /// Outputs of the indicator in hand, leading values first.
    scratch: Vec<Vec<f64>>,
    /// Rows by series so far: what `computed` is held against.
    rows: Vec<u64>,
    subscriptions: u64,
    is_replay: bool,
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
    /// `price_factors` are those of the series ([`crate::merge::Merge::price_factors`]). The
    /// computations of a replay are counted apart.
    ///
    /// # Panics
    /// When an indicator is not registered: the layout was made with another registry.
    pub fn new(
        layout: &Layout,
        registry: &Registry,
        price_factors: &[Option<f64>],
        rows_max: usize,
        bounds: CacheBounds,
        is_replay: bool,
    ) -> Self {
        let work = layout.indicators.iter().map(|plan| {
            let IndicatorSpec { name, params, input } = &plan.key.spec;
            let def = registry.find_indicator(name).expect("the layout's indicators are registered");
            let series = plan.key.series as usize;
            let price_factor = price_factors[series];
            let (input, x_factor) = match (input, plan.input_column) {
                (InputSpec::Price(field), _) => {
                    (WorkInput::Price(*field), price_factor.filter(|_| is_raw_price(*field)))
                }
                (InputSpec::Indicator(..), column) => (WorkInput::Column(column.unwrap_or(0) as usize), None),
            };
            assert!(def.outputs.len() <= OUTPUTS_MAX, "{name} has more than {OUTPUTS_MAX} outputs");
            Work {
                series,
                column: plan.column,
                outputs: plan.outputs as usize,
                input,
                x_factor,
                price_factor,
                origin_ns: plan.key.origin_ns,
                kernel: (def.build)(params),
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
            scratch: vec![vec![f64::NAN; lead_max + rows_max]; OUTPUTS_MAX],
            rows: vec![0; layout.series.len()],
            subscriptions: layout.subscriptions,
            is_replay,
        }
    }

    /// Computes the columns of a frame from its rows.
    pub fn compute(&mut self, frame: &mut Frame) {
        frame.columns.clear();
        for (rows, series) in self.rows.iter_mut().zip(&frame.series) {
            *rows += series.rows() as u64;
        }
        for work in &mut self.work {
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
                    self.derived.clear();
                    self.derived.extend((lead..end).map(|row| derive(&bars.bar(row), field)));
                    &self.derived
                }
                WorkInput::Column(column) => &frame.columns[column][lead..end],
            };
            let own = OwnRows { bars, lead, x, x_factor: work.x_factor, price_factor: work.price_factor };
            compute(work, &own, &mut self.scratch);
            work.computed += (end - lead) as u64;
            for (output, values) in self.scratch.iter().enumerate().take(work.outputs) {
                let key = ColumnKey { column: work.column + output as u32, sequence: frame.sequence };
                let column =
                    self.cache.calculate(key, |column| column[..end].copy_from_slice(&values[..end]));
                frame.columns.push(column);
            }
        }
    }

    /// The hub's account of its work.
    pub fn counters(&self) -> HubCounters {
        let cache = self.cache.counters();
        let computed: u64 = self.work.iter().map(|work| work.computed).sum();
        let (computed, recomputed) = if self.is_replay { (0, computed) } else { (computed, 0) };
        HubCounters {
            keys: self.work.len() as u64,
            subscriptions: self.subscriptions,
            computed,
            expected: if self.is_replay {
                0
            } else {
                self.work.iter().map(|work| self.rows[work.series]).sum()
            },
            recomputed,
            shared: self.subscriptions.saturating_sub(self.work.len() as u64),
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

/// A frame's own rows, as one indicator reads them.
struct OwnRows<'a> {
    bars: &'a BarColumns,
    lead: usize,
    x: &'a [f64],
    x_factor: Option<f64>,
    price_factor: Option<f64>,
}

impl<'a> OwnRows<'a> {
    fn input(&self, rows: Range<usize>) -> Input<'a> {
        let prices = |column: &'a [f64]| &column[self.lead + rows.start..self.lead + rows.end];
        Input {
            x: &self.x[rows.clone()],
            x_factor: self.x_factor,
            open: prices(&self.bars.open),
            high: prices(&self.bars.high),
            low: prices(&self.bars.low),
            close: prices(&self.bars.close),
            volume: prices(&self.bars.volume),
            price_factor: self.price_factor,
        }
    }
}

/// Feeds the kernel and leaves leading and new values in `scratch`.
fn compute(work: &mut Work, own: &OwnRows<'_>, scratch: &mut [Vec<f64>]) {
    let (lead, rows) = (own.lead, own.x.len());
    let end = lead + rows;
    for (values, tail) in scratch.iter_mut().zip(&work.tails) {
        // A series' leading rows and an indicator's remembered values end at the same row.
        let remembered = tail.len().min(lead);
        values[..lead - remembered].fill(f64::NAN);
        values[lead - remembered..lead].copy_from_slice(&tail[tail.len() - remembered..]);
    }
    let opens = &own.bars.ts_open_ns[lead..];
    let mut row = work.origin_ns.map_or(0, |origin| opens.partition_point(|ts_ns| *ts_ns < origin));
    hide(scratch, work.outputs, lead..lead + row);
    while row < rows {
        let run = match work.input {
            WorkInput::Price(_) => row..rows,
            WorkInput::Column(_) => finite_run(own.x, row),
        };
        hide(scratch, work.outputs, lead + row..lead + run.start);
        if !run.is_empty() {
            let mut slices: [&mut [f64]; OUTPUTS_MAX] = Default::default();
            for (slice, values) in slices.iter_mut().zip(scratch.iter_mut()) {
                *slice = &mut values[lead + run.start..lead + run.end];
            }
            let input = own.input(run.clone());
            work.kernel.update(&input, &mut Output::new(&mut slices[..work.outputs]));
        }
        row = run.end;
    }
    for (tail, values) in work.tails.iter_mut().zip(scratch.iter()) {
        let kept = work.lead.min(end);
        tail.clear();
        tail.extend_from_slice(&values[end - kept..end]);
    }
}

/// The next values that are numbers, from `from` on: an inner indicator that is not warm, or has no
/// value, is not shown, wherever frames are cut.
fn finite_run(x: &[f64], from: usize) -> Range<usize> {
    let first = |from: usize, finite: bool| {
        x[from..].iter().position(|value| value.is_finite() == finite).map_or(x.len(), |at| from + at)
    };
    let start = first(from, true);
    start..first(start, false)
}

/// No value in these rows.
fn hide(scratch: &mut [Vec<f64>], outputs: usize, rows: Range<usize>) {
    if !rows.is_empty() {
        scratch.iter_mut().take(outputs).for_each(|values| values[rows.clone()].fill(f64::NAN));
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
