//! Writing a series: appended batch by batch in bounded memory, visible only when complete.

use std::{io::BufWriter, path::Path, sync::Arc};

use arrow_array::{ArrayRef, Float64Array, RecordBatch, TimestampNanosecondArray};
use arrow_buffer::{ArrowNativeType, ScalarBuffer};
use arrow_ipc::writer::FileWriter;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};
use barhive_engine::{
    data::{BarColumns, BarColumnsBuilder, SeriesKind},
    instrument::Instrument,
    timeframe::Timeframe,
};

use super::{
    checksum::{BLOCK_ROWS, BlockSums, COLUMNS, block_sums, data_hash, encode},
    draft::Draft,
    file::{
        ALIGNMENT, KEY_CHECK, KEY_IDENTITY, KEY_SERIES, KEY_SUMS, SEGMENT_ROWS, SeriesFile, ZONE,
        footer_check,
    },
    listing::SeriesEntry,
    meta::{FORMAT, Identity, InstrumentRecord, SeriesFacts, SeriesMeta},
    name::series_path,
    order::RowOrder,
};
use crate::StoreError;

/// Writes one series of a catalog; dropped before [`CatalogWriter::finish`], it leaves what was there.
///
/// Holds at most 65,536 rows (3.5 MiB) in memory.
#[derive(Debug)]
pub struct CatalogWriter {
    identity: Identity,
    instrument: Instrument,
    facts: SeriesFacts,
    identity_text: String,
    path: std::path::PathBuf,
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

/// The Arrow file that is being written, with the checksums of what is in it.
#[derive(Debug)]
struct IpcFile {
    path: std::path::PathBuf,
    schema: SchemaRef,
    writer: WriterBox,
    sums: Vec<BlockSums>,
    bodies: Vec<u64>,
}

/// Arrow's writer, which has no `Debug`.
struct WriterBox(FileWriter<BufWriter<Counted>>);

impl std::fmt::Debug for WriterBox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FileWriter")
    }
}

/// A draft that knows how much was written into it.
struct Counted {
    draft: Draft,
    bytes: u64,
}

impl std::io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.draft.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.draft.flush()
    }
}

impl IpcFile {
    fn create(draft: Draft, path: &Path, identity_text: &str) -> Result<Self, StoreError> {
        let schema = Arc::new(schema(identity_text));
        let writer =
            FileWriter::try_new(BufWriter::with_capacity(1 << 16, Counted { draft, bytes: 0 }), &schema)
                .map_err(arrow_error(path))?;
        Ok(Self {
            path: path.to_owned(),
            schema,
            writer: WriterBox(writer),
            sums: Vec::new(),
            bodies: Vec::new(),
        })
    }

    /// Writes up to [`SEGMENT_ROWS`] rows as one record batch; only the last may be shorter.
    fn write_segment(&mut self, columns: &BarColumns) -> Result<(), StoreError> {
        self.sums.extend(block_sums(columns));
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays(columns))
            .map_err(arrow_error(&self.path))?;
        self.writer.0.write(&batch).map_err(arrow_error(&self.path))?;
        self.writer.0.flush().map_err(arrow_error(&self.path))?;
        // The body is the last thing that was written, of a length that the rows tell.
        let body_bytes = COLUMNS.len() * (columns.len() * 8).next_multiple_of(ALIGNMENT);
        self.bodies.push(self.writer.0.get_ref().get_ref().bytes - body_bytes as u64);
        Ok(())
    }

    fn finish(mut self, identity_text: &str, series_text: &str) -> Result<(), StoreError> {
        let sums_text = encode(&self.sums);
        let check = footer_check(identity_text, series_text, &sums_text, &self.bodies);
        let writer = &mut self.writer.0;
        writer.write_metadata(KEY_SERIES, series_text);
        writer.write_metadata(KEY_SUMS, sums_text);
        writer.write_metadata(KEY_CHECK, format!("{check:08x}"));
        writer.finish().map_err(arrow_error(&self.path))?;
        let buffered = self.writer.0.into_inner().map_err(arrow_error(&self.path))?;
        let counted = buffered
            .into_inner()
            .map_err(|error| StoreError::io(&self.path, "write the file")(error.into_error()))?;
        counted.draft.commit()
    }
}

fn schema(identity_text: &str) -> Schema {
    let fields = COLUMNS.map(|name| {
        let data_type = if name.starts_with("ts_") {
            DataType::Timestamp(TimeUnit::Nanosecond, Some(ZONE.into()))
        } else {
            DataType::Float64
        };
        Field::new(name, data_type, false)
    });
    let metadata = std::collections::HashMap::from([(KEY_IDENTITY.to_owned(), identity_text.to_owned())]);
    Schema::new(fields.to_vec()).with_metadata(metadata)
}

fn arrays(columns: &BarColumns) -> Vec<ArrayRef> {
    let times = |column: &ScalarBuffer<i64>| {
        Arc::new(TimestampNanosecondArray::new(column.clone(), None).with_timezone(ZONE)) as ArrayRef
    };
    let prices = |column: &ScalarBuffer<f64>| Arc::new(Float64Array::new(column.clone(), None)) as ArrayRef;
    vec![
        times(&columns.ts_open_ns),
        times(&columns.ts_close_ns),
        prices(&columns.open),
        prices(&columns.high),
        prices(&columns.low),
        prices(&columns.close),
        prices(&columns.volume),
    ]
}

fn arrow_error(path: &Path) -> impl FnOnce(ArrowError) -> StoreError {
    let path = path.to_owned();
    move |error| {
        let source = match error {
            ArrowError::IoError(_, source) => source,
            other => std::io::Error::other(other.to_string()),
        };
        StoreError::Io { path, doing: "write the file", source }
    }
}
