//! `sweep` from outside: its results, its streams, and how it ends and goes on.

use std::{
    fs,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::program::{Answer, Place};

/// Nine pairs of averages on a made-up market.
pub const SWEEP: &str = "
name: pairs
feed: {kind: synthetic, params: {seed: 7, symbols: [ALPHA], bars: 2000, timeframe: 1h}}
account: {cash: 100000 USD}
strategies:
  - id: sma
    kind: sma_cross
    params: {fast: [5, 10, 20], slow: [10, 20, 50, 100]}
    where: [fast < slow]
    timeframe: 1h
    sizing: {fixed: 10}
sweep: {rank: sharpe, top: 3}
";

/// The final results: their bytes must not depend on how they came about.
pub const FINAL: [&str; 2] = ["result.json", "results.parquet"];

/// A sweep that takes some seconds.
pub fn long(place: &Place) {
    long_over(place, 6_000);
}

/// As [`long`], over so many bars.
pub fn long_over(place: &Place, bars: u32) {
    let many = SWEEP
        .replace("bars: 2000", &format!("bars: {bars}"))
        .replace("fast: [5, 10, 20]", "fast: \"range(5, 40, 1)\"")
        .replace("slow: [10, 20, 50, 100]", "slow: \"range(10, 200, 10)\"");
    place.write("sweep.yaml", &many);
}

pub fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

pub fn start(place: &Place, args: &[&str]) -> Child {
    place.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
}

pub fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid")).expect("a pid");
    kill_process(pid, signal).expect("a signal");
}

/// Waits until the log in `out` has grown past its head.
pub fn wait_for_results(place: &Place) {
    let grown = || fs::metadata(place.path("out/results.log")).is_ok_and(|file| file.len() > 4096);
    let since = now();
    while !grown() {
        assert!(since.elapsed() < Duration::from_secs(60), "no result came");
        thread::sleep(Duration::from_millis(5));
    }
}

#[allow(clippy::disallowed_methods, reason = "how long the program takes to end is what is tested")]
pub fn now() -> Instant {
    Instant::now()
}

