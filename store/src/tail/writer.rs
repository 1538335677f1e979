//! Appending to a tail.

use std::{
    fs,
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use barhive_engine::{
    data::{BarColumns, SeriesKind},
    instrument::Instrument,
    timeframe::Timeframe,
};

use super::segment::{
    CLOSED_AT, Header, PUBLISHED_AT, SEGMENT_ROWS_MAX, SUM_BYTES, Segment, row_sum, segment_numbers,
    segment_path,
};
use crate::{
    StoreError,
    catalog::{
        Draft,
        checksum::{COLUMNS, row_bytes},
        file::SEGMENT_ROWS,
        meta::Identity,
        order::RowOrder,
    },
    mapping::SharedMap,
};

/// The name of the file that the one writer of a tail locks.
pub(super) const LOCK: &str = "lock";

/// How a tail is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TailOptions {
    /// Rows of a segment: what is sealed into the catalog at once, 60 bytes each. At most 16,777,216.
    pub segment_rows: usize,
}

impl Default for TailOptions {
    fn default() -> Self {
        Self { segment_rows: SEGMENT_ROWS }
    }
}

/// The one writer of a tail.
#[derive(Debug)]
pub struct TailWriter {
    folder: PathBuf,
    identity: Identity,
    instrument: Instrument,
    options: TailOptions,
    order: RowOrder,
    current: Option<Current>,
    /// Held as long as the writer lives.
    _lock: File,
}

/// The segment that is being filled.
#[derive(Debug)]
struct Current {
    path: PathBuf,
    header: Header,
    file: File,
    map: SharedMap,
    rows: usize,
}

impl TailWriter {
    /// Starts a tail in `folder`, or goes on with the one that is there, after its last sound row.
    ///
    /// # Errors
    /// When another writer is at it, it is closed or of another series, or the disk refuses.
    pub fn open(
        folder: impl Into<PathBuf>,
        instrument: Instrument,
        kind: SeriesKind,
        timeframe: Timeframe,
        options: TailOptions,
    ) -> Result<Self, StoreError> {
        let folder = folder.into();
        let identity = Identity { symbol: instrument.symbol.clone(), kind, timeframe };
        let refused =
            |what: String| StoreError::Refused { subject: format!("tail {}", folder.display()), what };
        let faults = instrument.faults();
        if !faults.is_empty() {
            return Err(refused(faults.join("; ")));
        }
        if !(1..=SEGMENT_ROWS_MAX).contains(&options.segment_rows) {
            let rows = options.segment_rows;
            return Err(refused(format!("expected segments of 1 to {SEGMENT_ROWS_MAX} rows, found {rows}")));
        }
        fs::create_dir_all(&folder).map_err(StoreError::io(&folder, "make the tail"))?;
        let lock = lock(&folder)?;
        let order = RowOrder::new(identity.label());
        let mut writer = Self { folder, identity, instrument, options, order, current: None, _lock: lock };
        writer.resume()?;
        Ok(writer)
    }

    /// How many rows the tail has had, sealed ones included.
    pub fn rows(&self) -> u64 {
        self.order.rows()
    }

    /// When the last row closed, UTC nanoseconds.
    pub fn last_close_ns(&self) -> Option<i64> {
        self.order.last_close_ns()
    }

    /// Appends bars that close after all bars so far; readers see them when this returns.
    ///
    /// # Errors
    /// When a bar does not come after the one before it (nothing is appended then), or the disk refuses:
    /// [`TailWriter::rows`] then says how many were appended, and the others may be appended again.
    pub fn append(&mut self, columns: &BarColumns) -> Result<(), StoreError> {
        self.order.check(columns)?;
        let mut at = 0;
        while at < columns.len() {
            let full = self.current.as_ref().is_none_or(|current| current.rows == current.header.capacity);
            if full {
                self.current = Some(self.next_segment()?);
            }
            let Some(current) = &mut self.current else { continue };
            let take = (columns.len() - at).min(current.header.capacity - current.rows);
            let part = columns.slice(at, take);
            current.append(&part)?;
            self.order.advance(&part);
            at += take;
        }
        Ok(())
    }

