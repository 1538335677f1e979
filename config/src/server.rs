//! The file of a server: read, checked, with all faults at once.

use std::path::{Path, PathBuf};

use barhive_engine::{
    governor::{AlertLimits, BreakerConfig, ResourceThresholds},
    jobs::{ExecutionMode, PerLevel, QueueOptions},
};
use serde_json::{Value as Json, json};

use crate::{
    Faults,
    fault::FaultLog,
    http::{HttpSettings, TelegramSettings, http, telegram},
    live::{LiveSettings, live},
    read::{Captured, Located, Place, Reader},
    section::{
        AgeingSection, JobsMaxSection, LevelsSection, ServerModeSection, ServerQueueSection, ServerSection,
        ThresholdsSection,
    },
    source::{read_named, take_text},
    tree::{Budget, parse},
    value::Span,
};

/// What the file of a server says.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerSettings {
    /// The folder of everything that the server keeps; the caller's choice when `None`.
    pub state: Option<PathBuf>,
    /// How jobs and live work share the machine.
    pub mode: ExecutionMode,
    /// Workers of all running jobs together; as many as cores are allowed when `None`.
    pub workers: Option<u32>,
    /// Memory that all running jobs together may ask for, in bytes; the caller's choice when `None`.
    pub memory_bytes: Option<u64>,
    /// Jobs that run at the same time; the caller's choice when `None`.
    pub running_max: Option<usize>,
    /// How the queue is limited and paced; its capacity is not known here.
    pub queue: QueueOptions,
    /// Where alert levels begin.
    pub thresholds: ResourceThresholds,
    /// When jobs are held, paused and refused.
    pub breaker: BreakerConfig,
    /// How it is reached over HTTP.
    pub http: HttpSettings,
    /// What is kept for live work, and the live processes.
    pub live: LiveSettings,
    /// The bot that tells a chat when jobs have ended.
    pub telegram: Option<TelegramSettings>,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            state: None,
            mode: ExecutionMode::Concurrent,
            workers: None,
            memory_bytes: None,
            running_max: None,
            queue: QueueOptions::default(),
            thresholds: ResourceThresholds::default(),
            breaker: BreakerConfig::default(),
            http: HttpSettings::default(),
            live: LiveSettings::default(),
            telegram: None,
        }
    }
}

/// Reads the file of a server. A relative folder of state lies beside the file.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load_server(path: &Path) -> Result<ServerSettings, Faults> {
    let log = FaultLog::default();
    let shown = path.to_string_lossy().into_owned();
    let bytes = match read_named(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            log.add_unreadable(shown, format!("cannot be read: {error}"), None);
            return Err(log.finish());
        }
    };
    let Some((file, text)) = take_text(bytes, shown, &log) else { return Err(log.finish()) };
    let Some(root) = parse(&text, file, Budget::default(), &log) else { return Err(log.finish()) };
    let environment = |name: &str| std::env::var(name).ok();
    let reader = Reader::new(&log, &environment);
    let section = reader.read::<ServerSection>(&Place::root(&root)).unwrap_or_default();
    let settings = settings(&reader, &Place::root(&root), section, path.parent().unwrap_or(Path::new("")));
    if log.is_empty() { Ok(settings) } else { Err(log.finish()) }
}

/// The JSON Schema (draft 2020-12) of the file of a server.
pub fn server_schema() -> Json {
    let mut schema = schemars::schema_for!(ServerSection).to_value();
    schema["title"] = json!("barhive server");
    schema
}

fn settings(reader: &Reader<'_>, root: &Place<'_>, section: ServerSection, dir: &Path) -> ServerSettings {
    let (thresholds, breaker) = governor(reader, root, &section);
    let number =
        |value: Option<&Located<u64>>, min, max| value.and_then(|value| within(reader, value, min, max));
    ServerSettings {
        state: section.state.as_ref().and_then(|state| {
            if state.value.is_empty() || state.value.contains('\0') {
                reader.fault(&reader.place(state.place), "expected a folder, found an empty text", None);
                return None;
            }
            Some(dir.join(&state.value))
        }),
        mode: match section.mode {
            Some(ServerModeSection::Standalone) => ExecutionMode::Standalone,
            Some(ServerModeSection::PriorityLive) => ExecutionMode::PriorityLive,
            Some(ServerModeSection::Concurrent) | None => ExecutionMode::Concurrent,
        },
        workers: number(section.workers.as_ref(), 1, 4_096).map(|workers| workers as u32),
        memory_bytes: section.memory.map(|memory| memory.value.bytes),
        running_max: number(section.running_max.as_ref(), 1, 1_024).map(|most| most as usize),
        queue: queue(reader, section.queue.as_ref()),
        thresholds,
        breaker,
        http: http(reader, section.http.as_ref(), dir),
        live: live(reader, section.live.as_ref()),
        telegram: telegram(reader, section.telegram.as_ref()),
    }
}

