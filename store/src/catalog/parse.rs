//! From a file's bytes to a series: what is expected where, and views of the columns.

use std::path::Path;

use arrow_buffer::Buffer;
use arrow_ipc::{Precision, TimeUnit, Type};
use barhive_engine::data::BarColumns;

use super::{
    checksum::{BLOCK_ROWS, COLUMNS, TS_CLOSE, TS_OPEN, data_hash, decode},
    file::{
        ALIGNMENT, KEY_CHECK, KEY_IDENTITY, KEY_SERIES, KEY_SUMS, SEGMENT_ROWS, SeriesFile, ZONE,
        footer_check,
    },
    meta::{Identity, SeriesMeta},
};
use crate::mapping::view;

const MAGIC: &[u8] = b"ARROW1";

/// What a file is not.
pub(super) struct Fault {
    pub(super) expected: &'static str,
    pub(super) found: String,
}

fn fault(expected: &'static str, found: impl Into<String>) -> Fault {
    Fault { expected, found: found.into() }
}

/// Everything that a file says, checked against itself; rows are checked when they are used.
pub(super) fn parse(path: &Path, region: &Buffer) -> Result<SeriesFile, Fault> {
    let footer = footer_bytes(region.as_slice())?;
    let footer = arrow_ipc::root_as_footer(footer)
        .map_err(|error| fault("an Arrow footer", format!("a damaged one ({error})")))?;
    let schema = footer.schema().ok_or_else(|| fault("an Arrow schema", "none"))?;
    check_fields(&schema)?;

    let text = |pairs: Option<_>, key: &'static str| {
        metadata(pairs, key).ok_or_else(|| fault("a series of the catalog", format!("no metadata `{key}`")))
    };
    let identity_text = text(schema.custom_metadata(), KEY_IDENTITY)?;
    let series_text = text(footer.custom_metadata(), KEY_SERIES)?;
    let sums_text = text(footer.custom_metadata(), KEY_SUMS)?;
    let check_text = text(footer.custom_metadata(), KEY_CHECK)?;

    let batches = footer.recordBatches().ok_or_else(|| fault("record batches", "none"))?;
    let mut bodies = Vec::with_capacity(batches.len());
    for block in batches {
        let body = block.offset().checked_add(i64::from(block.metaDataLength()));
        bodies.push(
            body.and_then(|body| u64::try_from(body).ok())
                .ok_or_else(|| fault("record batches within the file", "an offset beyond it"))?,
        );
    }
    let check = format!("{:08x}", footer_check(identity_text, series_text, sums_text, &bodies));
    if check != check_text {
        return Err(fault(
            "the metadata that was written",
            format!("a checksum mismatch ({check}, not {check_text:.8})"),
        ));
    }

    let wrong = |expected| move |found: String| fault(expected, found);
    let identity = Identity::from_json(identity_text).map_err(wrong("the identity of a series"))?;
    let meta = SeriesMeta::from_json(series_text).map_err(wrong("facts about a series"))?;
    let instrument = meta.instrument.to_instrument().map_err(wrong("a sound instrument"))?;
    if instrument.symbol != identity.symbol {
        return Err(fault("one symbol", format!("{} and {}", identity.symbol, instrument.symbol)));
    }
    let sums = decode(sums_text).ok_or_else(|| fault("checksums of blocks", "something else"))?;
    let segments = views(region, &meta, &bodies, sums.len())?;
    if data_hash(meta.rows, &sums) != meta.data_hash {
        return Err(fault("the hash of the rows", meta.data_hash));
    }
    Ok(SeriesFile {
        path: path.to_owned(),
        identity,
        meta,
        instrument,
        size_bytes: region.len() as u64,
        segments,
        sums,
    })
}

