//! The merge: rows of all series in one order by (close time, timeframe, instrument), cut into frames.
//!
//! This is where a bar enters. It happens once, before the hub, up to the watermark of the slowest
//! feed.

mod input;
mod order;
mod sequence;
mod timetable;

pub use timetable::{Timetable, WeekEdges};

use input::{Input, Refill, ResampledFeed};

use crate::{
    data::{Feed, FeedError, SeriesInfo, SeriesRequest, Source},
    frame::Frame,
    instrument::Instrument,
    layout::Layout,
    plan::serving,
    result::SeriesUse,
    set::RunSpec,
};

/// Rows of a frame over all series together: what keeps a frame's columns in the processor's cache
/// when many instruments share it.
const FRAME_ROWS: usize = 8_192;
/// Rows per series that a frame has room for however many series share it.
const SERIES_ROWS_MIN: usize = 64;

/// What asking for a frame brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merged {
    /// The next frame.
    Frame,
    /// A feed has nothing at present; ask again later.
    Pending,
    /// All feeds are at their end.
    End,
}

/// What is known of a series since it was opened.
#[derive(Clone, Debug, Default)]
pub struct OpenedSeries {
    /// `10^scale` where all its prices are on the instrument's scale.
    pub price_factor: Option<f64>,
    /// When its bars open, where a column is made of that.
    pub timetable: Option<Timetable>,
}

/// Merges the feeds of a pass.
pub struct Merge {
    inputs: Vec<Input>,
    uses: Vec<SeriesUse>,
    opened: Vec<OpenedSeries>,
    groups: order::Groups,
    /// Rows per series and frame.
    rows_max: usize,
    sealed_ns: i64,
    sequence: u64,
}

impl Merge {
    /// Opens every series of `layout`.
    ///
    /// # Errors
    /// When the source does not offer a series (or one to aggregate it from), or cannot open it.
    pub fn open(spec: &RunSpec, layout: &Layout) -> Result<Self, FeedError> {
        let mut inputs = Vec::with_capacity(layout.series.len());
        let mut uses = Vec::with_capacity(layout.series.len());
        let mut opened = Vec::with_capacity(layout.series.len());
        for (index, plan) in layout.series.iter().enumerate() {
            let instrument = &spec.instruments[plan.key.instrument.index()];
            let offered = spec.source.series(&instrument.symbol)?;
            let request = SeriesRequest {
                symbol: instrument.symbol.clone(),
                kind: plan.key.kind,
                timeframe: plan.key.timeframe,
                from_ns: None,
                to_ns: None,
            };
            let open = || open_series(spec.source.as_ref(), instrument, &offered, &request);
            let rows_max = spec.bars_max.unwrap_or(u64::MAX);
            let timetable = match layout.needs_timetable(index) {
                true => Some(Timetable::read(open()?.0, &instrument.symbol, rows_max)?),
                false => None,
            };
            let (feed, info) = open()?;
            let empty = FeedError::Empty {
                origin: instrument.symbol.clone(),
                what: if info.timeframe == plan.key.timeframe {
                    format!("the series has no {} {}", info.timeframe, info.kind)
                } else {
                    let (coarse, fine) = (plan.key.timeframe, info.timeframe);
                    format!("no {coarse} {} is complete within the {fine} bars that there are", info.kind)
                },
            };
            inputs.push(Input::new(feed, instrument.symbol.clone(), empty, plan.lead, rows_max));
            let price_factor = info.prices_on_scale.then(|| crate::math::pow_factor(instrument.price_scale));
            opened.push(OpenedSeries { price_factor, timetable });
            uses.push(SeriesUse {
                symbol: instrument.symbol.clone(),
                kind: plan.key.kind.to_string(),
                timeframe: plan.key.timeframe.to_string(),
                aggregated_from: (info.timeframe != plan.key.timeframe).then(|| info.timeframe.to_string()),
                rows: 0,
                span_ns: None,
                data_hash: info.data_hash,
                notes: info.notes,
            });
        }
        let share = (FRAME_ROWS / layout.series.len().max(1)).max(SERIES_ROWS_MIN);
        let rows_max = spec.machinery.batch_rows.clamp(1, 1 << 24);
        Ok(Self {
            rows_max: if layout.series.len() > 1 { rows_max.min(share) } else { rows_max },
            groups: order::Groups::new(&layout.groups),
            inputs,
            uses,
            opened,
            sealed_ns: i64::MIN,
            sequence: 0,
        })
    }

