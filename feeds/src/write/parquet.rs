//! Parquet: row groups of a million rows, zstd, as pandas, polars and DuckDB read it.

use std::{io::Write, sync::Arc};

use arrow_array::{ArrayRef, Float64Array, RecordBatch, TimestampNanosecondArray};
use arrow_buffer::ScalarBuffer;
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use barhive_engine::data::{BarColumns, FeedError};
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    file::properties::WriterProperties,
};

use super::{BarWriter, write_error};

/// Rows of a row group; a reader holds one column page at a time, not a group.
const GROUP_ROWS: usize = 1 << 20;

pub(super) struct ParquetWriter {
    origin: String,
    schema: Arc<Schema>,
    writer: ArrowWriter<Box<dyn Write + Send>>,
}

impl ParquetWriter {
    pub(super) fn new(origin: String, out: Box<dyn Write + Send>) -> Result<Self, FeedError> {
        let stamp = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
        let mut fields =
            vec![Field::new("ts_open", stamp.clone(), false), Field::new("ts_close", stamp, false)];
        for name in ["open", "high", "low", "close", "volume"] {
            fields.push(Field::new(name, DataType::Float64, false));
        }
        let schema = Arc::new(Schema::new(fields));
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .build();
        let writer = ArrowWriter::try_new(out, schema.clone(), Some(properties))
            .map_err(|fault| write_error(&origin, &fault))?;
        Ok(Self { origin, schema, writer })
    }
}

impl BarWriter for ParquetWriter {
    fn rows(&mut self, rows: &BarColumns) -> Result<(), FeedError> {
        let stamps = |column: &ScalarBuffer<i64>| -> ArrayRef {
            Arc::new(TimestampNanosecondArray::new(column.clone(), None).with_timezone("UTC"))
        };
        let values =
            |column: &ScalarBuffer<f64>| -> ArrayRef { Arc::new(Float64Array::new(column.clone(), None)) };
        let columns = vec![
            stamps(&rows.ts_open_ns),
            stamps(&rows.ts_close_ns),
            values(&rows.open),
            values(&rows.high),
            values(&rows.low),
            values(&rows.close),
            values(&rows.volume),
        ];
        let batch = RecordBatch::try_new(self.schema.clone(), columns);
        let batch = batch.map_err(|fault| write_error(&self.origin, &fault))?;
        self.writer.write(&batch).map_err(|fault| write_error(&self.origin, &fault))
    }

    fn finish(self: Box<Self>) -> Result<(), FeedError> {
        self.writer.close().map(|_| ()).map_err(|fault| write_error(&self.origin, &fault))
    }
}
