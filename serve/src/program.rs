//! Jobs as processes of this program: a sweep goes on with what an earlier start has kept, a set starts over.
//!
//! A process is told `pause` and `resume` by lines on its standard input, and to keep what it has and end by
//! SIGTERM. It tells how far it is by JSON lines on standard error; everything else that it says goes into the
//! log of its job. It dies with the server: it asked the system for that, and its standard input ends.

use std::{
    ffi::OsString,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, BufRead, BufReader, Write},
    os::unix::{
        fs::{DirBuilderExt, OpenOptionsExt},
        process::{CommandExt, ExitStatusExt},
    },
    path::{Path, PathBuf},
    process::{Child, ChildStderr, ChildStdin, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use barhive_engine::jobs::{Job, JobId, JobRequest};
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, setpriority_process, waitid,
};
use serde::{Deserialize, Serialize};

use crate::notify::{TARGETS_MAX, Target};
use crate::runner::{JobProgress, JobRunner, Report, RunEnd, RunningJob};

/// How long a process may take to keep what it has and end.
const GRACE: Duration = Duration::from_millis(1_300);
/// Longest line of a process that is read whole, in bytes.
const LINE_BYTES_MAX: u64 = 64 << 10;
/// The log of a job, in its folder.
pub const LOG: &str = "log";

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WorkKind {
    /// A strategy set: `barhive run`.
    Set,
    /// A sweep: `barhive sweep`.
    Sweep,
}

/// A job's payload: what is to be run. Paths are absolute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Work {
    /// What the file is.
    pub kind: WorkKind,
    /// The file.
    pub file: PathBuf,
    /// Where results go; `None` for the job's own folder.
    pub results_dir: Option<PathBuf>,
    /// Where the process works: paths that a file leaves to the current folder begin there.
    pub folder: PathBuf,
    /// Who is told when the job has ended: URLs, or `telegram`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notify: Vec<String>,
}

impl Work {
    /// Whether a payload may name somebody who is to be told: a glance, for those who see many.
    pub(crate) fn may_notify(payload: &str) -> bool {
        payload.contains("\"notify\"")
    }

    /// A payload as others may see it: addresses without what may be secret in them.
    pub(crate) fn shown(payload: &str) -> Option<String> {
        if !Self::may_notify(payload) {
            return None;
        }
        let mut work: Self = serde_json::from_str(payload).ok()?;
        for target in &mut work.notify {
            *target = target.parse::<Target>().map_or_else(|_| "?".to_owned(), |target| target.to_string());
        }
        serde_json::to_string(&work).ok()
    }

    /// Where the results of the job whose folder this is are.
    pub fn results(&self, place: &Path) -> PathBuf {
        self.results_dir.clone().unwrap_or_else(|| place.join("results"))
    }
}

/// Runs jobs as processes of a program with the command line of barhive.
#[derive(Clone, Debug)]
pub struct ProgramRunner {
    program: PathBuf,
    jobs: PathBuf,
    has_telegram: bool,
    nice: i32,
}

impl ProgramRunner {
    /// Runs `program`; each job has a folder of its own below `jobs`.
    pub fn new(program: PathBuf, jobs: PathBuf) -> Self {
        Self { program, jobs, has_telegram: false, nice: 0 }
    }

    /// Whether jobs may ask for a message by Telegram.
    #[must_use]
    pub fn with_telegram(self, has_telegram: bool) -> Self {
        Self { has_telegram, ..self }
    }

    /// How far processes stand back, 0 to 19: where nobody may step forward for live work.
    #[must_use]
    pub fn with_nice(self, nice: i32) -> Self {
        Self { nice, ..self }
    }

    fn folder(&self, job: JobId) -> PathBuf {
        self.jobs.join(job.to_string())
    }
}

