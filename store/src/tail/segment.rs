//! One file of a tail: its layout, and reading it.

use std::{
    fmt, fs,
    fs::File,
    io,
    ops::Range,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use barhive_engine::{data::BarColumns, instrument::Instrument};
use crc32c::{crc32c, crc32c_append};
use serde::{Deserialize, Serialize};

use crate::{
    StoreError,
    catalog::{
        checksum::COLUMNS,
        meta::{Identity, InstrumentRecord, META_BYTES_MAX, from_json, to_json},
    },
    mapping::{SharedMap, open_regular, view},
};

const MAGIC: [u8; 8] = *b"BHTAIL1\n";
/// Where the published count is; a cache line of its own.
pub(super) const PUBLISHED_AT: usize = 64;
/// Where the closed mark is: 0 while rows may come, 1 afterwards.
pub(super) const CLOSED_AT: usize = 72;
/// Where the metadata start.
const META_AT: usize = 128;
const PAGE: usize = 4096;
/// The most rows of a segment, so that a damaged header cannot ask for the world.
pub(super) const SEGMENT_ROWS_MAX: usize = 1 << 24;
/// Bytes of a row's checksum.
pub(super) const SUM_BYTES: usize = 4;

/// What never changes about a segment.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Header {
    pub identity: Identity,
    pub instrument: Instrument,
    /// Its place among the segments.
    pub number: u64,
    /// How many rows the segments before it hold.
    pub first_row: u64,
    /// How many rows it has room for.
    pub capacity: usize,
    /// Where the columns start.
    pub header_len: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeaderMeta {
    identity: String,
    instrument: InstrumentRecord,
}

impl Header {
    /// A header and its bytes.
    pub(super) fn new(
        identity: Identity,
        instrument: Instrument,
        number: u64,
        first_row: u64,
        capacity: usize,
    ) -> Result<(Self, Vec<u8>), String> {
        let meta = to_json(&HeaderMeta {
            identity: identity.to_json()?,
            instrument: InstrumentRecord::from(&instrument),
        })?;
        let header_len = (META_AT + meta.len()).next_multiple_of(PAGE);
        let mut bytes = vec![0; header_len];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&(header_len as u32).to_le_bytes());
        bytes[12..16].copy_from_slice(&(meta.len() as u32).to_le_bytes());
        bytes[16..24].copy_from_slice(&(capacity as u64).to_le_bytes());
        bytes[24..32].copy_from_slice(&first_row.to_le_bytes());
        bytes[32..40].copy_from_slice(&number.to_le_bytes());
        bytes[META_AT..META_AT + meta.len()].copy_from_slice(meta.as_bytes());
        let sum = header_sum(&bytes[..40], meta.as_bytes());
        bytes[40..44].copy_from_slice(&sum.to_le_bytes());
        Ok((Self { identity, instrument, number, first_row, capacity, header_len }, bytes))
    }

    fn read(file: &File, file_len: usize) -> Result<Self, String> {
        let short = |_| "a truncated one".to_owned();
        let mut fixed = [0; META_AT];
        file.read_exact_at(&mut fixed, 0).map_err(short)?;
        if fixed[..8] != MAGIC {
            return Err("another kind of file".to_owned());
        }
        let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| fixed[at + byte]));
        let half = |at: usize| u32::from_le_bytes(std::array::from_fn(|byte| fixed[at + byte]));
        let (header_len, meta_len) = (half(8) as usize, half(12) as usize);
        if meta_len > META_BYTES_MAX || header_len != (META_AT + meta_len).next_multiple_of(PAGE) {
            return Err("a damaged header".to_owned());
        }
        let mut meta = vec![0; meta_len];
        file.read_exact_at(&mut meta, META_AT as u64).map_err(short)?;
        if header_sum(&fixed[..40], &meta) != half(40) {
            return Err("a damaged header".to_owned());
        }
        let meta = String::from_utf8(meta).map_err(|_| "a damaged header".to_owned())?;
        let meta: HeaderMeta = from_json(&meta)?;
        let capacity = usize::try_from(word(16)).unwrap_or(usize::MAX);
        if !(1..=SEGMENT_ROWS_MAX).contains(&capacity) {
            return Err(format!("room for {capacity} rows"));
        }
        let header = Self {
            identity: Identity::from_json(&meta.identity)?,
            instrument: meta.instrument.to_instrument()?,
            number: word(32),
            first_row: word(24),
            capacity,
            header_len,
        };
        let expected = header.file_len();
        if file_len == expected { Ok(header) } else { Err(format!("{file_len} bytes instead of {expected}")) }
    }

    /// The bytes of the whole file.
    pub(super) fn file_len(&self) -> usize {
        self.header_len + self.capacity * (8 * COLUMNS.len() + SUM_BYTES)
    }

    /// Where a row of a column is.
    pub(super) fn cell_at(&self, column: usize, row: usize) -> usize {
        self.header_len + (column * self.capacity + row) * 8
    }

    /// Where the checksum of a row is.
    pub(super) fn sum_at(&self, row: usize) -> usize {
        self.header_len + self.capacity * 8 * COLUMNS.len() + row * SUM_BYTES
    }
}