pub fn bytes(place: &Place, folder: &str, name: &str) -> Vec<u8> {
    let path = place.path(folder).join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_sweep_that_comes_along_prints_its_best_within_80_columns() {
    let place = Place::new();
    let sweep = concat!(env!("CARGO_MANIFEST_DIR"), "/config/sweep-quickstart.yaml");
    let answer = place.succeed(&["sweep", sweep, "-w", "2"]);
    answer.fits_80_columns();
    for part in ["336 combinations", "2 workers", "the front by sharpe", "drawdown", "result hash  "] {
        assert!(answer.stdout.contains(part), "{part}: {}", answer.stdout);
    }
    let last = answer.stderr.lines().last().unwrap_or_default();
    if cfg!(target_os = "linux") {
        assert!(last.starts_with("peak memory: ") && last.contains("proportional"), "{last}");
    }
    assert!(!answer.stderr.contains('\r'), "no bar where there is no terminal: {}", answer.stderr);
    let [folder] = place.runs().try_into().expect("one run");
    let result = json(&fs::read_to_string(folder.join("result.json")).expect("a result"));
    assert_eq!((&result["done"], &result["failed"]), (&336.into(), &0.into()));
    assert!(answer.stdout.contains(result["result_hash"].as_str().expect("a hash")));
}

#[test]
fn workers_chunks_and_batches_do_not_change_a_byte() {
    let place = Place::new();
    place.write("sweep.yaml", SWEEP);
    place.succeed(&["sweep", "sweep.yaml", "--results-dir", "one", "-w", "1"]);
    place.succeed(&[
        "sweep",
        "sweep.yaml",
        "--results-dir",
        "two",
        "-w",
        "2",
        "--chunk",
        "3",
        "--batch",
        "2",
    ]);
    for name in FINAL {
        assert_eq!(bytes(&place, "one", name), bytes(&place, "two", name), "{name}");
    }
}

#[test]
fn json_tells_rank_parameters_and_exact_money() {
    let place = Place::new();
    place.write("sweep.yaml", SWEEP);
    let args = ["sweep", "sweep.yaml", "--format", "json", "--rank", "-trades", "--top", "2", "-q"];
    let answer = place.succeed(&args);
    assert_eq!(answer.stderr, "");
    let report = json(&answer.stdout);
    assert_eq!(report["rank"][0], serde_json::json!({ "figure": "trades", "better": "less" }));
    let top = report["top"].as_array().expect("a top");
    assert_eq!(top.len(), 2);
    assert!(top[0]["trades"].as_u64() <= top[1]["trades"].as_u64());
    assert!(top[0]["params"]["fast"].is_u64() && top[0]["final_equity"].is_string(), "{}", top[0]);
    assert_eq!(report["work"]["lanes"].as_u64().unwrap() + report["work"]["containers"].as_u64().unwrap(), 9);
    assert_eq!(report["finished"], true);
}

#[test]
fn only_the_jobs_that_are_named_are_run() {
    let place = Place::new();
    place.write("sweep.yaml", SWEEP);
    let report = json(&place.succeed(&["sweep", "sweep.yaml", "--format", "json", "--jobs", "2,5-7"]).stdout);
    assert_eq!((&report["selected"], &report["variants"]), (&4.into(), &9.into()));
    let mut numbers: Vec<_> =
        report["top"].as_array().expect("a top").iter().map(|row| row["variant"].as_u64()).collect();
    numbers.sort();
    assert!(numbers.iter().all(|number| [2, 5, 6, 7].contains(&number.expect("a number"))), "{numbers:?}");
    let refused = place.refuse(&["sweep", "sweep.yaml", "--jobs", "8-12"]);
    assert!(refused.stderr.contains("there is no 10-12: the sweep has 9 combinations"), "{}", refused.stderr);
}

#[test]
fn a_sweep_that_was_killed_goes_on_to_the_same_bytes() {
    let place = Place::new();
    long(&place);
    place.succeed(&["sweep", "sweep.yaml", "--results-dir", "quiet"]);
    let go_on = ["sweep", "sweep.yaml", "--results-dir", "out", "--batch", "16", "--resume"];
    let go_on = [&go_on[..], &["--cooldown", "0.05"]].concat();
    for moment_ms in [0, 37, 111] {
        let mut child = start(&place, &go_on);
        wait_for_results(&place);
        thread::sleep(Duration::from_millis(moment_ms));
        child.kill().expect("it is killed");
        child.wait().expect("it ends");
    }
    assert!(!place.path("out/result.json").exists(), "the sweep was over before it was killed");
    let answer = place.succeed(&[&go_on[..], &["--format", "json"]].concat());
    let report = json(&answer.stdout);
    assert!(report["took"]["run"].as_u64() < report["selected"].as_u64(), "what was done is not run again");
    for name in FINAL {
        assert_eq!(bytes(&place, "out", name), bytes(&place, "quiet", name), "{name}");
    }
}

#[test]
fn an_interrupted_sweep_ends_soon_and_says_how_to_go_on() {
    let place = Place::new();
    long(&place);
    let child = start(&place, &["sweep", "sweep.yaml", "--results-dir", "out", "--batch", "16"]);
    wait_for_results(&place);
    let since = now();
    signal(&child, Signal::TERM);
    let answer = Answer::of(child.wait_with_output().expect("it ends"));
    assert!(since.elapsed() < Duration::from_secs(2), "{:?}", since.elapsed());
    assert_eq!(answer.code, Some(1), "{}", answer.stderr);
    assert!(answer.stderr.contains("go on with: barhive sweep sweep.yaml --resume"), "{}", answer.stderr);
    assert!(answer.stdout.contains("not finished"), "{}", answer.stdout);
    place.succeed(&["sweep", "sweep.yaml", "--results-dir", "out", "--resume"]);
}

#[test]
fn resume_finds_the_newest_unfinished_run_of_the_same_sweep() {
    let place = Place::new();
    long(&place);
    // Rests make it last longer than whoever interrupts it waits, on any machine.
    let child = start(&place, &["sweep", "sweep.yaml", "--batch", "16", "--cooldown", "0.2"]);
    let since = now();
    let has_results = |folder: &fs::DirEntry| {
        fs::metadata(folder.path().join("results.log")).is_ok_and(|log| log.len() > 4096)
    };
    while !fs::read_dir(place.path("results")).is_ok_and(|all| all.flatten().any(|run| has_results(&run))) {
        assert!(since.elapsed() < Duration::from_secs(60), "no result came");
        thread::sleep(Duration::from_millis(5));
    }
    signal(&child, Signal::INT);
    let answer = Answer::of(child.wait_with_output().expect("it ends"));
    assert_eq!(answer.code, Some(1), "{}", answer.stderr);
    place.succeed(&["sweep", "sweep.yaml", "--resume"]);
    assert_eq!(place.runs().len(), 1);
    let again = place.succeed(&["sweep", "sweep.yaml", "--resume"]);
    assert!(again.stderr.contains("is finished already"), "{}", again.stderr);
}

#[test]
fn a_run_of_something_else_is_not_gone_on_with() {
    let place = Place::new();
    place.write("sweep.yaml", SWEEP);
    place.succeed(&["sweep", "sweep.yaml", "--results-dir", "out"]);
    let answer = place.run(&["sweep", "sweep.yaml", "--results-dir", "out"]);
    assert_eq!(answer.code, Some(1));
    assert!(answer.stderr.contains("--resume"), "{}", answer.stderr);
    let answer = place.refuse(&["sweep", "sweep.yaml", "--results-dir", "out", "--resume", "--bars", "100"]);
    assert!(answer.stderr.contains("was made from something else"), "{}", answer.stderr);
}

#[test]
fn progress_comes_as_json_lines_when_asked_for() {
    let place = Place::new();
    long(&place);
    let answer = place.succeed(&["sweep", "sweep.yaml", "--progress", "json", "-w", "2"]);
    let events: Vec<Value> = answer.stderr.lines().map(json).collect();
    assert_eq!(events[0]["event"], "begin");
    assert_eq!(events[0]["workers"], 2);
    let progress: Vec<_> = events.iter().filter(|event| event["event"] == "progress").collect();
    let last = progress.last().expect("progress");
    assert_eq!((&last["done"], &last["fraction"]), (&last["total"], &1.0.into()));
    assert_eq!(last["best"]["figure"], "sharpe");
    assert_eq!(last["workers"].as_array().expect("workers").len(), 2);
    let fractions: Vec<_> =
        progress.iter().map(|event| event["fraction"].as_f64().expect("a fraction")).collect();
    assert!(fractions.is_sorted(), "{fractions:?}");
    assert_eq!(events.last().expect("an end")["event"], "end");
    let quiet = place.succeed(&["sweep", "sweep.yaml", "--progress", "json", "--no-progress", "--jobs", "1"]);
    assert!(!quiet.stderr.contains("\"event\""), "{}", quiet.stderr);
}

#[test]
fn other_data_can_be_put_in_place_of_the_feed() {
    let place = Place::new();
    place.write("sweep.yaml", SWEEP);
    let generate = ["data", "generate", "--bars", "900", "--timeframe", "1h"];
    place.succeed(&generate);
    let args = ["sweep", "sweep.yaml", "--data", "data", "--results-dir", "out", "--format", "json"];
    let report = json(&place.succeed(&args).stdout);
    let series = report["data"].as_array().expect("series");
    assert!(series.iter().all(|one| one["hash"].is_string()), "a catalog keeps hashes: {series:?}");
    // The configuration of the run names the data by where they are.
    let args = ["sweep", "out/config.yaml", "--results-dir", "again", "--format", "json"];
    assert_eq!(json(&place.succeed(&args).stdout)["result_hash"], report["result_hash"]);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let place = Place::new();
    place.write("sweep.yaml", SWEEP).write("bars.exe", "").write("noise.yaml", "\u{1}%&:: [");
    place.write("set.yaml", &SWEEP.replace("[5, 10, 20]", "5").replace("[10, 20, 50, 100]", "20"));
    let set = place.read("set.yaml").replace("    where: [fast < slow]\n", "");
    place.write("set.yaml", set.split("sweep:").next().expect("a set"));
    let cases: &[(&[&str], &str)] = &[
        (&[], "<SWEEP>"),
        (&["missing.yaml"], "missing.yaml"),
        (&["noise.yaml"], "noise.yaml"),
        (&["set.yaml"], "barhive run"),
        (&["sweep.yaml", "--rank", "sharp"], "known: final_equity"),
        (&["sweep.yaml", "--rank", "sharpe,-sharpe"], "twice"),
        (&["sweep.yaml", "--jobs", "0"], "from 1"),
        (&["sweep.yaml", "--jobs", "7-3"], "ascending"),
        (&["sweep.yaml", "-w", "0"], "1..=256"),
        (&["sweep.yaml", "--chunk", "0"], "--chunk"),
        (&["sweep.yaml", "--data", "bars.exe"], ".parquet"),
        (&["sweep.yaml", "--data", "missing.csv"], "missing.csv"),
        (&["sweep.yaml", "--set", "strategies[0].params.fast=[]"], "fast"),
        (&["sweep.yaml", "--progress", "smoke"], "json"),
    ];
    for (args, expected) in cases {
        let answer = place.refuse(&[&["sweep"], *args].concat());
        assert!(answer.stderr.contains(expected), "{args:?}: {}", answer.stderr);
    }
    assert!(!place.path("results").exists(), "nothing is left of what was refused");
}

#[test]
fn a_combination_that_cannot_be_set_up_is_named_and_the_others_are_done() {
    let place = Place::new();
    // More points than are tried before the sweep begins, and one that makes no sense.
    let mut points: Vec<String> =
        (0..3_000).map(|point| format!("{},{}", 5 + point % 40, 60 + point / 40)).collect();
    points[1_776] = "90,20".to_owned();
    place.write("points.csv", &format!("fast,slow\n{}\n", points.join("\n")));
    let sweep = SWEEP
        .replace("params: {fast: [5, 10, 20], slow: [10, 20, 50, 100]}", "points: points.csv")
        .replace("    where: [fast < slow]\n", "")
        .replace("bars: 2000", "bars: 300");
    place.write("sweep.yaml", &sweep);
    let answer = place.run(&["sweep", "sweep.yaml", "--results-dir", "out"]);
    assert_eq!(answer.code, Some(1), "{}", answer.stderr);
    answer.fits_80_columns();
    assert!(answer.stdout.contains("1 combination failed:\n  1777: sma_cross: `fast`"), "{}", answer.stdout);
    let again = place.succeed(&["runs", "rerun", "out", "1777"]);
    assert!(again.stdout.contains("same (it failed:"), "{}", again.stdout);
    // Other points are another sweep, though there are as many.
    place.write("points.csv", &format!("fast,slow\n{}\n", points.join("\n").replace("90,20", "1,2")));
    let answer = place.refuse(&["sweep", "sweep.yaml", "--results-dir", "out", "--resume"]);
    assert!(answer.stderr.contains("points points.csv"), "{}", answer.stderr);
}

#[test]
fn a_throttled_sweep_says_what_it_takes_and_comes_to_the_same_bytes() {
    let place = Place::new();
    place.write("sweep.yaml", SWEEP);
    place.succeed(&["sweep", "sweep.yaml", "--results-dir", "free"]);
    let limits = ["--preset", "shared", "--cooldown", "0.05", "--cpu-limit", "35", "--batch", "4"];
    let answer =
        place.succeed(&[&["sweep", "sweep.yaml", "--results-dir", "held", "-w", "2"], &limits[..]].concat());
    for part in ["workers     2", "CPU limit   35 %", "cool-down   0.05 s after each pass", "nice        10"]
    {
        assert!(answer.stderr.contains(part), "{part}: {}", answer.stderr);
    }
    assert!(
        answer.stderr.contains("cool-down of 0.05 s after a pass: all workers rest"),
        "{}",
        answer.stderr
    );
    for name in FINAL {
        assert_eq!(bytes(&place, "free", name), bytes(&place, "held", name), "{name}");
    }
    let refused = place.refuse(&["sweep", "sweep.yaml", "--cpu-limit", "0", "--cooldown=-3"]);
    assert!(
        refused.stderr.contains("cpu_limit: expected")
            && refused.stderr.contains("cooldown_seconds: expected"),
        "{}",
        refused.stderr
    );
    let refused = place.refuse(&["sweep", "sweep.yaml", "--preset", "huge"]);
    assert!(refused.stderr.contains("vm, local or shared"), "{}", refused.stderr);
}

#[test]
fn other_rows_of_the_same_shape_are_other_data() {
    let place = Place::new();
    let rows = |price: f64| {
        let row = |hour: i64| {
            let price = price + (hour % 17) as f64;
            format!(
                "{},{price},{},{},{price},1\n",
                1_699_999_200_000 + hour * 3_600_000,
                price + 1.0,
                price - 1.0
            )
        };
        format!("time,open,high,low,close,volume\n{}", (0..300).map(row).collect::<String>())
    };
    place.write("a.csv", &rows(100.0));
    place.write("sweep.yaml", SWEEP);
    let args = ["sweep", "sweep.yaml", "--data", "a.csv", "--results-dir"];
    place.succeed(&[&args[..], &["first"]].concat());
    place.write("a.csv", &rows(200.0));
    let answer = place.refuse(&[&args[..], &["first", "--resume"]].concat());
    assert!(answer.stderr.contains("was made from something else"), "{}", answer.stderr);
    let hash = |folder: &str| {
        let report = json(&place.succeed(&["report", folder, "--in", ".", "--format", "json"]).stdout);
        report["data"][0]["hash"].as_str().expect("a hash").to_owned()
    };
    let first = hash("first");
    place.succeed(&[&args[..], &["second"]].concat());
    assert_ne!(first, hash("second"));
}
