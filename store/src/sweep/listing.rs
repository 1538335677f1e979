//! The runs below a folder.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    SweepError, SweepManifest, SweepResult, SweepRun, finish,
    log::{LOG, Log},
};

/// A run folder, briefly.
#[derive(Debug)]
pub struct SweepEntry {
    /// The folder.
    pub folder: PathBuf,
    /// What it is made from.
    pub manifest: SweepManifest,
    /// Selected variants that have results.
    pub done: u64,
    /// The final result, when it is finished.
    pub result: Option<SweepResult>,
}

/// What [`prune`] keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// The newest so many runs.
    pub newest: usize,
    /// Runs that are not finished and could be resumed.
    pub unfinished: bool,
}

/// The runs directly below `root`, newest first; and what cannot be read, one sentence each.
///
/// # Errors
/// When `root` cannot be listed. One that does not exist has no runs.
pub fn list(root: &Path) -> Result<(Vec<SweepEntry>, Vec<String>), SweepError> {
    let (mut entries, mut faults) = (Vec::new(), Vec::new());
    for folder in folders(root)? {
        match entry(&folder) {
            Ok(entry) => entries.extend(entry),
            Err(error) => faults.push(error.to_string()),
        }
    }
    entries.sort_by(|a, b| {
        b.manifest.created_ns.cmp(&a.manifest.created_ns).then_with(|| a.folder.cmp(&b.folder))
    });
    Ok((entries, faults))
}

/// Removes runs below `root` but for those to keep, and what is left of runs that died before they had
/// begun. One that somebody is writing is never removed. Answers the folders that are gone.
///
/// # Errors
/// When a folder cannot be removed. A run is gone from the list before its files are.
pub fn prune(root: &Path, keep: Keep) -> Result<Vec<PathBuf>, SweepError> {
    let (entries, _) = list(root)?;
    let mut gone = Vec::new();
    for entry in entries.into_iter().skip(keep.newest) {
        if entry.result.is_none() && keep.unfinished {
            continue;
        }
        gone.extend(remove(entry.folder)?);
    }
    for folder in folders(root)? {
        if !folder.join(super::manifest::MANIFEST).exists() && holds_only_a_log(&folder) {
            gone.extend(remove(folder)?);
        }
    }
    Ok(gone)
}

fn folders(root: &Path) -> Result<Vec<PathBuf>, SweepError> {
    let listing = match fs::read_dir(root) {
        Ok(listing) => listing,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(SweepError::io(root, "list the runs")(error)),
    };
    let mut folders = Vec::new();
    for entry in listing {
        let entry = entry.map_err(SweepError::io(root, "list the runs"))?;
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            folders.push(entry.path());
        }
    }
    folders.sort();
    Ok(folders)
}

fn entry(folder: &Path) -> Result<Option<SweepEntry>, SweepError> {
    let Some((manifest, _)) = SweepManifest::read(folder)? else { return Ok(None) };
    let result = finish::read(folder)?;
    let done = match &result {
        Some(_) => manifest.selected.len(),
        None => SweepRun::open(folder)?.done().len(),
    };
    Ok(Some(SweepEntry { folder: folder.to_owned(), manifest, done, result }))
}

fn holds_only_a_log(folder: &Path) -> bool {
    let known = |name: &std::ffi::OsStr| name == LOG || name == ".manifest.json.draft";
    fs::read_dir(folder)
        .is_ok_and(|mut entries| entries.all(|entry| entry.is_ok_and(|e| known(&e.file_name()))))
        && folder.join(LOG).exists()
}

/// Removes a run folder unless somebody is writing it.
fn remove(folder: PathBuf) -> Result<Option<PathBuf>, SweepError> {
    let _lock = match Log::lock(&folder, false) {
        Ok(lock) => lock,
        Err(SweepError::Busy { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    // First what makes it a run, so that a crash leaves none that is half there.
    match fs::remove_file(folder.join(super::manifest::MANIFEST)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(SweepError::io(&folder, "remove the manifest")(error));
        }
        _ => {}
    }
    fs::remove_dir_all(&folder).map_err(SweepError::io(&folder, "remove the run"))?;
    Ok(Some(folder))
}