/// When the machine is loaded too much, and what follows; both are checked together.
fn governor(
    reader: &Reader<'_>,
    root: &Place<'_>,
    section: &ServerSection,
) -> (ResourceThresholds, BreakerConfig) {
    let limits = |given: Option<LevelsSection>, default: AlertLimits| {
        let given = given.unwrap_or_default();
        AlertLimits::new(
            given.yellow.unwrap_or(default.yellow),
            given.orange.unwrap_or(default.orange),
            given.red.unwrap_or(default.red),
        )
    };
    let (given, default) =
        (open::<ThresholdsSection>(reader, section.thresholds.as_ref()), ResourceThresholds::default());
    let thresholds = ResourceThresholds {
        cpu_percent: limits(given.cpu_percent, default.cpu_percent),
        memory_percent: limits(given.memory_percent, default.memory_percent),
        disk_mb_per_s: limits(given.disk_mb_per_s, default.disk_mb_per_s),
        network_mb_per_s: limits(given.network_mb_per_s, default.network_mb_per_s),
        live_latency_ms: limits(given.live_latency_ms, default.live_latency_ms),
    };
    let breaker: BreakerConfig = open(reader, section.breaker.as_ref());
    for fault in breaker.validate(&thresholds).err().iter().flat_map(|faults| faults.faults()) {
        // The nearest that is written: the other value may be the default.
        let at = fault.key.split('.').try_fold(root.clone(), |place, key| place.get(key).ok_or(place));
        let (Ok(at) | Err(at)) = at;
        let message = format!("{}: expected {}, found {}", fault.key, fault.expected, fault.found);
        reader.fault(&at, message, None);
    }
    (thresholds, breaker)
}

fn queue(reader: &Reader<'_>, captured: Option<&Captured<ServerQueueSection>>) -> QueueOptions {
    let default = QueueOptions::default();
    let section = open(reader, captured);
    let jobs: JobsMaxSection = open(reader, section.jobs_max.as_ref());
    let ageing: AgeingSection = open(reader, section.ageing.as_ref());
    let number = |value: Option<&Located<u64>>, min, default: u32| {
        value.and_then(|value| within(reader, value, min, 1_000_000)).map_or(default, |number| number as u32)
    };
    let span = |value: Option<&Located<Span>>, default: i64| {
        let Some(value) = value else { return default };
        // A year: what waits longer than that has other troubles.
        within_span(reader, value, 1, 365 * 24 * 3_600_000).map_or(default, |ms| ms as i64 * 1_000_000)
    };
    let (jobs_max, ageing_ns) = (default.jobs_max, default.ageing_ns);
    QueueOptions {
        total_max: number(section.total_max.as_ref(), 1, default.total_max),
        jobs_max: PerLevel {
            critical: number(jobs.critical.as_ref(), 0, jobs_max.critical),
            high: number(jobs.high.as_ref(), 0, jobs_max.high),
            normal: number(jobs.normal.as_ref(), 0, jobs_max.normal),
            low: number(jobs.low.as_ref(), 0, jobs_max.low),
            bulk: number(jobs.bulk.as_ref(), 0, jobs_max.bulk),
        },
        ageing_ns: PerLevel {
            critical: span(ageing.critical.as_ref(), ageing_ns.critical),
            high: span(ageing.high.as_ref(), ageing_ns.high),
            normal: span(ageing.normal.as_ref(), ageing_ns.normal),
            low: span(ageing.low.as_ref(), ageing_ns.low),
            bulk: span(ageing.bulk.as_ref(), ageing_ns.bulk),
        },
        passes_max: number(section.passes_max.as_ref(), 0, default.passes_max),
        ended_max: number(section.ended_max.as_ref(), 0, default.ended_max as u32) as usize,
        ..default
    }
}

fn open<T: serde::de::DeserializeOwned + Default>(reader: &Reader<'_>, captured: Option<&Captured<T>>) -> T {
    captured.and_then(|captured| reader.open(captured)).unwrap_or_default()
}

fn within(reader: &Reader<'_>, value: &Located<u64>, min: u64, max: u64) -> Option<u64> {
    let is_within = (min..=max).contains(&value.value);
    if !is_within {
        let message = format!("expected a number from {min} to {max}, found {}", value.value);
        reader.fault(&reader.place(value.place), message, None);
    }
    is_within.then_some(value.value)
}

