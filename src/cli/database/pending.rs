//! A run says by a file in its folder that its database has not got all of it yet: the next sweep then knows
//! without asking the database about every run.

use std::{fs, path::Path};

use super::Target;

const MARK: &str = "database.pending";

/// Marks a run as one that `target` has not got whole.
pub(super) fn mark(folder: &Path, target: &Target) {
    let path = folder.join(MARK);
    // Not waited for until it is on the disk: what a power cut leaves unfinished is resumed, and marked again.
    if let Err(error) = fs::write(&path, format!("{target}\n")) {
        tracing::debug!("{}: {error}; `runs sync` knows without it", path.display());
    }
}

/// Takes the mark away.
pub(super) fn unmark(folder: &Path) {
    // One that stays makes the next sweep look once more.
    let _ = fs::remove_file(folder.join(MARK));
}

/// The database that has not got the run in `folder` whole, as far as that is known.
pub(in crate::cli) fn marked(folder: &Path) -> Option<String> {
    fs::read_to_string(folder.join(MARK)).ok().map(|text| text.trim().to_owned())
}
