//! Listeners: fast ones hear everything, slow ones hear that they missed something, dead ones are let go.

use std::{io::Read, thread, time::Duration};

use barhive_engine::jobs::{JobRequest, JobState};
use serde_json::json;

use super::{Served, event, next};
use crate::http::{HttpLimits, LISTENERS_MAX};

#[test]
fn a_listener_hears_the_whole_picture_first_and_then_every_change() {
    let served = Served::new(HttpLimits::default());
    let first = served.manager.submit(JobRequest::new("before", "")).unwrap();
    while served.manager.job(first).unwrap().job.state != JobState::Completed {
        thread::sleep(Duration::from_millis(1));
    }
    let mut listener = served.listen();
    let (name, snapshot) = event(&mut listener).unwrap();
    assert_eq!(name, "snapshot");
    assert_eq!(snapshot["jobs"][0]["id"], json!(first));
    assert!(snapshot["status"]["queue"].is_object() && snapshot["history"].is_array());
    let second = served.manager.submit(JobRequest::new("after", "")).unwrap();
    let states: Vec<String> = (0..3)
        .map(|_| {
            let job = next(&mut listener, "job");
            assert_eq!(job["id"], json!(second));
            assert_eq!(job["history"].as_array().unwrap().len(), 1, "of many jobs the last transition");
            job["state"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(states.last().map(String::as_str), Some("completed"), "{states:?}");
    next(&mut listener, "status");
}

#[test]
fn a_slow_reader_is_told_how_much_it_missed_and_nobody_waits_for_it() {
    const EVENTS: u64 = 5_000;
    let served = Served::new(HttpLimits::default());
    let (mut slow, mut fast) = (served.listen(), served.listen());
    next(&mut fast, "snapshot");
    let until_both = || served.events.listeners() == 2;
    while !until_both() {
        thread::sleep(Duration::from_millis(1));
    }
    for number in 0..EVENTS {
        served.events.tell("number", &json!({ "number": number, "filler": "x".repeat(1_000) }));
        if number % 100 == 99 {
            // The fast one is up to date before more comes.
            while next(&mut fast, "number")["number"] != number {}
        }
    }
    next(&mut slow, "snapshot");
    let (mut heard, mut missed) = (0, 0);
    loop {
        match event(&mut slow).unwrap() {
            (name, data) if name == "number" => {
                assert_eq!(data["number"], heard + missed, "what is not missed comes in order");
                heard += 1;
                if data["number"] == EVENTS - 1 {
                    break;
                }
            }
            (name, data) if name == "missed" => {
                missed += data["events"].as_u64().unwrap();
                assert_eq!(event(&mut slow).unwrap().0, "snapshot", "then comes the whole picture");
            }
            _ => {}
        }
        if heard + missed > EVENTS {
            break;
        }
    }
    assert!(missed > 0, "it was too fast: {heard} heard");
    let (_, _, metrics) = {
        let token = format!("Bearer {}", served.token());
        served.ask("GET", "/metrics", &[("Authorization", token.as_str())], "")
    };
    let said: u64 = metrics
        .lines()
        .find_map(|line| line.strip_prefix("barhive_events_missed_total "))
        .and_then(|count| count.parse().ok())
        .unwrap();
    assert_eq!(said, missed);
}

#[test]
fn a_reader_that_has_stopped_is_let_go() {
    let limits = HttpLimits { stall_max: Duration::from_millis(100), ..HttpLimits::default() };
    let served = Served::new(limits);
    let mut dead = served.listen();
    while served.events.listeners() == 0 {
        thread::sleep(Duration::from_millis(1));
    }
    while served.events.listeners() > 0 {
        served.events.tell("number", &json!({ "filler": "x".repeat(10_000) }));
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(served.good("GET", "/v1/status", "").0, 200, "others are served");
    // What was on its way comes, and then nothing more.
    let mut rest = Vec::new();
    let _ = dead.read_to_end(&mut rest);
}

#[test]
fn listeners_hear_that_the_server_ends_and_do_not_hold_it_up() {
    let served = Served::new(HttpLimits::default());
    let mut listeners: Vec<_> = (0..20).map(|_| served.listen()).collect();
    for listener in &mut listeners {
        next(listener, "snapshot");
    }
    let deaf = served.listen();
    let (folder, manager) = (served.folder, served.manager);
    drop(served.server);
    for listener in &mut listeners {
        next(listener, "ending");
        assert!(event(listener).is_none(), "the stream ends");
    }
    drop((deaf, manager, folder));
}

#[test]
fn only_so_many_may_listen_and_one_that_leaves_makes_room() {
    let served = Served::new(HttpLimits::default());
    let mut listeners: Vec<_> = (0..LISTENERS_MAX).map(|_| served.listen()).collect();
    for listener in &mut listeners {
        next(listener, "snapshot");
    }
    let (status, problem) = served.good("GET", "/v1/events", "");
    assert_eq!(status, 503);
    assert!(problem["detail"].as_str().unwrap().contains("listen already"), "{problem}");
    drop(listeners.pop());
    loop {
        let mut again = served.listen();
        let mut head = [0; 12];
        again.read_exact(&mut head).unwrap();
        if &head == b"HTTP/1.1 200" {
            break;
        }
        thread::sleep(Duration::from_millis(5));
    }
}
