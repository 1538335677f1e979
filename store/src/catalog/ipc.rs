//! The Arrow file of a series in the making.

use std::{
    collections::HashMap,
    fmt,
    io::{self, BufWriter, Write},
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
struct WriterBox(FileWriter<BufWriter<Counted>>);

impl fmt::Debug for WriterBox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileWriter")
    }
}

/// A draft that knows how much was written into it.
struct Counted {
    draft: Draft,
    bytes: u64,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.draft.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.draft.flush()
    }
}

impl IpcFile {
    /// Starts the file with its schema.
    pub(super) fn create(draft: Draft, path: &Path, identity_text: &str) -> Result<Self, StoreError> {
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

    /// Writes up to [`SEGMENT_ROWS`](super::file::SEGMENT_ROWS) rows as one record batch; only the last may be shorter.
    pub(super) fn write_segment(&mut self, columns: &BarColumns) -> Result<(), StoreError> {
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

    /// Writes the footer and puts the file in place.
    pub(super) fn finish(mut self, identity_text: &str, series_text: &str) -> Result<(), StoreError> {
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
