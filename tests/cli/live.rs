//! Live processes beside the jobs of a server: what is kept for them, how they fail, what is told of them.

use std::{fs, thread};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{
    program::Place,
    serve::{Server, submit, until, wait_for},
    sweeps::{json, long},
};

fn status(place: &Place) -> Value {
    json(&place.succeed(&["status", "--state", "state", "--format", "json"]).stdout)
}

/// What is told of a live process.
fn told(place: &Place, name: &str) -> Value {
    let status = status(place);
    let live = status["live"].as_array().expect("a list");
    live.iter().find(|process| process["name"] == name).expect("it is known").clone()
}

/// The cores that a process may use, as the kernel lists them.
fn cores(pid: &Value) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    line.expect("the kernel tells").trim().to_owned()
}

const SERVER: &str = r#"
breaker: {enabled: false}
live:
  cores: 1
  memory: 16MiB
  nice: 3
  run:
    - name: steady
      command: [sh, -c, "while :; do echo '{\"event\":\"live\",\"lag_ms\":3.25}'; sleep 0.1; done"]
      silence_max: 20s
    - {name: broken, command: [sh, -c, "echo what it says; exit 4"]}
    - {name: short, command: [./short.sh]}
"#;

#[test]
fn live_processes_have_their_core_are_started_again_and_left_out_when_they_fail_too_often() {
    if thread::available_parallelism().map_or(1, usize::from) < 2 {
        println!("skipped: one core cannot be kept for live work and leave one for jobs");
        return;
    }
    let place = Place::new();
    long(&place);
    place.write("server.yaml", SERVER);
    place.write("short.sh", "#!/bin/sh\necho here\n");
    fs::set_permissions(place.path("short.sh"), std::os::unix::fs::PermissionsExt::from_mode(0o700))
        .expect("it may be run");
    let server = Server::start(&place, &["server.yaml"]);
    until("it runs", || told(&place, "steady")["state"] == "running");
    let steady = told(&place, "steady");
    let own = cores(&steady["pid"]);
    assert_eq!(steady["cores"].as_array().map(Vec::len), Some(1), "{steady}");
    assert_eq!(own, steady["cores"][0].to_string());
    assert_eq!((&steady["nice"], &steady["process_type"]), (&Value::from(3), &Value::from("live")));

    let job = submit(&place, &[]);
    wait_for(&place, &job, "running");
    let mut worker = Value::Null;
    until("the job is watched", || {
        let machine = status(&place)["machine"].clone();
        let trees = machine["trees"].as_array().expect("trees").iter();
        worker = trees.clone().find(|tree| tree["role"] == "worker").cloned().unwrap_or_default();
        worker["pid"].is_u64()
    });
    let of_jobs = cores(&worker["pid"]);
    assert!(!of_jobs.split([',', '-']).any(|core| core == own), "jobs on {of_jobs}, live work on {own}");

    let pid = steady["pid"].as_i64().and_then(|pid| Pid::from_raw(pid as i32)).expect("a number");
    kill_process(pid, Signal::KILL).expect("it is there");
    until("it is started again", || {
        let again = told(&place, "steady");
        again["state"] == "running" && again["pid"] != steady["pid"] && again["restarts"] == 1
    });
    assert_eq!(told(&place, "steady")["failure"], "killed by signal 9");

    until("it is left out", || told(&place, "broken")["state"] == "quarantined");
    assert_eq!(
        (&told(&place, "broken")["reason"], &told(&place, "broken")["restarts"]),
        (&Value::from("exit code 4"), &Value::from(3))
    );
    assert_eq!(place.read("state/live/broken.log").matches("what it says").count(), 4);
    until("it is done", || told(&place, "short")["state"] == "ended");
    assert!(place.read("state/live/short.log").contains("here\n-- ended\n"));

    until("its lag is told", || {
        let answer = place.succeed(&["status", "--state", "state"]);
        answer.fits_80_columns().stdout.contains("live     steady: 3.2 ms behind, process ")
    });
    let pid = told(&place, "steady")["pid"].to_string();
    assert_eq!(server.end(), Some(0));
    let left = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    assert!(left.is_empty() || left.contains(") Z "), "it ends with the server: {left}");
}

#[test]
fn more_cores_than_there_are_cannot_be_kept() {
    let place = Place::new();
    place.write("server.yaml", "live: {cores: 1000}\n");
    let refused = place.refuse(&["serve", "server.yaml", "--state", "state", "--http", "none"]);
    assert!(refused.stderr.contains("live.cores: 1000 of the "), "{}", refused.stderr);
}

#[test]
fn a_paced_set_has_an_order_for_every_bar_and_says_how_far_it_is_behind() {
    let place = Place::new();
    let said = place.succeed(&["bench", "live-set", "--bars", "20", "--skip", "5", "--out", "lags.json"]);
    assert!(said.stdout.lines().count() >= 2, "{}", said.stdout);
    for line in said.stdout.lines() {
        let word = json(line);
        assert!(word["event"] == "live" && word["lag_ms"].as_f64().is_some_and(|ms| ms >= 0.0), "{line}");
    }
    let lags = json(&place.read("lags.json"));
    assert_eq!((lags["lags_ms"].as_array().map(Vec::len), &lags["missed"]), (Some(20), &Value::from(0)));
}
