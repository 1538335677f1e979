//! Help, faults, exit codes and streams, whatever the command.

use std::{
    io::Read,
    process::{Command, Stdio},
};

use crate::program::{Place, snapshot};

/// Every command that the program has.
const COMMANDS: &[&[&str]] = &[
    &["run"],
    &["sweep"],
    &["report"],
    &["runs"],
    &["runs", "list"],
    &["runs", "show"],
    &["runs", "compare"],
    &["runs", "rerun"],
    &["runs", "prune"],
    &["runs", "sync"],
    &["serve"],
    &["jobs"],
    &["jobs", "submit"],
    &["jobs", "list"],
    &["jobs", "show"],
    &["jobs", "watch"],
    &["jobs", "pause"],
    &["jobs", "resume"],
    &["jobs", "cancel"],
    &["jobs", "logs"],
    &["jobs", "mode"],
    &["status"],
    &["doctor"],
    &["page"],
    &["validate"],
    &["plan"],
    &["list"],
    &["list", "strategies"],
    &["list", "indicators"],
    &["list", "feeds"],
    &["schema"],
    &["data"],
    &["data", "import"],
    &["data", "list"],
    &["data", "check"],
    &["data", "convert"],
    &["data", "generate"],
    &["bench"],
    &["bench", "sharing"],
    &["bench", "mem"],
    &["bench", "startup"],
    &["bench", "scale"],
    &["bench", "portfolios"],
    &["config"],
    &["config", "show"],
    &["completions"],
];

#[test]
fn help_of_every_command_fits_80_columns_and_is_as_it_was() {
    let place = Place::new();
    snapshot("help", &place.succeed(&["--help"]).fits_80_columns().stdout);
    for command in COMMANDS {
        let args = [*command, &["--help"]].concat();
        let answer = place.succeed(&args);
        answer.fits_80_columns();
        snapshot(&format!("help_{}", command.join("_")), &answer.stdout);
    }
}

#[test]
fn wrong_usage_exits_with_2_and_says_what_is_right() {
    let place = Place::new();
    let cases: &[(&[&str], &str)] = &[
        (&[], "Usage: barhive"),
        (&["rum"], "'run'"),
        (&["run"], "<SET>"),
        (&["run", "--nonsense", "set.yaml"], "--nonsense"),
        (&["run", "set.yaml", "--format", "xml"], "table"),
        (&["run", "missing.yaml"], "missing.yaml"),
        (&["list", "strategies", "sma_crss"], "sma_cross"),
        (&["completions", "tcsh"], "bash"),
    ];
    for (args, expected) in cases {
        let answer = place.refuse(args);
        assert!(answer.stderr.contains(expected), "{args:?}: {}", answer.stderr);
    }
}

#[test]
fn versions_are_results() {
    let answer = Place::new().succeed(&["--version"]);
    assert_eq!(answer.stdout, format!("barhive {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn every_shell_has_its_completions() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let answer = place.succeed(&["completions", shell]);
        assert!(answer.stdout.contains("validate") && answer.stderr.is_empty(), "{shell}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let place = Place::new();
    let mut child =
        place.command(&["schema"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    drop(child.stdout.take());
    let mut stderr = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut stderr).expect("text");
    assert_eq!((child.wait().expect("it ends").code(), stderr.as_str()), (Some(0), ""));
}

#[test]
fn a_fault_that_nobody_hears_still_has_its_exit_code() {
    let place = Place::new();
    for args in [&["run", "missing.yaml"][..], &["rum"], &["data", "list", "-vvv"]] {
        let mut child = place.command(args).stderr(Stdio::piped()).spawn().expect("it starts");
        drop(child.stderr.take());
        let code = child.wait().expect("it ends").code();
        assert!(matches!(code, Some(1 | 2)), "{args:?}: {code:?}");
    }
}

#[test]
fn lists_name_what_a_set_may_name() {
    let place = Place::new();
    let strategies = place.succeed(&["list", "strategies"]);
    strategies.fits_80_columns();
    for name in [
        "buy_and_hold",
        "sma_cross",
        "ema_cross",
        "rsi_reversion",
        "macd",
        "bollinger",
        "donchian_breakout",
        "momentum_rotation",
        "pair_zscore",
    ] {
        assert!(
            strategies.stdout.lines().any(|line| line.starts_with(name)),
            "{name}: {}",
            strategies.stdout
        );
        place.succeed(&["list", "strategies", name]).fits_80_columns();
    }
    let feeds = place.succeed(&["list", "feeds"]).stdout;
    for name in ["catalog", "csv", "parquet", "synthetic"] {
        assert!(feeds.lines().any(|line| line.starts_with(name)), "{name}: {feeds}");
        place.succeed(&["list", "feeds", name]).fits_80_columns();
    }
    let indicators = place.succeed(&["list", "indicators", "--format", "json"]).stdout;
    let indicators: serde_json::Value = serde_json::from_str(&indicators).expect("JSON");
    for indicator in indicators.as_array().expect("a list") {
        let name = indicator["name"].as_str().expect("a name");
        assert!(indicator["formula"].as_str().is_some_and(|text| !text.is_empty()), "{name} has no formula");
        place.succeed(&["list", "indicators", name]).fits_80_columns();
    }
}

#[test]
fn completions_work_in_a_shell() {
    let place = Place::new();
    let script = place.succeed(&["completions", "bash"]).stdout;
    place.write("completions.sh", &script);
    let checked = Command::new("bash").arg("-n").arg(place.path("completions.sh")).status();
    assert!(checked.map_or(true, |status| status.success()), "bash refuses its completions");
}
