//! The results database from outside: every trial is in it, once, and nobody waits for it.

use std::{fs, os::unix::net::UnixListener, path::Path, thread, time::Duration};

use barhive_store::{database::ResultStore, sweep::SweepRun};
use rusqlite::Connection;
use rustix::process::Signal;
use serde_json::Value;

use crate::{
    program::{Answer, Place},
    server::Server,
    sweeps::{FINAL, SWEEP, bytes, json, long, now, start},
};

const DATABASE: &str = "results/results.sqlite";

/// How many combinations [`long`] has.
const LONG: u64 = 656;

fn sqlite(place: &Place, name: &str) -> Connection {
    Connection::open(place.path(name)).expect("a database")
}

fn number(database: &Connection, sql: &str) -> i64 {
    database.query_row(sql, [], |row| row.get(0)).unwrap_or_else(|error| panic!("{error}: {sql}"))
}

fn text(database: &Connection, sql: &str) -> String {
    database.query_row(sql, [], |row| row.get(0)).unwrap_or_else(|error| panic!("{error}: {sql}"))
}

/// The name by which databases know the run in a folder.
fn id(folder: &Path) -> String {
    SweepRun::open(folder).expect("a run").id()
}

fn is_pending(folder: &Path) -> bool {
    folder.join("database.pending").exists()
}

#[test]
fn every_trial_is_in_the_database_with_all_that_it_takes_to_repeat_it() {
    let place = Place::new();
    place.write("sweep.yaml", SWEEP);
    let report = json(&place.succeed(&["sweep", "sweep.yaml", "--format", "json"]).stdout);
    let [first] = place.runs().try_into().expect("one run");
    place.succeed(&["sweep", "sweep.yaml", "--jobs", "2,4-6", "-q"]);
    let database = sqlite(&place, DATABASE);
    assert_eq!(number(&database, "SELECT COUNT(*) FROM run_ledger"), 2);
    assert_eq!(number(&database, "SELECT SUM(trials) FROM run_ledger"), 13);
    assert_eq!(number(&database, "SELECT COUNT(DISTINCT data_hash) FROM run_ledger"), 1);
    for table in ["backtest_executions", "statistics"] {
        assert_eq!(number(&database, &format!("SELECT COUNT(*) FROM {table}")), 13, "{table}");
    }
    let run = id(&first);
    let mine = format!("run = '{run}'");
    let manifest = SweepRun::open(&first).expect("a run").manifest().clone();
    for (column, expected) in [
        ("config_hash", manifest.config_hash()),
        ("data_hash", manifest.data_hash()),
        ("program", env!("CARGO_PKG_VERSION").to_owned()),
        ("seed", "0".to_owned()),
    ] {
        let sql =
            format!("SELECT COUNT(*) FROM backtest_executions WHERE {mine} AND {column} = '{expected}'");
        assert_eq!(number(&database, &sql), 9, "{column}");
    }
    for row in report["top"].as_array().expect("a top") {
        let key = format!("{mine} AND variant = {}", row["variant"]);
        let equity = text(&database, &format!("SELECT final_equity FROM backtest_executions WHERE {key}"));
        assert_eq!(row["final_equity"], equity.as_str());
        let params = text(&database, &format!("SELECT params FROM backtest_executions WHERE {key}"));
        assert_eq!(json(&params)["fast"], row["params"]["fast"]);
        // The best were run again: every order that was decided, every round trip.
        for (table, figure) in [("trades", "trades"), ("backtest_signals", "orders")] {
            let there = number(&database, &format!("SELECT COUNT(*) FROM {table} WHERE {key}"));
            let said = format!("SELECT {figure} FROM backtest_executions WHERE {key}");
            assert_eq!(there, number(&database, &said), "{table}");
            assert!(there > 0, "{table}");
        }
    }
    assert_eq!(number(&database, &format!("SELECT COUNT(*) FROM recorded_variants WHERE {mine}")), 3);
    let hash = text(&database, &format!("SELECT result_hash FROM run_ledger WHERE {mine}"));
    assert_eq!(report["result_hash"], hash.as_str());
    // The configuration in the ledger is enough.
    place.write("again.yaml", &text(&database, &format!("SELECT config FROM run_ledger WHERE {mine}")));
    let again =
        json(&place.succeed(&["sweep", "again.yaml", "--format", "json", "--database", "none"]).stdout);
    assert_eq!(again["result_hash"], hash.as_str());
    assert!(place.runs().iter().all(|folder| !is_pending(folder)));
}

