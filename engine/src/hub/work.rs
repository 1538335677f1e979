//! One column of the hub at work: its state from frame to frame, and how a frame's rows reach its kernel.

use std::ops::Range;

use super::OUTPUTS_MAX;
use crate::{
    data::BarColumns,
    indicator::{Input, Kernel, Output, PriceField},
    merge::WeekEdges,
};

/// One indicator at work.
pub(super) struct Work {
    pub(super) series: usize,
    pub(super) column: u32,
    pub(super) outputs: usize,
    pub(super) input: WorkInput,
    /// `10^scale` of the input, where its values are exact decimals.
    pub(super) x_factor: Option<f64>,
    pub(super) price_factor: Option<f64>,
    pub(super) origin_ns: Option<i64>,
    pub(super) maker: Maker,
    /// Leading rows of its series.
    pub(super) lead: usize,
    /// The last values of each output, for the next frame's leading rows.
    pub(super) tails: Vec<Vec<f64>>,
    pub(super) computed: u64,
}

#[derive(Clone, Copy)]
pub(super) enum WorkInput {
    Price(PriceField),
    Column(usize),
}

/// What makes a column.
pub(super) enum Maker {
    Kernel(Box<dyn Kernel>),
    /// No indicator: it says something of the series' time stamps, and is not counted as computed.
    WeekEdges(WeekEdges),
}

impl Work {
    pub(super) fn is_indicator(&self) -> bool {
        matches!(self.maker, Maker::Kernel(_))
    }
}

/// A frame's own rows, as one indicator reads them.
pub(super) struct OwnRows<'a> {
    pub(super) bars: &'a BarColumns,
    pub(super) lead: usize,
    pub(super) x: &'a [f64],
    pub(super) x_factor: Option<f64>,
    pub(super) price_factor: Option<f64>,
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

/// Makes the new values of these rows, which follow those that it made before, and leaves them in `outputs`, behind
/// the leading ones.
pub(super) fn compute(work: &mut Work, own: &OwnRows<'_>, part: &Range<usize>, outputs: &mut [&mut [f64]]) {
    let (lead, end) = (own.lead, own.lead + own.x.len());
    let leading = if part.start == 0 { &work.tails[..] } else { &[] };
    for (values, tail) in outputs.iter_mut().zip(leading) {
        // A series' leading rows and an indicator's remembered values end at the same row.
        let remembered = tail.len().min(lead);
        values[..lead - remembered].fill(f64::NAN);
        values[lead - remembered..lead].copy_from_slice(&tail[tail.len() - remembered..]);
    }
    let opens = &own.bars.ts_open_ns[lead..][part.clone()];
    match &mut work.maker {
        Maker::WeekEdges(edges) => edges.fill(opens, &mut outputs[0][lead + part.start..lead + part.end]),
        Maker::Kernel(kernel) => {
            let first = work.origin_ns.map_or(0, |origin| opens.partition_point(|ts_ns| *ts_ns < origin));
            let first = part.start + first;
            hide(outputs, lead + part.start..lead + first);
            feed(kernel.as_mut(), work.input, own, first..part.end, outputs);
        }
    }
    if lead + part.end < end {
        return;
    }
    for (tail, values) in work.tails.iter_mut().zip(outputs.iter()) {
        let kept = work.lead.min(end);
        tail.clear();
        tail.extend_from_slice(&values[end - kept..end]);
    }
}

/// Feeds the kernel these rows.
fn feed(
    kernel: &mut dyn Kernel,
    source: WorkInput,
    own: &OwnRows<'_>,
    rows: Range<usize>,
    outputs: &mut [&mut [f64]],
) {
    let lead = own.lead;
    let mut row = rows.start;
    while row < rows.end {
        let run = match source {
            WorkInput::Price(_) => row..rows.end,
            WorkInput::Column(_) => finite_run(&own.x[..rows.end], row),
        };
        hide(outputs, lead + row..lead + run.start);
        if !run.is_empty() {
            let count = outputs.len();
            let mut slices: [&mut [f64]; OUTPUTS_MAX] = Default::default();
            for (slice, values) in slices.iter_mut().zip(outputs.iter_mut()) {
                *slice = &mut values[lead + run.start..lead + run.end];
            }
            let input = own.input(run.clone());
            kernel.update(&input, &mut Output::new(&mut slices[..count]));
        }
        row = run.end;
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
fn hide(outputs: &mut [&mut [f64]], rows: Range<usize>) {
    if !rows.is_empty() {
        outputs.iter_mut().for_each(|values| values[rows.clone()].fill(f64::NAN));
    }
}
