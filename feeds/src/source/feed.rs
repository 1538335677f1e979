//! Feeds of files: streamed anew, or held in memory.

use barhive_engine::data::{BarColumns, Batch, Feed, FeedError, Pull, SeriesRequest};

use crate::import::Pipeline;

/// Rows judged at a time; pulls are views of them.
const CHUNK_ROWS: usize = 8_192;

/// The rows of `columns` that open at or after `from_ns` and close at or before `to_ns`.
pub(crate) fn span(columns: &BarColumns, from_ns: Option<i64>, to_ns: Option<i64>) -> BarColumns {
    let start = from_ns.map_or(0, |from| columns.ts_open_ns.partition_point(|open| *open < from));
    let end = to_ns.map_or(columns.len(), |to| columns.ts_close_ns.partition_point(|close| *close <= to));
    columns.slice(start, end.saturating_sub(start))
}

/// The error of a span without a row.
pub(crate) fn empty_span(origin: &str, request: &SeriesRequest) -> FeedError {
    let text = |ts_ns: Option<i64>, otherwise: &str| {
        ts_ns.map_or_else(|| otherwise.to_owned(), barhive_engine::time::format_utc)
    };
    FeedError::Empty {
        origin: origin.to_owned(),
        what: format!(
            "no row of {} {} opens at or after {} and closes at or before {}",
            request.symbol,
            request.timeframe,
            text(request.from_ns, "the beginning"),
            text(request.to_ns, "the end")
        ),
    }
}

/// Rows in memory.
pub(crate) struct HeldFeed {
    rows: BarColumns,
    at: usize,
}

impl HeldFeed {
    pub(crate) fn new(origin: &str, rows: &BarColumns, request: &SeriesRequest) -> Result<Self, FeedError> {
        let rows = span(rows, request.from_ns, request.to_ns);
        if rows.is_empty() { Err(empty_span(origin, request)) } else { Ok(Self { rows, at: 0 }) }
    }
}

impl Feed for HeldFeed {
    fn pull(&mut self, rows_max: usize, lead: usize) -> Result<Pull, FeedError> {
        let count = rows_max.max(1).min(self.rows.len() - self.at);
        if count == 0 {
            return Ok(Pull::End);
        }
        let lead = lead.min(self.at);
        let columns = self.rows.slice(self.at - lead, lead + count);
        self.at += count;
        Ok(Pull::Rows(Batch { columns, lead }))
    }
}

/// Rows of a file, read as they are asked for.
pub(super) struct StreamFeed {
    pipeline: Pipeline,
    request: SeriesRequest,
    rows: BarColumns,
    at: usize,
    ended: bool,
}

impl StreamFeed {
    pub(super) fn new(origin: &str, pipeline: Pipeline, request: &SeriesRequest) -> Result<Self, FeedError> {
        let request = request.clone();
        let mut feed = Self { pipeline, request, rows: BarColumns::empty(), at: 0, ended: false };
        feed.read_on()?;
        if feed.rows.is_empty() {
            return Err(empty_span(origin, &feed.request));
        }
        Ok(feed)
    }

    /// Reads until there is a row in the asked span, or no further one can be.
    fn read_on(&mut self) -> Result<(), FeedError> {
        while self.at == self.rows.len() && !self.ended {
            self.ended = !self.pipeline.advance(CHUNK_ROWS)?;
            let chunk = self.pipeline.take_chunk();
            let all = chunk.of(self.request.kind);
            let beyond =
                self.request.to_ns.is_some_and(|to| all.ts_close_ns.last().is_some_and(|ns| *ns > to));
            self.ended |= beyond;
            self.rows = span(all, self.request.from_ns, self.request.to_ns);
            self.at = 0;
        }
        Ok(())
    }
}

impl Feed for StreamFeed {
    fn pull(&mut self, rows_max: usize, lead: usize) -> Result<Pull, FeedError> {
        if let Err(fault) = self.read_on() {
            self.ended = true;
            return Err(fault);
        }
        let count = rows_max.max(1).min(self.rows.len() - self.at);
        if count == 0 {
            return Ok(Pull::End);
        }
        let lead = lead.min(self.at);
        let columns = self.rows.slice(self.at - lead, lead + count);
        self.at += count;
        Ok(Pull::Rows(Batch { columns, lead }))
    }
}
