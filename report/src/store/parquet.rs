//! Parquet files. Every chunk is one row group and goes straight to the file; between chunks only the
//! footer's entries stay in memory, about 300 bytes per column and row group.

use std::{io::Write, marker::PhantomData, sync::Arc};

use arrow_schema::{DataType, Field, Schema, TimeUnit};
use parquet::{
    arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata},
    basic::{Compression, Encoding},
    column::writer::ColumnWriter,
    data_type::{ByteArray, FixedLenByteArray},
    errors::{ParquetError, Result},
    file::{
        properties::{EnabledStatistics, WriterProperties},
        writer::{SerializedColumnWriter, SerializedFileWriter},
    },
    schema::types::ColumnPath,
};

use super::{
    place::GrowingFile,
    rows::{Cell, Column, Names, Row, Type},
};

/// Digits of every decimal column.
const DECIMAL_DIGITS: u8 = 38;

/// One growing Parquet file.
pub(super) struct ParquetFile<R> {
    writer: SerializedFileWriter<GrowingFile>,
    rows: PhantomData<R>,
}

impl<R: Row> ParquetFile<R> {
    pub(super) fn new(file: GrowingFile) -> Result<Self> {
        let schema = Schema::new(R::COLUMNS.iter().map(field).collect::<Vec<_>>());
        let descriptor = ArrowSchemaConverter::new().schema_root(R::FILE).convert(&schema)?;
        let mut properties = R::COLUMNS
            .iter()
            .fold(
                WriterProperties::builder()
                    .set_created_by(concat!("barhive ", env!("CARGO_PKG_VERSION")).into())
                    .set_compression(Compression::SNAPPY)
                    .set_dictionary_enabled(false)
                    .set_statistics_enabled(EnabledStatistics::Chunk)
                    .set_offset_index_disabled(true)
                    .set_data_page_size_limit(256 << 10)
                    .set_write_batch_size(8192),
                |properties, column| {
                    let path = ColumnPath::from(column.name);
                    match column.kind {
                        Type::Time | Type::Whole => {
                            properties.set_column_encoding(path, Encoding::DELTA_BINARY_PACKED)
                        }
                        Type::Real => properties.set_column_encoding(path, Encoding::BYTE_STREAM_SPLIT),
                        // Least and greatest values of these would keep their whole chunk in memory
                        // until the footer is written: they are views of its one buffer.
                        Type::Text => properties
                            .set_column_statistics_enabled(path.clone(), EnabledStatistics::None)
                            .set_column_dictionary_enabled(path, true),
                        Type::Decimal(_) => {
                            properties.set_column_statistics_enabled(path, EnabledStatistics::None)
                        }
                    }
                },
            )
            .build();
        add_encoded_arrow_schema_to_metadata(&schema, &mut properties);
        let writer = SerializedFileWriter::new(file, descriptor.root_schema_ptr(), Arc::new(properties))?;
        Ok(Self { writer, rows: PhantomData })
    }

    /// Writes one row group.
    pub(super) fn write(&mut self, rows: &[R], names: &Names) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for column in R::COLUMNS {
            let mut writer =
                group.next_column()?.ok_or_else(|| ParquetError::General("a column is missing".into()))?;
            write_column(&mut writer, column, rows, names)?;
            writer.close()?;
        }
        group.close()?;
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<()> {
        self.writer.finish()?;
        self.writer.inner_mut().flush()?;
        Ok(self.writer.inner().finish()?)
    }
}

fn field<R>(column: &Column<R>) -> Field {
    let kind = match column.kind {
        Type::Time => DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
        Type::Real => DataType::Float64,
        Type::Whole => DataType::Int64,
        Type::Text => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
        Type::Decimal(scale) => DataType::Decimal128(DECIMAL_DIGITS, scale as i8),
    };
    Field::new(column.name, kind, column.nullable)
}

fn write_column<R: Row>(
    writer: &mut SerializedColumnWriter<'_>,
    column: &Column<R>,
    rows: &[R],
    names: &Names,
) -> Result<()> {
    let levels: Option<Vec<i16>> = column
        .nullable
        .then(|| rows.iter().map(|row| i16::from((column.cell)(row, names) != Cell::Missing)).collect());
    let levels = levels.as_deref();
    match writer.untyped() {
        ColumnWriter::Int64ColumnWriter(typed) => {
            let values = values(column, rows, names, |cell| match cell {
                Cell::Time(value) | Cell::Whole(value) => Some(value),
                _ => None,
            })?;
            typed.write_batch(&values, levels, None)?;
        }
        ColumnWriter::DoubleColumnWriter(typed) => {
            let values = values(column, rows, names, |cell| match cell {
                Cell::Real(value) => Some(value),
                _ => None,
            })?;
            typed.write_batch(&values, levels, None)?;
        }
        // Texts and decimals of a chunk share one buffer each; the values are views of it.
        ColumnWriter::ByteArrayColumnWriter(typed) => {
            let mut bytes = Vec::new();
            let ends = values(column, rows, names, |cell| match cell {
                Cell::Text(text) => {
                    bytes.extend_from_slice(text.as_bytes());
                    Some(bytes.len())
                }
                _ => None,
            })?;
            let bytes = ByteArray::from(bytes);
            let starts = std::iter::once(0).chain(ends.iter().copied());
            let texts: Vec<_> =
                starts.zip(&ends).map(|(start, end)| bytes.slice(start, end - start)).collect();
            typed.write_batch(&texts, levels, None)?;
        }
        ColumnWriter::FixedLenByteArrayColumnWriter(typed) => {
            let Type::Decimal(scale) = column.kind else { return Err(wrong(column, Cell::Missing)) };
            let mut bytes = Vec::with_capacity(rows.len() * 16);
            for (value, from) in values(column, rows, names, |cell| match cell {
                Cell::Decimal(value, from) => Some((value, from)),
                _ => None,
            })? {
                bytes.extend_from_slice(&rescaled(column, value, from, scale)?.to_be_bytes());
            }
            let count = bytes.len() / 16;
            let bytes = ByteArray::from(bytes);
            let decimals: Vec<_> =
                (0..count).map(|at| FixedLenByteArray::from(bytes.slice(at * 16, 16))).collect();
            typed.write_batch(&decimals, levels, None)?;
        }
        _ => return Err(wrong(column, Cell::Missing)),
    }
    Ok(())
}

/// The values of one column that are there. `read` answers `None` for a value of another type.
fn values<'a, R: Row, T>(
    column: &Column<R>,
    rows: &[R],
    names: &'a Names,
    mut read: impl FnMut(Cell<'a>) -> Option<T>,
) -> Result<Vec<T>> {
    let mut values = Vec::with_capacity(rows.len());
    for row in rows {
        match (column.cell)(row, names) {
            Cell::Missing if column.nullable => {}
            cell => values.push(read(cell).ok_or_else(|| wrong(column, cell))?),
        }
    }
    Ok(values)
}

/// A decimal at the column's scale, which is at least its own.
fn rescaled<R>(column: &Column<R>, value: i128, from: u8, to: u8) -> Result<i128> {
    10i128
        .checked_pow(u32::from(to.saturating_sub(from)))
        .and_then(|factor| value.checked_mul(factor))
        .filter(|value| value.unsigned_abs() < 10u128.pow(u32::from(DECIMAL_DIGITS)))
        .ok_or_else(|| {
            ParquetError::General(format!("column {}: {value}e-{from} exceeds 38 digits", column.name))
        })
}

fn wrong<R>(column: &Column<R>, cell: Cell<'_>) -> ParquetError {
    ParquetError::General(format!("column {} cannot hold {cell:?}", column.name))
}
