//! Many at once, and the end.

use std::{io::Write, time::Duration};

use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::json;

use super::{Web, event, parts};
use crate::{
    program::Place,
    sweeps::{SWEEP, long, now},
};

#[test]
fn a_thousand_clients_at_once_are_all_answered() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = Some(limit.maximum.map_or(4_096, |maximum| maximum.min(4_096)));
    setrlimit(Resource::Nofile, limit).expect("descriptors for a thousand sockets");
    let place = Place::new();
    place.write("sweep.yaml", SWEEP);
    let web = Web::start(&place, "");
    let job = web.json("POST", "/v1/jobs", "{\"file\":\"sweep.yaml\"}", 201)["job"].clone();
    web.wait_for(&job, "completed");
    let mut clients: Vec<_> = (0..1_000).map(|_| web.connect()).collect();
    for client in &mut clients {
        client.write_all(web.text("GET", "/v1/jobs", "").as_bytes()).expect("it is sent");
    }
    for client in clients {
        let (status, _, body) = parts(client);
        assert_eq!((status, &crate::sweeps::json(&body)[0]["state"]), (200, &json!("completed")));
    }
}

#[test]
fn a_server_with_listeners_and_a_running_sweep_ends_in_less_than_two_seconds() {
    let place = Place::new();
    long(&place);
    let web = Web::start(&place, "");
    let job = web.json("POST", "/v1/jobs", "{\"file\":\"sweep.yaml\"}", 201)["job"].clone();
    web.wait_for(&job, "running");
    let mut listeners: Vec<_> = (0..50).map(|_| web.listen()).collect();
    for listener in &mut listeners {
        event(listener, "snapshot");
    }
    // One that never reads, and one in the middle of a request.
    let deaf = web.listen();
    let mut torn = web.connect();
    torn.write_all(b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-").expect("it is sent");
    let since = now();
    assert_eq!(web.end(), Some(0));
    assert!(since.elapsed() < Duration::from_secs(2), "{:?}", since.elapsed());
    for listener in &mut listeners {
        event(listener, "ending");
    }
    drop((deaf, torn));
}