impl JobRunner for ProgramRunner {
    fn start(&mut self, job: &Job, report: Report) -> Result<Box<dyn RunningJob>, String> {
        let work: Work = serde_json::from_str(&job.request.payload)
            .map_err(|error| format!("the job's payload is none of this program: {error}"))?;
        let folder = self.folder(job.id);
        let cannot = |what: &str, error: io::Error| format!("cannot {what} {}: {error}", folder.display());
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(|e| cannot("make", e))?;
        let mut log = open_log(&folder.join(LOG)).map_err(|error| cannot("write the log in", error))?;
        let mut command = Command::new(&self.program);
        command.args(arguments(&work, &folder, job.request.resources.workers)).current_dir(&work.folder);
        let said = command.get_args().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
        writeln!(log, "-- start {}: barhive {said}", job.starts)
            .map_err(|e| cannot("write the log in", e))?;
        let output = log.try_clone().map_err(|error| cannot("write the log in", error))?;
        command.stdin(Stdio::piped()).stdout(output).stderr(Stdio::piped());
        // Ctrl-C in a terminal is for the server.
        command.process_group(0);
        let mut child = command
            .spawn()
            .map_err(|error| format!("{} cannot be started: {error}", self.program.display()))?;
        // Before it has threads, which will have its niceness; workers that it starts will, too.
        if self.nice > 0
            && let Err(error) = setpriority_process(Some(Pid::from_child(&child)), self.nice)
        {
            tracing::warn!(job = %job.id, "a niceness of {} is refused: {error}", self.nice);
        }
        let (Some(input), Some(words)) = (child.stdin.take(), child.stderr.take()) else {
            unreachable!("both are pipes");
        };
        let process = Arc::new(Process::new(child));
        let watched = Arc::clone(&process);
        let watch = move || {
            let last = listen(words, log, &report);
            report.end(watched.wait(last));
        };
        let running = Running { process, input };
        std::thread::Builder::new()
            .name(format!("barhive-job-{}", job.id))
            .spawn(watch)
            .map_err(|error| format!("no thread to watch the job: {error}"))?;
        Ok(Box::new(running))
    }

    fn faults(&self, request: &JobRequest) -> Vec<String> {
        let work: Work = match serde_json::from_str(&request.payload) {
            Ok(work) => work,
            Err(error) => return vec![format!("its payload is none of this program: {error}")],
        };
        let mut faults = Vec::new();
        if work.notify.len() > TARGETS_MAX {
            faults.push(format!("notify: expected at most {TARGETS_MAX}, found {}", work.notify.len()));
        }
        for target in &work.notify {
            match target.parse() {
                Ok(Target::Telegram) if !self.has_telegram => faults
                    .push("notify: the server's file names no bot: set `telegram`, or name a URL".to_owned()),
                Ok(_) => {}
                Err(fault) => faults.push(format!("notify: {fault}")),
            }
        }
        faults
    }

    fn place(&self, job: &Job) -> Option<PathBuf> {
        Some(self.folder(job.id))
    }

    fn forget(&mut self, job: JobId) {
        let folder = self.folder(job);
        // Thousands of files take their time, and the queue's thread has none.
        let remove = move || match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!("{} of a job that is forgotten stays: {error}", folder.display());
            }
            _ => {}
        };
        if let Err(error) = std::thread::Builder::new().name("barhive-forget".to_owned()).spawn(remove) {
            tracing::warn!(%job, "the folder of a job that is forgotten stays: {error}");
        }
    }
}

fn arguments(work: &Work, folder: &Path, workers: u32) -> Vec<OsString> {
    let results = work.results(folder);
    let mut arguments: Vec<OsString> = match work.kind {
        WorkKind::Set => vec!["run".into()],
        WorkKind::Sweep => {
            vec!["sweep".into(), "--resume".into(), "--workers".into(), workers.to_string().into()]
        }
    };
    arguments.extend(["--results-dir".into(), results.into(), "--progress".into(), "json".into()]);
    arguments.extend(["--control".into(), "stdin".into(), "--".into(), work.file.clone().into()]);
    arguments
}

fn open_log(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32);
    options.open(path)
}

/// A process that was started; signals go to it only while its number is its own.
struct Process {
    pid: Pid,
    alive: Mutex<Alive>,
    ended: Condvar,
}

struct Alive {
    /// `None` once it was waited for: from then on its number may be another's.
    child: Option<Child>,
    was_told: bool,
}

