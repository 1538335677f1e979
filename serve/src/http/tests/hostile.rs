//! What the server refuses, and that it goes on.

use std::{
    io::{Read, Write},
    time::Duration,
};

use barhive_engine::jobs::JobRequest;
use proptest::prelude::*;
use serde_json::json;

use super::{Served, connect, status};
use crate::http::{CONNECTIONS_MAX, HttpError, HttpLimits, HttpOptions, HttpServer};

fn served() -> Served {
    Served::new(HttpLimits::default())
}

#[test]
fn a_name_that_is_not_the_servers_is_refused_whatever_else_is_right() {
    let served = served();
    let bearer = format!("Bearer {}", served.token());
    let port = served.address().port();
    let ask = |host: &str| {
        let headers = [("Host", host), ("Authorization", bearer.as_str())];
        served.ask("GET", "/v1/status", &headers, "").0
    };
    for good in ["127.0.0.1", "localhost", "LOCALHOST", "[::1]", "bars.example", "10.1.2.3"] {
        assert_eq!((ask(good), ask(&format!("{good}:{port}"))), (200, 200), "{good}");
        assert_eq!(ask(&format!("{good}:1")), 200, "a tunnel has another port");
    }
    for foreign in
        ["evil.example", "bars.example.evil", "127.0.0.1.evil", "localhost.", "xbars.example", "@", ""]
    {
        assert!([400, 421].contains(&ask(foreign)), "{foreign}: {}", ask(foreign));
    }
    for head in ["", "Host: localhost\r\nHost: localhost\r\n", "Host: evil.example\r\nHost: localhost\r\n"] {
        let answer =
            served.raw(format!("GET /health HTTP/1.1\r\n{head}Connection: close\r\n\r\n").as_bytes());
        assert_eq!(status(&answer), 400, "{head:?}: {answer}");
    }
    let answer = served
        .raw(b"GET http://evil.example/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert_eq!(status(&answer), 421, "{answer}");
}

#[test]
fn a_page_of_another_origin_is_refused() {
    let served = served();
    let bearer = format!("Bearer {}", served.token());
    let own = format!("http://{}", served.address());
    let ask = |name: &str, value: &str| {
        served.ask("GET", "/v1/status", &[("Authorization", bearer.as_str()), (name, value)], "").0
    };
    assert_eq!(ask("Origin", &own), 200);
    let secure = own.replace("http", "https");
    for foreign in
        ["http://evil.example", "null", "", secure.as_str(), "http://127.0.0.1:1", "http://127.0.0.1"]
    {
        assert_eq!(ask("Origin", foreign), 403, "{foreign}");
    }
    for (site, expected) in [("same-origin", 200), ("none", 200), ("cross-site", 403), ("same-site", 403)] {
        assert_eq!(ask("Sec-Fetch-Site", site), expected, "{site}");
    }
    let visit = [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate")];
    assert_eq!(served.ask("GET", "/", &visit, "").0, 200, "a link from elsewhere leads to the page");
    let (_, head, _) = served.ask("GET", "/v1/status", &[("Origin", "http://evil.example")], "");
    assert!(!head.to_lowercase().contains("access-control"), "{head}");
}

#[test]
fn without_the_token_nothing_is_read_and_with_a_session_nothing_is_changed() {
    let served = served();
    let job = served.manager.submit(JobRequest::new("a", "")).unwrap();
    for path in
        ["/v1/status", "/v1/jobs", "/v1/jobs/1", "/v1/jobs/1/log", "/v1/events", "/metrics", "/v1/history"]
    {
        let (status, head, body) = served.ask("GET", path, &[], "");
        assert_eq!(status, 401, "{path}");
        assert!(head.contains("www-authenticate: Bearer") && body.contains("barhive page"), "{head}{body}");
    }
    let session = format!("Bearer {}", served.session());
    assert_eq!(served.ask("GET", &format!("/v1/jobs/{job}"), &[("Authorization", &session)], "").0, 200);
    for path in ["/v1/jobs", "/v1/jobs/1/cancel", "/v1/mode"] {
        let (status, _, body) = served.ask("POST", path, &[("Authorization", &session)], "");
        assert_eq!(status, 403, "{path}");
        assert!(body.contains("a session only reads"), "{body}");
    }
}

#[test]
fn wrong_tokens_are_slowed_down_and_the_right_one_still_works() {
    let served = served();
    let token = served.token();
    let nearly = format!("Bearer {}x", &token[..63]);
    let mut statuses = Vec::new();
    for _ in 0..12 {
        let (status, _, body) = served.ask("GET", "/v1/status", &[("Authorization", &nearly)], "");
        assert!(!body.contains(&token[..32]), "what was said is not repeated");
        statuses.push(status);
    }
    assert_eq!(statuses, [[401; 10].as_slice(), &[429; 2]].concat());
    assert_eq!(served.good("GET", "/v1/status", "").0, 200);
    for wrong in ["Basic YTpi", "Bearer", "Bearer ", "bearer", ""] {
        assert!(
            [401, 429].contains(&served.ask("GET", "/v1/status", &[("Authorization", wrong)], "").0),
            "{wrong}"
        );
    }
}

#[test]
fn a_session_is_opened_by_the_token_or_by_a_link_that_is_good_once() {
    let served = served();
    let (status, by_token) = served.good("POST", "/v1/session", "");
    assert_eq!(status, 201);
    let session = format!("Bearer {}", by_token["session"].as_str().unwrap());
    assert_eq!(served.ask("GET", "/v1/status", &[("Authorization", &session)], "").0, 200);
    let token = crate::http::Token::existing(&served.folder.path().join("token")).unwrap();
    let (link, _) = token.grant(crate::http::Grant::Link, super::NOW).unwrap();
    let body = json!({ "link": link }).to_string();
    let open = || served.ask("POST", "/v1/session", &[("Content-Type", "application/json")], &body);
    assert_eq!(open().0, 201);
    assert_eq!(open().0, 401, "once");
    assert_eq!(
        served.ask("POST", "/v1/session", &[("Authorization", &session)], "").0,
        401,
        "no session from a session"
    );
    assert_eq!(served.ask("POST", "/v1/session", &[], "").0, 401);
}

#[test]
fn bodies_that_are_too_long_or_not_json_are_refused() {
    let served = served();
    let long = format!("{{\"file\":\"{}\"}}", "x".repeat(200_000));
    assert_eq!(served.good("POST", "/v1/jobs", &long).0, 413);
    for (body, part) in [
        ("{", "EOF"),
        ("[]", "expected struct"),
        ("{\"file\":1}", "invalid type"),
        ("{\"file\":\"a\",\"x\":1}", "unknown field `x`"),
        ("{\"file\":\"a\",\"priority\":\"top\"}", "unknown variant `top`"),
    ] {
        let (status, problem) = served.good("POST", "/v1/jobs", body);
        assert_eq!(status, 422, "{body}");
        assert!(problem["detail"].as_str().unwrap().contains(part), "{body}: {problem}");
    }
    let bearer = format!("Bearer {}", served.token());
    let form = [("Authorization", bearer.as_str()), ("Content-Type", "text/plain")];
    assert_eq!(served.ask("POST", "/v1/jobs", &form, "{\"file\":\"a\"}").0, 415);
    assert_eq!(served.good("POST", "/v1/jobs", "{\"file\":\"a\"}").0, 201);
    let chunked = format!(
        "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: {bearer}\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\n\r\n{}",
        format!("10000\r\n{}\r\n", "x".repeat(0x10000)).repeat(3)
    );
    assert_eq!(status(&served.raw(chunked.as_bytes())), 413, "however it is sent");
}

#[test]
fn what_is_not_there_is_said_with_where_to_look() {
    let served = served();
    for (method, path, expected) in [
        ("GET", "/v1/nothing", 404),
        ("GET", "/page/../token", 404),
        ("GET", "/page/%2e%2e%2ftoken", 404),
        ("GET", "/page/main.js%00", 404),
        ("GET", "/v1/jobs/99", 404),
        ("GET", "/v1/jobs/-1", 400),
        ("GET", "/v1/jobs/x", 400),
        ("GET", "/v1/jobs/18446744073709551616", 400),
        ("GET", "/v1/jobs?state=old", 400),
        ("GET", "/v1/jobs?sate=queued", 400),
        ("GET", "/v1/jobs/1/log?lines=0", 400),
        ("GET", "/v1/jobs/1/log?lines=x", 400),
        ("GET", "/v1/jobs/1/results?top=5000", 400),
        ("DELETE", "/v1/jobs/1", 405),
        ("POST", "/v1/jobs/99/cancel", 404),
    ] {
        let (status, problem) = served.good(method, path, "");
        assert_eq!(status, expected, "{method} {path}: {problem}");
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(detail.len() > 10 && problem["status"] == status, "{method} {path}: {problem}");
    }
}

#[test]
fn heads_that_are_malformed_or_too_long_are_refused_and_the_server_goes_on() {
    let served = served();
    let many = "X: y\r\n".repeat(200);
    let long = format!("X: {}\r\n", "y".repeat(100_000));
    for head in [&many, &long] {
        let answer = served.raw(format!("GET /health HTTP/1.1\r\nHost: localhost\r\n{head}\r\n").as_bytes());
        assert_eq!(status(&answer), 431, "{answer}");
    }
    let cases: &[&[u8]] = &[
        b"",
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET / HTTP/1.1\nHost: localhost\n\n",
        b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        b"POST /v1/session HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ];
    for bytes in cases {
        served.torn(bytes);
        assert_eq!(served.good("GET", "/health", "").0, 200, "{:?}", String::from_utf8_lossy(bytes));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    /// Whatever is sent, nothing is read or changed by it, and others are served.
    #[test]
    fn no_bytes_bring_the_server_down(noise in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..400), 1..20)) {
        let served = served();
        for bytes in &noise {
            let mut text = b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\n".to_vec();
            text.extend(bytes);
            for sent in [bytes, &text] {
                let answer = served.torn(sent);
                prop_assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
            }
        }
        prop_assert_eq!(served.good("GET", "/v1/jobs", ""), (200, json!([])));
    }
}

#[test]
fn whoever_is_slow_with_a_head_or_too_many_harms_nobody() {
    let served = Served::new(HttpLimits { head_max: Duration::from_millis(300), ..HttpLimits::default() });
    let mut slow: Vec<_> = (0..500)
        .map(|_| {
            let mut stream = connect(served.address());
            stream.write_all(b"GET /health HTTP/1.1\r\nHost:").unwrap();
            stream
        })
        .collect();
    assert_eq!(served.good("GET", "/v1/status", "").0, 200, "beside 500 that never end their heads");
    for stream in &mut slow {
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert!(!String::from_utf8_lossy(&rest).starts_with("HTTP/1.1 2"));
    }
    // Connections that were kept open are idle, and let go as well.
    let mut idle = connect(served.address());
    idle.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut all = String::new();
    idle.read_to_string(&mut all).unwrap();
    assert_eq!(status(&all), 200);
}

#[test]
fn one_connection_too_many_is_told_so() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = Some(limit.maximum.map_or(8_192, |maximum| maximum.min(8_192)));
    setrlimit(Resource::Nofile, limit).unwrap();
    let served = Served::new(HttpLimits { head_max: Duration::from_secs(60), ..HttpLimits::default() });
    let seated: Vec<_> = (0..CONNECTIONS_MAX).map(|_| connect(served.address())).collect();
    let answer = loop {
        let answer = served.torn(b"");
        if !answer.is_empty() {
            break answer;
        }
    };
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("too many are connected"), "{answer}");
    drop(seated);
    let mut last = 0;
    while last != 200 {
        last = served.good("GET", "/health", "").0;
    }
}

#[test]
fn a_browser_finds_a_server_that_listens_everywhere_by_its_name() {
    let everywhere = "0.0.0.0:9000".parse().unwrap();
    assert_eq!(
        crate::http::url(everywhere, true, &["bars.example".to_owned()]),
        "https://bars.example:9000/"
    );
    assert_eq!(crate::http::url(everywhere, true, &[]), "https://localhost:9000/");
    assert_eq!(crate::http::url("[::1]:80".parse().unwrap(), false, &[]), "http://[::1]:80/");
}

#[test]
fn beyond_the_loopback_there_is_tls_or_nothing() {
    let served = served();
    let options = HttpOptions {
        listen: "0.0.0.0:0".parse().unwrap(),
        token_file: served.folder.path().join("token"),
        tls: None,
        hosts: Vec::new(),
        limits: HttpLimits::default(),
    };
    let clock = std::sync::Arc::new(barhive_engine::time::SimClock::at(0));
    let desk = std::sync::Arc::new(super::ByName);
    let refused = HttpServer::start(options, served.manager.clone(), desk, served.events.clone(), clock);
    let fault = refused.err().unwrap();
    assert!(matches!(fault, HttpError::Plain(_)) && fault.to_string().contains("http.tls"), "{fault}");
}
