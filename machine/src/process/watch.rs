//! The thread of one process: starts it, listens to it, waits for it, starts it again.

use std::{
    fs::{self, OpenOptions},
    hash::{DefaultHasher, Hash, Hasher},
    io::{BufRead, BufReader, Read},
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, sync_channel},
    },
    time::Duration,
};

use barhive_engine::{
    restart::{RestartHistory, RestartVerdict},
    time::Clock,
};
use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitId, WaitIdOptions, getpriority_process, kill_process,
    kill_process_group, prlimit, waitid,
};

use super::{
    ProcessConfig, ProcessEvent, ProcessManager, ProcessState, ProcessView, keep_to, processes::Listener,
    stand_back,
};
use crate::clock::Stopwatch;

/// Longest line that is read whole, bytes; the rest of a longer one is a line of its own.
const LINE_BYTES_MAX: u64 = 64 << 10;
/// Between two looks at whether it is to end.
const LOOK: Duration = Duration::from_millis(50);
/// How long what a process has said last may take to be heard when it has ended.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A process as its thread and its manager share it.
pub(super) struct Shared {
    name: String,
    config: ProcessConfig,
    clock: Arc<dyn Clock>,
    listener: Listener,
    view: Mutex<ProcessView>,
    is_to_end: Mutex<bool>,
    told: Condvar,
}

impl Shared {
    pub(super) fn new(name: &str, config: ProcessConfig, clock: Arc<dyn Clock>, listener: Listener) -> Self {
        let view = ProcessView {
            name: name.to_owned(),
            process_type: config.process_type,
            state: ProcessState::Waiting,
            since_ns: clock.now_ns(),
            restarts: 0,
            failure: None,
            cores: Vec::new(),
            nice: None,
            notes: Vec::new(),
        };
        Self {
            name: name.to_owned(),
            config,
            clock,
            listener,
            view: Mutex::new(view),
            is_to_end: Mutex::new(false),
            told: Condvar::new(),
        }
    }

    pub(super) fn view(&self) -> ProcessView {
        lock(&self.view).clone()
    }

    pub(super) fn stop(&self) {
        *lock(&self.is_to_end) = true;
        self.told.notify_all();
    }

