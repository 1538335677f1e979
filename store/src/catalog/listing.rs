//! What a catalog holds.

use std::path::PathBuf;

use barhive_engine::{data::SeriesKind, instrument::Instrument, timeframe::Timeframe};

use super::{file::SeriesFile, meta::SeriesFacts};
use crate::StoreError;

/// A stored series, as lists show it.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesEntry {
    /// Whose rows.
    pub symbol: String,
    /// What the rows are.
    pub kind: SeriesKind,
    /// How long a row lasts.
    pub timeframe: Timeframe,
    /// How many rows.
    pub rows: u64,
    /// Close times of the first and the last row, UTC nanoseconds.
    pub span_ns: (i64, i64),
    /// The file's size.
    pub size_bytes: u64,
    /// A hash of the rows: equal rows have equal hashes.
    pub hash: String,
    /// The instrument, as it was imported.
    pub instrument: Instrument,
    /// What is known about the rows: notes, how they were imported.
    pub facts: SeriesFacts,
    /// The file.
    pub path: PathBuf,
}

impl SeriesEntry {
    pub(crate) fn of(file: &SeriesFile) -> Self {
        Self {
            symbol: file.identity.symbol.clone(),
            kind: file.identity.kind,
            timeframe: file.identity.timeframe,
            rows: file.meta.rows,
            span_ns: (file.meta.first_close_ns, file.meta.last_close_ns),
            size_bytes: file.size_bytes,
            hash: file.meta.data_hash.clone(),
            instrument: file.instrument.clone(),
            facts: file.meta.facts.clone(),
            path: file.path.clone(),
        }
    }
}

/// All series of a catalog, and the files that could not be read.
#[derive(Debug, Default)]
pub struct Listing {
    /// The series, by symbol, kind and timeframe.
    pub entries: Vec<SeriesEntry>,
    /// Files that look like series and are none, and why.
    pub faults: Vec<StoreError>,
}
