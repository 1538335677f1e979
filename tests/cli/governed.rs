//! The job server on a machine that others load, seen from outside.

use std::{
    fs,
    io::Write,
    os::unix::net::UnixStream,
    process::{Child, Command},
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::{
    program::Place,
    serve::{Server, ask, show, submit, until, wait_for},
    sweeps::{json, long},
};

/// Programs that keep all cores busy; killed when they go out of sight.
struct Load(Vec<Child>);

impl Load {
    fn start() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let spin = || Command::new("sh").args(["-c", "while :; do :; done"]).spawn().expect("sh starts");
        Self((0..4 * cores).map(|_| spin()).collect())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn machine(place: &Place) -> Value {
    let status = place.succeed(&["status", "--state", "state", "--format", "json"]);
    json(&status.stdout)["machine"].clone()
}

fn says(machine: &Value, part: &str) -> bool {
    let decisions = machine["decisions"].as_array().expect("decisions").iter();
    decisions.filter_map(|said| said["sentence"].as_str()).any(|sentence| sentence.contains(part))
}

/// Waits for a time in which others leave the machine alone; `None`, with a note, where there is none.
fn quiet<T>(mut is_so: impl FnMut() -> Option<T>) -> Option<T> {
    let found = (0..100).find_map(|_| {
        thread::sleep(Duration::from_millis(200));
        is_so()
    });
    if found.is_none() {
        println!("skipped: other programs load this machine all the time");
    }
    found
}

#[test]
fn a_machine_that_others_load_refuses_jobs_and_pauses_the_least_urgent_until_it_is_over() {
    let place = Place::new();
    long(&place);
    let longer = place.read("sweep.yaml").replace("bars: 6000", "bars: 60000");
    place.write("sweep.yaml", &longer);
    // A job shares the cores evenly with those who load them: the limits lie below what they get then.
    let thresholds = "{cpu_percent: {yellow: 50, orange: 60, red: 70}}";
    let breaker =
        "{timeout_seconds: 1, recovery_seconds: 0.5, recovery_cpu_percent: 55, shed_step_seconds: 0.1}";
    place.write("server.yaml", &format!("thresholds: {thresholds}\nbreaker: {breaker}\n"));
    let _server = Server::start(&place, &["server.yaml"]);
    let submit = || ask(&place, &["submit", "sweep.yaml", "--priority", "bulk", "--format", "json"]);
    let Some(bulk) = quiet(|| {
        let answer = submit();
        (answer.code == Some(0)).then(|| json(&answer.stdout)["job"].to_string())
    }) else {
        return;
    };
    let Some(()) = quiet(|| (show(&place, &bulk)["state"] == "running").then_some(())) else { return };

    let load = Load::start();
    until("submissions are refused", || {
        let refused = ask(&place, &["submit", "sweep.yaml", "--priority", "critical"]);
        refused.code == Some(1) && refused.stderr.contains("error: overloaded: CPU without our workers")
    });
    let view = wait_for(&place, &bulk, "paused");
    let reason = view["history"].as_array().and_then(|steps| steps.last()).expect("a step")["reason"].clone();
    assert!(reason.as_str().is_some_and(|why| why.contains("are paused: CPU without our workers")), "{view}");
    let seen = machine(&place);
    for part in ["breaker open: CPU", "BULK jobs are paused", "a submission is refused"] {
        assert!(says(&seen, part), "{part}: {seen}");
    }
    drop(load);
    let Some(()) = quiet(|| (show(&place, &bulk)["state"] == "running").then_some(())) else { return };
    let log = place.read(&format!("state/jobs/{bulk}/log"));
    assert_eq!(log.matches("-- start").count(), 1, "held, not started anew: {log}");
}

/// Says to the server what a live process would.
fn lags(place: &Place, lag_ms: f64, valid_ms: u64) {
    let mut stream = UnixStream::connect(place.path("state/socket")).expect("it listens");
    let report = format!("{{\"lag_ms\":{lag_ms},\"name\":\"paper\",\"valid_ms\":{valid_ms}}}");
    writeln!(stream, "{{\"v\":1,\"ask\":{{\"live\":{report}}}}}").expect("it hears");
    let mut answer = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stream), &mut answer).expect("it answers");
    assert_eq!(answer, "{\"v\":1,\"ok\":\"done\"}\n");
}

