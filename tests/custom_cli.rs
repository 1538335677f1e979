//! A program of one's own over `barhive::cli`: its parts are listed, described and run like built-in ones.

#[path = "../examples/custom_cli.rs"]
#[allow(dead_code, reason = "its main is the program; the tests call what it calls")]
mod custom_cli;

use std::process::ExitCode;

use serde_json::Value;

/// Runs the program in this process and answers its standard output.
fn run(args: &[&str]) -> String {
    let mut out = Vec::new();
    let args = ["program"].iter().chain(args);
    let code = barhive::cli::run_with(custom_cli::registry(), args, &mut out);
    assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));
    String::from_utf8(out).expect("UTF-8")
}

#[test]
fn parts_of_ones_own_run_from_a_yaml_file() {
    let results = tempfile::tempdir().expect("a folder");
    let results = results.path().to_str().expect("UTF-8");
    let set = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/custom_set.yaml");
    let report = run(&["run", set, "--results-dir", results, "--format", "json"]);
    let report: Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(
        report["result_hash"], "15625d0b506ee048c420d36d6a223a4a841c76c819e294d2604ad53370b12b1c",
        "the same on every machine"
    );
}

#[test]
fn parts_of_ones_own_are_described_like_built_in_ones() {
    let told = run(&["list", "strategies", "weekday"]);
    assert!(told.contains("Holds from one day of the week to another."), "{told}");
    assert!(told.contains("0 to 6") && told.contains("required"), "{told}");
    assert!(run(&["list", "feeds"]).contains("wild"));
    assert!(run(&["schema"]).contains("\"weekday\""));
}
