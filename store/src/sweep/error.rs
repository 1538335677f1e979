//! Why the results of a sweep cannot be kept or read.

use std::{io, path::PathBuf};

use barhive_engine::sweep::VariantRange;

use crate::StoreError;

/// A failure of a sweep's run folder.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
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
    /// There is no room. What was appended before is untouched, and appending goes on when there is room.
    #[error(
        "{}: cannot {doing}: {source}; results up to the last checkpoint are safe: make room, then go on \
         or resume",
        path.display()
    )]
    Full {
        /// The file.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A file is not what this crate writes, or was damaged.
    #[error("{}: expected {expected}, found {found}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What should be there.
        expected: String,
        /// What is there, and where.
        found: String,
    },
    /// The folder belongs to another sweep than the one that wants to go on with it.
    #[error("{}: this run was made from something else and cannot go on:\n  {}\nstart a new run",
        path.display(), differences.join("\n  "))]
    Differs {
        /// The run's folder.
        path: PathBuf,
        /// All differences, one sentence each.
        differences: Vec<String>,
    },
    /// Results that are there already.
    #[error("{}: variants {} to {} or some of them have results already", path.display(), range.start + 1, range.end)]
    Twice {
        /// The run's folder.
        path: PathBuf,
        /// The pass.
        range: VariantRange,
    },
    /// Something handed in cannot be stored.
    #[error("{subject}: {what}")]
    Refused {
        /// What was to be stored.
        subject: String,
        /// Why not, and what to do.
        what: String,
    },
    /// Somebody else is writing the same run.
    #[error("{}: another process is writing this run; wait until it is done", path.display())]
    Busy {
        /// The run's folder.
        path: PathBuf,
    },
}

impl SweepError {
    /// Wraps what the system said about `path`.
    pub(super) fn io(path: impl Into<PathBuf>, doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::Full { path, doing, source }
            }
            _ => Self::Io { path, doing, source },
        }
    }
}

impl From<StoreError> for SweepError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Io { path, doing, source } => Self::io(path, doing)(source),
            StoreError::Busy { path } => Self::Busy { path },
            other => Self::Refused { subject: "sweep".to_owned(), what: other.to_string() },
        }
    }
}