    /// Waits so long, or until it is to end; whether it is.
    fn wait(&self, span: Duration) -> bool {
        let waited = self.told.wait_timeout_while(lock(&self.is_to_end), span, |is_to_end| !*is_to_end);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn enter(&self, state: ProcessState) {
        let mut view = lock(&self.view);
        (view.state, view.since_ns) = (state, self.clock.now_ns());
    }

    fn tell(&self, event: &ProcessEvent) {
        (self.listener)(&self.name, event);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How a life of the process ended.
enum End {
    Done,
    Told,
    Failed(String),
}

/// Looks after the process until it is done, told to end, or has failed too often.
pub(super) fn watch(shared: &Shared) {
    let mut hasher = DefaultHasher::new();
    shared.name.hash(&mut hasher);
    let mut history = RestartHistory::new(shared.config.restart, hasher.finish());
    let watch = Stopwatch::start();
    let notes = settle(shared);
    loop {
        match live(shared, &notes) {
            End::Done => {
                shared.enter(ProcessState::Ended);
                return shared.tell(&ProcessEvent::Ended);
            }
            End::Told => return shared.enter(ProcessState::Stopped),
            End::Failed(reason) => {
                lock(&shared.view).failure = Some(reason.clone());
                match history.fail(watch.elapsed()) {
                    RestartVerdict::GiveUp => {
                        shared.enter(ProcessState::Quarantined { reason: reason.clone() });
                        return shared.tell(&ProcessEvent::Quarantined { reason });
                    }
                    RestartVerdict::Restart { after } => {
                        shared.enter(ProcessState::Waiting);
                        lock(&shared.view).restarts = history.restarts();
                        shared.tell(&ProcessEvent::Restarting { reason, after });
                        if shared.wait(after) {
                            return shared.enter(ProcessState::Stopped);
                        }
                    }
                }
            }
        }
    }
}

/// Takes the cores and the niceness of the process to be, which inherits both; what is refused is a note.
fn settle(shared: &Shared) -> Vec<String> {
    let ProcessConfig { cores, nice, .. } = &shared.config;
    let mut notes = Vec::new();
    if !cores.is_empty() {
        match keep_to(cores) {
            Ok(()) => lock(&shared.view).cores.clone_from(cores),
            Err(why) => notes.push(format!("it runs on any core: {why}")),
        }
    }
    if let Err(why) = stand_back(*nice) {
        notes.push(why);
    }
    lock(&shared.view).nice = getpriority_process(None).ok();
    notes
}

/// One life of the process.
fn live(shared: &Shared, notes: &[String]) -> End {
    let mut child = match start(&shared.config) {
        Ok(child) => child,
        Err(why) => return End::Failed(why),
    };
    let pid = child.id();
    {
        let mut view = lock(&shared.view);
        view.notes = notes.to_vec();
        view.notes.extend(limit(&shared.config, &child));
        for note in &view.notes {
            tracing::warn!(process = shared.name, "{note}");
        }
    }
    shared.enter(ProcessState::Running { pid });
    shared.tell(&ProcessEvent::Started { pid });
    let end = attend(shared, &mut child);
    let status = child.wait();
    shared.tell(&ProcessEvent::Gone { pid });
    match (end, status) {
        (Some(end), _) => end,
        (None, Ok(status)) if status.success() => End::Done,
        (None, Ok(status)) => End::Failed(in_words(status)),
        (None, Err(error)) => End::Failed(format!("its end is not known: {error}")),
    }
}

fn start(config: &ProcessConfig) -> Result<Child, String> {
    let mut command = Command::new(&config.program);
    command.args(&config.args).stdin(Stdio::piped()).stdout(Stdio::piped());
    // Ctrl-C in a terminal is for its manager.
    command.process_group(0);
    if let Some(folder) = &config.folder {
        command.current_dir(folder);
    }
    if let Some(path) = &config.log {
        let log = OpenOptions::new().append(true).create(true).open(path);
        command.stderr(log.map_err(|error| format!("{} cannot be written: {error}", path.display()))?);
    }
    command.spawn().map_err(|error| format!("{} cannot be started: {error}", config.program.display()))
}

/// Limits a process that has just been started; answers what it was to be given and was not.
fn limit(config: &ProcessConfig, child: &Child) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(bytes) = config.memory_max_bytes {
        let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
        if let Err(error) = prlimit(Some(Pid::from_child(child)), Resource::Data, limit) {
            notes.push(format!("its memory is not limited: {error}"));
        }
    }
    let score = config.process_type.oom_score();
    // Standing forward takes a privilege, which the usual user does not have: no note.
    let _ = fs::write(format!("/proc/{}/oom_score_adj", child.id()), score.to_string());
    let reserve = config.memory_reserve_bytes;
    match available_bytes() {
        Some(free) if free < reserve => notes.push(format!(
            "{} MiB are reserved for it, and {} MiB are there: stop other programs",
            reserve >> 20,
            free >> 20
        )),
        _ => {}
    }
    notes
}

/// Memory that can be had without swapping, bytes.
fn available_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.split_ascii_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// Listens to a process until it ends by itself (`None`), or is ended; what it has started ends with it. Its number
/// is its own until it is waited for.
fn attend(shared: &Shared, child: &mut Child) -> Option<End> {
    let pid = Pid::from_child(child);
    let (input, output) = (child.stdin.take(), child.stdout.take()?);
    let lines = match listen(output) {
        Ok(lines) => lines,
        Err(why) => {
            let _ = kill_process_group(pid, Signal::KILL);
            return Some(End::Failed(why));
        }
    };
    let end = hear(shared, pid, &lines);
    drop(input);
    if let Some(End::Told) = end {
        let _ = kill_process(pid, Signal::TERM);
        let told = Stopwatch::start();
        while told.elapsed() < ProcessManager::GRACE && !has_ended(pid) {
            std::thread::sleep(LOOK / 5);
        }
    }
    let _ = kill_process_group(pid, Signal::KILL);
    let last = Stopwatch::start();
    while let Ok(line) = lines.recv_timeout(LAST_WORDS.saturating_sub(last.elapsed())) {
        shared.tell(&ProcessEvent::Said(line));
    }
    end
}

/// Hears a process until it has ended, is to end, or has been silent for too long.
fn hear(shared: &Shared, pid: Pid, lines: &Receiver<String>) -> Option<End> {
    let silence_max = shared.config.silence_max_ms.map(Duration::from_millis);
    let mut heard = Stopwatch::start();
    while !has_ended(pid) {
        match lines.recv_timeout(LOOK) {
            Ok(line) => {
                heard = Stopwatch::start();
                shared.tell(&ProcessEvent::Said(line));
            }
            Err(RecvTimeoutError::Timeout) => {}
            // It may work on without a standard output.
            Err(RecvTimeoutError::Disconnected) => std::thread::sleep(LOOK),
        }
        if let Some(most) = silence_max.filter(|most| heard.elapsed() >= *most) {
            return Some(End::Failed(format!("it said nothing for {:.1} s", most.as_secs_f64())));
        }
        if shared.wait(Duration::ZERO) {
            return Some(End::Told);
        }
    }
    None
}

/// Whether it has ended; it is not waited for.
fn has_ended(pid: Pid) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    !matches!(waitid(WaitId::Pid(pid), options), Ok(None) | Err(rustix::io::Errno::INTR))
}

/// Reads lines on a thread that ends with the process's standard output.
fn listen(output: ChildStdout) -> Result<Receiver<String>, String> {
    // A process that says more than is heard waits.
    let (tell, told) = sync_channel(64);
    let read = move || {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = (&mut output).take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
            if !read.is_ok_and(|bytes| bytes > 0) {
                return;
            }
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            if tell.send(text).is_err() {
                return;
            }
        }
    };
    let thread = std::thread::Builder::new().name("process-ear".to_owned()).stack_size(256 << 10);
    thread.spawn(read).map_err(|error| format!("nobody can listen to it: {error}"))?;
    Ok(told)
}

fn in_words(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, signal) => format!("killed by signal {}", signal.unwrap_or_default()),
    }
}
