//! The folder of results: whole results of one run, or nothing.

use std::{fs, process::Stdio, thread, time::Duration};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::program::Place;

const SET: &str = "
name: little
feed: {kind: synthetic, params: {symbols: [ALPHA], bars: 900, timeframe: 1h}}
account: {kind: shared, cash: 100000 USD}
strategies:
  - {id: sma, kind: sma_cross, params: {fast: 5, slow: 20}, timeframe: 1h, sizing: {fixed: 10}}
";

/// The set over so many bars that somebody can interfere.
fn long(place: &Place) {
    place.write("set.yaml", &SET.replace("bars: 900, timeframe: 1h", "bars: 500000000, timeframe: 1s"));
    place
        .write("set.yaml", &place.read("set.yaml").replace("timeframe: 1h, sizing", "timeframe: 1s, sizing"));
}

/// All files below a folder, by their paths from there.
fn files(place: &Place, folder: &str) -> Vec<String> {
    fn walk(folder: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let (root, mut found) = (place.path(folder), Vec::new());
    walk(&root, &mut found);
    let inside = |path: &std::path::PathBuf| path.strip_prefix(&root).expect("inside").display().to_string();
    let mut names: Vec<_> = found.iter().map(inside).collect();
    names.sort();
    names
}

fn hash(place: &Place, folder: &str) -> Value {
    let report = place.read(&format!("{folder}/report.json"));
    serde_json::from_str::<Value>(&report).expect("JSON")["result_hash"].clone()
}

#[test]
fn a_folder_that_is_named_again_shows_one_run_only() {
    let place = Place::new();
    place.write("set.yaml", SET).write("out/notes.txt", "mine");
    place.succeed(&["run", "set.yaml", "--results-dir", "out", "--store", "csv"]);
    place.succeed(&["run", "set.yaml", "--results-dir", "out", "--no-html"]);
    let records = ["equity", "fills", "trades"].map(|kind| format!("accounts/shared/{kind}.parquet"));
    let expected =
        [&records[..], &["config.yaml", "notes.txt", "perf.json", "report.json"].map(str::to_owned)].concat();
    assert_eq!(files(&place, "out"), expected);
}

#[test]
fn a_run_that_is_interrupted_leaves_nothing_behind() {
    let place = Place::new();
    long(&place);
    let mut command = place.command(&["run", "set.yaml", "--results-dir", "out"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    while !place.path("out/accounts/shared").exists() {
        thread::sleep(Duration::from_millis(10));
    }
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid")).expect("a pid");
    kill_process(pid, Signal::TERM).expect("a signal");
    assert_eq!(child.wait().expect("it ends").code(), Some(1));
    assert!(!place.path("out").exists(), "{:?}", files(&place, "out"));
}

#[test]
fn what_a_killed_run_left_is_taken_away_by_the_next() {
    let place = Place::new();
    long(&place);
    let mut command = place.command(&["run", "set.yaml", "--results-dir", "out", "--store", "jsonl"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    while !place.path("out/accounts/shared").exists() {
        thread::sleep(Duration::from_millis(10));
    }
    child.kill().expect("it is killed");
    child.wait().expect("it ends");
    assert!(!place.path("out/report.json").exists(), "half a run is no result");
    place.write("set.yaml", SET).succeed(&["run", "set.yaml", "--results-dir", "out"]);
    let left = files(&place, "out");
    assert!(left.iter().all(|name| !name.contains(".tmp") && !name.contains("jsonl")), "{left:?}");
}

#[test]
fn two_runs_into_one_folder_do_not_mix() {
    let place = Place::new();
    long(&place);
    let mut command = place.command(&["run", "set.yaml", "--results-dir", "out"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    while !place.path("out/accounts/shared").exists() {
        thread::sleep(Duration::from_millis(10));
    }
    let answer = place.run(&["run", "set.yaml", "--results-dir", "out"]);
    assert_eq!(answer.code, Some(1));
    assert!(answer.stderr.contains("another run is writing into out"), "{}", answer.stderr);
    child.kill().expect("it is killed");
    child.wait().expect("it ends");
    place.write("set.yaml", SET).succeed(&["run", "set.yaml", "--results-dir", "out"]);
}

#[test]
fn a_configuration_of_the_users_own_is_not_replaced() {
    let place = Place::new();
    place.write("config.yaml", SET).write("set.yaml", SET);
    for set in ["config.yaml", "set.yaml"] {
        let answer = place.run(&["run", set, "--results-dir", "."]);
        assert_eq!(answer.code, Some(1));
        assert!(answer.stderr.contains("config.yaml would be replaced"), "{}", answer.stderr);
    }
    assert_eq!(place.read("config.yaml"), SET);
}

#[test]
fn the_configuration_of_a_run_on_a_catalog_runs_from_its_folder() {
    let place = Place::new();
    place.succeed(&["data", "generate", "--bars", "900", "--timeframe", "1h"]);
    let feed = "feed: {kind: catalog, params: {path: data}}";
    let old = "feed: {kind: synthetic, params: {symbols: [ALPHA], bars: 900, timeframe: 1h}}";
    place.write("set.yaml", &SET.replace(old, feed));
    place.succeed(&["run", "set.yaml", "--results-dir", "first"]);
    place.succeed(&["run", "first/config.yaml", "--results-dir", "second"]);
    assert_eq!(hash(&place, "first"), hash(&place, "second"));
}