fn within_span(reader: &Reader<'_>, value: &Located<Span>, min_ms: u64, max_ms: u64) -> Option<u64> {
    let is_within = (min_ms..=max_ms).contains(&value.value.ms);
    if !is_within {
        reader.fault(&reader.place(value.place), "expected a span from 1ms to a year", None);
    }
    is_within.then_some(value.value.ms)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::live::LiveProcessSettings;

    fn load(text: &str) -> Result<ServerSettings, Faults> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.yaml");
        fs::write(&path, text).unwrap();
        load_server(&path).map(|settings| ServerSettings {
            state: settings.state.map(|state| state.strip_prefix(folder.path()).unwrap().to_owned()),
            ..settings
        })
    }

    #[test]
    fn an_empty_mapping_is_the_default() {
        assert_eq!(load("{}").unwrap(), ServerSettings::default());
    }

    #[test]
    fn every_key_has_its_meaning() {
        let text = "
state: here/state
mode: standalone
workers: 3
memory: 2GB
running_max: 2
queue:
  total_max: 10
  jobs_max: {bulk: 5}
  ageing: {critical: 30s}
  passes_max: 0
  ended_max: 7
thresholds:
  cpu_percent: {orange: 80}
  live_latency_ms: {yellow: 50, orange: 100, red: 200}
breaker: {failure_threshold: 5, timeout_seconds: 2.5}
";
        let settings = load(text).unwrap();
        assert_eq!(settings.state.as_deref(), Some(Path::new("here/state")));
        assert_eq!(settings.mode, ExecutionMode::Standalone);
        assert_eq!(settings.thresholds.cpu_percent, AlertLimits::new(70.0, 80.0, 95.0));
        assert_eq!(settings.thresholds.live_latency_ms, AlertLimits::new(50.0, 100.0, 200.0));
        let breaker =
            BreakerConfig { failure_threshold: 5, timeout_seconds: 2.5, ..BreakerConfig::default() };
        assert_eq!(settings.breaker, breaker);
        assert_eq!(load("mode: priority-live").unwrap().mode, ExecutionMode::PriorityLive);
        let (workers, memory) = (settings.workers, settings.memory_bytes);
        assert_eq!((workers, memory, settings.running_max), (Some(3), Some(2_000_000_000), Some(2)));
        let (queue, default) = (settings.queue, QueueOptions::default());
        assert_eq!((queue.total_max, queue.passes_max, queue.ended_max), (10, 0, 7));
        assert_eq!(queue.jobs_max, PerLevel { bulk: 5, ..default.jobs_max });
        assert_eq!(queue.ageing_ns, PerLevel { critical: 30_000_000_000, ..default.ageing_ns });
    }

    #[test]
    fn all_faults_come_at_once_with_their_places() {
        let faults = load("workers: 0\nmode: both\nqueue: {totl_max: 1, ageing: {low: 0s}}\n").unwrap_err();
        let text = faults.to_string();
        for part in ["server.yaml:1:10", "server.yaml:2:7", "totl_max", "total_max", "queue.ageing.low"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn what_is_kept_for_live_work_is_read_and_its_faults_have_their_places() {
        let text = "
live:
  cores: 1
  memory: 512MiB
  nice: -5
  run:
    - {name: paper, command: [barhive, run, set.yaml], silence_max: 5s}
";
        let live = load(text).unwrap().live;
        assert_eq!((live.cores, live.memory_bytes, live.nice), (1, 512 << 20, -5));
        let [paper] = <[LiveProcessSettings; 1]>::try_from(live.run).unwrap();
        assert_eq!((paper.name.as_str(), paper.program.as_str()), ("paper", "barhive"));
        assert_eq!((paper.args, paper.silence_max_ms), (vec!["run".into(), "set.yaml".into()], Some(5_000)));
        let text = "
live:
  cores: 2000
  nice: -21
  run:
    - {name: a b, command: [x]}
    - {name: c, command: []}
    - {name: d, command: [x], silence_max: 1ms}
    - {name: d, command: [y]}
";
        let faults = load(text).unwrap_err().to_string();
        for part in [
            "server.yaml:3:10",
            "server.yaml:4:9",
            "server.yaml:6:14: live.run[0].name",
            "expected a program and its arguments",
            "expected a span from 100ms to 24h",
            "there is another live process named d",
        ] {
            assert!(faults.contains(part), "{part}: {faults}");
        }
    }

    #[test]
    fn limits_that_contradict_each_other_are_told_where_they_are_written() {
        let text = "thresholds:\n  cpu_percent: {orange: 60}\n  memory_percent: {red: 101}\nbreaker:\n  success_threshold: 0\n";
        let faults = load(text).unwrap_err().to_string();
        for part in [
            "server.yaml:2:25",
            "thresholds.cpu_percent.orange: expected more than yellow (70 %), found 60",
            "server.yaml:3:25",
            "server.yaml:5:22",
            "breaker.success_threshold: expected 1 to 1000 samples, found 0",
            "breaker.recovery_cpu_percent: expected more than 0 and less than thresholds.cpu_percent.orange (60 %)",
        ] {
            assert!(faults.contains(part), "{part}: {faults}");
        }
    }
}
