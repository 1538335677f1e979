//! The best of a sweep as a file of its own, which gives what the sweep gave.

use std::fs;

use serde_json::Value;

use crate::{
    program::Place,
    sweeps::{FINAL, SWEEP, bytes, json},
};

fn report(place: &Place, folder: &str) -> Value {
    json(&place.read(&format!("{folder}/report.json")))
}

#[test]
fn the_best_is_saved_as_a_set_that_gives_the_same() {
    let place = Place::new();
    place.write("sweep.yaml", SWEEP);
    let swept = ["sweep", "sweep.yaml", "--results-dir", "out", "--format", "json", "--set", "seed=11"];
    let best = &json(&place.succeed(&swept).stdout)["top"][0];
    // Nothing but the file is needed.
    place.write("elsewhere/best.yaml", &place.read("out/best.yaml"));
    let ran = ["run", "elsewhere/best.yaml", "--results-dir", "ran", "--format", "json", "--no-html"];
    let ran = json(&place.succeed(&ran).stdout);
    let account = &ran["accounts"][0];
    for figure in ["final_equity", "digest"] {
        assert!(best[figure].is_string() && account[figure] == best[figure], "{figure}: {best}");
    }
    for figure in ["trades", "sharpe", "max_drawdown"] {
        let figures = [&account[figure], &best[figure]].map(Value::as_f64);
        assert!(figures[0].is_some() && figures[0] == figures[1], "{figure}: {figures:?}");
    }
    assert_eq!(ran["run"]["seed"], 11);
    let rerun = ["runs", "rerun", "elsewhere/best.yaml", "--results-dir", "again", "--no-html"];
    let answer = place.succeed(&rerun);
    assert!(answer.fits_80_columns().stdout.contains(": same (digest"), "{}", answer.stdout);
    assert_eq!(report(&place, "again")["result_hash"], ran["result_hash"]);
    // A combination that is run again from the sweep is the same run, and so is its configuration.
    let number = best["variant"].to_string();
    place.succeed(&["runs", "rerun", "out", &number, "--no-html"]);
    let folder = format!("out/variants/{number}");
    assert_eq!(report(&place, &folder)["result_hash"], ran["result_hash"]);
    let own = format!("{folder}/config.yaml");
    let once_more = json(&place.succeed(&["run", &own, "--format", "json", "--no-html"]).stdout);
    assert_eq!(once_more["result_hash"], ran["result_hash"]);
    // It says itself where it came from.
    let text = place.read("out/best.yaml");
    for part in ["origin:", "data_hash:", "digest:", "seed: 11", &format!("variant: {number}")] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_run_stays_ranked_as_its_sweep_was() {
    let place = Place::new();
    place.write("sweep.yaml", SWEEP);
    place.succeed(&["sweep", "sweep.yaml", "--results-dir", "plain", "--database", "none"]);
    let by_flags = ["--results-dir", "results/run", "--rank", "-sharpe", "--top", "2", "--format", "json"];
    let swept = json(&place.succeed(&[&["sweep", "sweep.yaml"], &by_flags[..]].concat()).stdout);
    let number = &swept["top"][0]["variant"];
    let other = json(&place.succeed(&["report", "plain", "--format", "json"]).stdout);
    assert_ne!(number, &other["top"][0]["variant"]);
    assert!(place.read("results/run/best.yaml").contains(&format!("variant: {number}\n")));
    for args in [&["runs", "show", "run"][..], &["report", "run"], &["sweep", "sweep.yaml", "--resume"]] {
        let shown = json(&place.succeed(&[args, &["--format", "json"]].concat()).stdout);
        assert_eq!((&shown["top"], &shown["rank"]), (&swept["top"], &swept["rank"]), "{args:?}");
    }
    let list = json(&place.succeed(&["runs", "list", "--format", "json"]).stdout);
    assert_eq!(&list[0]["best"]["variant"], number);
    let rerun = place.succeed(&["runs", "rerun", "run", "--no-html"]);
    assert!(rerun.stdout.starts_with(&format!("no. {number} ")), "{}", rerun.stdout);
    // Whoever asks otherwise is told otherwise; what was run is the same.
    let asked = ["report", "run", "--rank", "sharpe", "--top", "3", "--format", "json"];
    assert_eq!(json(&place.succeed(&asked).stdout)["top"], other["top"]);
    for name in FINAL {
        assert_eq!(bytes(&place, "results/run", name), bytes(&place, "plain", name), "{name}");
    }
}

#[test]
fn other_data_and_other_results_are_told_apart_from_what_the_file_says() {
    let place = Place::new();
    let generate = ["data", "generate", "--bars", "900", "--timeframe", "1h"];
    place.succeed(&generate);
    place.write("sweep.yaml", SWEEP);
    place.succeed(&["sweep", "sweep.yaml", "--data", "data", "--results-dir", "out", "-q"]);
    place.succeed(&["runs", "rerun", "out/best.yaml", "--no-html"]);
    let text = place.read("out/best.yaml");
    let digest = text.split("digest: \"").nth(1).and_then(|rest| rest.get(..32)).expect("a digest");
    place.write("forged.yaml", &text.replace(digest, &"0".repeat(32)));
    let forged = place.run(&["runs", "rerun", "forged.yaml", "--no-html"]);
    assert_eq!(forged.code, Some(1), "{}", forged.stderr);
    assert!(forged.stdout.contains("differs: its digest was 0000") && !forged.stdout.contains("its data"));
    fs::remove_dir_all(place.path("data")).expect("the catalog goes");
    place.succeed(&[&generate[..], &["--seed", "99"]].concat());
    let other = place.run(&["runs", "rerun", "out/best.yaml", "--no-html"]);
    assert_eq!(other.code, Some(1), "{}", other.stderr);
    assert!(other.stdout.contains("differs: its data had the hash"), "{}", other.stdout);
    let refused = place.refuse(&["runs", "rerun", "out/best.yaml", "3"]);
    assert!(refused.stderr.contains("it is one combination"), "{}", refused.stderr);
    let (set, _) = text.split_once("origin:").expect("an origin");
    place.write("plain.yaml", set);
    let refused = place.refuse(&["runs", "rerun", "plain.yaml"]);
    assert!(refused.stderr.contains("barhive run"), "{}", refused.stderr);
}
