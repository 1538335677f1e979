//! Rows of a catalog series, straight from the mapping.

use std::sync::Arc;

use barhive_engine::data::{Batch, Feed, FeedError, Pull};

use super::{
    checksum::BLOCK_ROWS,
    file::{SEGMENT_ROWS, SeriesFile},
};
use crate::StoreError;

/// The block that nobody reaches: nothing is checked.
const UNCHECKED: usize = usize::MAX;

/// A pass over a span of a stored series: batches are views, nothing is copied or allocated.
///
/// Each block is checked against its checksums when its first row is about to be handed out, so that a
/// damaged value is an error before anybody sees it.
#[derive(Debug)]
pub struct CatalogFeed {
    file: Arc<SeriesFile>,
    begin: usize,
    next: usize,
    end: usize,
    /// Blocks before this one need no checking any more.
    checked_blocks: usize,
}

impl CatalogFeed {
    /// Rows that open from `from_ns` on and close by `to_ns`.
    pub(crate) fn new(
        file: Arc<SeriesFile>,
        from_ns: Option<i64>,
        to_ns: Option<i64>,
        verify: bool,
    ) -> Result<Self, StoreError> {
        let begin = from_ns.map_or(Ok(0), |from| file.first_opening_from(from, verify))?;
        let end = to_ns.map_or(Ok(file.rows()), |to| file.first_closing_after(to, verify))?;
        Ok(Self::over(file, begin, end, verify))
    }

    /// Rows that close after `ts_ns`; all of them without one.
    pub(crate) fn after_close(file: Arc<SeriesFile>, ts_ns: Option<i64>) -> Result<Self, StoreError> {
        let begin = ts_ns.map_or(Ok(0), |ts| file.first_closing_after(ts, true))?;
        let end = file.rows();
        Ok(Self::over(file, begin, end, true))
    }

    fn over(file: Arc<SeriesFile>, begin: usize, end: usize, verify: bool) -> Self {
        let begin = begin.min(end);
        let checked_blocks = if verify { begin / BLOCK_ROWS } else { UNCHECKED };
        Self { file, begin, next: begin, end, checked_blocks }
    }

    /// How many rows the pass has not handed out yet.
    pub fn rows_left(&self) -> usize {
        self.end - self.next
    }

    fn check_until(&mut self, row: usize) -> Result<(), StoreError> {
        let blocks = row.div_ceil(BLOCK_ROWS);
        while self.checked_blocks < blocks {
            self.file.verify_block(self.checked_blocks)?;
            self.checked_blocks += 1;
        }
        Ok(())
    }
}

impl Feed for CatalogFeed {
    fn pull(&mut self, rows_max: usize, lead: usize) -> Result<Pull, FeedError> {
        if self.next == self.end {
            return Ok(Pull::End);
        }
        // A view covers one segment; leading rows are those handed out before from the same one.
        let within = self.next % SEGMENT_ROWS;
        let rows = rows_max.max(1).min(SEGMENT_ROWS - within).min(self.end - self.next);
        let lead = lead.min(within).min(self.next - self.begin);
        if let Err(damage) = self.check_until(self.next + rows) {
            self.next = self.end;
            return Err(damage.into());
        }
        let columns = self.file.slice(self.next - lead..self.next + rows);
        self.next += rows;
        Ok(Pull::Rows(Batch { columns, lead }))
    }

    /// The writer stores rows in order only, and the checksums say that they are the writer's.
    fn is_ordered(&self) -> bool {
        self.checked_blocks != UNCHECKED
    }
}
