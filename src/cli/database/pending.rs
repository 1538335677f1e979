//! A run says by a file in its folder which databases have not got all of it yet: the next sweep then knows
//! without asking a database about every run, and nobody takes a run away that one of them waits for.

use std::{fs, io::ErrorKind, path::Path};

use super::Target;

const MARK: &str = "database.pending";

/// Marks a run as one that `target` has not got whole, beside others that wait for it.
pub(in crate::cli) fn mark(folder: &Path, target: &Target) {
    let mut names = marked(folder);
    let name = target.to_string();
    if !names.contains(&name) {
        names.push(name);
        write(folder, &names);
    }
}

/// Takes the mark of `target` away; those of other databases stay.
pub(super) fn unmark(folder: &Path, target: &Target) {
    let mut names = marked(folder);
    let before = names.len();
    let name = target.to_string();
    names.retain(|known| *known != name);
    if names.len() != before {
        write(folder, &names);
    }
}

/// The databases that have not got the run in `folder` whole, as far as that is known.
pub(in crate::cli) fn marked(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join(MARK)).unwrap_or_default();
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

fn write(folder: &Path, names: &[String]) {
    let path = folder.join(MARK);
    // Not waited for until it is on the disk: what a power cut leaves unfinished is resumed, and marked again.
    let written = match names {
        [] => fs::remove_file(&path),
        some => fs::write(&path, some.join("\n") + "\n"),
    };
    // A mark that stays makes the next sweep look once more.
    if let Err(error) = written
        && error.kind() != ErrorKind::NotFound
    {
        tracing::debug!("{}: {error}; `runs sync` knows without it", path.display());
    }
}
