use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        mpsc::{Receiver, sync_channel},
    },
    time::Duration,
};

use super::*;
use crate::clock::{Stopwatch, SystemClock};

/// A manager, and what happens to its processes.
fn manager() -> (ProcessManager, Receiver<ProcessEvent>) {
    let (tell, told) = sync_channel(1_024);
    let manager = ProcessManager::new(Arc::new(SystemClock), move |_, event| drop(tell.send(event.clone())));
    (manager, told)
}

/// A shell that does this.
fn shell(script: &str) -> ProcessConfig {
    let mut config = ProcessConfig::new(ProcessType::Service, "sh");
    config.args = vec!["-c".to_owned(), script.to_owned()];
    config.restart.backoff_max = Duration::from_millis(1);
    config
}

fn until<T>(told: &Receiver<ProcessEvent>, mut wanted: impl FnMut(&ProcessEvent) -> Option<T>) -> T {
    loop {
        let event = told.recv_timeout(Duration::from_secs(30)).expect("it happens");
        if let Some(found) = wanted(&event) {
            return found;
        }
    }
}

fn said(told: &Receiver<ProcessEvent>) -> String {
    until(told, |event| match event {
        ProcessEvent::Said(line) => Some(line.clone()),
        _ => None,
    })
}

fn quarantined(told: &Receiver<ProcessEvent>) -> String {
    until(told, |event| match event {
        ProcessEvent::Quarantined { reason } => Some(reason.clone()),
        _ => None,
    })
}

#[test]
fn a_process_has_the_cores_and_the_niceness_that_it_is_given_and_its_starter_keeps_its_own() {
    let (manager, told) = manager();
    let cores = allowed_cores();
    let before = rustix::process::getpriority_process(None).unwrap();
    let mut config = shell("grep Cpus_allowed_list /proc/self/status; nice; sleep 60");
    (config.cores, config.nice) = (vec![cores[0]], before + 3);
    manager.run("kept", config).unwrap();
    assert_eq!(said(&told), format!("Cpus_allowed_list:\t{}", cores[0]));
    assert_eq!(said(&told), (before + 3).to_string());
    let [view] = <[ProcessView; 1]>::try_from(manager.processes()).unwrap();
    assert_eq!((view.cores, view.nice, view.notes), (vec![cores[0]], Some(before + 3), Vec::new()));
    assert_eq!(allowed_cores(), cores);
    assert_eq!(rustix::process::getpriority_process(None).unwrap(), before);
}

#[test]
fn what_is_refused_is_noted_and_the_process_runs() {
    let (manager, told) = manager();
    let mut config = shell("echo here; sleep 60");
    (config.cores, config.memory_reserve_bytes) = (vec![1_000], u64::MAX);
    manager.run("noted", config).unwrap();
    assert_eq!(said(&told), "here");
    let notes = manager.processes()[0].notes.join("\n");
    assert!(notes.contains("it runs on any core: the cores [1000] are not to be had"), "{notes}");
    assert!(notes.contains("MiB are reserved for it, and"), "{notes}");
}

#[test]
fn a_process_that_is_silent_for_too_long_is_killed_and_started_again() {
    let (manager, told) = manager();
    let mut config = shell("echo once; exec sleep 60");
    config.silence_max_ms = Some(200);
    config.restart.intensity = 1;
    manager.run("silent", config).unwrap();
    assert_eq!(quarantined(&told), "it said nothing for 0.2 s");
    let view = &manager.processes()[0];
    assert_eq!((view.restarts, view.failure.as_deref()), (1, Some("it said nothing for 0.2 s")));
}

#[test]
fn a_process_that_takes_more_memory_than_it_may_fails_alone() {
    let (manager, told) = manager();
    // A shell that doubles a text.
    let mut config = shell("x=0123456789abcdef; while :; do x=$x$x; done");
    config.memory_max_bytes = Some(ProcessConfig::MEMORY_BYTES_MIN);
    config.restart.intensity = 0;
    manager.run("greedy", config).unwrap();
    let reason = quarantined(&told);
    assert!(reason.starts_with("exit code") || reason.starts_with("killed by signal"), "{reason}");
}

#[test]
fn a_process_that_cannot_be_started_has_failed() {
    let (manager, told) = manager();
    manager.run("missing", ProcessConfig::new(ProcessType::Live, "/nowhere/at-all")).unwrap();
    assert!(quarantined(&told).starts_with("/nowhere/at-all cannot be started: "));
    assert!(matches!(manager.run("missing", shell("true")), Err(ProcessError::Known(_))));
    assert!(matches!(manager.run("wrong", shell("").into_wrong()), Err(ProcessError::Config { .. })));
}

impl ProcessConfig {
    fn into_wrong(self) -> Self {
        Self { nice: 99, ..self }
    }
}

#[test]
fn a_process_that_is_done_is_not_started_again_and_what_it_said_is_heard() {
    let (manager, told) = manager();
    manager.run("done", shell("for i in 1 2 3; do echo $i; done")).unwrap();
    let mut heard = Vec::new();
    until(&told, |event| match event {
        ProcessEvent::Said(line) => {
            heard.push(line.clone());
            None
        }
        ProcessEvent::Ended => Some(()),
        _ => None,
    });
    assert_eq!(heard, ["1", "2", "3"]);
    assert_eq!(manager.processes()[0].state, ProcessState::Ended);
}

#[test]
fn what_a_process_has_started_ends_with_it_and_so_does_everything_with_the_manager() {
    let (manager, told) = manager();
    // The child of the shell holds its standard output, and the shell ends at once.
    manager.run("parent", shell("sleep 600 & echo $!; exit 0")).unwrap();
    let orphan = said(&told);
    until(&told, |event| (*event == ProcessEvent::Ended).then_some(()));
    gone(&orphan);
    manager.run("stubborn", shell("trap '' TERM; sleep 600 & echo $$; wait; wait; sleep 600")).unwrap();
    let stubborn = said(&told);
    let watch = Stopwatch::start();
    drop(manager);
    assert!(watch.elapsed() >= ProcessManager::GRACE, "it was asked first");
    gone(&stubborn);
}

/// Waits until a process is not there any more, but for its entry.
fn gone(pid: &str) {
    let path = Path::new("/proc").join(pid).join("stat");
    for _ in 0..1_000 {
        match fs::read_to_string(&path) {
            Ok(stat) if !stat.contains(") Z ") => std::thread::sleep(Duration::from_millis(10)),
            _ => return,
        }
    }
    panic!("process {pid} is still there");
}
