//! `runs` and `report` from outside: finding runs again, running parts of them again, removing them.

use std::fs;

use serde_json::Value;

use crate::program::Place;

const SWEEP: &str = "
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
sweep: {rank: [sharpe, -max_drawdown], top: 5}
";

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A place where the sweep has run once.
fn after_a_sweep() -> Place {
    let place = Place::new();
    place.write("sweep.yaml", SWEEP).succeed(&["sweep", "sweep.yaml", "-q"]);
    place
}

#[test]
fn runs_are_listed_and_shown() {
    let place = after_a_sweep();
    place.succeed(&["sweep", "sweep.yaml", "-q", "--jobs", "1-4"]);
    let list = json(&place.succeed(&["runs", "list", "--format", "json"]).stdout);
    let rows = list.as_array().expect("rows");
    assert_eq!(rows.len(), 2);
    let name = rows.iter().find(|row| row["selected"] == 9).expect("the whole sweep")["run"].as_str();
    let name = name.expect("a name");
    let table = place.succeed(&["runs", "list"]);
    assert!(table.fits_80_columns().stdout.contains(name), "{}", table.stdout);
    let shown = place.succeed(&["runs", "show", name]);
    shown.fits_80_columns();
    for part in ["9 combinations", "config hash", "result hash", "ALPHA bar 1h"] {
        assert!(shown.stdout.contains(part), "{part}: {}", shown.stdout);
    }
    let refused = place.refuse(&["runs", "show", "nothing"]);
    assert!(refused.stderr.contains("runs list"), "{}", refused.stderr);
    let several = place.refuse(&["runs", "show", "pairs"]);
    assert!(several.stderr.contains("2 runs begin like that"), "{}", several.stderr);
}

#[test]
fn every_combination_that_is_run_again_is_the_same() {
    let place = after_a_sweep();
    let answer = place.succeed(&["runs", "rerun", "latest", "--rank", "trades", "--top", "9"]);
    assert_eq!(answer.stdout.matches(": same (digest").count(), 9, "{}", answer.stdout);
    let one = place.succeed(&["runs", "rerun", "latest", "3", "--results-dir", "again", "--no-html"]);
    assert!(one.stdout.starts_with("no. 3 "), "{}", one.stdout);
    let report = json(&place.read("again/3/report.json"));
    assert_eq!(report["accounts"].as_array().map(Vec::len), Some(1));
    assert!(!place.path("again/3/report.html").exists());
    let refused = place.refuse(&["runs", "rerun", "latest", "10"]);
    assert!(refused.stderr.contains("1 to 9"), "{}", refused.stderr);
}

#[test]
fn a_front_with_fewer_members_than_are_asked_for_says_so() {
    let place = after_a_sweep();
    let front = json(&place.succeed(&["report", "latest", "--format", "json"]).stdout);
    let members = front["front"].as_u64().expect("a front");
    assert!(members < 9, "{front}");
    let answer = place.succeed(&["runs", "rerun", "latest", "--top", "9", "--no-html"]);
    assert_eq!(answer.stdout.matches(": same (digest").count() as u64, members, "{}", answer.stdout);
    assert!(answer.stderr.contains("no more are run again"), "{}", answer.stderr);
    let few = place.succeed(&["runs", "rerun", "latest", "--top", "1", "--no-html"]);
    assert!(!few.stderr.contains("no more"), "{}", few.stderr);
}

#[test]
fn another_market_is_noticed_when_a_combination_is_run_again() {
    let place = Place::new();
    place.succeed(&["data", "generate", "--bars", "900", "--timeframe", "1h"]);
    let args = ["sweep", "sweep.yaml", "--data", "data", "--results-dir", "out", "-q"];
    place.write("sweep.yaml", SWEEP).succeed(&args);
    fs::remove_dir_all(place.path("data")).expect("the catalog goes");
    place.succeed(&["data", "generate", "--bars", "900", "--timeframe", "1h", "--seed", "99"]);
    let answer = place.run(&["runs", "rerun", "out"]);
    assert_eq!(answer.code, Some(1), "{}{}", answer.stdout, answer.stderr);
    assert!(answer.stdout.contains("differs: its digest was"), "{}", answer.stdout);
}