fn header_sum(fixed: &[u8], meta: &[u8]) -> u32 {
    crc32c_append(crc32c(fixed), meta)
}

/// The checksum of one row, which is row `number` of the whole tail.
pub(super) fn row_sum(number: u64, columns: &BarColumns, row: usize) -> u32 {
    let words = [
        number,
        columns.ts_open_ns[row] as u64,
        columns.ts_close_ns[row] as u64,
        columns.open[row].to_bits(),
        columns.high[row].to_bits(),
        columns.low[row].to_bits(),
        columns.close[row].to_bits(),
        columns.volume[row].to_bits(),
    ];
    let mut bytes = [0; 64];
    for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    crc32c(&bytes)
}

/// The file of segment `number`.
pub(super) fn segment_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:08}.tail"))
}

/// The numbers of the segments in a folder, ascending; `None` when there is no folder.
pub(super) fn segment_numbers(folder: &Path) -> Result<Option<Vec<u64>>, StoreError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::io(folder, "list the tail")(error)),
    };
    let mut numbers = Vec::new();
    for entry in entries {
        let name = entry.map_err(StoreError::io(folder, "list the tail"))?.file_name();
        numbers.extend(name.to_str().and_then(|name| name.strip_suffix(".tail")?.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(Some(numbers))
}

/// A segment, mapped for reading.
pub(super) struct Segment {
    pub path: PathBuf,
    pub header: Header,
    map: SharedMap,
    /// The columns in full length. Only rows below the published count may be looked at.
    columns: BarColumns,
}

impl fmt::Debug for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Segment")
            .field("path", &self.path)
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

impl Segment {
    /// Maps a segment; `None` when there is no such file.
    pub(super) fn open(folder: &Path, number: u64) -> Result<Option<Self>, StoreError> {
        let path = segment_path(folder, number);
        let (file, file_len) = match open_regular(&path) {
            Ok(opened) => opened,
            Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let wrong = |found: String| StoreError::Format {
            path: path.clone(),
            expected: "a segment of a tail".to_owned(),
            found,
        };
        let header = Header::read(&file, file_len).map_err(wrong)?;
        if header.number != number {
            return Err(wrong(format!("segment {} under another name", header.number)));
        }
        let map = SharedMap::read_only(&file, file_len).map_err(StoreError::io(&path, "map the file"))?;
        let columns =
            full_columns(&map, &header).ok_or_else(|| wrong("columns that do not fit".to_owned()))?;
        Ok(Some(Self { path, header, map, columns }))
    }

    /// How many rows may be read.
    pub(super) fn published(&self) -> Result<usize, StoreError> {
        let published = self.map.load(PUBLISHED_AT);
        match usize::try_from(published) {
            Ok(rows) if rows <= self.header.capacity => Ok(rows),
            _ => Err(StoreError::Format {
                path: self.path.clone(),
                expected: format!("up to {} published rows", self.header.capacity),
                found: published.to_string(),
            }),
        }
    }

    /// Whether no row will come any more. Ask this before the published count.
    pub(super) fn is_closed(&self) -> bool {
        self.map.load(CLOSED_AT) != 0
    }

    /// Rows that were published, as views.
    ///
    /// # Panics
    /// When they lie beyond the segment.
    pub(super) fn rows(&self, rows: Range<usize>) -> BarColumns {
        self.columns.slice(rows.start, rows.len())
    }

    /// How many of the first `rows` rows are as they were written, counted from the first.
    pub(super) fn sound_rows(&self, rows: usize) -> Result<usize, StoreError> {
        let unreadable = || StoreError::Format {
            path: self.path.clone(),
            expected: "checksums of rows".to_owned(),
            found: "none".to_owned(),
        };
        let region = self.map.buffer(self.header.sum_at(0)).ok_or_else(unreadable)?;
        let sums = view::<u32>(&region, 0, rows).map_err(|_| unreadable())?;
        let columns = self.rows(0..rows);
        let sound = (0..rows)
            .take_while(|row| sums[*row] == row_sum(self.header.first_row + *row as u64, &columns, *row));
        Ok(sound.count())
    }
}

fn full_columns(map: &SharedMap, header: &Header) -> Option<BarColumns> {
    let region = map.buffer(header.header_len)?;
    let times = |column: usize| view::<i64>(&region, column * header.capacity * 8, header.capacity).ok();
    let prices = |column: usize| view::<f64>(&region, column * header.capacity * 8, header.capacity).ok();
    Some(BarColumns {
        ts_open_ns: times(0)?,
        ts_close_ns: times(1)?,
        open: prices(2)?,
        high: prices(3)?,
        low: prices(4)?,
        close: prices(5)?,
        volume: prices(6)?,
    })
}
