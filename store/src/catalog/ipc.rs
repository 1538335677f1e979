//! The Arrow file of a series in the making.

use std::{
    collections::HashMap,
    fmt,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow_array::{ArrayRef, Float64Array, RecordBatch, TimestampNanosecondArray};
use arrow_buffer::ScalarBuffer;
use arrow_ipc::writer::FileWriter;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};
use barhive_engine::data::BarColumns;

use super::{
    checksum::{BlockSums, COLUMNS, block_sums, encode},
    draft::Draft,
    file::{ALIGNMENT, KEY_CHECK, KEY_IDENTITY, KEY_SERIES, KEY_SUMS, ZONE, footer_check},
};
use crate::StoreError;

/// The Arrow file that is being written, with the checksums of what is in it.
#[derive(Debug)]
pub(super) struct IpcFile {
    path: PathBuf,
    schema: SchemaRef,
    writer: WriterBox,
    pub(super) sums: Vec<BlockSums>,
    bodies: Vec<u64>,
}

/// Arrow's writer, which has no `Debug`.
struct WriterBox(FileWriter<Pieces>);

impl fmt::Debug for WriterBox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileWriter")
    }
}

/// Bytes that go to the disk at once. The system keeps a file that was written in aligned pieces of this
/// size in large pages, which makes reading it through a mapping a quarter faster.
const PIECE_BYTES: usize = 2 << 20;

/// Writes a draft in aligned pieces, and knows how much was written.
struct Pieces {
    draft: Draft,
    piece: Vec<u8>,
    bytes: u64,
}

impl Pieces {
    fn new(draft: Draft) -> Self {
        Self { draft, piece: Vec::with_capacity(PIECE_BYTES), bytes: 0 }
    }

    fn write_piece(&mut self) -> io::Result<()> {
        self.draft.write_all(&self.piece)?;
        self.piece.clear();
        Ok(())
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(PIECE_BYTES - self.piece.len());
        self.piece.extend_from_slice(&bytes[..taken]);
        self.bytes += taken as u64;
        if self.piece.len() == PIECE_BYTES {
            self.write_piece()?;
        }
        Ok(taken)
    }

    /// Does nothing: Arrow's writer flushes at its end, and the draft is written when it is put in place.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl IpcFile {
    /// Starts the file with its schema.
    pub(super) fn create(draft: Draft, path: &Path, identity_text: &str) -> Result<Self, StoreError> {
        let schema = Arc::new(schema(identity_text));
        let writer = FileWriter::try_new(Pieces::new(draft), &schema).map_err(arrow_error(path))?;
        Ok(Self {
            path: path.to_owned(),
            schema,
            writer: WriterBox(writer),
            sums: Vec::new(),
            bodies: Vec::new(),
        })
    }

    /// Writes up to [`SEGMENT_ROWS`](super::file::SEGMENT_ROWS) rows as one record batch; only the last may be shorter.
    pub(super) fn write_segment(&mut self, columns: &BarColumns) -> Result<(), StoreError> {
        self.sums.extend(block_sums(columns));
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays(columns))
            .map_err(arrow_error(&self.path))?;
        self.writer.0.write(&batch).map_err(arrow_error(&self.path))?;
        // The body is the last thing that was written, of a length that the rows tell.
        let body_bytes = COLUMNS.len() * (columns.len() * 8).next_multiple_of(ALIGNMENT);
        self.bodies.push(self.writer.0.get_ref().bytes - body_bytes as u64);
        Ok(())
    }

    /// Writes the footer and puts the file in place.
    pub(super) fn finish(mut self, identity_text: &str, series_text: &str) -> Result<(), StoreError> {
        let sums_text = encode(&self.sums);
        let check = footer_check(identity_text, series_text, &sums_text, &self.bodies);
        let writer = &mut self.writer.0;
        writer.write_metadata(KEY_SERIES, series_text);
        writer.write_metadata(KEY_SUMS, sums_text);
        writer.write_metadata(KEY_CHECK, format!("{check:08x}"));
        writer.finish().map_err(arrow_error(&self.path))?;
        let mut pieces = self.writer.0.into_inner().map_err(arrow_error(&self.path))?;
        pieces.write_piece().map_err(StoreError::io(&self.path, "write the file"))?;
        pieces.draft.commit()
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
    let metadata = HashMap::from([(KEY_IDENTITY.to_owned(), identity_text.to_owned())]);
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
            other => io::Error::other(other.to_string()),
        };
        StoreError::Io { path, doing: "write the file", source }
    }
}
