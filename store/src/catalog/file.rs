//! An opened series file: Arrow IPC, parsed from its footer, its columns views of the mapping.
//!
//! Reading trusts two things only: the checksum over everything that the footer says, and the checksums
//! of the blocks, which that one covers. The record batches' own headers are for other readers.

use std::{
    ops::Range,
    path::{Path, PathBuf},
};

use arrow_buffer::Buffer;
use barhive_engine::{
    data::{BarColumns, SeriesInfo},
    instrument::Instrument,
};
use crc32c::crc32c_append;

use super::{
    checksum::{BLOCK_ROWS, BlockSums, COLUMNS, TS_CLOSE, TS_OPEN, crc, row_bytes},
    meta::{Identity, SeriesMeta},
    parse::parse,
};
use crate::{
    StoreError,
    mapping::{map_file, read_file},
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
    pub(super) segments: Vec<BarColumns>,
    pub(super) sums: Vec<BlockSums>,
}

impl SeriesFile {
    /// Maps and parses a file.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        Self::parse(path, &map_file(path)?)
    }

    /// Reads and parses a file: its rows are this process's own.
    pub(crate) fn open_unmapped(path: &Path) -> Result<Self, StoreError> {
        Self::parse(path, &read_file(path)?)
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
