//! The job server from outside: what it promises it keeps, whatever becomes of it.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::{fs::PermissionsExt, net::UnixStream},
    process::{Child, Stdio},
    thread,
    time::Duration,
};

use barhive::engine::{
    governor::{BreakerConfig, ResourceThresholds},
    jobs::ExecutionMode,
};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use rustix::process::{Resource, Signal, getrlimit, setrlimit};
use serde_json::Value;

use crate::{
    program::{Answer, Place},
    sweeps::{FINAL, SWEEP, bytes, json, long, now, signal},
};

/// A server that is killed when it goes out of sight.
pub struct Server {
    child: Child,
}

impl Server {
    /// Starts one in `state` and waits until it listens. Other tests load the machine: without a file of its
    /// own it does not mind.
    pub fn start(place: &Place, args: &[&str]) -> Self {
        let mut args = [&["serve", "--state", "state", "--http", "none"][..], args].concat();
        if !args.iter().any(|arg| arg.ends_with(".yaml")) {
            place.write("undisturbed.yaml", "breaker: {enabled: false}\n");
            args.push("undisturbed.yaml");
        }
        let mut command = place.command(&args);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        let mut server = Self { child };
        until("it listens", || {
            assert_eq!(server.child.try_wait().expect("a state"), None, "it ended");
            UnixStream::connect(place.path("state/socket")).is_ok()
        });
        server
    }

    /// `kill -9`, as a crash of the machine would.
    fn kill(mut self) {
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it ends");
    }

    /// Asks it to end, waits until it has, and answers its exit code.
    pub fn end(mut self) -> Option<i32> {
        signal(&self.child, Signal::TERM);
        self.child.wait().expect("it ends").code()
    }

