//! Writing a series: appended batch by batch in bounded memory, visible only when complete.

use std::path::{Path, PathBuf};

use arrow_buffer::{ArrowNativeType, ScalarBuffer};
use barhive_engine::{
    data::{BarColumns, BarColumnsBuilder, SeriesKind},
    instrument::Instrument,
    timeframe::Timeframe,
};

use super::{
    checksum::{BLOCK_ROWS, data_hash},
    draft::Draft,
    file::{SEGMENT_ROWS, SeriesFile},
    ipc::IpcFile,
    listing::SeriesEntry,
    meta::{FORMAT, Identity, InstrumentRecord, SeriesFacts, SeriesMeta},
    name::series_path,
    order::RowOrder,
};
use crate::StoreError;

/// Writes one series of a catalog; dropped before [`CatalogWriter::finish`], it leaves what was there.
///
/// Holds at most 65,536 rows (3.5 MiB) and 2 MiB of the file in memory.
#[derive(Debug)]
pub struct CatalogWriter {
    identity: Identity,
    instrument: Instrument,
    facts: SeriesFacts,
    identity_text: String,
    path: PathBuf,
    file: IpcFile,
    pending: BarColumnsBuilder,
    order: RowOrder,
    first_close_ns: Option<i64>,
}

impl CatalogWriter {
    pub(crate) fn create(
        root: &Path,
        instrument: Instrument,
        kind: SeriesKind,
        timeframe: Timeframe,
        facts: SeriesFacts,
    ) -> Result<Self, StoreError> {
        check_instrument(&instrument)?;
        let identity = Identity { symbol: instrument.symbol.clone(), kind, timeframe };
        let path = series_path(root, &identity.symbol, kind, timeframe)?;
        let identity_text = identity.to_json().map_err(refused(&identity))?;
        let file = IpcFile::create(Draft::create(&path)?, &path, &identity_text)?;
        Ok(Self {
            order: RowOrder::new(identity.label()),
            identity,
            instrument,
            facts,
            identity_text,
            path,
            file,
            pending: BarColumnsBuilder::with_capacity(SEGMENT_ROWS),
            first_close_ns: None,
        })
    }

    /// Appends bars that close after all bars so far.
    ///
    /// # Errors
    /// When a bar does not come after the one before it (nothing of `columns` is stored then), or the
    /// disk refuses.
    pub fn append(&mut self, columns: &BarColumns) -> Result<(), StoreError> {
        self.order.check(columns)?;
        if self.first_close_ns.is_none() {
            self.first_close_ns = columns.ts_close_ns.first().copied();
        }
        let mut at = 0;
        while at < columns.len() {
            let left = columns.len() - at;
            if self.pending.is_empty() && left >= SEGMENT_ROWS {
                self.file.write_segment(&columns.slice(at, SEGMENT_ROWS))?;
                at += SEGMENT_ROWS;
                continue;
            }
            let take = left.min(SEGMENT_ROWS - self.pending.len());
            self.pending.extend(&columns.slice(at, take));
            at += take;
            if self.pending.len() == SEGMENT_ROWS {
                self.write_pending()?;
            }
        }
        self.order.advance(columns);
        Ok(())
    }

    /// How many bars were appended.
    pub fn rows(&self) -> u64 {
        self.order.rows()
    }

    /// When the last bar closed, UTC nanoseconds.
    pub fn last_close_ns(&self) -> Option<i64> {
        self.order.last_close_ns()
    }

    /// What is known about the rows besides themselves; may be completed until the series is finished.
    pub fn facts_mut(&mut self) -> &mut SeriesFacts {
        &mut self.facts
    }

    /// Replaces the instrument, where its scales were found out from the rows.
    ///
    /// # Errors
    /// When it is another symbol or its numbers are unsound.
    pub fn set_instrument(&mut self, instrument: Instrument) -> Result<(), StoreError> {
        check_instrument(&instrument)?;
        if instrument.symbol != self.identity.symbol {
            let what = format!("expected the instrument of {}", self.identity.symbol);
            return Err(StoreError::Refused { subject: format!("instrument {}", instrument.symbol), what });
        }
        self.instrument = instrument;
        Ok(())
    }

    /// Writes everything to disk and puts the series in place of an earlier version.
    ///
    /// # Errors
    /// When no bar was appended or the disk refuses; the earlier version is then as it was.
    pub fn finish(mut self) -> Result<SeriesEntry, StoreError> {
        let (Some(first_close_ns), Some(last_close_ns)) = (self.first_close_ns, self.last_close_ns()) else {
            let what = format!(
                "no bar of {} was written; look at the file that was imported",
                self.identity.label()
            );
            return Err(StoreError::Empty { path: self.path, what });
        };
        if !self.pending.is_empty() {
            self.write_pending()?;
        }
        let meta = SeriesMeta {
            format: FORMAT,
            rows: self.order.rows(),
            segment_rows: SEGMENT_ROWS as u64,
            block_rows: BLOCK_ROWS as u64,
            first_close_ns,
            last_close_ns,
            data_hash: data_hash(self.order.rows(), &self.file.sums),
            facts: self.facts,
            instrument: InstrumentRecord::from(&self.instrument),
        };
        let series_text = meta.to_json().map_err(refused(&self.identity))?;
        self.file.finish(&self.identity_text, &series_text)?;
        Ok(SeriesEntry::of(&SeriesFile::open(&self.path)?))
    }

    fn write_pending(&mut self) -> Result<(), StoreError> {
        let columns = std::mem::take(&mut self.pending).finish();
        let written = self.file.write_segment(&columns);
        self.pending = reclaim(columns);
        written
    }
}

/// The memory of columns that nobody else sees any more, emptied for the next ones.
fn reclaim(columns: BarColumns) -> BarColumnsBuilder {
    fn emptied<T: ArrowNativeType>(column: ScalarBuffer<T>) -> Vec<T> {
        let mut rows = Vec::from(column);
        rows.clear();
        rows
    }
    BarColumnsBuilder {
        ts_open_ns: emptied(columns.ts_open_ns),
        ts_close_ns: emptied(columns.ts_close_ns),
        open: emptied(columns.open),
        high: emptied(columns.high),
        low: emptied(columns.low),
        close: emptied(columns.close),
        volume: emptied(columns.volume),
    }
}

fn check_instrument(instrument: &Instrument) -> Result<(), StoreError> {
    let faults = instrument.faults();
    if faults.is_empty() {
        return Ok(());
    }
    Err(StoreError::Refused { subject: format!("instrument {}", instrument.symbol), what: faults.join("; ") })
}

fn refused(identity: &Identity) -> impl FnOnce(String) -> StoreError {
    let subject = identity.label();
    move |what| StoreError::Refused { subject, what }
}
