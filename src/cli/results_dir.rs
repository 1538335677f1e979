//! The folder that a run writes into: its own, whoever else runs at the same time.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use barhive_engine::time::format_utc;

use super::outcome::CliError;

/// Where results go unless the set or `--results-dir` says otherwise.
pub(super) const BASE: &str = "results";

/// `asked`, made if it is missing, or a new `<name>-<UTC time>-<short hash>` below `base`.
///
/// # Errors
/// When the folder cannot be made.
pub(super) fn create(
    asked: Option<&Path>,
    base: &Path,
    name: &str,
    now_ns: i64,
    hash: &str,
) -> Result<PathBuf, CliError> {
    let fault = |path: &Path, error: io::Error| {
        CliError::Failed(format!(
            "cannot make the results folder {}: {error}; name another with --results-dir",
            path.display()
        ))
    };
    if let Some(path) = asked {
        return fs::create_dir_all(path).map(|()| path.to_path_buf()).map_err(|error| fault(path, error));
    }
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