    /// Its child processes.
    pub fn children(&self) -> Vec<i32> {
        let parent = self.child.id().to_string();
        let entries = fs::read_dir("/proc").expect("processes").flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        let is_child = |pid: &i32| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            // The name, in parentheses, may hold anything.
            let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
            after_name.split_whitespace().nth(1) == Some(parent.as_str())
        };
        pids.filter(is_child).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended does not mind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let since = now();
    while !is_so() {
        assert!(since.elapsed() < Duration::from_secs(60), "waited in vain: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

pub fn ask(place: &Place, args: &[&str]) -> Answer {
    place.run(&[&["jobs"], args, &["--state", "state"]].concat())
}

fn done(place: &Place, args: &[&str]) -> String {
    let answer = ask(place, args);
    assert_eq!(answer.code, Some(0), "{args:?}: {}", answer.stderr);
    answer.fits_80_columns().stdout.clone()
}

/// Submits `sweep.yaml` and answers the job's number.
pub fn submit(place: &Place, args: &[&str]) -> String {
    let args = [&["submit", "sweep.yaml", "--format", "json"], args].concat();
    json(&done(place, &args))["job"].to_string()
}

pub fn show(place: &Place, job: &str) -> Value {
    json(&ask(place, &["show", job, "--format", "json"]).stdout)
}

/// Waits until a job is in a state.
pub fn wait_for(place: &Place, job: &str, state: &str) -> Value {
    let mut view = Value::Null;
    until(&format!("job {job} is {state}"), || {
        view = show(place, job);
        view["state"] == state
    });
    view
}

/// Waits until a job has kept results and has more to do.
fn wait_for_results(place: &Place, job: &str) {
    let log = place.path(&format!("state/jobs/{job}/results/results.log"));
    until("it has results", || fs::metadata(&log).is_ok_and(|file| file.len() > 4096));
}

/// What happened to a job, as the states of its history.
fn states(view: &Value) -> Vec<&str> {
    let steps = view["history"].as_array().expect("a history");
    steps.iter().map(|step| step["state"].as_str().expect("a state")).collect()
}

fn same_as_quiet(place: &Place, job: &str) {
    let folder = format!("state/jobs/{job}/results");
    for name in FINAL {
        assert_eq!(bytes(place, &folder, name), bytes(place, "quiet", name), "{name} of job {job}");
    }
}

/// A place with a sweep of some seconds and its results.
fn with_quiet() -> Place {
    let place = Place::new();
    long(&place);
    place.succeed(&["sweep", "sweep.yaml", "--results-dir", "quiet", "-q"]);
    place
}

#[test]
fn two_sweeps_end_with_the_bytes_of_quiet_runs() {
    let place = Place::new();
    place.write("sweep.yaml", SWEEP);
    place.succeed(&["sweep", "sweep.yaml", "--results-dir", "quiet", "-q"]);
    let server = Server::start(&place, &[]);
    assert_eq!(done(&place, &["submit", "sweep.yaml"]), "job 1: pairs, normal\n");
    let second = submit(&place, &["--name", "again", "--priority", "high", "--memory", "1GB"]);
    assert_eq!(second, "2");
    for job in ["1", "2"] {
        let watched = done(&place, &["watch", job]);
        assert!(watched.ends_with(&format!("job {job}: completed, 100%, completed\n")), "{watched}");
        same_as_quiet(&place, job);
    }
    let list = done(&place, &["list"]);
    assert!(list.lines().nth(1).is_some_and(|line| line.starts_with("1    pairs  normal")), "{list}");
    let shown = done(&place, &["show", "2"]);
    assert!(shown.contains("asks for  1 worker, 953.7 MiB"), "{shown}");
    let log = ask(&place, &["logs", "2"]).stdout;
    assert!(log.starts_with("-- start 1: barhive sweep --resume") && log.contains("result hash"), "{log}");
    let status = place.succeed(&["status", "--state", "state"]);
    assert!(status.fits_80_columns().stdout.contains("2 completed, 0 failed"), "{}", status.stdout);
    let status = json(&place.succeed(&["status", "--state", "state", "--format", "json"]).stdout);
    assert_eq!((&status["queue"]["completed"], &status["queue"]["running"]), (&2.into(), &0.into()));
    let mode = |name: &str| fs::metadata(place.path(name)).expect(name).permissions().mode() & 0o777;
    assert_eq!((mode("state"), mode("state/socket"), mode("state/lock")), (0o700, 0o600, 0o600));
    assert_eq!(server.end(), Some(0));
    assert!(!place.path("state/socket").exists());
    let nobody = place.run(&["status", "--state", "state"]);
    assert!(
        nobody.code == Some(1) && nobody.stderr.contains("start one with `barhive serve`"),
        "{}",
        nobody.stderr
    );
}

/// Kills the server `times` times at random moments while jobs come in.
fn killed(times: u32, seed: u64) {
    let place = with_quiet();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut promised = Vec::new();
    for kill in 0..times {
        let server = Server::start(&place, &[]);
        if kill % 2 == 0 && promised.len() < 4 {
            promised.push(submit(&place, &["-w", "1"]));
        }
        thread::sleep(Duration::from_millis(u64::from(random.next_u32() % 700)));
        let children = server.children();
        server.kill();
        until("nobody outlives it", || {
            children.iter().all(|pid| {
                !fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.contains("barhive"))
            })
        });
    }
    let _server = Server::start(&place, &[]);
    for (job, number) in promised.iter().zip(1..) {
        assert_eq!(job, &number.to_string());
        let view = wait_for(&place, job, "completed");
        assert_eq!(states(&view).iter().filter(|state| **state == "completed").count(), 1, "{view}");
        assert_eq!(view["failures"], 0, "{view}");
        same_as_quiet(&place, job);
    }
    let all = json(&ask(&place, &["list", "--format", "json"]).stdout);
    assert_eq!(all.as_array().expect("jobs").len(), promised.len());
}

#[test]
fn a_server_that_is_killed_at_random_moments_loses_no_job_and_runs_none_twice() {
    killed(6, 1);
}

#[test]
#[ignore = "a hundred kills take minutes"]
fn a_hundred_kills_lose_no_job() {
    for seed in 2..7 {
        killed(20, seed);
    }
}

#[test]
fn a_bulk_job_yields_to_a_critical_one_and_ends_with_the_same_bytes() {
    let place = with_quiet();
    let _server = Server::start(&place, &["-q"]);
    let cores = std::thread::available_parallelism().map_or(1, usize::from).to_string();
    let bulk = submit(&place, &["--priority", "bulk", "-w", &cores]);
    wait_for_results(&place, &bulk);
    let critical = submit(&place, &["--priority", "critical", "-w", &cores]);
    let critical = wait_for(&place, &critical, "completed");
    let bulk = wait_for(&place, &bulk, "completed");
    let reasons: Vec<_> =
        bulk["history"].as_array().expect("steps").iter().map(|step| &step["reason"]).collect();
    assert!(reasons.contains(&&"yielded to job 2".into()), "{reasons:?}");
    assert_eq!(states(&bulk), ["queued", "running", "queued", "running", "completed"]);
    assert!(critical["state_since_ns"].as_i64() < bulk["state_since_ns"].as_i64());
    // It was held, not started anew.
    let log = place.read("state/jobs/1/log");
    assert_eq!(log.matches("-- start").count(), 1, "{log}");
    same_as_quiet(&place, "1");
    same_as_quiet(&place, "2");
}

#[test]
fn a_held_job_gives_its_memory_up_to_one_that_needs_it() {
    let place = with_quiet();
    let _server = Server::start(&place, &[]);
    let low = submit(&place, &["--priority", "low", "--memory", "5GB"]);
    wait_for_results(&place, &low);
    let high = submit(&place, &["--priority", "high", "--memory", "5GB"]);
    wait_for(&place, &high, "completed");
    let view = wait_for(&place, &low, "completed");
    assert_eq!(states(&view), ["queued", "running", "queued", "running", "completed"]);
    assert_eq!(view["failures"], 0);
    let log = place.read("state/jobs/1/log");
    assert_eq!(log.matches("-- start").count(), 2, "it kept its passes, ended and was started again: {log}");
    same_as_quiet(&place, &low);
    same_as_quiet(&place, &high);
}

#[test]
fn a_job_is_paused_resumed_and_cancelled_by_its_owner() {
    let place = with_quiet();
    let server = Server::start(&place, &[]);
    let job = submit(&place, &[]);
    wait_for_results(&place, &job);
    assert_eq!(done(&place, &["pause", &job]), "job 1 is paused\n");
    assert_eq!(show(&place, &job)["paused_by"], "owner");
    let again = ask(&place, &["pause", &job]);
    assert!(
        again.code == Some(1) && again.stderr.contains("already paused by the owner"),
        "{}",
        again.stderr
    );
    done(&place, &["resume", &job]);
    wait_for(&place, &job, "running");
    done(&place, &["pause", &job]);
    assert_eq!(server.children().len(), 1, "it is held");
    done(&place, &["cancel", &job]);
    let view = show(&place, &job);
    assert_eq!(view["state"], "cancelled", "{view}");
    until("its process ends", || server.children().is_empty());
    // What it had done is kept, for whoever goes on by hand.
    place.succeed(&["sweep", "sweep.yaml", "--resume", "--results-dir", "state/jobs/1/results", "-q"]);
    same_as_quiet(&place, &job);
    let ended = ask(&place, &["resume", &job, "7"]);
    assert_eq!(ended.code, Some(1));
    for part in ["has ended as cancelled", "there is no job 7"] {
        assert!(ended.stderr.contains(part), "{}", ended.stderr);
    }
}

#[test]
fn a_server_that_is_told_to_end_keeps_what_is_done_and_goes_on_with_it() {
    let place = with_quiet();
    let server = Server::start(&place, &[]);
    let job = submit(&place, &[]);
    wait_for_results(&place, &job);
    assert_eq!(server.end(), Some(0));
    let _server = Server::start(&place, &[]);
    let view = wait_for(&place, &job, "completed");
    assert_eq!(states(&view), ["queued", "running", "queued", "running", "completed"]);
    let log = place.read("state/jobs/1/log");
    assert!(log.contains("done before") || log.contains("-- start 2"), "{log}");
    same_as_quiet(&place, &job);
}

#[test]
fn a_job_that_fails_is_tried_again_and_then_says_why() {
    let place = Place::new();
    long(&place);
    let server = Server::start(&place, &[]);
    let cores = std::thread::available_parallelism().map_or(1, usize::from).to_string();
    let job = submit(&place, &["--retries", "1", "-w", &cores]);
    let waiting = submit(&place, &[]);
    done(&place, &["pause", &waiting]);
    until("it runs", || !server.children().is_empty());
    for pid in server.children() {
        let pid = rustix::process::Pid::from_raw(pid).expect("a pid");
        rustix::process::kill_process(pid, Signal::KILL).expect("a signal");
    }
    wait_for(&place, &job, "completed");
    let view = show(&place, &job);
    assert_eq!(view["history"][2]["reason"], "killed by signal 9", "{view}");
    fs::remove_file(place.path("sweep.yaml")).expect("removed");
    done(&place, &["resume", &waiting]);
    let view = wait_for(&place, &waiting, "failed");
    let reason = view["history"].as_array().and_then(|steps| steps.last()).expect("a step")["reason"].clone();
    assert!(
        reason.as_str().is_some_and(|why| why.starts_with("exit code") && why.contains("sweep.yaml")),
        "{reason}"
    );
}

#[test]
fn time_outs_and_deadlines_end_a_job_whatever_it_is_doing() {
    let place = Place::new();
    long(&place);
    let server = Server::start(&place, &[]);
    let slow = submit(&place, &["--timeout", "100ms"]);
    let late = submit(&place, &["--deadline", "2020-01-01T00:00:00Z"]);
    assert_eq!(show(&place, &late)["state"], "timeout");
    let view = wait_for(&place, &slow, "timeout");
    assert_eq!(view["history"][2]["reason"], "attempt 1 took longer than 0.1 s", "{view}");
    until("its process ends", || server.children().is_empty());
    let watched = ask(&place, &["watch", &slow]);
    assert_eq!(watched.code, Some(1), "{}", watched.stdout);
}

#[test]
fn a_set_is_a_job_like_a_sweep() {
    let place = Place::new();
    let set = concat!(env!("CARGO_MANIFEST_DIR"), "/config/quickstart.yaml");
    place.succeed(&["run", set, "--results-dir", "quiet", "-q"]);
    let _server = Server::start(&place, &[]);
    done(&place, &["submit", set, "--results-dir", "out"]);
    wait_for(&place, "1", "completed");
    let hash = |folder: &str| json(&place.read(&format!("{folder}/report.json")))["result_hash"].clone();
    assert!(hash("out").is_string());
    assert_eq!(hash("out"), hash("quiet"));
}

#[test]
fn what_is_beyond_the_limits_is_refused_with_what_to_do() {
    let place = Place::new();
    place.write("sweep.yaml", SWEEP);
    place.write("server.yaml", "workers: 1\nmemory: 1GB\nqueue: {total_max: 1}\nbreaker: {enabled: false}\n");
    let _server = Server::start(&place, &["server.yaml"]);
    let refused = |args: &[&str], expected: &str| {
        let answer = ask(&place, &[&["submit", "sweep.yaml"], args].concat());
        assert_eq!(answer.code, Some(1), "{}", answer.stdout);
        assert!(answer.stderr.contains(expected), "{}", answer.stderr);
    };
    refused(&["-w", "2"], "it asks for 2 workers and there are 1: ask for less");
    refused(&["--memory", "2GB"], "ask for less, or cut the job into smaller ones");
    refused(&["--name", ""], "its name is empty: give it one");
    place.write("long/sweep.yaml", "");
    let job = submit(&place, &["--deadline", "23:59"]);
    done(&place, &["pause", &job]);
    refused(&[], "1 jobs have not ended, and no more may wait");
    done(&place, &["cancel", &job]);
    submit(&place, &[]);
    place.write("bad.yaml", &SWEEP.replace("sma_cross", "sma_crss"));
    let faults = ask(&place, &["submit", "bad.yaml"]);
    assert!(faults.code == Some(2) && faults.stderr.contains("sma_cross"), "{}", faults.stderr);
}

#[test]
fn one_server_works_on_a_folder() {
    let place = Place::new();
    let server = Server::start(&place, &[]);
    let second = place.run(&["serve", "--state", "state"]);
    assert_eq!(second.code, Some(1), "{}", second.stderr);
    let pid = format!("(process {})", server.child.id());
    assert!(second.stderr.contains(&pid), "{}", second.stderr);
    place.succeed(&["status", "--state", "state"]);
    place.write("server.yaml", "workers: 0\nmode: both\nstat: x\n");
    let faults = place.refuse(&["serve", "server.yaml"]).stderr;
    for part in ["server.yaml:1:10", "server.yaml:2:7", "did you mean state?"] {
        assert!(faults.contains(part), "{part}: {faults}");
    }
}

#[test]
fn the_file_that_comes_along_says_the_defaults() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config/server.yaml");
    let settings = barhive::config::load_server(&path).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(settings.queue, barhive::engine::jobs::QueueOptions::default());
    assert_eq!((settings.mode, settings.workers), (ExecutionMode::Concurrent, None));
    assert_eq!(settings.thresholds, ResourceThresholds::default());
    assert_eq!(settings.breaker, BreakerConfig::default());
    assert_eq!((settings.memory_bytes, settings.running_max), (Some(8 << 30), Some(4)));
}

/// Sends lines and answers what comes back.
fn talk(place: &Place, line: &[u8]) -> String {
    let mut stream = UnixStream::connect(place.path("state/socket")).expect("it listens");
    // A server that has heard enough hangs up.
    let _ = stream.write_all(line);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut answers = String::new();
    for line in BufReader::new(stream).lines() {
        let Ok(line) = line else { break };
        answers.push_str(&(line + "\n"));
    }
    answers
}

#[test]
fn malformed_requests_are_refused_and_harm_nobody() {
    let place = Place::new();
    let _server = Server::start(&place, &[]);
    let good = "{\"v\":1,\"ask\":\"status\"}\n";
    let cases: &[(&str, &str)] = &[
        ("\n", "cannot be understood"),
        ("nonsense\n", "cannot be understood"),
        ("{\"v\":9,\"ask\":\"status\"}\n", "of version 9"),
        ("{\"v\":1,\"ask\":{\"submit\":{}}}\n", "missing field `request`"),
        ("{\"v\":1,\"ask\":{\"show\":{\"job\":\"x\"}}}\n", "invalid type"),
        ("{\"v\":1,\"ask\":\"status\"", "cannot be understood"),
    ];
    for (line, expected) in cases {
        let answers = talk(&place, line.as_bytes());
        let error = json(answers.lines().next().expect("an answer"))["error"].to_string();
        assert!(error.contains(expected), "{line}: {error}");
    }
    let mixed = talk(&place, format!("what\n{good}{good}").as_bytes());
    let oks: Vec<_> = mixed.lines().map(|line| json(line)["ok"].is_object()).collect();
    assert_eq!(oks, [false, true, true], "a client may go on after a fault");
    let flood = talk(&place, &vec![b'x'; 200_000]);
    assert!(flood.is_empty() || flood.contains("longer than 65536 bytes"), "{flood}");
    assert_eq!(talk(&place, b""), "");
    place.succeed(&["status", "--state", "state"]);
}

#[test]
fn a_thousand_clients_at_once_are_all_answered() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = Some(limit.maximum.map_or(4_096, |maximum| maximum.min(4_096)));
    setrlimit(Resource::Nofile, limit).expect("descriptors for a thousand sockets");
    let place = Place::new();
    place.write("sweep.yaml", SWEEP);
    let _server = Server::start(&place, &[]);
    done(&place, &["pause", &submit(&place, &[])]);
    let connect = || UnixStream::connect(place.path("state/socket")).expect("it listens");
    let mut clients: Vec<_> = (0..1_000).map(|_| BufReader::new(connect())).collect();
    for client in &mut clients {
        client.get_mut().write_all(b"{\"v\":1,\"ask\":\"list\"}\n").expect("it is sent");
    }
    for client in &mut clients {
        let mut answer = String::new();
        client.read_line(&mut answer).expect("an answer");
        assert_eq!(json(&answer)["ok"]["jobs"][0]["state"], "paused");
    }
}