/// The footer's bytes: before the file's last ten, which are its length and the magic.
fn footer_bytes(bytes: &[u8]) -> Result<&[u8], Fault> {
    const EXPECTED: &str = "an Arrow IPC file";
    if bytes.is_empty() {
        return Err(fault(EXPECTED, "an empty file"));
    }
    if !bytes.starts_with(MAGIC) {
        return Err(fault(EXPECTED, "another kind of file"));
    }
    let truncated = || fault(EXPECTED, "a truncated or damaged one");
    let (rest, magic) = bytes.split_last_chunk::<6>().ok_or_else(truncated)?;
    let (rest, length) = rest.split_last_chunk::<4>().ok_or_else(truncated)?;
    if magic.as_slice() != MAGIC {
        return Err(truncated());
    }
    let length = usize::try_from(i32::from_le_bytes(*length)).map_err(|_| truncated())?;
    let start = rest.len().checked_sub(length).ok_or_else(truncated)?;
    Ok(&rest[start..])
}

/// The columns must be exactly those that the catalog writes.
fn check_fields(schema: &arrow_ipc::Schema<'_>) -> Result<(), Fault> {
    const EXPECTED: &str =
        "the columns ts_open, ts_close, open, high, low, close, volume of a catalog series";
    let fields = schema.fields().ok_or_else(|| fault(EXPECTED, "none"))?;
    if fields.len() != COLUMNS.len() {
        return Err(fault(EXPECTED, format!("{} columns", fields.len())));
    }
    for (column, field) in fields.iter().enumerate() {
        let name = field.name().unwrap_or_default();
        let is_time = column == TS_OPEN || column == TS_CLOSE;
        let fits = if is_time {
            field.type_type() == Type::Timestamp
                && field
                    .type_as_timestamp()
                    .is_some_and(|time| time.unit() == TimeUnit::NANOSECOND && time.timezone() == Some(ZONE))
        } else {
            field.type_type() == Type::FloatingPoint
                && field.type_as_floating_point().is_some_and(|float| float.precision() == Precision::DOUBLE)
        };
        if name != COLUMNS[column] || !fits {
            return Err(fault(
                EXPECTED,
                format!("`{name}` of another type or place as column {}", column + 1),
            ));
        }
    }
    Ok(())
}

fn metadata<'a, P>(pairs: Option<P>, key: &str) -> Option<&'a str>
where
    P: IntoIterator<Item = arrow_ipc::KeyValue<'a>>,
{
    pairs?.into_iter().find(|pair| pair.key() == Some(key))?.value()
}

/// The columns as views, where the writer put them: one after the other, each padded to 64 bytes.
fn views(
    region: &Buffer,
    meta: &SeriesMeta,
    bodies: &[u64],
    blocks: usize,
) -> Result<Vec<BarColumns>, Fault> {
    const EXPECTED: &str = "as many rows, record batches and checksums as the metadata say";
    if meta.segment_rows != SEGMENT_ROWS as u64 || meta.block_rows != BLOCK_ROWS as u64 {
        return Err(fault(
            EXPECTED,
            format!("segments of {} and blocks of {} rows", meta.segment_rows, meta.block_rows),
        ));
    }
    let rows = usize::try_from(meta.rows).unwrap_or(usize::MAX);
    if rows == 0 || rows.div_ceil(BLOCK_ROWS) != blocks || rows.div_ceil(SEGMENT_ROWS) != bodies.len() {
        return Err(fault(
            EXPECTED,
            format!("{rows} rows, {} record batches, {blocks} blocks", bodies.len()),
        ));
    }
    let segment = |(segment, body): (usize, &u64)| {
        let len = (rows - segment * SEGMENT_ROWS).min(SEGMENT_ROWS);
        let stride = (len * 8).next_multiple_of(ALIGNMENT);
        let at = |column: usize| usize::try_from(*body).ok()?.checked_add(column * stride);
        let times = |column| view::<i64>(region, at(column)?, len).ok();
        let prices = |column| view::<f64>(region, at(column)?, len).ok();
        Some(BarColumns {
            ts_open_ns: times(TS_OPEN)?,
            ts_close_ns: times(TS_CLOSE)?,
            open: prices(2)?,
            high: prices(3)?,
            low: prices(4)?,
            close: prices(5)?,
            volume: prices(6)?,
        })
    };
    let segments: Option<Vec<_>> = bodies.iter().enumerate().map(segment).collect();
    segments.ok_or_else(|| {
        fault("aligned columns within the file", "columns that end beyond it or are misaligned")
    })
}