#[test]
fn jobs_get_nothing_while_live_work_lags_and_go_on_afterwards() {
    let place = Place::new();
    long(&place);
    place.write("server.yaml", "breaker: {enabled: false, recovery_seconds: 0.3}\n");
    let _server = Server::start(&place, &["server.yaml"]);
    assert_eq!(ask(&place, &["mode"]).stdout, "concurrent\n");
    assert_eq!(ask(&place, &["mode", "priority-live"]).stdout, "priority-live\n");
    let wrong = ask(&place, &["mode", "live"]);
    assert!(
        wrong.code == Some(2) && wrong.stderr.contains("standalone, concurrent, priority-live"),
        "{}",
        wrong.stderr
    );
    let job = submit(&place, &["--priority", "critical"]);
    wait_for(&place, &job, "running");
    lags(&place, 700.0, 60_000);
    let view = wait_for(&place, &job, "paused");
    assert_eq!(view["paused_by"], "load");
    let status = place.succeed(&["status", "--state", "state"]);
    let shown = status.fits_80_columns().stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "mode priority-live",
        "live latency 700.0 ms (yellow)",
        "live all jobs are paused: live latency 700.0 ms, limit 500 ms (priority-live)",
        "the mode is priority-live now, it was concurrent",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    // The report runs out, and no live work is no lag.
    lags(&place, 700.0, 50);
    wait_for(&place, &job, "completed");
}

#[test]
fn what_a_job_uses_is_kept_with_it_and_shown() {
    let place = Place::new();
    long(&place);
    let longer = place.read("sweep.yaml").replace("bars: 6000", "bars: 30000");
    place.write("sweep.yaml", &longer);
    let _server = Server::start(&place, &[]);
    let job = submit(&place, &["--name", "measured"]);
    until("two lines are written", || {
        let text = fs::read_to_string(place.path(&format!("state/jobs/{job}/resources.jsonl")));
        text.is_ok_and(|text| text.lines().count() >= 2)
    });
    let view = wait_for(&place, &job, "completed");
    let usage = &view["usage"];
    let lines = place.read(&format!("state/jobs/{job}/resources.jsonl"));
    let lines: Vec<Value> = lines.lines().map(json).collect();
    assert!(lines.windows(2).all(|pair| pair[0]["run_s"].as_f64() < pair[1]["run_s"].as_f64()), "{lines:?}");
    assert!(usage["memory_peak_bytes"].as_u64() > Some(1 << 20), "{usage}");
    let (cpu_s, run_s) =
        (usage["cpu_s"].as_f64().expect("a number"), usage["run_s"].as_f64().expect("a number"));
    assert!(cpu_s > 0.0 && run_s > 1.0, "{usage}");
    let mean = usage["cpu_percent_mean"].as_f64().expect("a number");
    assert!((mean - 100.0 * cpu_s / run_s).abs() < 1e-6, "{usage}");
    let shown = ask(&place, &["show", &job]);
    assert!(shown.fits_80_columns().stdout.contains(" of a core on average"), "{}", shown.stdout);
}

#[test]
fn the_folder_of_a_job_goes_when_the_job_is_forgotten_and_results_elsewhere_stay() {
    let place = Place::new();
    let set = concat!(env!("CARGO_MANIFEST_DIR"), "/config/quickstart.yaml");
    place.write("server.yaml", "queue: {ended_max: 1}\nbreaker: {enabled: false}\n");
    let _server = Server::start(&place, &["server.yaml"]);
    for job in ["1", "2", "3"] {
        let elsewhere: &[&str] = if job == "1" { &["--results-dir", "kept"] } else { &[] };
        let submitted = ask(&place, &[&["submit", set], elsewhere].concat());
        assert_eq!(submitted.code, Some(0), "{}", submitted.stderr);
        wait_for(&place, job, "completed");
    }
    until("the folders of the first two are gone", || {
        !place.path("state/jobs/1").exists() && !place.path("state/jobs/2").exists()
    });
    assert!(place.path("state/jobs/3/results/report.json").exists());
    assert!(place.path("kept/report.json").exists());
}
