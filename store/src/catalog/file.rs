//! An opened series file: Arrow IPC, parsed from its footer, its columns views of the mapping.
//!
//! Reading trusts two things only: the checksum over everything that the footer says, and the checksums
//! of the blocks, which that one covers. The record batches' own headers are for other readers.

use std::{
    ops::Range,
    path::{Path, PathBuf},
};

use arrow_buffer::Buffer;
use arrow_ipc::{Precision, TimeUnit, Type};
use barhive_engine::{
    data::{BarColumns, SeriesInfo},
    instrument::Instrument,
};
use crc32c::crc32c_append;

use super::{
    checksum::{BLOCK_ROWS, BlockSums, COLUMNS, TS_CLOSE, TS_OPEN, crc, data_hash, decode, row_bytes},
    meta::{Identity, SeriesMeta},
};
use crate::{
    StoreError,
    mapping::{map_file, view},
};

/// Rows per record batch: what the writer holds in memory, and the longest span that one view covers.
pub(crate) const SEGMENT_ROWS: usize = 8 * BLOCK_ROWS;
/// Where columns start in the file and in a record batch's body.
pub(crate) const ALIGNMENT: usize = 64;
/// The time zone of both time columns.
pub(crate) const ZONE: &str = "UTC";
/// Schema metadata: whose rows these are.
pub(crate) const KEY_IDENTITY: &str = "barhive";
/// Footer metadata: facts about the rows.
pub(crate) const KEY_SERIES: &str = "barhive.series";
/// Footer metadata: the blocks' checksums.
pub(crate) const KEY_SUMS: &str = "barhive.crc32c";
/// Footer metadata: the checksum of all that.
pub(crate) const KEY_CHECK: &str = "barhive.check";

const MAGIC: &[u8] = b"ARROW1";

/// The checksum of everything that a reader takes from the footer.
pub(crate) fn footer_check(identity: &str, series: &str, sums: &str, bodies: &[u64]) -> u32 {
    let mut check = crc(identity.as_bytes());
    for text in [series, sums] {
        check = crc32c_append(check, &(text.len() as u64).to_le_bytes());
        check = crc32c_append(check, text.as_bytes());
    }
    bodies.iter().fold(check, |check, body| crc32c_append(check, &body.to_le_bytes()))
}

/// One series, open for reading.
#[derive(Debug)]
pub(crate) struct SeriesFile {
    pub path: PathBuf,
    pub identity: Identity,
    pub meta: SeriesMeta,
    pub instrument: Instrument,
    pub size_bytes: u64,
    /// Spans of [`SEGMENT_ROWS`] rows, the last one shorter.
    segments: Vec<BarColumns>,
    sums: Vec<BlockSums>,
}

impl SeriesFile {
    /// Maps and parses a file.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        Self::parse(path, &map_file(path)?)
    }

    /// Parses a file's bytes.
    pub(crate) fn parse(path: &Path, region: &Buffer) -> Result<Self, StoreError> {
        parse(path, region).map_err(|fault| StoreError::Format {
            path: path.to_owned(),
            expected: fault.expected.to_owned(),
            found: fault.found,
        })
    }

    pub(crate) fn rows(&self) -> usize {
        // The views exist, so their number fits.
        self.meta.rows as usize
    }

    pub(crate) fn segments(&self) -> &[BarColumns] {
        &self.segments
    }

    pub(crate) fn blocks(&self) -> usize {
        self.sums.len()
    }

    /// A span of rows within one segment.
    pub(crate) fn slice(&self, rows: Range<usize>) -> BarColumns {
        self.segments[rows.start / SEGMENT_ROWS].slice(rows.start % SEGMENT_ROWS, rows.len())
    }

    pub(crate) fn block_range(&self, block: usize) -> Range<usize> {
        block * BLOCK_ROWS..((block + 1) * BLOCK_ROWS).min(self.rows())
    }

    /// Checks one column of one block against its checksum.
    pub(crate) fn verify(&self, block: usize, column: usize) -> Result<(), StoreError> {
        let rows = self.block_range(block);
        let within = rows.start % SEGMENT_ROWS;
        let segment = &self.segments[rows.start / SEGMENT_ROWS];
        if crc(row_bytes(segment, column, within, within + rows.len())) == self.sums[block][column] {
            return Ok(());
        }
        Err(StoreError::Checksum {
            path: self.path.clone(),
            column: COLUMNS[column],
            rows: rows.start as u64..rows.end as u64,
        })
    }

    /// Checks all columns of one block.
    pub(crate) fn verify_block(&self, block: usize) -> Result<(), StoreError> {
        (0..COLUMNS.len()).try_for_each(|column| self.verify(block, column))
    }

    /// The first row whose open time is `ts_ns` or later.
    pub(crate) fn first_opening_from(&self, ts_ns: i64, verify: bool) -> Result<usize, StoreError> {
        self.partition(TS_OPEN, verify, |open| open < ts_ns)
    }

    /// The first row whose close time is after `ts_ns`.
    pub(crate) fn first_closing_after(&self, ts_ns: i64, verify: bool) -> Result<usize, StoreError> {
        self.partition(TS_CLOSE, verify, |close| close <= ts_ns)
    }

    /// Binary search in an ascending time column, first among blocks, so that few of them are touched.
    fn partition(
        &self,
        column: usize,
        verify: bool,
        before: impl Fn(i64) -> bool,
    ) -> Result<usize, StoreError> {
        let stamp = |row: usize| {
            let segment = &self.segments[row / SEGMENT_ROWS];
            let stamps = if column == TS_OPEN { &segment.ts_open_ns } else { &segment.ts_close_ns };
            stamps[row % SEGMENT_ROWS]
        };
        let (mut low, mut high) = (0, self.blocks());
        while low < high {
            let middle = low + (high - low) / 2;
            if verify {
                self.verify(middle, column)?;
            }
            if before(stamp(self.block_range(middle).end - 1)) { low = middle + 1 } else { high = middle }
        }
        if low == self.blocks() {
            return Ok(self.rows());
        }
        if verify {
            self.verify(low, column)?;
        }
        let Range { mut start, mut end } = self.block_range(low);
        while start < end {
            let middle = start + (end - start) / 2;
            if before(stamp(middle)) { start = middle + 1 } else { end = middle }
        }
        Ok(start)
    }

    /// What sources say about it.
    pub(crate) fn info(&self) -> SeriesInfo {
        SeriesInfo {
            symbol: self.identity.symbol.clone(),
            kind: self.identity.kind,
            timeframe: self.identity.timeframe,
            rows: Some(self.meta.rows),
            span_ns: Some((self.meta.first_close_ns, self.meta.last_close_ns)),
            prices_on_scale: self.meta.facts.prices_on_scale,
            data_hash: Some(self.meta.data_hash.clone()),
            notes: self.meta.facts.notes.clone(),
        }
    }
}

struct Fault {
    expected: &'static str,
    found: String,
}

fn fault(expected: &'static str, found: impl Into<String>) -> Fault {
    Fault { expected, found: found.into() }
}

fn parse(path: &Path, region: &Buffer) -> Result<SeriesFile, Fault> {
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