    /// Waits until all rows are on disk, so that they survive a power cut.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn sync(&self) -> Result<(), StoreError> {
        match &self.current {
            Some(current) => {
                current.file.sync_data().map_err(StoreError::io(&current.path, "write the file to disk"))
            }
            None => Ok(()),
        }
    }

    /// Says that no row will come any more: readers come to their end.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn close(mut self) -> Result<(), StoreError> {
        if self.current.is_none() {
            self.current = Some(self.next_segment()?);
        }
        if let Some(current) = &self.current {
            current.map.store(CLOSED_AT, 1);
        }
        self.sync()
    }

    /// Takes up the segments that are there.
    fn resume(&mut self) -> Result<(), StoreError> {
        let Some(number) = segment_numbers(&self.folder)?.and_then(|numbers| numbers.last().copied()) else {
            return Ok(());
        };
        let Some(segment) = Segment::open(&self.folder, number)? else { return Ok(()) };
        let header = segment.header.clone();
        let refused = |what: &str| StoreError::Refused {
            subject: format!("tail {}", self.folder.display()),
            what: what.to_owned(),
        };
        if header.identity != self.identity || header.instrument != self.instrument {
            return Err(refused("it holds another series or instrument; choose another folder"));
        }
        if segment.is_closed() {
            return Err(refused("it is closed; seal it into a catalog or remove it"));
        }
        let published = segment.published()?;
        // All of them, unless a power cut came before they were on disk.
        let rows = segment.sound_rows(published)?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&segment.path)
            .map_err(StoreError::io(&segment.path, "open the file"))?;
        let map = SharedMap::writable(&file, header.header_len)
            .map_err(StoreError::io(&segment.path, "map the file"))?;
        if rows < published {
            tracing::warn!(path = %segment.path.display(), published, rows, "rows lost in a crash are cut off");
            map.store(PUBLISHED_AT, rows as u64);
        }
        let last = match rows.checked_sub(1) {
            Some(row) => Some(segment.rows(row..rows)),
            None => self.last_row_before(&header)?,
        };
        let last = last.map(|bar| (bar.ts_open_ns[0], bar.ts_close_ns[0]));
        self.order = RowOrder::after(self.identity.label(), header.first_row + rows as u64, last);
        self.current = Some(Current { path: segment.path, header, file, map, rows });
        Ok(())
    }

    /// The last row of the segment before one, where that is still there.
    fn last_row_before(&self, header: &Header) -> Result<Option<BarColumns>, StoreError> {
        let Some(number) = header.number.checked_sub(1) else { return Ok(None) };
        let Some(before) = Segment::open(&self.folder, number)? else { return Ok(None) };
        let published = before.published()?;
        Ok(published.checked_sub(1).map(|row| before.rows(row..published)))
    }

    /// Makes the segment after the current one; readers see it complete or not at all.
    fn next_segment(&self) -> Result<Current, StoreError> {
        let number = self.current.as_ref().map_or(0, |current| current.header.number + 1);
        let path = segment_path(&self.folder, number);
        let (header, bytes) = Header::new(
            self.identity.clone(),
            self.instrument.clone(),
            number,
            self.order.rows(),
            self.options.segment_rows,
        )
        .map_err(|what| StoreError::Refused { subject: path.display().to_string(), what })?;
        let draft = Draft::create(&path)?;
        let create = || {
            draft.file().write_all_at(&bytes, 0)?;
            draft.file().set_len(header.file_len() as u64)?;
            draft.file().try_clone()
        };
        let file = create().map_err(StoreError::io(&path, "make the segment"))?;
        draft.commit()?;
        let map =
            SharedMap::writable(&file, header.header_len).map_err(StoreError::io(&path, "map the file"))?;
        Ok(Current { path, header, file, map, rows: 0 })
    }
}

impl Current {
    /// Writes rows for which there is room, and then publishes them.
    fn append(&mut self, columns: &BarColumns) -> Result<(), StoreError> {
        let rows = columns.len();
        let write = |bytes: &[u8], at: usize| {
            self.file.write_all_at(bytes, at as u64).map_err(StoreError::io(&self.path, "append to the file"))
        };
        for column in 0..COLUMNS.len() {
            write(row_bytes(columns, column, 0, rows), self.header.cell_at(column, self.rows))?;
        }
        let first = self.header.first_row + self.rows as u64;
        let mut sums = Vec::with_capacity(rows * SUM_BYTES);
        for row in 0..rows {
            sums.extend(row_sum(first + row as u64, columns, row).to_le_bytes());
        }
        write(&sums, self.header.sum_at(self.rows))?;
        self.rows += rows;
        self.map.store(PUBLISHED_AT, self.rows as u64);
        Ok(())
    }
}

fn lock(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join(LOCK);
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(StoreError::io(&path, "create the lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Busy { path: folder.to_owned() }),
        Err(TryLockError::Error(error)) => Err(StoreError::io(path, "lock the tail")(error)),
    }
}