#[test]
fn two_sweeps_are_compared_combination_by_combination() {
    let place = after_a_sweep();
    place.succeed(&["sweep", "sweep.yaml", "-q", "--results-dir", "same", "-w", "1"]);
    place.succeed(&["sweep", "sweep.yaml", "-q", "--results-dir", "short", "--bars", "1500"]);
    let same = place.succeed(&["runs", "compare", "latest", "same"]);
    assert!(same.stdout.contains("combinations: 9 the same, 0 different"), "{}", same.stdout);
    let answer = place.run(&["runs", "compare", "same", "short", "--format", "json"]);
    assert_eq!(answer.code, Some(1));
    let found = json(&answer.stdout);
    assert_eq!((&found["same_hash"], &found["agreement"]["different"]), (&false.into(), &9.into()));
    assert!(found["differences"].as_array().is_some_and(|all| !all.is_empty()), "{found}");
}

#[test]
fn old_runs_go_and_are_named() {
    let place = after_a_sweep();
    place.succeed(&["sweep", "sweep.yaml", "-q"]);
    place.succeed(&["sweep", "sweep.yaml", "-q"]);
    let folders = || place.runs().len();
    let would = place.succeed(&["runs", "prune", "--keep", "1", "--dry-run"]);
    assert_eq!((folders(), would.stdout.matches("would be removed\n").count()), (3, 2), "{}", would.stdout);
    let gone = place.succeed(&["runs", "prune", "--keep", "1"]);
    assert_eq!((folders(), gone.stdout.matches(" removed\n").count()), (1, 2), "{}", gone.stdout);
}

#[test]
fn the_report_comes_again_and_as_a_page_that_loads_nothing() {
    let place = after_a_sweep();
    let folder = place.runs().pop().expect("a run");
    let report = place.succeed(&["report", "latest", "--html", "--top", "3", "--rank", "trades"]);
    report.fits_80_columns();
    assert!(report.stdout.contains("the best 3 by trades (highest)"), "{}", report.stdout);
    let page = fs::read_to_string(folder.join("report.html")).expect("a page");
    for part in ["id=\"heat\"", "id=\"parallel\"", "All 9 combinations are drawn", "default-src 'none'"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("id=\"pareto\""), "one figure makes no front");
    assert!(!page.contains("src=") && !page.contains("href=\"http"), "the page loads something");
    place.succeed(&["report", "latest", "--html", "--heat", "slow,fast"]);
    let page = fs::read_to_string(folder.join("report.html")).expect("a page");
    assert!(page.contains("id=\"pareto\""), "the sweep ranks by two figures");
    let refused = place.refuse(&["report", "latest", "--html", "--heat", "slow,speed"]);
    assert!(refused.stderr.contains("there are: fast, slow"), "{}", refused.stderr);
}

#[test]
fn a_rank_with_more_figures_breaks_no_number() {
    let place = after_a_sweep();
    for rank in ["win_rate", "sharpe,-max_drawdown,win_rate", "annual_volatility,max_drawdown_duration_ns"] {
        let answer = place.succeed(&["report", "latest", "--rank", rank]);
        answer.fits_80_columns();
        let table = answer.stdout.lines().skip_while(|line| !line.contains('\u{2500}')).skip(1);
        // Only names go on in further lines, and these begin below the names.
        let more = table.take_while(|line| !line.is_empty()).filter(|line| line.starts_with("     "));
        for line in more {
            assert!(
                line.split_whitespace().all(|word| word.contains('=') || word.parse::<f64>().is_err()),
                "{line:?} of\n{}",
                answer.stdout
            );
            assert!(!line.contains('%'), "{line:?} of\n{}", answer.stdout);
        }
        let percent = answer.stdout.lines().any(|line| line.matches('%').count() >= 2);
        assert!(percent, "{}", answer.stdout);
    }
}

#[test]
fn what_a_sweep_took_is_told_by_session() {
    let place = after_a_sweep();
    let answer = place.succeed(&["report", "latest", "--perf"]);
    answer.fits_80_columns();
    for part in ["what it took", "a backtest", "a step", "rows read", "columns"] {
        assert!(answer.stdout.contains(part), "{part}: {}", answer.stdout);
    }
    let perf = &json(&place.succeed(&["report", "latest", "--perf", "--format", "json"]).stdout)["perf"];
    let sessions = perf["sessions"].as_array().expect("sessions");
    assert_eq!(sessions.len(), 1);
    assert!(sessions[0]["variants"].as_u64() > Some(0) && sessions[0]["elapsed_ns"].as_u64() > Some(0));
    assert!(perf["ns_per_step"].as_f64() > Some(0.0), "{perf}");
}