#[test]
fn where_no_database_is_wanted_nothing_is_written() {
    let place = Place::new();
    place.write("sweep.yaml", SWEEP);
    place.write("none.yaml", &SWEEP.replace("top: 3}", "top: 3, database: none}"));
    place.succeed(&["sweep", "sweep.yaml", "-q", "--database", "none"]);
    place.succeed(&["sweep", "none.yaml", "-q"]);
    place.succeed(&["sweep", "sweep.yaml", "-q", "--database", "none", "--results-dir", "out"]);
    assert!(!place.path(DATABASE).exists() && !place.path("out/results.sqlite").exists());
    assert!(place.runs().iter().all(|folder| !is_pending(folder)));
    // A flag comes first; a folder of its own has a database of its own.
    place.succeed(&["sweep", "none.yaml", "-q", "--database", "sqlite:all.sqlite", "--results-dir", "a"]);
    place.succeed(&["sweep", "sweep.yaml", "-q", "--results-dir", "b"]);
    for name in ["all.sqlite", "b/results.sqlite"] {
        assert_eq!(number(&sqlite(&place, name), "SELECT SUM(trials) FROM run_ledger"), 9, "{name}");
    }
    // What was left out can be asked for.
    let answer = place.succeed(&["runs", "sync", "--format", "json"]);
    assert_eq!(json(&answer.stdout)["runs"][0]["combinations"], 9, "{}", answer.stdout);
    assert_eq!(number(&sqlite(&place, DATABASE), "SELECT SUM(trials) FROM run_ledger"), 18);
    for wrong in ["mysql://x", "sqlite:", "${BARHIVE_NOT_SET}"] {
        let refused = place.refuse(&["sweep", "sweep.yaml", "--database", wrong]);
        assert!(refused.stderr.contains("--database"), "{}", refused.stderr);
    }
}

#[test]
fn what_a_database_has_missed_comes_with_the_next_sweep() {
    let place = Place::new();
    place.write("sweep.yaml", SWEEP);
    let there = ["sweep", "sweep.yaml", "--database", "sqlite:deep/all.sqlite"];
    let answer = place.succeed(&there);
    assert_eq!(
        answer.stderr.matches("does not answer").count(),
        2,
        "once, and at the end: {}",
        answer.stderr
    );
    assert!(answer.stderr.contains("runs sync"), "{}", answer.stderr);
    assert!(answer.stdout.contains("result hash"), "{}", answer.stdout);
    let [missed] = place.runs().try_into().expect("one run");
    assert!(is_pending(&missed) && missed.join("result.json").exists());
    // With its folder its trials would be lost.
    let kept = place.run(&["runs", "prune", "--keep", "0", "--database", "sqlite:deep/all.sqlite"]);
    assert_eq!((kept.code, place.runs().len()), (Some(1), 1), "{}", kept.stderr);
    assert!(kept.stderr.contains("nothing was removed"), "{}", kept.stderr);

    fs::create_dir(place.path("deep")).expect("a folder");
    place.succeed(&[&there[..], &["-q", "--jobs", "1"]].concat());
    let database = sqlite(&place, "deep/all.sqlite");
    assert_eq!(number(&database, "SELECT SUM(trials) FROM run_ledger"), 10);
    let recorded = format!("SELECT COUNT(*) FROM recorded_variants WHERE run = '{}'", id(&missed));
    assert_eq!(number(&database, &recorded), 3);
    assert!(!is_pending(&missed));
    let sync = place.succeed(&["runs", "sync", "--database", "sqlite:deep/all.sqlite"]);
    assert_eq!(sync.stdout.matches("nothing was missing").count(), 2, "{}", sync.stdout);
}

#[test]
fn a_run_goes_into_the_database_that_waits_for_it() {
    let place = Place::new();
    place.write("sweep.yaml", SWEEP);
    for name in ["deep/a.sqlite", "deep/b.sqlite"] {
        let database = format!("sqlite:{name}");
        let into = ["--results-dir", "results/run", "--resume", "--database", &database];
        place.succeed(&[&["sweep", "sweep.yaml", "-q"], &into[..]].concat());
    }
    let run = place.path("results/run");
    assert!(is_pending(&run));
    for args in [&["runs", "sync", "run"][..], &["runs", "sync"], &["runs", "prune", "--keep", "0"]] {
        let answer = place.run(args);
        assert_eq!(answer.code, Some(1), "{args:?}: {}{}", answer.stdout, answer.stderr);
        assert!(is_pending(&run) && !place.path(DATABASE).exists(), "{args:?}");
    }
    // Another database may have it, too; the one that waits for it has not got it by that.
    place.succeed(&["runs", "sync", "run", "--database", "sqlite:other.sqlite"]);
    assert!(is_pending(&run));
    fs::create_dir(place.path("deep")).expect("a folder");
    let answer = place.succeed(&["runs", "sync", "run", "--format", "json"]);
    let rows = json(&answer.stdout)["runs"].clone();
    assert_eq!((&rows[0]["combinations"], &rows[0]["recorded"]), (&9.into(), &3.into()), "{rows}");
    assert!(!is_pending(&run) && !place.path(DATABASE).exists());
    assert_eq!(number(&sqlite(&place, "deep/a.sqlite"), "SELECT SUM(trials) FROM run_ledger"), 9);
    let gone = place.succeed(&["runs", "prune", "--keep", "0"]);
    assert!(gone.stdout.contains("1 run removed"), "{}", gone.stdout);
}

