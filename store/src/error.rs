//! Why the store could not go on: what was expected, what was found, where, and what to do.

use std::{io, ops::Range, path::PathBuf};

use barhive_engine::data::FeedError;

/// A failure of the catalog or the tail.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operating system refused something.
    #[error("{}: cannot {doing}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A file is not what this crate writes, or was damaged.
    #[error("{}: expected {expected}, found {found}; import the series again", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What should be there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// Stored values are not those that were written.
    #[error("{}, column {column}, rows {}..{}: checksum mismatch; import the series again",
        path.display(), rows.start, rows.end)]
    Checksum {
        /// The file.
        path: PathBuf,
        /// The damaged column.
        column: &'static str,
        /// The 0-based rows among which the damage lies.
        rows: Range<u64>,
    },
    /// A row does not come after the one before it.
    #[error("{series}, row {row}: expected {expected}, found {found}")]
    Order {
        /// The series that is written.
        series: String,
        /// 1-based row of the series.
        row: u64,
        /// The rule.
        expected: String,
        /// The row's value.
        found: String,
    },
    /// Something handed in cannot be stored.
    #[error("{subject}: {what}")]
    Refused {
        /// What was to be stored.
        subject: String,
        /// Why not, and what to do.
        what: String,
    },
    /// There is no such series.
    #[error("{}: no series {series}; `barhive data list` shows what there is", path.display())]
    Unknown {
        /// The catalog.
        path: PathBuf,
        /// What was asked for.
        series: String,
    },
    /// Somebody else is writing the same thing.
    #[error("{}: another process is writing it; wait until it is done", path.display())]
    Busy {
        /// What both want to write.
        path: PathBuf,
    },
    /// There is nothing to store or to read.
    #[error("{}: no data: {what}", path.display())]
    Empty {
        /// The catalog, tail or series.
        path: PathBuf,
        /// What was looked for and what to do.
        what: String,
    },
}

impl StoreError {
    /// Wraps what the system said about `path`.
    pub(crate) fn io(path: impl Into<PathBuf>, doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, doing, source }
    }
}

impl From<StoreError> for FeedError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Io { path, doing, source } => {
                Self::Io { origin: path.display().to_string(), what: format!("cannot {doing}: {source}") }
            }
            StoreError::Busy { path } => Self::Io {
                origin: path.display().to_string(),
                what: "another process is writing it; wait until it is done".to_owned(),
            },
            StoreError::Format { path, expected, found } => Self::Data {
                origin: path.display().to_string(),
                row: None,
                expected,
                found: format!("{found}; import the series again"),
            },
            StoreError::Checksum { path, column, rows } => Self::Data {
                origin: format!("{}, column {column}, rows {}..{}", path.display(), rows.start, rows.end),
                row: None,
                expected: "the values that were written".to_owned(),
                found: "a checksum mismatch; import the series again".to_owned(),
            },
            StoreError::Order { series, row, expected, found } => {
                Self::Data { origin: series, row: Some(row), expected, found }
            }
            StoreError::Refused { subject, what } => Self::Io { origin: subject, what },
            StoreError::Unknown { path, series } => {
                Self::Unknown { origin: path.display().to_string(), what: format!("series {series}") }
            }
            StoreError::Empty { path, what } => Self::Empty { origin: path.display().to_string(), what },
        }
    }
}
