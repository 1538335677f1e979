//! `bench` from outside, in small: it measures what it says, and leaves nothing behind.

use serde_json::Value;

use crate::{
    program::{Answer, Place},
    sweeps::json,
};

/// Runs a measurement in a folder of the place; nothing of it is left there.
fn bench(place: &Place, args: &[&str]) -> Answer {
    std::fs::create_dir_all(place.path("scratch")).expect("a folder");
    let answer = place.succeed(&[&["bench"], args, &["--dir", "scratch"]].concat());
    assert_eq!(answer.stderr, "", "{args:?}");
    assert_eq!(std::fs::read_dir(place.path("scratch")).expect("a folder").count(), 0, "{args:?}");
    answer
}

fn bench_json(place: &Place, args: &[&str]) -> Value {
    let measured = json(&bench(place, &[args, &["--format", "json"]].concat()).stdout);
    assert_eq!(measured["bench"], args[0]);
    assert!(measured["machine"]["cores"].as_u64() >= Some(1), "{measured}");
    measured
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("expected a number, found {value}"))
}

#[test]
#[cfg(target_os = "linux")]
fn workers_share_one_copy_of_a_mapped_catalog_and_failures_leave_no_memory_behind() {
    let place = Place::new();
    let args = ["sharing", "--workers", "1,3", "--bars", "500000", "--jobs", "20"];
    let measured = bench_json(&place, &args);
    let rows = measured["rows"].as_array().expect("rows");
    let data = 500_000.0 * 7.0 * 8.0;
    for (row, workers) in rows.iter().zip([1.0, 3.0]) {
        let of = |name: &str| number(&row[name]) / data;
        assert_eq!(number(&row["workers"]), workers);
        assert!((0.9..1.1).contains(&of("mapped_bytes")), "one copy: {row}");
        assert!((0.9..1.1).contains(&of("shared_bytes")), "one copy: {row}");
        assert!((0.9..1.1).contains(&(of("read_bytes") / workers)), "a copy each: {row}");
        assert!(number(&row["saving"]) > number(&row["saving_max"]) - 0.05, "{row}");
    }
    assert_eq!(rows.len(), 2);
    for kept in ["failed_jobs", "killed_workers"] {
        let kept = &measured[kept];
        assert_eq!(number(&kept["times"]), 20.0);
        assert!(number(&kept["before_bytes"]) > 0.0 && number(&kept["growth"]) < 0.05, "{kept}");
    }
}

#[test]
fn a_catalog_of_ones_own_can_be_shared() {
    let place = Place::new();
    place.succeed(&["data", "generate", "--bars", "2000", "--catalog", "own"]);
    let answer = bench(&place, &["sharing", "--workers", "2", "--data", "own", "--jobs", "1"]);
    answer.fits_80_columns();
    for part in ["claimed", "75 %", "50.00 %", "machine: "] {
        assert!(answer.stdout.contains(part), "{part}: {}", answer.stdout);
    }
    let refused = place.refuse(&["bench", "sharing", "--data", "none"]);
    assert!(refused.stderr.starts_with("error: --data: none: cannot be read"), "{}", refused.stderr);
}

#[test]
fn memory_is_told_for_bars_instruments_and_accounts() {
    let place = Place::new();
    let measured = bench_json(&place, &["mem", "--kind", "full", "--rounds", "1"]);
    let full = &measured["full"];
    assert_eq!(full["per_container"].as_array().map(Vec::len), Some(2), "{full}");
    if cfg!(target_os = "linux") {
        for bytes in [&full["base_bytes"], &full["per_container"][1]["container_bytes"]] {
            assert!(number(bytes) > 0.0, "{full}");
        }
    }
}

#[test]
fn the_first_result_and_a_worker_that_is_back_are_timed() {
    let place = Place::new();
    let args = ["startup", "--rows", "1000,2000", "--rounds", "1", "--kills", "2"];
    let measured = bench_json(&place, &args);
    let rows = measured["rows"].as_array().expect("rows");
    assert_eq!(rows.iter().map(|row| number(&row["rows"])).collect::<Vec<_>>(), [1_000.0, 2_000.0]);
    assert!(rows.iter().all(|row| number(&row["first_result_ms"]) > 0.0), "{measured}");
    let back = &measured["worker_restart_ms"];
    assert!(number(&back["median"]) > 0.0 && number(&back["median"]) <= number(&back["max"]), "{back}");
}

#[test]
fn threads_and_processes_scale_to_the_same_results() {
    let place = Place::new();
    let args =
        ["scale", "--runs", "70", "--bars", "500", "--workers", "1,2", "--rounds", "1", "--times", "2"];
    let threads = bench_json(&place, &args);
    let processes = bench_json(&place, &[&args[..], &["--isolation", "process"]].concat());
    assert_eq!(threads["result_hash"], processes["result_hash"]);
    for measured in [threads, processes] {
        assert_eq!(number(&measured["times"]), 2.0);
        let rows = measured["rows"].as_array().expect("rows");
        assert_eq!(rows.iter().map(|row| number(&row["workers"])).collect::<Vec<_>>(), [1.0, 2.0]);
        assert!(rows.iter().all(|row| number(&row["of_loops"]) > 0.0), "{measured}");
    }
}

#[test]
fn the_tables_fit_80_columns() {
    let place = Place::new();
    let commands: [&[&str]; 3] = [
        &["startup", "--rows", "10000", "--rounds", "1", "--kills", "1"],
        &["scale", "--runs", "50", "--bars", "200", "--rounds", "1", "--times", "1"],
        &["portfolios", "--n", "50", "--bars", "200", "--rounds", "1"],
    ];
    for command in commands {
        let answer = bench(&place, command);
        answer.fits_80_columns();
        assert!(answer.stdout.contains("machine: "), "{}", answer.stdout);
    }
}

#[test]
fn portfolios_are_counted_at_every_bar() {
    let place = Place::new();
    let measured = bench_json(&place, &["portfolios", "--n", "60", "--bars", "500", "--rounds", "1"]);
    assert_eq!((number(&measured["portfolios"]), number(&measured["bars"])), (60.0, 500.0));
    assert!(number(&measured["updates_per_s"]) > 0.0);
}
