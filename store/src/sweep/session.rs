//! The sessions of a sweep: who worked on it, when and for how long. Says how the results came about and
//! enters none of them.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    path::Path,
};

use serde::{Deserialize, Serialize};

use super::SweepError;

/// One line per session, as JSON.
pub const SESSIONS: &str = "sessions.jsonl";

/// A time that a sweep was at work, from its start to its end or interruption. One that was killed leaves
/// none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SweepSession {
    /// When it began, UTC nanoseconds.
    pub started_ns: i64,
    /// How long it worked, in nanoseconds.
    pub elapsed_ns: u64,
    /// Workers.
    pub workers: u64,
    /// What they were: `thread` or `process`.
    pub isolation: String,
    /// Variants that it ran.
    pub variants: u64,
    /// Passes that it made.
    pub passes: u64,
    /// How often a worker failed.
    pub worker_failures: u64,
    /// How long workers waited at the end with nothing left to take, all of them added up, in nanoseconds.
    pub idle_ns: u64,
    /// The most memory that nobody else mapped, workers included; 0 where that is not known.
    pub private_bytes_max: u64,
    /// The same with a share of what several mapped.
    pub proportional_bytes_max: u64,
    /// Where the time of its passes went, in nanoseconds by part; none where that was not measured.
    pub parts_ns: BTreeMap<String, u64>,
    /// How long a pass took.
    pub pass: TimeSpread,
    /// How long it took to keep the results of a pass.
    pub keeping: TimeSpread,
}

/// How times are spread, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TimeSpread {
    /// What half of them do not exceed.
    pub p50_ns: u64,
    /// What 99 % of them do not exceed.
    pub p99_ns: u64,
    /// The longest.
    pub max_ns: u64,
}

/// Appends a session to those in the folder.
///
/// # Errors
/// When it cannot be written.
pub fn append_session(folder: &Path, session: &SweepSession) -> Result<(), SweepError> {
    let path = folder.join(SESSIONS);
    let mut line =
        serde_json::to_vec(session).map_err(|error| SweepError::io(&path, "write")(error.into()))?;
    line.push(b'\n');
    let mut file =
        OpenOptions::new().create(true).append(true).open(&path).map_err(SweepError::io(&path, "open"))?;
    file.write_all(&line).map_err(SweepError::io(&path, "write"))
}

/// The sessions in the folder, in the order in which they ended. A line that was torn is left out.
///
/// # Errors
/// When they cannot be read.
pub fn sessions(folder: &Path) -> Result<Vec<SweepSession>, SweepError> {
    let path = folder.join(SESSIONS);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(SweepError::io(&path, "read")(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_read_as_they_were_written_and_torn_lines_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(sessions(folder.path()).unwrap(), []);
        let session = |variants| SweepSession { variants, workers: 2, ..SweepSession::default() };
        append_session(folder.path(), &session(1)).unwrap();
        let path = folder.path().join(SESSIONS);
        let torn = fs::read_to_string(&path).unwrap() + "{\"variants\": 7, \"wor\n";
        fs::write(&path, torn).unwrap();
        append_session(folder.path(), &session(2)).unwrap();
        assert_eq!(sessions(folder.path()).unwrap(), [session(1), session(2)]);
    }
}