#[test]
fn looking_makes_no_database() {
    let place = Place::new();
    place.write("sweep.yaml", SWEEP);
    place.succeed(&["sweep", "sweep.yaml", "-q", "--database", "none"]);
    for args in
        [&["runs", "list", "--ledger"][..], &["runs", "show", "latest"], &["runs", "rerun", "latest", "1"]]
    {
        let refused = place.refuse(&[args, &["--database", "sqlite:nothere.sqlite"]].concat());
        assert!(refused.stderr.contains("there is no database nothere.sqlite"), "{}", refused.stderr);
        assert!(!place.path("nothere.sqlite").exists(), "{args:?}");
    }
}

#[test]
fn the_ledger_outlives_the_runs() {
    let place = Place::new();
    place.write("sweep.yaml", SWEEP);
    let none = place.run(&["runs", "list", "--ledger"]);
    assert!(none.code == Some(1) && none.stderr.contains("--database"), "{}", none.stderr);
    place.succeed(&["sweep", "sweep.yaml", "-q"]);
    place.succeed(&["sweep", "sweep.yaml", "-q", "--jobs", "1-3"]);
    place.succeed(&["sweep", "sweep.yaml", "-q", "--set", "feed.params.bars=900"]);
    let shown = place.succeed(&["runs", "show", "latest"]);
    assert!(shown.fits_80_columns().stdout.contains("trials       9 on these data"), "{}", shown.stdout);
    place.succeed(&["runs", "prune", "--keep", "1"]);
    let ledger = place.succeed(&["runs", "list", "--ledger"]);
    ledger.fits_80_columns();
    assert!(ledger.stdout.contains(": 12 trials in 2 runs\n"), "{}", ledger.stdout);
    assert_eq!(ledger.stdout.matches(" (gone)\n").count(), 2, "{}", ledger.stdout);
    let ledger = json(&place.succeed(&["runs", "list", "--ledger", "--format", "json"]).stdout);
    let trials: Vec<_> = ledger.as_array().expect("sets").iter().map(|set| &set["trials"]).collect();
    assert_eq!(trials, [&Value::from(9), &Value::from(12)]);
}

#[test]
fn a_sweep_that_was_killed_and_resumed_is_in_the_database_once() {
    let place = Place::new();
    long(&place);
    let args = ["sweep", "sweep.yaml", "--results-dir", "out", "--batch", "16", "--resume"];
    for _ in 0..3 {
        let mut child = start(&place, &args);
        crate::sweeps::wait_for_results(&place);
        thread::sleep(Duration::from_millis(40));
        child.kill().expect("it is killed");
        child.wait().expect("it ends");
    }
    assert!(!place.path("out/result.json").exists() && is_pending(&place.path("out")));
    place.succeed(&args);
    let database = sqlite(&place, "out/results.sqlite");
    assert_eq!(number(&database, "SELECT trials FROM run_ledger"), LONG as i64);
    assert_eq!(number(&database, "SELECT COUNT(*) FROM backtest_executions"), LONG as i64);
    assert!(!is_pending(&place.path("out")));
}

#[test]
fn a_database_that_hangs_holds_up_no_interrupt() {
    let place = Place::new();
    long(&place);
    let folder = place.path("socket");
    fs::create_dir(&folder).expect("a folder");
    // Connections are taken, and nobody ever answers.
    let _server = UnixListener::bind(folder.join(".s.PGSQL.5432")).expect("a socket");
    let url = format!("postgres://me@{}/db", folder.to_str().expect("UTF-8").replace('/', "%2F"));
    let args = ["sweep", "sweep.yaml", "--results-dir", "out", "--batch", "16", "--database", &url];
    let child = start(&place, &args);
    crate::sweeps::wait_for_results(&place);
    let since = now();
    crate::sweeps::signal(&child, Signal::TERM);
    let answer = Answer::of(child.wait_with_output().expect("it ends"));
    assert!(since.elapsed() < Duration::from_secs(2), "{:?}", since.elapsed());
    assert_eq!(answer.code, Some(1), "{}", answer.stderr);
    assert!(answer.stderr.contains("go on with: barhive sweep"), "{}", answer.stderr);
    place.succeed(&[&args[..6], &["--resume", "-q"]].concat());
    assert_eq!(number(&sqlite(&place, "out/results.sqlite"), "SELECT trials FROM run_ledger"), LONG as i64);
}

