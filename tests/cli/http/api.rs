//! What the interface says of itself is what it does.

use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt};

use serde_json::{Value, json};

use super::{Web, event, schema::faults};
use crate::{
    program::Place,
    sweeps::{SWEEP, long_over},
};

const SUBMIT: &str = "{\"file\":\"sweep.yaml\",\"priority\":\"high\",\"workers\":1}";

/// The schema that an answer has to fit, if its status is described.
fn described<'d>(
    description: &'d Value,
    path: &str,
    method: &str,
    status: u16,
    media: &str,
) -> Option<&'d Value> {
    let media = media.split("; charset=utf-8").next().unwrap_or(media);
    let content = &description["paths"][path][method]["responses"][status.to_string()]["content"];
    content
        .get(media)
        .or_else(|| content.get(format!("{media}; charset=utf-8")))
        .map(|content| &content["schema"])
}

#[test]
fn every_route_is_described_and_answers_as_described() {
    let place = Place::new();
    place.write("sweep.yaml", SWEEP);
    let web = Web::start(&place, "");
    let description = web.json("GET", "/openapi.json", "", 200);
    assert_eq!(description["openapi"], "3.1.0");
    let link = crate::sweeps::json(&place.succeed(&["page", "--state", "state", "--format", "json"]).stdout);
    let link = link["link"].as_str().and_then(|link| link.split_once('#')).expect("a link").1;
    let link = json!({ "link": link }).to_string();
    // In an order in which each finds what it needs.
    let asked: &[(&str, &str, &str, &str)] = &[
        ("post", "/v1/jobs", "/v1/jobs", SUBMIT),
        ("post", "/v1/jobs", "/v1/jobs", "{\"file\":\"none.yaml\"}"),
        ("get", "/v1/jobs/{job}/results", "/v1/jobs/9/results", ""),
        ("get", "/v1/jobs/{job}/log", "/v1/jobs/9/log", ""),
        ("get", "/v1/status", "/v1/status", ""),
        ("get", "/v1/history", "/v1/history", ""),
        ("get", "/v1/jobs", "/v1/jobs", ""),
        ("get", "/v1/jobs", "/v1/jobs?state=completed", ""),
        ("get", "/v1/jobs", "/v1/jobs?state=x", ""),
        ("get", "/v1/jobs/{job}", "/v1/jobs/1", ""),
        ("get", "/v1/jobs/{job}", "/v1/jobs/9", ""),
        ("get", "/v1/jobs/{job}/results", "/v1/jobs/1/results?top=3", ""),
        ("get", "/v1/jobs/{job}/log", "/v1/jobs/1/log?lines=5", ""),
        ("post", "/v1/jobs", "/v1/jobs", SUBMIT),
        ("post", "/v1/jobs/{job}/pause", "/v1/jobs/2/pause", ""),
        ("post", "/v1/jobs/{job}/resume", "/v1/jobs/2/resume", ""),
        ("post", "/v1/jobs/{job}/cancel", "/v1/jobs/2/cancel", ""),
        ("post", "/v1/jobs/{job}/cancel", "/v1/jobs/1/cancel", ""),
        ("post", "/v1/mode", "/v1/mode", "{\"mode\":\"priority-live\"}"),
        ("post", "/v1/mode", "/v1/mode", "{\"mode\":\"x\"}"),
        ("post", "/v1/live", "/v1/live", "{\"lag_ms\":3.5,\"name\":\"paper\"}"),
        ("post", "/v1/live", "/v1/live", "{\"lag_ms\":-1}"),
        ("get", "/v1/events", "/v1/events", ""),
        ("get", "/metrics", "/metrics", ""),
        ("post", "/v1/session", "/v1/session", ""),
        ("post", "/v1/session", "/v1/session", &link),
        ("get", "/health", "/health", ""),
        ("get", "/openapi.json", "/openapi.json", ""),
        ("get", "/", "/", ""),
        ("get", "/page/{file}", "/page/main.js", ""),
        ("get", "/page/{file}", "/page/none", ""),
    ];
    let (mut walked, mut good) = (BTreeSet::new(), BTreeSet::new());
    for (method, route, path, body) in asked {
        let (status, media, text) = web.ask(&method.to_uppercase(), path, body);
        let Some(schema) = described(&description, route, method, status, &media) else {
            panic!("{method} {path} answers {status} {media}, which is not described: {text}");
        };
        if media.ends_with("json") {
            let mut found = Vec::new();
            faults(&description, schema, &crate::sweeps::json(&text), "", &mut found);
            assert!(found.is_empty(), "{method} {path}: {found:#?}\n{text}");
        }
        walked.insert((*route, *method));
        if status < 300 {
            good.insert((*route, *method));
        }
        if status == 201 && text.starts_with("{\"job\":1,") {
            web.wait_for(&json!(1), "completed");
        } else if status == 201 && text.starts_with("{\"job\":2,") {
            // Whatever it is doing when it is paused.
            web.wait_for(&json!(2), "running");
        }
    }
    let mut all = BTreeSet::new();
    for (path, methods) in description["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            all.insert((path.as_str(), method.as_str()));
            let parameters = operation["parameters"].as_array().expect("parameters");
            let in_path = parameters.iter().filter(|parameter| parameter["in"] == "path").count();
            assert_eq!(in_path, path.matches('{').count(), "{path}");
            assert!(operation["summary"].as_str().is_some_and(|text| text.len() > 10), "{path}");
        }
    }
    assert_eq!(walked, all, "a route was not asked, or is not described");
    assert_eq!(good, all, "of a route only refusals were seen");
    let ids: BTreeSet<_> =
        all.iter().map(|(path, method)| description["paths"][path][method]["operationId"].as_str()).collect();
    assert_eq!(ids.len(), all.len(), "names of operations are unique");
}

