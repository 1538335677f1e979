//! Following a tail.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use barhive_engine::{
    data::{Batch, Feed, FeedError, Pull, SeriesKind},
    timeframe::Timeframe,
};

use super::segment::{Segment, segment_numbers};
use crate::{Catalog, CatalogFeed, StoreError};

/// The rows of a tail as they appear: pending while there is no new one, at its end when the writer has
/// closed the tail. Batches are views of the tail's file.
#[derive(Debug)]
pub struct TailFeed {
    folder: PathBuf,
    history: Option<History>,
    /// Sealed rows that are handed out before the segment's.
    sealed: Option<CatalogFeed>,
    reading: Option<Reading>,
    /// The segment that comes next; none before the first.
    next_number: Option<u64>,
    last_close_ns: Option<i64>,
    ended: bool,
}

#[derive(Debug)]
struct History {
    catalog: Catalog,
    symbol: String,
    kind: SeriesKind,
    timeframe: Timeframe,
}

#[derive(Debug)]
struct Reading {
    segment: Segment,
    begin: usize,
    next: usize,
    /// Whether rows up to the last one handed out are still to be skipped.
    overlaps: bool,
}

impl TailFeed {
    /// Follows a tail from the oldest row that it still has.
    ///
    /// # Errors
    /// When there is no tail.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, FeedError> {
        let folder = folder.into();
        if segment_numbers(&folder)?.is_none() {
            return Err(no_tail(&folder).into());
        }
        Ok(Self::new(folder, None))
    }

    /// All rows that a series has in `catalog`, and then those of its tail; also right when segments are
    /// sealed meanwhile.
    ///
    /// # Errors
    /// When the series cannot be read.
    pub fn with_history(
        folder: impl Into<PathBuf>,
        catalog: Catalog,
        symbol: &str,
        kind: SeriesKind,
        timeframe: Timeframe,
    ) -> Result<Self, FeedError> {
        let history = History { catalog, symbol: symbol.to_owned(), kind, timeframe };
        let mut feed = Self::new(folder.into(), Some(history));
        feed.sealed = feed.rows_sealed_since()?;
        if feed.sealed.is_none() && segment_numbers(&feed.folder)?.is_none() {
            return Err(no_tail(&feed.folder).into());
        }
        Ok(feed)
    }

    fn new(folder: PathBuf, history: Option<History>) -> Self {
        Self {
            folder,
            history,
            sealed: None,
            reading: None,
            next_number: None,
            last_close_ns: None,
            ended: false,
        }
    }

    /// Rows of the catalog that have not been handed out.
    fn rows_sealed_since(&self) -> Result<Option<CatalogFeed>, StoreError> {
        let Some(History { catalog, symbol, kind, timeframe }) = &self.history else { return Ok(None) };
        match catalog.open_series(symbol, *kind, *timeframe) {
            Ok(file) => {
                let feed = CatalogFeed::after_close(Arc::new(file), self.last_close_ns)?;
                Ok((feed.rows_left() > 0).then_some(feed))
            }
            Err(StoreError::Unknown { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Opens the next segment. `false` when there is nothing to read at present.
    fn next_segment(&mut self) -> Result<bool, StoreError> {
        if let Some(number) = self.next_number
            && let Some(segment) = Segment::open(&self.folder, number)?
        {
            self.read(segment);
            return Ok(true);
        }
        // Not there: not begun yet, or sealed and gone.
        let Some(numbers) = segment_numbers(&self.folder)? else {
            self.sealed = self.rows_sealed_since()?;
            self.ended = self.sealed.is_none();
            return if self.ended && self.history.is_none() { Err(self.gap()) } else { Ok(true) };
        };
        let later = numbers.into_iter().find(|number| self.next_number.is_none_or(|next| *number > next));
        let Some(number) = later else { return Ok(false) };
        let Some(segment) = Segment::open(&self.folder, number)? else { return Ok(true) };
        if self.next_number.is_some() && self.history.is_none() {
            return Err(self.gap());
        }
        // With the segment in hand, everything before it is in the catalog by now.
        self.sealed = self.rows_sealed_since()?;
        self.read(segment);
        Ok(true)
    }

    fn read(&mut self, segment: Segment) {
        self.next_number = Some(segment.header.number + 1);
        // A segment that was just sealed may not be gone yet.
        let overlaps = self.history.is_some();
        self.reading = Some(Reading { segment, begin: 0, next: 0, overlaps });
    }

    fn gap(&self) -> StoreError {
        StoreError::Empty {
            path: self.folder.clone(),
            what: "the next rows were sealed into the catalog; follow the tail together with its catalog"
                .to_owned(),
        }
    }

    fn pull_rows(&mut self, rows_max: usize, lead: usize) -> Result<Pull, FeedError> {
        loop {
            if self.ended {
                return Ok(Pull::End);
            }
            if let Some(sealed) = &mut self.sealed {
                if let Pull::Rows(batch) = sealed.pull(rows_max, lead)? {
                    self.last_close_ns = batch.columns.ts_close_ns.last().copied();
                    return Ok(Pull::Rows(batch));
                }
                self.sealed = None;
            }
            let Some(reading) = &mut self.reading else {
                if self.next_segment()? {
                    continue;
                }
                return Ok(Pull::Pending);
            };
            // In this order: what was published before closing is seen after it.
            let closed = reading.segment.is_closed();
            let published = reading.segment.published()?;
            if reading.overlaps {
                reading.skip(published, self.last_close_ns);
            }
            if reading.next < published {
                let batch = reading.batch(published, rows_max, lead);
                self.last_close_ns = batch.columns.ts_close_ns.last().copied();
                return Ok(Pull::Rows(batch));
            }
            if closed {
                self.ended = true;
            } else if published == reading.segment.header.capacity {
                self.reading = None;
            } else {
                return Ok(Pull::Pending);
            }
        }
    }
}

fn no_tail(folder: &Path) -> StoreError {
    StoreError::Empty { path: folder.to_owned(), what: "there is no tail; start its writer first".to_owned() }
}

impl Reading {
    /// Passes over rows that were handed out from the catalog.
    fn skip(&mut self, published: usize, last_close_ns: Option<i64>) {
        let rows = self.segment.rows(0..published);
        let known = last_close_ns.map_or(0, |last| rows.ts_close_ns.partition_point(|close| *close <= last));
        self.begin = known;
        self.next = known;
        // While only known rows are there, more of them may come.
        self.overlaps = known == published;
    }

    fn batch(&mut self, published: usize, rows_max: usize, lead: usize) -> Batch {
        let rows = rows_max.max(1).min(published - self.next);
        let lead = lead.min(self.next - self.begin);
        let columns = self.segment.rows(self.next - lead..self.next + rows);
        self.next += rows;
        Batch { columns, lead }
    }
}

impl Feed for TailFeed {
    fn pull(&mut self, rows_max: usize, lead: usize) -> Result<Pull, FeedError> {
        let pulled = self.pull_rows(rows_max, lead);
        self.ended |= pulled.is_err();
        pulled
    }
}
