//! `doctor` and `--profile` from outside: what was slow, and when.

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::Value;

use crate::{
    program::Place,
    serve::Server,
    sweeps::{SWEEP, json},
};

const SET: &str = "
name: little
feed: {kind: synthetic, params: {seed: 7, symbols: [ALPHA], bars: 3000, timeframe: 1h}}
account: {kind: shared, cash: 100000 USD}
strategies:
  - {id: sma, kind: sma_cross, params: {fast: 5, slow: 20}, timeframe: 1h, sizing: {fixed: 10}}
";

/// The findings about a subject.
fn findings(place: &Place, args: &[&str], subject: &str) -> Vec<Value> {
    let said = place.run(&[&["doctor", "--format", "json"], args].concat());
    let all = json(&said.stdout);
    assert_eq!(said.code, Some(if all["is_well"] == true { 0 } else { 1 }), "{}", said.stdout);
    let all = all["findings"].as_array().expect("findings").clone();
    all.into_iter()
        .filter(|found| found["subject"].as_str().is_some_and(|s| s.starts_with(subject)))
        .collect()
}

#[test]
fn a_run_of_a_set_is_examined_part_by_part() {
    let place = Place::new();
    place.write("set.yaml", SET);
    place.succeed(&["run", "set.yaml", "--results-dir", "run", "--profile", "trace.json"]);
    let perf: Value = json(&place.read("run/perf.json"));
    assert_eq!((&perf["rows"], &perf["containers"]), (&3_000.into(), &1.into()), "{perf}");
    let names: Vec<_> =
        perf["parts"].as_array().expect("parts").iter().map(|part| &part["frames"]["name"]).collect();
    assert_eq!(names, ["market data", "indicator hub", "shard 0"]);
    assert!(
        perf["parts"].as_array().expect("parts").iter().all(|part| part["frames"]["count"] == 3),
        "{perf}"
    );
    assert_eq!(findings(&place, &["run"], "run").len(), 3);
    // As if a strategy of its had slept for 150 ms at a bar.
    let mut slow = perf.clone();
    slow["parts"][2]["slowest"] = serde_json::json!({"container": "little", "ns": 150_000_000});
    place.write("run/perf.json", &slow.to_string());
    let answer = place.run(&["doctor", "run"]);
    answer.fits_80_columns();
    assert_eq!(answer.code, Some(1));
    let first = "WRONG run: shard 0: account `little` worked 150 ms at a stretch\n";
    assert!(answer.stdout.starts_with(first), "{}", answer.stdout);
    // A second run in the same folder has left nothing of the first.
    place.succeed(&["run", "set.yaml", "--results-dir", "run"]);
    assert!(findings(&place, &["run"], "run").iter().all(|found| found["severity"] == "well"));
    // The trace has what each part did, and where the span lay.
    let trace = json(&place.read("trace.json"));
    let spans = trace["traceEvents"].as_array().expect("events").iter().filter(|event| event["ph"] == "X");
    assert_eq!(spans.filter(|span| span["dur"].as_f64().is_some_and(|us| us > 0.0)).count(), 9);
}

#[test]
fn a_trace_of_a_sweep_has_every_pass_on_its_worker_and_inside_it_where_its_time_went() {
    for isolation in ["thread", "process"] {
        let place = Place::new();
        place.write("sweep.yaml", SWEEP);
        let args = ["sweep", "sweep.yaml", "--results-dir", "run", "--profile", "trace.json", "--chunk", "3"];
        place.succeed(&[&args[..], &["-w", "2", "--isolation", isolation]].concat());
        let trace = json(&place.read("trace.json"));
        let events = trace["traceEvents"].as_array().expect("events");
        let named = |begin: &str| -> Vec<&Value> {
            let is_so = |event: &&Value| event["name"].as_str().is_some_and(|name| name.starts_with(begin));
            events.iter().filter(is_so).collect()
        };
        let passes = named("pass ");
        assert_eq!(passes.len(), 3, "{isolation}: {trace}");
        let end = |event: &Value| event["ts"].as_f64().expect("ts") + event["dur"].as_f64().expect("dur");
        for part in named("strategies") {
            let inside = |pass: &&&Value| {
                pass["tid"] == part["tid"]
                    && pass["ts"].as_f64() <= part["ts"].as_f64()
                    && end(part) <= end(pass) + 0.01
            };
            assert!(passes.iter().any(|pass| inside(&pass)), "{isolation}: {part}");
        }
        assert_eq!(named("keep ").len(), passes.len(), "{isolation}");
        assert_eq!(findings(&place, &["run"], "sweep: market data").len(), 1, "{isolation}");
        let told = place.succeed(&["report", "run", "--perf"]);
        told.fits_80_columns();
        assert!(told.stdout.contains("parts of it") && told.stdout.contains("a pass  "), "{}", told.stdout);
    }
}

#[test]
fn a_trace_that_cannot_be_written_is_told_before_anything_is_run() {
    let place = Place::new();
    place.write("set.yaml", SET);
    let answer = place.run(&["run", "set.yaml", "--results-dir", "run", "--profile", "none/trace.json"]);
    assert_eq!(answer.code, Some(1));
    assert!(answer.stderr.contains("--profile: cannot write none/trace.json"), "{}", answer.stderr);
    assert!(!place.path("run/report.json").exists());
}

#[test]
fn a_server_that_works_is_well_and_says_what_it_takes() {
    let place = Place::new();
    assert_eq!(findings(&place, &[], "server")[0]["what"], "none works on barhive-state");
    let asked = findings(&place, &["--state", "state"], "server");
    assert_eq!(asked[0]["severity"], "wrong", "who names a server means one that works");
    let _server = Server::start(&place, &[]);
    assert_eq!(findings(&place, &["--state", "state"], "queue")[0]["what"], "0 running, 0 queued, 0 paused");
    let status = place.succeed(&["status", "--state", "state", "--format", "json"]);
    let counters = json(&status.stdout)["counters"].clone();
    let names: Vec<_> = counters.as_array().expect("counters").iter().map(|one| &one["name"]).collect();
    assert!(names.contains(&&Value::from("round of the queue")), "{counters}");
    fs::set_permissions(place.path("state"), fs::Permissions::from_mode(0o755)).expect("its mode");
    let open = findings(&place, &["--state", "state"], "server");
    assert!(
        open[0]["what"].as_str().is_some_and(|what| what.contains("others may look into state")),
        "{open:?}"
    );
}