#[test]
fn events_carry_what_the_description_says() {
    let place = Place::new();
    long_over(&place, 120_000);
    let web = Web::start(&place, "");
    let description = web.json("GET", "/openapi.json", "", 200);
    let mut listener = web.listen();
    let check = |name: &str, value: &Value| {
        let mut found = Vec::new();
        faults(&description, &description["components"]["schemas"][name], value, name, &mut found);
        assert!(found.is_empty(), "{found:#?}");
    };
    check("SnapshotEvent", &event(&mut listener, "snapshot"));
    let job = web.json("POST", "/v1/jobs", SUBMIT, 201)["job"].clone();
    check("JobView", &event(&mut listener, "job"));
    let progress = event(&mut listener, "progress");
    check("ProgressEvent", &progress);
    assert_eq!(progress["job"], job);
    check("ServerStatus", &event(&mut listener, "status"));
    let mut best = Value::Null;
    while best.is_null() {
        best = event(&mut listener, "progress")["progress"]["best"].clone();
    }
    assert!(best["figure"].is_string() && best["value"].is_number(), "the best so far is told: {best}");
    let results = web.json("GET", &format!("/v1/jobs/{job}/results?top=2"), "", 200);
    assert_eq!(results["is_finished"], false, "while it runs");
    assert_eq!(results["top"].as_array().map(Vec::len), Some(2), "{results}");
    let first = |row: usize| results["top"][row]["sharpe"].as_f64().expect("a figure");
    assert!(first(0) >= first(1), "best first");
}

#[test]
fn files_elsewhere_are_not_taken_and_all_faults_come_at_once() {
    let place = Place::new();
    place
        .write("sets/sweep.yaml", SWEEP)
        .write("sweep.yaml", SWEEP)
        .write("sets/bad.yaml", "name: 1\nfeeed: x\n");
    std::os::unix::fs::symlink("../sweep.yaml", place.path("sets/link.yaml")).expect("a link");
    let web = Web::start(&place, "http: {files: sets}\n");
    for file in
        ["../sweep.yaml", "link.yaml", "/etc/passwd", "sets/../../sweep.yaml", ".", "", "none.yaml", "a\0b"]
    {
        let body = json!({ "file": file, "timeout": "soon" }).to_string();
        let problem = web.json("POST", "/v1/jobs", &body, 422);
        let faults: Vec<_> =
            problem["faults"].as_array().expect("faults").iter().filter_map(Value::as_str).collect();
        assert!(
            faults.len() == 2 && faults[0].starts_with("file: ") && faults[1].starts_with("timeout: "),
            "{faults:?}"
        );
    }
    let problem = web.json("POST", "/v1/jobs", "{\"file\":\"bad.yaml\"}", 422);
    assert!(problem["detail"].as_str().is_some_and(|text| text.contains("feeed")), "{problem}");
    let job = web.json("POST", "/v1/jobs", "{\"file\":\"sweep.yaml\"}", 201)["job"].clone();
    web.wait_for(&job, "completed");
    let over_the_socket = place.succeed(&["jobs", "list", "--state", "state", "--format", "json"]);
    assert_eq!(crate::sweeps::json(&over_the_socket.stdout)[0]["id"], job, "both see one queue");
}

#[test]
fn a_page_is_linked_to_only_while_a_server_runs_and_secrets_stay_where_they_are() {
    let place = Place::new();
    let web = Web::start(&place, "");
    let link = place.succeed(&["page", "--state", "state"]).stdout;
    assert!(link.starts_with(&format!("http://{}/#link.", web.address)), "{link}");
    assert_eq!(fs::metadata(place.path("state/token")).expect("a token").permissions().mode() & 0o777, 0o600);
    web.ask("GET", "/v1/status", "");
    let token = web.token.clone();
    assert_eq!(web.end(), Some(0));
    assert!(!place.read("serve.log").contains(&token), "a log has the token");
    let gone = place.run(&["page", "--state", "state"]);
    assert!(gone.code == Some(1) && gone.stderr.contains("barhive serve"), "{}", gone.stderr);
    let again = Web::start(&place, "");
    assert_eq!(again.token, token, "the token stays");
}

#[test]
fn a_server_that_cannot_be_reached_safely_does_not_start() {
    let place = Place::new();
    let beyond = place.run(&["serve", "--state", "state", "--http", "0.0.0.0:0"]);
    assert!(beyond.code == Some(1) && beyond.stderr.contains("http.tls"), "{}", beyond.stderr);
    place.write("server.yaml", "http: {listen: 0.0.0.0:80, hosts: [\"a b\"]}\n");
    let faults = place.refuse(&["serve", "server.yaml", "--state", "state"]).stderr;
    assert!(faults.contains("beyond the loopback") && faults.contains("without a port"), "{faults}");
    place.write("state/token", "0123456789012345678901234567890123456789");
    fs::set_permissions(place.path("state/token"), fs::Permissions::from_mode(0o644)).expect("a mode");
    let open = place.run(&["serve", "--state", "state", "--http", "127.0.0.1:0"]);
    assert!(open.code == Some(1) && open.stderr.contains("chmod 600"), "{}", open.stderr);
}