/// A sweep that copies into a server, named by its environment.
fn start_with(place: &Place, url: &str, more: &[&str]) -> std::process::Child {
    let args = ["sweep", "sweep.yaml", "--batch", "16"];
    let mut command = place.command(&[&args[..], more].concat());
    command.env("BARHIVE_RESULTS", url);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    command.spawn().expect("it starts")
}

#[test]
fn a_server_that_is_killed_in_mid_sweep_loses_nothing_and_gets_nothing_twice() {
    let Some(mut server) = Server::start() else { return };
    let place = Place::new();
    long(&place);
    // Long enough for a server to go and come back.
    let slow = place.read("sweep.yaml").replace("bars: 6000", "bars: 20000");
    place.write("sweep.yaml", &slow);
    let quiet = place.succeed(&["sweep", "sweep.yaml", "--results-dir", "quiet", "--database", "none"]);
    // Named in the file, opened by what the environment says.
    let sweep = slow.replace("top: 3}", "top: 3, database: \"${BARHIVE_RESULTS}\"}");
    place.write("sweep.yaml", &sweep);
    let mut child = start_with(&place, &server.url(), &["--results-dir", "out"]);
    let since = now();
    let mut database = server.database();
    while database.ledger().expect("a ledger").iter().all(|run| run.trials == 0) {
        assert!(since.elapsed() < Duration::from_secs(60), "no pass came");
        thread::sleep(Duration::from_millis(2));
    }
    server.kill();
    thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().expect("a child").is_none(), "the sweep was over before its database was");
    server.restart();
    let answer = Answer::of(child.wait_with_output().expect("it ends"));
    assert_eq!(answer.code, Some(0), "{}", answer.stderr);
    assert!(answer.stderr.matches("does not answer").count() <= 1, "{}", answer.stderr);
    let hash = |answer: &Answer| {
        answer.stdout.lines().find(|line| line.starts_with("result hash")).map(str::to_owned)
    };
    assert_eq!(hash(&answer), hash(&quiet));
    for name in FINAL {
        assert_eq!(bytes(&place, "out", name), bytes(&place, "quiet", name), "{name}");
    }
    assert!(!place.read("out/config.yaml").contains("database"), "where copies go is no part of a run");
    let (mut database, run) = (server.database(), id(&place.path("out")));
    let [entry] = database.ledger().expect("a ledger").try_into().expect("one run");
    assert_eq!((entry.trials, entry.run.as_str()), (LONG, run.as_str()));
    assert_eq!(database.stored(&run).expect("its variants").len(), LONG);
    assert_eq!(database.recorded(&run).expect("its best").len(), 3);
    let result = json(&place.read("out/result.json"));
    assert_eq!(result["result_hash"].as_str(), entry.result_hash.as_deref());
}

#[test]
fn a_server_that_stays_away_gets_everything_when_it_is_asked_for() {
    let Some(mut server) = Server::start() else { return };
    let place = Place::new();
    place.write("sweep.yaml", SWEEP);
    server.kill();
    let url = server.url();
    let flag = ["--database", "${BARHIVE_RESULTS}"];
    let ran = Answer::of(start_with(&place, &url, &flag).wait_with_output().expect("it ends"));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stderr.contains("runs sync"), "{}", ran.stderr);
    let sync = ["runs", "sync", "latest", "--database", "${BARHIVE_RESULTS}"];
    let asked = || Answer::of(place.command(&sync).env("BARHIVE_RESULTS", &url).output().expect("it starts"));
    assert_eq!(asked().code, Some(1));
    server.restart();
    for said in ["9 combinations and the signals and trades of 3 are new there", "nothing was missing"] {
        let answer = asked();
        assert_eq!(answer.code, Some(0), "{}", answer.stderr);
        assert!(answer.stdout.contains(said), "{}", answer.stdout);
    }
    assert_eq!(server.database().ledger().expect("a ledger")[0].trials, 9);
    // One that says no says why, and the results are there all the same.
    let refused = start_with(&place, &server.url_of("stranger"), &flag).wait_with_output().expect("it ends");
    let refused = Answer::of(refused);
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert!(refused.stderr.contains("stranger"), "{}", refused.stderr);
    assert!(refused.stdout.contains("result hash"), "{}", refused.stdout);
}
