//! One series of a merge: rows pulled ahead, the leading rows kept, and how far it is known.

use std::sync::Arc;

use super::sequence::Sequence;
use crate::{
    calendar::Calendar,
    data::{BarColumns, BarColumnsBuilder, Batch, Feed, FeedError, Pull, Resampler},
    frame::SeriesRows,
    timeframe::Timeframe,
};

/// What a refill brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refill {
    /// Rows, a newer watermark or the end.
    Moved,
    /// Nothing at present.
    Pending,
}

/// One series of a merge.
pub(super) struct Input {
    feed: Box<dyn Feed>,
    sequence: Sequence,
    /// What to say of a series without a row.
    empty: FeedError,
    /// Rows delivered before (as far as they are kept) and rows not yet delivered.
    columns: BarColumns,
    /// The first row not yet delivered.
    next: usize,
    /// Delivered rows that must be kept.
    lead: usize,
    /// No row up to and including this time is missing.
    known_ns: i64,
    ended: bool,
    /// Rows that may still be taken from the feed.
    rows_left: u64,
    pub(super) delivered: u64,
    pub(super) late: u64,
    pub(super) span_ns: Option<(i64, i64)>,
}

impl Input {
    /// `empty` is what a feed that ends without a row comes to.
    pub(super) fn new(
        feed: Box<dyn Feed>,
        name: String,
        empty: FeedError,
        lead: usize,
        rows_max: u64,
    ) -> Self {
        Self {
            feed,
            sequence: Sequence::new(name),
            empty,
            columns: BarColumns::empty(),
            next: 0,
            lead,
            known_ns: i64::MIN,
            ended: false,
            rows_left: rows_max,
            delivered: 0,
            late: 0,
            span_ns: None,
        }
    }

    pub(super) fn has_rows(&self) -> bool {
        self.next < self.columns.len()
    }

    pub(super) fn is_done(&self) -> bool {
        self.ended && !self.has_rows()
    }

    /// Up to where its rows are known, when at most `rows_max` of those at hand are used.
    pub(super) fn known_ns(&self, rows_max: usize) -> i64 {
        let rows = self.columns.len() - self.next;
        if rows > rows_max || (rows > 0 && !self.ended) {
            self.columns.ts_close_ns[self.next + rows.min(rows_max) - 1]
        } else if self.ended {
            i64::MAX
        } else {
            self.known_ns
        }
    }

    /// Asks the feed once, when no row is at hand. Rows up to `sealed_ns` come too late.
    pub(super) fn refill(&mut self, rows_max: usize, sealed_ns: i64) -> Result<Refill, FeedError> {
        debug_assert!(!self.has_rows());
        if self.ended {
            return Ok(Refill::Moved);
        }
        let rows_max = rows_max.min(usize::try_from(self.rows_left).unwrap_or(usize::MAX));
        if rows_max == 0 {
            return self.end();
        }
        let lead = if self.late > 0 { 0 } else { self.lead.min(self.next) };
        match self.feed.pull(rows_max, lead)? {
            Pull::Rows(batch) if batch.is_empty() => Ok(Refill::Pending),
            Pull::Rows(batch) => {
                self.take(batch, sealed_ns)?;
                Ok(Refill::Moved)
            }
            Pull::Watermark(ts_ns) if ts_ns > self.known_ns => {
                self.known_ns = ts_ns;
                Ok(Refill::Moved)
            }
            // A watermark that does not move says nothing new.
            Pull::Watermark(_) | Pull::Pending => Ok(Refill::Pending),
            Pull::End => self.end(),
        }
    }

    fn end(&mut self) -> Result<Refill, FeedError> {
        self.ended = true;
        if self.delivered == 0 { Err(self.empty.clone()) } else { Ok(Refill::Moved) }
    }

