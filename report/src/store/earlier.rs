//! What an earlier run left in a folder: a new run there starts over, so that no folder ever shows files
//! of two runs as one result.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{Format, WriteFault, place::temporary};

/// The reports of a run. The first is written last: where it is, the run is whole.
const REPORTS: [&str; 4] = ["report.json", "report.html", "config.yaml", "perf.json"];
/// The records of an account.
const RECORDS: [&str; 4] = ["equity", "orders", "fills", "trades"];

/// Takes away the reports and records of an earlier run, finished or not. Files of other names stay.
///
/// # Errors
/// The first file that cannot be removed, or a folder that cannot be read.
pub fn start_over(run_dir: &Path) -> Result<(), WriteFault> {
    for name in REPORTS {
        remove(&run_dir.join(name))?;
    }
    for folder in account_folders(run_dir)? {
        for name in RECORDS {
            for format in [Format::Parquet, Format::Csv, Format::JsonLines] {
                remove(&folder.join(format!("{name}.{}", format.ending())))?;
            }
        }
    }
    remove_empty(run_dir)
}

/// Takes away the folders of accounts that hold nothing, and theirs.
pub(super) fn remove_empty(run_dir: &Path) -> Result<(), WriteFault> {
    for folder in account_folders(run_dir)? {
        // One that holds something stays.
        let _ = fs::remove_dir(folder);
    }
    let _ = fs::remove_dir(run_dir.join("accounts"));
    Ok(())
}

/// Folders of accounts; a link to somewhere else is none.
fn account_folders(run_dir: &Path) -> Result<Vec<PathBuf>, WriteFault> {
    let accounts = run_dir.join("accounts");
    let read = || -> io::Result<Vec<PathBuf>> {
        let mut folders = Vec::new();
        for entry in fs::read_dir(&accounts)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
        Ok(folders)
    };
    match read() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read.map_err(|error| WriteFault { path: accounts.clone(), what: error.to_string() }),
    }
}

/// Removes a file and what was written of it under its temporary name.
fn remove(path: &Path) -> Result<(), WriteFault> {
    for path in [path.to_owned(), temporary(path)] {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let what = format!("cannot remove what an earlier run left: {error}");
                return Err(WriteFault { path, what });
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_run_writes_is_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let bob = folder.path().join("accounts/bob");
        let alice = folder.path().join("accounts/alice");
        fs::create_dir_all(&bob).unwrap();
        fs::create_dir_all(&alice).unwrap();
        for name in ["report.json", "report.html", "config.yaml", "report.json.tmp", "mine.txt"] {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        for name in ["fills.csv", "equity.parquet.tmp", "notes.csv"] {
            fs::write(bob.join(name), "x").unwrap();
        }
        fs::write(alice.join("trades.jsonl"), "x").unwrap();
        start_over(folder.path()).unwrap();
        let names = |path: &Path| {
            let mut names: Vec<_> =
                fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        assert_eq!(names(folder.path()), ["accounts", "mine.txt"]);
        assert_eq!(names(&folder.path().join("accounts")), ["bob"]);
        assert_eq!(names(&bob), ["notes.csv"]);
    }

    #[test]
    fn a_new_folder_has_nothing_to_take_away() {
        let folder = tempfile::tempdir().unwrap();
        start_over(folder.path()).unwrap();
    }
}
