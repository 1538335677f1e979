//! The folder that a run writes into: its own, whoever else runs at the same time.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use barhive_engine::time::format_utc;
use barhive_report::store;

use super::outcome::CliError;

/// Where results go unless the set or `--results-dir` says otherwise.
pub(super) const BASE: &str = "results";

/// A folder for the results of one run, and of no other until this value is dropped.
#[derive(Debug)]
pub(super) struct ResultsDir {
    path: PathBuf,
    /// Held for its lock, which the system gives up however the program ends.
    _lock: Option<File>,
}

impl ResultsDir {
    /// `asked`, made if it is missing and emptied of an earlier run's results, or a new
    /// `<name>-<UTC time>-<short hash>` below `base`. `set` is the file that is run.
    ///
    /// # Errors
    /// When the folder cannot be made or emptied, another run is writing there, or a file of the user's is
    /// in the way.
    pub(super) fn create(
        asked: Option<&Path>,
        set: &Path,
        base: &Path,
        name: &str,
        now_ns: i64,
        hash: &str,
    ) -> Result<Self, CliError> {
        match asked {
            Some(path) => Self::claim(path, set),
            None => new_folder(base, name, now_ns, hash).map(|path| Self { path, _lock: None }),
        }
    }

    fn claim(path: &Path, set: &Path) -> Result<Self, CliError> {
        fs::create_dir_all(path).map_err(|error| fault(path, error))?;
        // Where a folder cannot be opened like a file, runs are kept apart by their names alone.
        let lock = File::open(path).ok();
        if let Some(Err(TryLockError::WouldBlock)) = lock.as_ref().map(File::try_lock) {
            return Err(CliError::Failed(format!(
                "another run is writing into {}; wait until it is done, or name another folder with --results-dir",
                path.display()
            )));
        }
        let config = path.join("config.yaml");
        let is_the_set = || config.canonicalize().ok() == set.canonicalize().ok();
        if config.exists() && (!path.join("report.json").exists() || is_the_set()) {
            return Err(CliError::Failed(format!(
                "{} would be replaced by the configuration of this run, and is the set itself or no earlier run's; \
                 name another folder with --results-dir",
                config.display()
            )));
        }
        store::start_over(path)
            .map_err(|fault| CliError::Failed(format!("{fault}; name another folder with --results-dir")))?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes away what a run left whose reports could not be written.
    pub(super) fn abandon(&self) {
        // The fault that led here is told; that half of it cannot be removed adds nothing.
        let _ = store::start_over(&self.path);
        self.remove_if_empty();
    }

    /// Takes the folder of a run without a result away, unless there is something in it.
    pub(super) fn remove_if_empty(&self) {
        let _ = fs::remove_dir(&self.path);
    }
}

fn fault(path: &Path, error: io::Error) -> CliError {
    CliError::Failed(format!(
        "cannot make the results folder {}: {error}; name another with --results-dir",
        path.display()
    ))
}

/// A new folder `<name>-<UTC time>-<short hash>` below `base`, and of no other run.
///
/// # Errors
/// When it cannot be made.
pub(super) fn new_folder(base: &Path, name: &str, now_ns: i64, hash: &str) -> Result<PathBuf, CliError> {
    fs::create_dir_all(base).map_err(|error| fault(base, error))?;
    let stem = stem(name, now_ns, hash);
    for copy in 1.. {
        let folder = if copy == 1 { stem.clone() } else { format!("{stem}-{copy}") };
        let path = base.join(folder);
        // Making a folder is atomic: of two runs that choose one name, one is told that it exists.
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(fault(&path, error)),
        }
    }
    unreachable!("the loop only ends by returning")
}

fn stem(name: &str, now_ns: i64, hash: &str) -> String {
    let mut safe: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '-' })
        .take(60)
        .collect();
    if safe.is_empty() {
        safe.push_str("run");
    }
    // 2020-01-31T09:30:00Z -> 20200131T093000Z
    let time: String = format_utc(now_ns - now_ns.rem_euclid(1_000_000_000))
        .chars()
        .filter(|c| !"-:".contains(*c))
        .collect();
    let hash: String = hash.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    format!("{safe}-{time}-{hash}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_named_for_run_time_and_configuration() {
        assert_eq!(stem("quick start", 250, "0123456789ab"), "quick-start-19700101T000000Z-01234567");
        assert_eq!(stem("../..", 0, "ab"), "------19700101T000000Z-ab");
    }
}
