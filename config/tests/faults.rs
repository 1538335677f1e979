//! Bad sets and sweeps, each with the exact words that a user reads. `UPDATE_FAULTS=1` writes the file anew, to be
//! looked at before it is committed.

mod kit;

use barhive_config::{Faults, LoadOptions, load_str, load_sweep_str};
use kit::registry;

const SETS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults.txt");
const SWEEPS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sweep_faults.txt");
const CASE: &str = "=== ";
const ANSWER: &str = "\n--- says\n";

struct Case {
    name: String,
    yaml: String,
    answer: String,
}

fn cases(path: &str) -> Vec<Case> {
    let text = std::fs::read_to_string(path).expect("the cases are part of the crate");
    let mut cases = Vec::new();
    for part in text.split(&format!("\n{CASE}")) {
        let part = part.strip_prefix(CASE).unwrap_or(part);
        let (name, rest) = part.split_once('\n').expect("a case has a name and a text");
        let (yaml, answer) = rest.split_once(ANSWER).unwrap_or((rest, ""));
        cases.push(Case {
            name: name.to_owned(),
            yaml: format!("{yaml}\n"),
            answer: answer.trim_end().to_owned(),
        });
    }
    cases
}

fn load(path: &str, text: &str, options: &LoadOptions) -> Result<(), Faults> {
    match path {
        SETS => load_str(text, "set.yaml", &registry(), options).map(drop),
        _ => load_sweep_str(text, "sweep.yaml", &registry(), options).map(drop),
    }
}

/// What a file says; `--set` lines at its head are overrides.
fn says(path: &str, yaml: &str) -> String {
    let mut options = LoadOptions {
        base_dir: concat!(env!("CARGO_MANIFEST_DIR"), "/tests").into(),
        ..LoadOptions::default()
    };
    let mut text = yaml;
    while let Some(rest) = text.strip_prefix("# --set ") {
        let (set, rest) = rest.split_once('\n').expect("an override has a line");
        options.sets.push(set.to_owned());
        text = rest;
    }
    match load(path, text, &options) {
        Ok(()) => "nothing".to_owned(),
        Err(faults) => faults.to_string().replace(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/"), ""),
    }
}

#[test]
fn every_bad_set_says_what_is_wrong_where_and_what_to_do() {
    let count = check(SETS);
    assert!(count >= 60, "{count} cases");
}

#[test]
fn every_bad_sweep_says_what_is_wrong_where_and_what_to_do() {
    let count = check(SWEEPS);
    assert!(count >= 40, "{count} cases");
}

fn check(path: &str) -> usize {
    let cases = cases(path);
    let updating = std::env::var_os("UPDATE_FAULTS").is_some();
    let mut written = String::new();
    let mut differing = Vec::new();
    for case in &cases {
        let said = says(path, &case.yaml);
        written.push_str(&format!(
            "{CASE}{}\n{}{ANSWER}{said}\n",
            case.name,
            case.yaml.trim_end_matches('\n')
        ));
        let said: Vec<&str> = said.lines().map(str::trim_end).collect();
        let answer: Vec<&str> = case.answer.lines().map(str::trim_end).collect();
        if said != answer {
            differing.push(format!(
                "{}\n  expected:\n{}\n  said:\n{}",
                case.name,
                case.answer,
                said.join("\n")
            ));
        }
    }
    if updating {
        let lines: Vec<&str> = written.lines().map(str::trim_end).collect();
        std::fs::write(path, lines.join("\n") + "\n").expect("the cases can be written");
        return cases.len();
    }
    assert!(differing.is_empty(), "{}", differing.join("\n\n"));
    cases.len()
}

#[test]
fn every_fault_has_a_place_and_the_place_is_in_the_text() {
    for (path, case) in
        [SETS, SWEEPS].iter().flat_map(|path| cases(path).into_iter().map(move |c| (*path, c)))
    {
        let Err(faults) = load(path, &case.yaml, &LoadOptions::default()) else {
            continue;
        };
        for fault in faults.faults {
            let line = fault.line.expect("a fault of a text has a line") as usize;
            assert!(line <= case.yaml.lines().count() + 1, "{}: line {line}", case.name);
        }
    }
}

#[test]
fn faults_are_told_to_programs_as_well() {
    let faults =
        load_str("feed: {kind: fixd}\n", "set.yaml", &registry(), &LoadOptions::default()).unwrap_err();
    let json = serde_json::to_value(&faults).unwrap();
    assert_eq!(json["faults"][0]["file"], "set.yaml");
    assert_eq!(json["faults"][2]["column"], 14);
    assert_eq!(json["faults"][2]["path"], "feed.kind");
    assert_eq!(json["omitted"], 0);
}
