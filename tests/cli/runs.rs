//! `run` from outside: its results, its folder, its streams, and how it ends when it is told to.

use std::{
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::program::{Answer, Place};

/// A set on a made-up market that takes a moment.
const SET: &str = "
name: little
feed:
  kind: synthetic
  params: {seed: 7, symbols: [ALPHA, BRAVO], bars: 3000, timeframe: 1h}
account: {kind: per_strategy, cash: 100000 USD}
strategies:
  - {id: sma, kind: sma_cross, params: {fast: 5, slow: 20}, timeframe: 1h, sizing: {fixed: 10}}
  - {id: hold, kind: buy_and_hold, timeframe: 1h, sizing: {notional: 50000}}
";

fn json(answer: &Answer) -> Value {
    serde_json::from_str(&answer.stdout).unwrap_or_else(|error| panic!("{error}: {}", answer.stdout))
}

#[test]
fn a_run_prints_tables_within_80_columns_and_leaves_a_folder() {
    let place = Place::new();
    place.write("set.yaml", SET);
    let answer = place.succeed(&["run", "set.yaml"]);
    assert_eq!(answer.stderr, "");
    answer.fits_80_columns();
    let folders: Vec<_> = std::fs::read_dir(place.path("results")).expect("results").collect();
    assert_eq!(folders.len(), 1);
    let folder = folders[0].as_ref().expect("a folder").file_name().into_string().expect("UTF-8");
    assert!(folder.starts_with("little-20") && folder.matches('-').count() == 2, "{folder}");
    for file in ["report.html", "report.json", "config.yaml"] {
        assert!(!place.read(&format!("results/{folder}/{file}")).is_empty(), "{file}");
    }
    assert!(answer.stdout.contains(&folder), "the report says where the rest is");
}

/// The program's allocator, which a feature changes, is no part of a result:
/// `cargo test --features mimalloc --test cli` passes with the same hashes.
#[test]
fn the_sets_that_come_along_have_the_results_that_they_have_everywhere() {
    let place = Place::new();
    for (set, hash) in [
        ("config/quickstart.yaml", "199d59b9c6c84cd2c515b47ebe92e80d288f7b8702f8255c42e8dac287729de0"),
        ("examples/set.yaml", "944dd9a4d4e6857606fdc781a8c55f1aa4dcb3babbae2a2b66f64b3f6b6e7e41"),
    ] {
        let path = format!("{}/{set}", env!("CARGO_MANIFEST_DIR"));
        let report = json(&place.succeed(&["run", &path, "--format", "json", "--no-html"]));
        assert_eq!(report["result_hash"], hash, "{set}");
    }
}

#[test]
fn json_on_standard_output_is_the_report_of_the_folder() {
    let place = Place::new();
    place.write("set.yaml", SET);
    let answer = place.succeed(&["run", "set.yaml", "--format", "json", "--results-dir", "out", "--no-html"]);
    assert_eq!(answer.stdout, place.read("out/report.json"));
    assert!(!place.path("out/report.html").exists());
    let report = json(&answer);
    // One account for each of the two strategies on each of the two instruments, or for each strategy.
    let accounts = report["accounts"].as_array().expect("accounts");
    assert!(accounts.len() >= 2);
    for account in accounts {
        assert!(account["final_equity"].is_string(), "money is a decimal string: {account}");
        assert!(account["max_drawdown"].as_f64().is_some_and(|fraction| (0.0..=1.0).contains(&fraction)));
    }
    let hub = &report["hub"];
    assert_eq!(hub["computed"], hub["expected"], "each indicator is computed once: {hub}");
}

#[test]
fn the_exact_configuration_of_a_run_gives_the_same_result_again() {
    let place = Place::new();
    place.write("set.yaml", SET);
    let change = "strategies[0].params.fast=7";
    let args = ["run", "set.yaml", "--set", change, "--format", "json", "--results-dir", "first"];
    let first = json(&place.succeed(&args));
    let plain = json(&place.succeed(&["run", "set.yaml", "--format", "json", "--results-dir", "plain"]));
    assert_ne!(first["result_hash"], plain["result_hash"], "the change must be felt");
    let again = ["run", "first/config.yaml", "--format", "json", "--results-dir", "again"];
    assert_eq!(json(&place.succeed(&again))["result_hash"], first["result_hash"]);
}

#[test]
fn records_come_in_the_format_that_is_asked_for() {
    let place = Place::new();
    place.write("set.yaml", SET);
    let mut hashes = Vec::new();
    for store in ["parquet", "jsonl", "csv"] {
        let args = ["run", "set.yaml", "--store", store, "--results-dir", store, "--format", "json"];
        hashes.push(json(&place.succeed(&args))["result_hash"].clone());
        let accounts = std::fs::read_dir(place.path(&format!("{store}/accounts"))).expect("accounts");
        for account in accounts {
            let folder = account.expect("an account").path();
            for kind in ["equity", "fills", "trades"] {
                assert!(
                    folder.join(format!("{kind}.{store}")).exists(),
                    "{}/{kind}.{store}",
                    folder.display()
                );
            }
        }
    }
    assert!(hashes.iter().all(|hash| *hash == hashes[0]));
}

#[test]
fn fewer_bars_and_fewer_strategies_are_what_was_asked_for() {
    let place = Place::new();
    place.write("set.yaml", SET);
    let args = ["run", "set.yaml", "--bars", "500", "--max-strategies", "1", "--skip-telegram"];
    let report = json(&place.succeed(&[&args[..], &["--format", "json"]].concat()));
    assert_eq!(report["accounts"].as_array().expect("accounts").len(), 1);
    let series = report["data"].as_array().or(report["series"].as_array()).expect("series");
    assert!(series.iter().all(|one| one["rows"] == 500), "{series:?}");
}

#[test]
fn two_runs_at_once_have_a_folder_each() {
    let place = Place::new();
    place.write("set.yaml", SET);
    let mut children: Vec<_> = (0..3)
        .map(|_| {
            place.command(&["run", "set.yaml", "--quiet"]).stdout(Stdio::null()).spawn().expect("it starts")
        })
        .collect();
    for child in &mut children {
        assert!(child.wait().expect("it ends").success());
    }
    assert_eq!(std::fs::read_dir(place.path("results")).expect("results").count(), 3);
}

#[test]
fn a_wrong_set_shows_all_its_faults_with_their_places() {
    let place = Place::new();
    place.write("set.yaml", &SET.replace("sma_cross", "sma_crss").replace("cash: 100000 USD", "cash: lots"));
    for command in ["run", "validate", "plan"] {
        let answer = place.refuse(&[command, "set.yaml"]);
        assert!(answer.stderr.contains("set.yaml:6:"), "{command}: {}", answer.stderr);
        assert!(answer.stderr.contains("set.yaml:8:"), "{command}: {}", answer.stderr);
        assert!(answer.stderr.contains("sma_cross"), "a suggestion: {}", answer.stderr);
    }
    assert!(!place.path("results").exists(), "a run that cannot start leaves nothing");
}

#[test]
fn with_keep_going_the_sound_strategies_run_and_the_exit_code_says_2() {
    let place = Place::new();
    place.write("set.yaml", &SET.replace("fast: 5", "fast: 50"));
    place.refuse(&["run", "set.yaml"]);
    let answer = place.run(&["run", "set.yaml", "--keep-going", "--format", "json"]);
    assert_eq!(answer.code, Some(2), "{}", answer.stderr);
    assert!(!json(&answer)["accounts"].as_array().expect("accounts").is_empty());
    assert!(answer.stderr.contains("fast"), "{}", answer.stderr);
}

#[test]
fn logs_go_to_standard_error_or_a_file_and_never_into_results() {
    let place = Place::new();
    place.write("set.yaml", SET);
    let args = ["run", "set.yaml", "--format", "json", "-vv", "--log-json", "--log-file", "log.jsonl"];
    let answer = place.succeed(&args);
    json(&answer);
    for line in answer.stderr.lines().chain(place.read("log.jsonl").lines()) {
        serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
    assert_eq!(place.succeed(&["run", "set.yaml", "--quiet"]).stderr, "");
}

/// A run that would take minutes, and some of them for its first batch.
fn endless(place: &Place) -> std::process::Child {
    place.write("set.yaml", &SET.replace("bars: 3000, timeframe: 1h", "bars: 500000000, timeframe: 1s"));
    let args =
        ["run", "set.yaml", "--set", "strategies[0].timeframe=1s", "--set", "strategies[1].timeframe=1s"];
    let mut command = place.command(&args);
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts")
}

#[allow(clippy::disallowed_methods, reason = "how long the program takes to end is what is tested")]
fn now() -> Instant {
    Instant::now()
}

fn signal(child: &std::process::Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid")).expect("a pid");
    kill_process(pid, signal).expect("a signal");
}

#[test]
fn a_run_that_is_told_to_stop_ends_within_two_seconds() {
    for told in [Signal::TERM, Signal::INT] {
        let place = Place::new();
        let mut child = endless(&place);
        thread::sleep(Duration::from_millis(600));
        let start = now();
        signal(&child, told);
        let status = child.wait().expect("it ends");
        assert!(start.elapsed() < Duration::from_secs(2), "{told:?}: {:?}", start.elapsed());
        assert_eq!(status.code(), Some(1), "{told:?}");
    }
}

#[test]
fn a_run_that_is_told_twice_ends_at_once() {
    let place = Place::new();
    let mut child = endless(&place);
    thread::sleep(Duration::from_millis(400));
    let start = now();
    signal(&child, Signal::TERM);
    thread::sleep(Duration::from_millis(5));
    signal(&child, Signal::TERM);
    child.wait().expect("it ends");
    assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
}
