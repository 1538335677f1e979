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
        Self((0..2 * cores).map(|_| spin()).collect())
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

/// Whether this machine is as quiet as the test must have it; it may be that other tests load it.
fn is_quiet(place: &Place) -> bool {
    for _ in 0..200 {
        if machine(place)["sample"]["cpu_percent"]
            .as_f64()
            .is_some_and(|percent| percent > 0.0 && percent < 80.0)
        {
            return true;
        }
        thread::sleep(Duration::from_millis(100));
    }
    println!("skipped: other programs load this machine all the time");
    false
}

#[test]
fn a_machine_that_others_load_refuses_jobs_and_pauses_the_least_urgent_until_it_is_over() {
    let place = Place::new();
    long(&place);
    // A lower bar than usual: what is left to others is not this test's to say.
    let breaker =
        "{timeout_seconds: 1, recovery_seconds: 0.5, recovery_cpu_percent: 97, shed_step_seconds: 0.1}";
    let thresholds = "{cpu_percent: {yellow: 90, orange: 98, red: 99}}";
    place.write("server.yaml", &format!("running_max: 4\nthresholds: {thresholds}\nbreaker: {breaker}\n"));
    let _server = Server::start(&place, &["server.yaml"]);
    if !is_quiet(&place) {
        return;
    }
    let mut bulk = String::new();
    until("it is taken in", || {
        let answer = ask(&place, &["submit", "sweep.yaml", "--priority", "bulk", "--format", "json"]);
        bulk = json(if answer.code == Some(0) { &answer.stdout } else { "{\"job\":0}" })["job"].to_string();
        bulk != "0"
    });
    until("it is paused and jobs are refused, or the machine bears it", || {
        let load = Load::start();
        let is_open = (0..30).any(|_| {
            thread::sleep(Duration::from_millis(100));
            machine(&place)["breaker"] == "open"
        });
        if !is_open {
            return false;
        }
        let refused = ask(&place, &["submit", "sweep.yaml", "--priority", "critical"]);
        drop(load);
        refused.code == Some(1) && refused.stderr.contains("overloaded: CPU without our workers")
    });
    let view = show(&place, &bulk);
    let steps = view["history"].as_array().expect("steps");
    assert!(
        steps.iter().any(|step| step["reason"]
            .as_str()
            .is_some_and(|why| why.starts_with("BULK jobs are paused: CPU"))),
        "{view}"
    );
    let seen = machine(&place);
    for part in ["breaker open: CPU", "BULK jobs are paused", "a submission is refused"] {
        assert!(says(&seen, part), "{part}: {seen}");
    }
    wait_for(&place, &bulk, "completed");
    assert_eq!(
        place.read(&format!("state/jobs/{bulk}/log")).matches("-- start").count(),
        1,
        "held, not started anew"
    );
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