    /// What is known of every series since it was opened.
    pub fn opened(&self) -> &[OpenedSeries] {
        &self.opened
    }

    /// Rows that a frame has of one series at most, leading rows not counted.
    pub fn frame_rows_max(&self) -> usize {
        self.rows_max
    }

    /// Merges the next span of steps into `frame`, whose memory is used again; its columns stay.
    ///
    /// # Errors
    /// What a feed says; the merge is then at its end.
    pub fn next_frame(&mut self, frame: &mut Frame) -> Result<Merged, FeedError> {
        let Some(horizon_ns) = self.horizon()? else {
            let done = self.inputs.iter().all(Input::is_done);
            return Ok(if done { Merged::End } else { Merged::Pending });
        };
        frame.sequence = self.sequence;
        self.sequence += 1;
        frame.series.clear();
        for input in &mut self.inputs {
            let rows = input.rows_until(horizon_ns, self.rows_max);
            frame.series.push(input.deliver(rows));
        }
        self.sealed_ns = self.sealed_ns.max(horizon_ns);
        self.groups.order(frame);
        Ok(Merged::Frame)
    }

    /// The time up to which all rows are at hand, or `None` when there is none at hand to deliver.
    fn horizon(&mut self) -> Result<Option<i64>, FeedError> {
        // Rows at hand bound how far it is worth knowing the series that have none.
        loop {
            let bound_ns =
                self.inputs.iter().filter(|i| i.has_rows()).map(|i| i.known_ns(self.rows_max)).min();
            let behind = self
                .inputs
                .iter_mut()
                .filter(|input| !input.has_rows() && input.known_ns(0) < bound_ns.unwrap_or(i64::MAX))
                .min_by_key(|input| input.known_ns(0));
            match behind {
                None => break,
                Some(input) => {
                    if input.refill(self.rows_max, self.sealed_ns)? == Refill::Pending {
                        break;
                    }
                }
            }
        }
        let horizon_ns =
            self.inputs.iter().map(|input| input.known_ns(self.rows_max)).min().unwrap_or(i64::MAX);
        let ready = self.inputs.iter().any(|input| input.rows_until(horizon_ns, 1) > 0);
        Ok(ready.then_some(horizon_ns))
    }

    /// What has been read so far, by series.
    pub fn uses(&self) -> Vec<SeriesUse> {
        let mut uses = self.uses.clone();
        for (seen, input) in uses.iter_mut().zip(&self.inputs) {
            seen.rows = input.delivered;
            seen.span_ns = input.span_ns;
            if input.late > 0 {
                seen.notes.push(format!("{} rows came too late and were left out", input.late));
            }
        }
        uses
    }
}

/// Opens a series, or the finest one that it can be aggregated from.
fn open_series(
    source: &dyn Source,
    instrument: &Instrument,
    offered: &[SeriesInfo],
    request: &SeriesRequest,
) -> Result<(Box<dyn Feed>, SeriesInfo), FeedError> {
    let Some(info) = serving(offered, request.kind, request.timeframe) else {
        let there: Vec<_> = offered.iter().map(|info| format!("{} {}", info.kind, info.timeframe)).collect();
        return Err(FeedError::Unknown {
            origin: request.symbol.clone(),
            what: format!(
                "series {} {}; the source has: {}",
                request.kind,
                request.timeframe,
                if there.is_empty() { "none".to_owned() } else { there.join(", ") }
            ),
        });
    };
    if info.timeframe == request.timeframe {
        return Ok((source.open(request)?, info.clone()));
    }
    let finer = source.open(&SeriesRequest { timeframe: info.timeframe, ..request.clone() })?;
    let name = instrument.symbol.clone();
    let feed = ResampledFeed::new(finer, name, request.timeframe, instrument.calendar.clone());
    Ok((Box::new(feed), info.clone()))
}
