//! `sweep --isolation process` from outside: the same bytes, whoever is killed, and nobody left behind.

use std::{fs, thread, time::Duration};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    program::{Answer, Place},
    sweeps::{FINAL, bytes, json, long, now, signal, start, wait_for_results},
};

/// The processes that `parent` has started and not waited for.
fn children(parent: u32) -> Vec<i32> {
    let tasks = fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>())
        .collect()
}

/// Waits until none of these processes is there any more.
fn wait_for_the_end_of(workers: &[i32]) {
    let is_there = |id: &i32| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        stat.rsplit_once(')').is_some_and(|(_, state)| !state.trim_start().starts_with(['Z', 'X']))
    };
    let since = now();
    while workers.iter().any(is_there) {
        assert!(since.elapsed() < Duration::from_secs(10), "left: {workers:?}");
        thread::sleep(Duration::from_millis(5));
    }
}

const PROCESSES: [&str; 6] = ["sweep", "sweep.yaml", "--isolation", "process", "-w", "2"];

fn processes<'a>(more: &[&'a str]) -> Vec<&'a str> {
    PROCESSES.iter().chain(more).copied().collect()
}

#[test]
fn processes_and_threads_give_the_same_bytes() {
    let place = Place::new();
    long(&place);
    place.succeed(&["sweep", "sweep.yaml", "--results-dir", "threads", "-w", "1"]);
    let limits = ["--memory-max", "256MiB", "--affinity", "auto", "--nice=3"];
    let apart = ["--results-dir", "processes", "--format", "json", "-q"];
    let answer = place.succeed(&processes(&[&apart[..], &limits[..]].concat()));
    assert_eq!(answer.stderr, "");
    assert_eq!(json(&answer.stdout)["took"]["worker_failures"], 0);
    for name in FINAL {
        assert_eq!(bytes(&place, "processes", name), bytes(&place, "threads", name), "{name}");
    }
}

#[test]
fn limits_are_for_processes() {
    let place = Place::new();
    long(&place);
    let nowhere = ["sweep", "sweep.yaml", "--isolation", "process", "--affinity", "0,1000"];
    assert!(place.refuse(&nowhere).stderr.contains("core 1000 is not among the"));
    for limit in [["--memory-max", "1GiB"], ["--affinity", "0"]] {
        let answer = place.refuse(&[&["sweep", "sweep.yaml"], &limit[..]].concat());
        assert_eq!(answer.stderr, format!("error: {} is for --isolation process\n", limit[0]));
    }
}

#[test]
fn memory_that_no_worker_can_begin_with_is_refused() {
    let place = Place::new();
    long(&place);
    let flag = place.refuse(&processes(&["--memory-max", "15MiB"]));
    assert!(flag.stderr.contains("--memory-max") && flag.stderr.contains("16MiB"), "{}", flag.stderr);
    let file = place.refuse(&processes(&["--set", "sweep.process.memory_max=1MiB"]));
    assert!(file.stderr.contains("memory_max") && file.stderr.contains("16MiB"), "{}", file.stderr);
    assert!(!place.path("results").exists());
}

#[test]
fn killed_workers_are_replaced_and_the_bytes_are_the_same() {
    let place = Place::new();
    long(&place);
    place.succeed(&["sweep", "sweep.yaml", "--results-dir", "quiet"]);
    let child = start(&place, &processes(&["--results-dir", "out", "--batch", "16", "--format", "json"]));
    wait_for_results(&place);
    // Each twice at most at the same work, or it would be taken for the work's fault.
    for worker in children(child.id()) {
        kill_process(Pid::from_raw(worker).expect("a pid"), Signal::KILL).expect("a signal");
    }
    let answer = Answer::of(child.wait_with_output().expect("it ends"));
    assert_eq!(answer.code, Some(0), "{}", answer.stderr);
    assert_eq!(json(&answer.stdout)["took"]["worker_failures"], 2);
    assert_eq!(answer.stderr.matches("killed by signal 9").count(), 2, "{}", answer.stderr);
    for name in FINAL {
        assert_eq!(bytes(&place, "out", name), bytes(&place, "quiet", name), "{name}");
    }
}

#[test]
fn workers_end_with_a_sweep_that_is_killed_and_the_next_goes_on_to_the_same_bytes() {
    let place = Place::new();
    long(&place);
    place.succeed(&["sweep", "sweep.yaml", "--results-dir", "quiet"]);
    let go_on = processes(&["--results-dir", "out", "--batch", "16", "--resume"]);
    let mut child = start(&place, &go_on);
    wait_for_results(&place);
    let workers = children(child.id());
    assert_eq!(workers.len(), 2);
    child.kill().expect("it is killed");
    child.wait().expect("it ends");
    wait_for_the_end_of(&workers);
    place.succeed(&go_on);
    for name in FINAL {
        assert_eq!(bytes(&place, "out", name), bytes(&place, "quiet", name), "{name}");
    }
}

#[test]
fn an_interrupted_sweep_takes_its_workers_along() {
    let place = Place::new();
    long(&place);
    let child = start(&place, &processes(&["--results-dir", "out", "--batch", "16"]));
    wait_for_results(&place);
    let workers = children(child.id());
    let since = now();
    signal(&child, Signal::TERM);
    let answer = Answer::of(child.wait_with_output().expect("it ends"));
    assert!(since.elapsed() < Duration::from_secs(2), "{:?}", since.elapsed());
    assert_eq!(answer.code, Some(1), "{}", answer.stderr);
    assert!(answer.stdout.contains("not finished"), "{}", answer.stdout);
    wait_for_the_end_of(&workers);
}

#[test]
fn a_worker_started_by_hand_says_that_nobody_talks_to_it() {
    let place = Place::new();
    assert_eq!(place.run(&["worker"]).code, Some(0), "its coordinator is gone at once");
    assert!(!place.succeed(&["--help"]).stdout.contains("worker "), "it is no command for users");
}
