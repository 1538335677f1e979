//! `serve`: a server that runs queued jobs until it is told to end.

mod desk;
mod live;
mod reach;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use barhive_actors::clock::SystemClock;
use barhive_config::{HttpListen, ServerSettings, TelegramSettings, http_listen, load_server};
use barhive_engine::{jobs::ExecutionMode, registry::Registry as Parts};
use barhive_machine::ResourceMonitor;
use barhive_serve::{
    Events, ExecutionConfig, ExecutionManager, ManagerOptions, Notices, Notifier, NotifyOptions,
    ProgramRunner, Socket, StateFolder, TelegramBot,
};
use clap::Args;

pub(super) use self::reach::Reached;
use self::{live::Reserved, reach::Reach};
use super::{
    jobs::STATE,
    logging::LogFlags,
    outcome::{CliError, Done, Outcome},
    output::count,
    signals,
};

/// Between two looks at signals.
const EVERY: Duration = Duration::from_millis(50);

#[derive(Args, Debug)]
pub(super) struct ServeFlags {
    /// How it is set up, a YAML file [default: as config/server.yaml says]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Keep everything here [default: as the file says, else barhive-state]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Listen for HTTP at this address, or at none [default: as the file says, else 127.0.0.1:8787 if it is free]
    #[arg(long, value_name = "ADDRESS", value_parser = http_listen)]
    http: Option<HttpListen>,
}

pub(super) fn run(flags: &ServeFlags, parts: &Parts, logs: &LogFlags) -> Outcome {
    let interrupt = signals::interrupt_flag()
        .map_err(|error| CliError::Failed(format!("cannot listen to signals: {error}")))?;
    let mut settings = match &flags.file {
        Some(file) => load_server(file).map_err(|faults| CliError::Usage(faults.to_string()))?,
        None => ServerSettings::default(),
    };
    let path = flags.state.clone().or(settings.state.clone()).unwrap_or_else(|| STATE.into());
    // Before there is any other thread: they all stay away from what is kept for live work.
    let reserved = Reserved::keep(&settings.live)?;
    settings.http.listen = flags.http.unwrap_or(settings.http.listen);
    allow_clients();
    let failed = |error: &dyn std::fmt::Display| CliError::Failed(error.to_string());
    let state = StateFolder::open(&path).map_err(|error| failed(&error))?;
    let program = std::env::current_exe()
        .map_err(|error| CliError::Failed(format!("this program cannot be found: {error}")))?;
    let config = config(&settings);
    let (capacity, running_max) = (config.capacity(), config.running_max);
    let monitor = monitor(&config);
    let dir = flags.file.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let dir = std::path::absolute(dir.join(".")).map_err(|error| failed(&error))?;
    let live = live::start(&settings.live, &reserved, &dir, state.path(), monitor.clone())?;
    let (events, notices) = (Events::default(), Notices::default());
    let options = ManagerOptions {
        live: live.clone(),
        observer: Box::new(vec![events.observer(), notices.observer()]),
        ..config.options(monitor)
    };
    let runner = ProgramRunner::new(program, state.path().join("jobs"));
    let runner = runner.with_telegram(settings.telegram.is_some()).with_nice(reserved.jobs_nice);
    let manager = ExecutionManager::start(state.path(), options, Box::new(runner), Arc::new(SystemClock));
    let manager = Arc::new(manager.map_err(|error| failed(&error))?);
    let name = StateFolder::socket(state.path());
    let socket = Socket::open(&name, Arc::clone(&manager)).map_err(|error| {
        CliError::Failed(format!("cannot listen at {}: {error}; a shorter folder may help", name.display()))
    })?;
    let telegram =
        settings.telegram.map(|TelegramSettings { token, chat, url }| TelegramBot { token, chat, url });
    let notify = NotifyOptions { telegram, ..NotifyOptions::default() };
    let notifier = Notifier::start(state.path(), notify, &notices, Arc::clone(&manager))
        .map_err(|error| CliError::Failed(format!("nobody can be told when jobs have ended: {error}")))?;
    let reach = Reach::open(settings.http, state.path(), parts, &manager, &events)?;
    if !logs.is_quiet() {
        let at_once = if settings.mode == ExecutionMode::Standalone { 1 } else { running_max };
        let (workers, jobs) = (count(capacity.workers as usize, "worker"), count(at_once, "job"));
        let gib = capacity.memory_bytes as f64 / f64::from(1u32 << 30);
        // Whoever closed standard error does not want to hear it.
        let _ = writeln!(
            io::stderr(),
            "serving {}: {}, {jobs} at a time, {workers}, {gib:.1} GiB",
            state.path().display(),
            settings.mode
        );
        if let Some(kept) = reserved.words(&settings.live) {
            let _ = writeln!(io::stderr(), "kept for live work: {kept}");
        }
        if let Some(reach) = &reach {
            let _ =
                writeln!(io::stderr(), "page {}; `barhive page` prints a link that opens it", reach.url());
        }
    }
    while !interrupt.load(Ordering::Relaxed) && manager.is_working() {
        std::thread::sleep(EVERY);
    }
    if let Some(reach) = &reach {
        reach.close();
    }
    let ended = std::thread::scope(|scope| {
        // Both may take their time to end.
        live.iter().for_each(|live| drop(scope.spawn(|| live.stop())));
        manager.shut_down()
    });
    drop((socket, reach, notifier));
    ended.map(|()| Done::All).map_err(|fault| CliError::Failed(fault.to_string()))
}

/// What the file says of the machine; what it leaves out has its default.
fn config(settings: &ServerSettings) -> ExecutionConfig {
    let default = ExecutionConfig::default();
    ExecutionConfig {
        running_max: settings.running_max.unwrap_or(default.running_max),
        memory_bytes: settings.memory_bytes.unwrap_or(default.memory_bytes),
        workers: settings.workers,
        live_memory_bytes: settings.live.memory_bytes,
        mode: settings.mode,
        queue: settings.queue.clone(),
        thresholds: settings.thresholds,
        breaker: settings.breaker,
    }
}

/// Watches the machine, which says what may start. One that cannot be measured has a fixed size.
fn monitor(config: &ExecutionConfig) -> Option<Arc<ResourceMonitor>> {
    let monitor = config.monitor(Arc::new(SystemClock));
    let warn = |fault: &_| {
        tracing::warn!("jobs run without regard to others' load, in one mode: {fault}");
    };
    monitor.inspect_err(warn).map(Arc::new).ok()
}

/// Every client takes a descriptor, and the usual limit is meant for programs that serve nobody.
fn allow_clients() {
    use rustix::process::{Resource, getrlimit, setrlimit};

    const DESCRIPTORS: u64 = 4_096;
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < DESCRIPTORS) {
        limit.current = Some(limit.maximum.map_or(DESCRIPTORS, |maximum| maximum.min(DESCRIPTORS)));
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::warn!("fewer clients can connect: {error}");
        }
    }
}
