//! Live work beside the jobs of a server: what is kept for it, and the processes that the server looks after.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use barhive_actors::clock::SystemClock;
use barhive_config::{LiveProcessSettings, LiveSettings};
use barhive_machine::{
    LiveReport, ResourceMonitor,
    gauge::Role,
    process::{ProcessConfig, ProcessEvent, ProcessManager, ProcessType, allowed_cores, keep_to, may_have},
};
use serde::Deserialize;

use crate::cli::outcome::CliError;

/// What is kept for live work.
pub(super) struct Reserved {
    /// Cores that nobody else runs on; empty where none are kept.
    cores: Vec<u32>,
    nice: i32,
    /// How far jobs stand back instead, where nobody may step forward.
    pub(super) jobs_nice: i32,
}

impl Reserved {
    /// Keeps what `settings` say: this thread, and all that it starts from now on, leaves those cores.
    pub(super) fn keep(settings: &LiveSettings) -> Result<Self, CliError> {
        let mut cores = allowed_cores();
        let wanted = settings.cores as usize;
        if wanted > 0 {
            if wanted >= cores.len() {
                return Err(CliError::Usage(format!(
                    "live.cores: {wanted} of the {} cores that this server may use are to be kept for live work, and \
                     jobs need one",
                    cores.len()
                )));
            }
            let rest = cores.split_off(wanted);
            keep_to(&rest).map_err(|why| CliError::Failed(format!("live.cores: {why}")))?;
        } else {
            cores.clear();
        }
        let (nice, jobs_nice) = match settings.nice {
            nice if nice < 0 && !may_have(nice) => (0, -nice.max(-19)),
            nice => (nice, 0),
        };
        Ok(Self { cores, nice, jobs_nice })
    }

    /// What is kept, in words; `None` where nothing is.
    pub(super) fn words(&self, settings: &LiveSettings) -> Option<String> {
        if *settings == LiveSettings::default() {
            return None;
        }
        let mut words = Vec::new();
        match &self.cores[..] {
            [] => {}
            [core] => words.push(format!("core {core}")),
            [first, .., last] => words.push(format!("cores {first} to {last}")),
        }
        if settings.memory_bytes > 0 {
            words.push(barhive_report::format::bytes(settings.memory_bytes));
        }
        words.push(match self.jobs_nice {
            0 => format!("nice {}", self.nice),
            jobs => format!("nice {} is refused here, so jobs run at nice {jobs}", settings.nice),
        });
        let processes: Vec<_> = settings.run.iter().map(|process| process.name.as_str()).collect();
        let processes = if processes.is_empty() {
            String::new()
        } else {
            format!("; looks after {}", processes.join(", "))
        };
        Some(words.join(", ") + &processes)
    }
}

/// Starts the live processes of a server whose file lies in `dir`.
pub(super) fn start(
    settings: &LiveSettings,
    reserved: &Reserved,
    dir: &Path,
    state: &Path,
    monitor: Option<Arc<ResourceMonitor>>,
) -> Result<Option<Arc<ProcessManager>>, CliError> {
    if settings.run.is_empty() {
        return Ok(None);
    }
    let failed = |error: &dyn std::fmt::Display| CliError::Failed(error.to_string());
    let logs = state.join("live");
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&logs)
        .map_err(|error| CliError::Failed(format!("{}: {error}", logs.display())))?;
    let ear = Ear { monitor, logs: Mutex::default() };
    for process in &settings.run {
        let path = log(&logs, process);
        let file = open(&path).map_err(|error| CliError::Failed(format!("{}: {error}", path.display())))?;
        ear.logs.lock().unwrap_or_else(PoisonError::into_inner).push((process.name.clone(), file));
    }
    let manager = ProcessManager::new(Arc::new(SystemClock), move |name, event| ear.hear(name, event));
    for process in &settings.run {
        let mut config = ProcessConfig::new(ProcessType::Live, program(&process.program, dir));
        config.args.clone_from(&process.args);
        config.folder = Some(dir.to_owned());
        config.log = Some(log(&logs, process));
        config.cores.clone_from(&reserved.cores);
        config.nice = reserved.nice;
        config.memory_reserve_bytes = settings.memory_bytes;
        config.silence_max_ms = process.silence_max_ms;
        manager.run(&process.name, config).map_err(|error| failed(&error))?;
    }
    Ok(Some(Arc::new(manager)))
}

fn log(logs: &Path, process: &LiveProcessSettings) -> PathBuf {
    logs.join(format!("{}.log", process.name))
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

/// A program as a shell in `dir` would find it.
fn program(name: &str, dir: &Path) -> PathBuf {
    if name.contains('/') { dir.join(name) } else { PathBuf::from(name) }
}

/// Hears live processes.
struct Ear {
    monitor: Option<Arc<ResourceMonitor>>,
    logs: Mutex<Vec<(String, File)>>,
}

/// A line in which a live process says how far it is behind.
#[derive(Deserialize)]
struct Word {
    event: String,
    lag_ms: f64,
    valid_ms: Option<u64>,
}

impl Ear {
    fn hear(&self, name: &str, event: &ProcessEvent) {
        match event {
            ProcessEvent::Started { pid } => {
                self.monitor.iter().for_each(|monitor| monitor.watch(*pid, Role::Live));
                self.note(name, &format!("-- started, process {pid}"));
            }
            ProcessEvent::Gone { pid } => {
                self.monitor.iter().for_each(|monitor| drop(monitor.forget(*pid)));
            }
            ProcessEvent::Said(line) => self.said(name, line),
            ProcessEvent::Restarting { reason, after } => {
                tracing::warn!(
                    process = name,
                    "live process failed: {reason}; it is started again in {after:?}"
                );
                self.note(name, &format!("-- failed: {reason}; it is started again in {after:?}"));
            }
            ProcessEvent::Quarantined { reason } => {
                tracing::error!(process = name, "live process failed too often and is left out: {reason}");
                self.note(name, &format!("-- failed too often and is left out: {reason}"));
            }
            ProcessEvent::Ended => self.note(name, "-- ended"),
        }
    }

    fn said(&self, name: &str, line: &str) {
        let word = serde_json::from_str::<Word>(line).ok().filter(|word| word.event == "live");
        let Some(Word { lag_ms, valid_ms, .. }) = word else { return self.note(name, line) };
        let mut report = LiveReport::new(name, lag_ms);
        report.valid_ms = valid_ms.unwrap_or(report.valid_ms);
        if let Some(Err(fault)) = self.monitor.as_ref().map(|monitor| monitor.report(&report)) {
            self.note(name, &format!("-- not heeded: {fault}: {line}"));
        }
    }

    /// A log that cannot be written is no reason to stop live work.
    fn note(&self, name: &str, line: &str) {
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, log)) = logs.iter_mut().find(|(known, _)| known == name) {
            let _ = writeln!(log, "{line}");
        }
    }
}