    fn take(&mut self, batch: Batch, sealed_ns: i64) -> Result<(), FeedError> {
        let (mut columns, mut lead) = (batch.columns, batch.lead);
        if !self.feed.is_ordered() {
            self.sequence.check(&columns, lead)?;
        }
        // A feed may bring more than it was asked for.
        let left = usize::try_from(self.rows_left).unwrap_or(usize::MAX);
        if columns.len() - lead > left {
            columns = columns.slice(0, lead + left);
        }
        self.rows_left -= (columns.len() - lead) as u64;
        let late = columns.ts_close_ns[lead..].partition_point(|ts_ns| *ts_ns <= sealed_ns);
        self.late += late as u64;
        if self.late > 0 {
            // Late rows must not serve looking back either: nothing has seen them. The feed does not
            // know, so its leading rows are not taken any more.
            columns = columns.slice(lead + late, columns.len() - lead - late);
            lead = 0;
        }
        self.known_ns = self.known_ns.max(columns.ts_close_ns.last().copied().unwrap_or(sealed_ns));
        let kept = self.lead.min(self.next);
        if lead < kept {
            let mut builder = BarColumnsBuilder::with_capacity(kept + columns.len() - lead);
            builder.extend(&self.columns.slice(self.next - kept, kept));
            builder.extend(&columns.slice(lead, columns.len() - lead));
            (columns, lead) = (builder.finish(), kept);
        }
        (self.columns, self.next) = (columns, lead);
        Ok(())
    }

    /// How many of the next `rows_max` rows close at or before `horizon_ns`.
    pub(super) fn rows_until(&self, horizon_ns: i64, rows_max: usize) -> usize {
        let end = self.columns.len().min(self.next + rows_max);
        let ahead = &self.columns.ts_close_ns[self.next..end];
        // Most often all of them.
        match ahead.last() {
            Some(last) if *last <= horizon_ns => ahead.len(),
            Some(_) => ahead.partition_point(|ts_ns| *ts_ns <= horizon_ns),
            None => 0,
        }
    }

    /// Delivers the next `rows` rows behind the kept ones.
    pub(super) fn deliver(&mut self, rows: usize) -> SeriesRows {
        let lead = self.lead.min(self.next);
        let columns = self.columns.slice(self.next - lead, lead + rows);
        if rows > 0 {
            let ts = &columns.ts_close_ns;
            let first = self.span_ns.map_or(ts[lead], |(first, _)| first);
            self.span_ns = Some((first, ts[lead + rows - 1]));
        }
        self.next += rows;
        self.delivered += rows as u64;
        SeriesRows { columns, lead }
    }
}

/// A feed of bars aggregated from a finer feed.
pub(super) struct ResampledFeed {
    inner: Box<dyn Feed>,
    sequence: Sequence,
    resampler: Resampler,
    /// Where the finer feed stands, to be told after the bars that it completed.
    watermark_ns: Option<i64>,
}

impl ResampledFeed {
    pub(super) fn new(
        inner: Box<dyn Feed>,
        name: String,
        timeframe: Timeframe,
        calendar: Option<Arc<Calendar>>,
    ) -> Self {
        let resampler = Resampler::new(timeframe, calendar);
        Self { inner, sequence: Sequence::new(name), resampler, watermark_ns: None }
    }
}

impl Feed for ResampledFeed {
    fn pull(&mut self, rows_max: usize, _: usize) -> Result<Pull, FeedError> {
        if let Some(ts_ns) = self.watermark_ns.take() {
            return Ok(Pull::Watermark(ts_ns));
        }
        let mut out = BarColumnsBuilder::default();
        let seen_ns = match self.inner.pull(rows_max, 0)? {
            Pull::Rows(batch) => {
                let columns = batch.columns.slice(batch.lead, batch.len());
                if !self.inner.is_ordered() {
                    self.sequence.check(&columns, 0)?;
                }
                self.resampler.rows(&columns, &mut out);
                columns.ts_close_ns.last().copied()
            }
            Pull::Watermark(ts_ns) => {
                self.resampler.watermark(ts_ns, &mut out);
                Some(ts_ns)
            }
            Pull::Pending => return Ok(Pull::Pending),
            Pull::End => return Ok(Pull::End),
        };
        match seen_ns {
            Some(ts_ns) if out.is_empty() => Ok(Pull::Watermark(ts_ns)),
            Some(ts_ns) => {
                // Where the newest bar closes now, its row says as much.
                self.watermark_ns = Some(ts_ns).filter(|ts_ns| out.ts_close_ns.last() < Some(ts_ns));
                Ok(Pull::Rows(Batch::new(out.finish())))
            }
            None => Ok(Pull::Pending),
        }
    }
}
