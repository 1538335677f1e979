//! What a process is and what it may take.

use std::{fmt, path::PathBuf, str::FromStr};

use barhive_engine::restart::RestartPolicy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::gauge::Role;

/// What a process is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProcessType {
    /// Decides on data as they come: nobody may keep it waiting.
    Live,
    /// Computes what can wait.
    Backtest,
    /// Neither: a recorder of data, a dashboard.
    Service,
}

impl ProcessType {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Live, Self::Backtest, Self::Service];

    /// How it counts where the machine's use is judged; a service is somebody else's load.
    pub fn role(self) -> Option<Role> {
        match self {
            Self::Live => Some(Role::Live),
            Self::Backtest => Some(Role::Worker),
            Self::Service => None,
        }
    }

    /// Whom the system takes first where memory is short, from -1000 (never) to 1000.
    pub(super) fn oom_score(self) -> i32 {
        match self {
            Self::Live => -500,
            Self::Backtest => 500,
            Self::Service => 0,
        }
    }
}

impl fmt::Display for ProcessType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Live => "live",
            Self::Backtest => "backtest",
            Self::Service => "service",
        })
    }
}

impl FromStr for ProcessType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|kind| kind.to_string() == text);
        found.ok_or_else(|| format!("expected live, backtest or service, found `{text}`"))
    }
}

/// How a process is started, what it may take, and when it counts as failed.
///
/// ```
/// use barhive_machine::process::{ProcessConfig, ProcessType};
///
/// let config: ProcessConfig = serde_json::from_str(
///     r#"{"process_type": "live", "program": "barhive", "args": ["paper", "set.yaml"], "cores": [0], "nice": -5,
///         "memory_reserve_bytes": 536870912, "silence_max_ms": 5000}"#,
/// )?;
/// assert_eq!(config.process_type, ProcessType::Live);
/// assert_eq!(config.memory_max_bytes, None);
/// assert_eq!(config.faults(), Vec::<String>::new());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessConfig {
    /// What it is for.
    pub process_type: ProcessType,
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    #[serde(default)]
    pub args: Vec<String>,
    /// Where it works; where its starter does when `None`.
    #[serde(default)]
    pub folder: Option<PathBuf>,
    /// A file that what it says on standard error is added to; its starter's standard error when `None`.
    #[serde(default)]
    pub log: Option<PathBuf>,
    /// The cores that it may use: as much of the processor as it can have. Those of its starter when empty.
    #[serde(default)]
    pub cores: Vec<u32>,
    /// Its niceness, -20 to 19; below that of its starter it takes a privilege, and where that is missing it has
    /// its starter's, and a note says so. The class of its reading and writing follows from it.
    #[serde(default)]
    pub nice: i32,
    /// Memory of its own that it may take, bytes; it fails where it asks for more.
    #[serde(default)]
    pub memory_max_bytes: Option<u64>,
    /// Memory that must be there when it starts, bytes; where it is not, a note says so.
    #[serde(default)]
    pub memory_reserve_bytes: u64,
    /// Health: how long it may say nothing on standard output, milliseconds. Who is silent for longer is killed,
    /// which counts as a failure. `None` where that is its own business.
    #[serde(default)]
    pub silence_max_ms: Option<u64>,
    /// How it is started again after a failure: an end by a signal, or with an exit code other than 0.
    #[serde(skip)]
    pub restart: RestartPolicy,
}

impl ProcessConfig {
    /// Shortest silence that can be told from a slow machine, milliseconds.
    pub const SILENCE_MS_MIN: u64 = 100;
    /// Least memory that a process can begin with, bytes.
    pub const MEMORY_BYTES_MIN: u64 = 16 << 20;

    /// A program without arguments that has the cores and the niceness of its starter.
    pub fn new(process_type: ProcessType, program: impl Into<PathBuf>) -> Self {
        Self {
            process_type,
            program: program.into(),
            args: Vec::new(),
            folder: None,
            log: None,
            cores: Vec::new(),
            nice: 0,
            memory_max_bytes: None,
            memory_reserve_bytes: 0,
            silence_max_ms: None,
            restart: RestartPolicy::default(),
        }
    }

    /// What is wrong with it, all of it; nothing where it can be used.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut must = |holds: bool, fault: String| faults.extend((!holds).then_some(fault));
        must(!self.program.as_os_str().is_empty(), "program: expected one, found none".to_owned());
        must((-20..=19).contains(&self.nice), format!("nice: expected -20 to 19, found {}", self.nice));
        if let Some(bytes) = self.memory_max_bytes {
            let least = Self::MEMORY_BYTES_MIN;
            must(bytes >= least, format!("memory_max_bytes: expected {least} or more, found {bytes}"));
        }
        if let Some(ms) = self.silence_max_ms {
            let least = Self::SILENCE_MS_MIN;
            must(ms >= least, format!("silence_max_ms: expected {least} or more, found {ms}"));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_read_as_it_is_written() {
        for kind in ProcessType::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
        }
        let fault = "paper".parse::<ProcessType>().unwrap_err();
        assert_eq!(fault, "expected live, backtest or service, found `paper`");
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let mut config = ProcessConfig::new(ProcessType::Live, "");
        (config.nice, config.memory_max_bytes, config.silence_max_ms) = (-21, Some(1), Some(1));
        assert_eq!(config.faults().len(), 4, "{:?}", config.faults());
        let unknown = r#"{"process_type": "live", "program": "x", "core": 1}"#;
        assert!(serde_json::from_str::<ProcessConfig>(unknown).unwrap_err().to_string().contains("`core`"));
    }
}