impl Process {
    fn new(child: Child) -> Self {
        let pid = Pid::from_child(&child);
        Self { pid, alive: Mutex::new(Alive { child: Some(child), was_told: false }), ended: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Alive> {
        self.alive.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for its end; `last` is the last error that it named.
    fn wait(&self, last: Option<String>) -> RunEnd {
        // Without the lock, and without letting go of its number.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(self.pid), options) {}
        let mut alive = self.lock();
        let status = alive.child.take().map(|mut child| child.wait());
        self.ended.notify_all();
        match status {
            Some(Ok(status)) => end(status, alive.was_told, last),
            Some(Err(error)) => RunEnd::Failed(format!("its end is not known: {error}")),
            None => RunEnd::Failed("it was waited for twice".to_owned()),
        }
    }

    /// Sends a signal to it, or to all its group, if it still is.
    fn signal(&self, signal: Signal, whole_group: bool) {
        let mut alive = self.lock();
        alive.was_told = true;
        if alive.child.is_some() {
            // One that has ended and was not waited for does not mind.
            let _ = if whole_group {
                kill_process_group(self.pid, signal)
            } else {
                kill_process(self.pid, signal)
            };
        }
    }
}

/// What the end of a process means.
fn end(status: ExitStatus, was_told: bool, last: Option<String>) -> RunEnd {
    let last = last.map(|last| format!(": {last}")).unwrap_or_default();
    match (status.code(), status.signal()) {
        (Some(0), _) => RunEnd::Completed,
        _ if was_told => RunEnd::Stopped("was told to end; goes on with what was kept".to_owned()),
        (Some(code), _) => RunEnd::Failed(format!("exit code {code}{last}")),
        (None, signal) => RunEnd::Failed(format!("killed by signal {}{last}", signal.unwrap_or_default())),
    }
}

/// Passes on what a process says until it says no more; answers the last error that it names.
fn listen(words: ChildStderr, mut log: File, report: &Report) -> Option<String> {
    let mut words = BufReader::new(words);
    let (mut line, mut last) = (Vec::new(), None);
    loop {
        line.clear();
        let read = io::Read::take(&mut words, LINE_BYTES_MAX).read_until(b'\n', &mut line);
        if !read.is_ok_and(|bytes| bytes > 0) {
            return last;
        }
        match event(&line) {
            Some(Event { progress: Some(progress) }) => report.progress(progress),
            Some(Event { progress: None }) => {}
            None => {
                // A log that cannot be written is no reason to stop the job.
                let _ = log.write_all(&line);
                let text = String::from_utf8_lossy(&line);
                last = text.strip_prefix("error: ").map(|why| why.trim().to_owned()).or(last);
            }
        }
    }
}

struct Event {
    progress: Option<JobProgress>,
}

/// A line that is an event.
fn event(line: &[u8]) -> Option<Event> {
    let value: serde_json::Value = serde_json::from_slice(line).ok()?;
    let progress = match value.get("event")?.as_str()? {
        "progress" => serde_json::from_value(value).ok(),
        _ => None,
    };
    Some(Event { progress })
}

/// A job's process. Dropped, it is killed.
struct Running {
    process: Arc<Process>,
    input: ChildStdin,
}

impl Running {
    fn tell(&mut self, word: &str) -> Result<(), String> {
        // A pipe holds thousands of these words.
        writeln!(self.input, "{word}").map_err(|error| format!("it does not listen: {error}"))
    }
}

impl RunningJob for Running {
    fn pause(&mut self) -> Result<(), String> {
        self.tell("pause")
    }

    fn resume(&mut self) -> Result<(), String> {
        self.tell("resume")
    }

    fn stop(&mut self) {
        self.process.signal(Signal::TERM, false);
        let process = Arc::clone(&self.process);
        let insist = move || {
            let alive = process.lock();
            let waited = process.ended.wait_timeout_while(alive, GRACE, |alive| alive.child.is_some());
            let is_alive = waited.map_or(true, |(alive, _)| alive.child.is_some());
            if is_alive {
                process.signal(Signal::KILL, true);
            }
        };
        if std::thread::Builder::new().name("barhive-insist".to_owned()).spawn(insist).is_err() {
            self.kill();
        }
    }

    fn kill(&mut self) {
        self.process.signal(Signal::KILL, true);
    }

    fn pid(&self) -> Option<u32> {
        u32::try_from(self.process.pid.as_raw_nonzero().get()).ok()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}
