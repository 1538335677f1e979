//! Who is told when jobs have ended.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering::SeqCst},
        mpsc::{Receiver, RecvTimeoutError, sync_channel},
    },
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use super::Web;
use crate::{program::Place, sweeps::SWEEP};

/// Somebody who is told: answers every POST with one status and passes on what was said.
struct Ear {
    url: String,
    status: Arc<AtomicU16>,
    heard: Receiver<(String, Value)>,
}

impl Ear {
    fn new(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (says, heard) = sync_channel(100);
        let status = Arc::new(AtomicU16::new(status));
        let answers = Arc::clone(&status);
        // It ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut reader = BufReader::new(stream.expect("a client"));
                let (mut head, mut length) = (String::new(), 0);
                while reader.read_line(&mut head).is_ok_and(|read| read > 2) {
                    let last = head.lines().last().unwrap_or_default().to_lowercase();
                    if let Some(said) = last.strip_prefix("content-length: ") {
                        length = said.parse().expect("a length");
                    }
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).expect("a body");
                let answer = format!("HTTP/1.1 {} X\r\nContent-Length: 0\r\n\r\n", answers.load(SeqCst));
                reader.get_mut().write_all(answer.as_bytes()).expect("an answer");
                let path = head.lines().next().unwrap_or_default().to_owned();
                let _ = says.send((path, serde_json::from_slice(&body).expect("JSON")));
            }
        });
        Self { url, status, heard }
    }

    fn next(&self) -> (String, Value) {
        self.heard.recv_timeout(Duration::from_secs(60)).expect("somebody says something")
    }

    fn hears_nothing_for(&self, time: Duration) -> bool {
        matches!(self.heard.recv_timeout(time), Err(RecvTimeoutError::Timeout))
    }
}

fn submit(web: &Web, notify: &[&str]) -> Value {
    let body = json!({ "file": "sweep.yaml", "notify": notify }).to_string();
    web.json("POST", "/v1/jobs", &body, 201)["job"].clone()
}

fn until_kept(place: &Place, part: &str) {
    let kept = || fs::read_to_string(place.path("state/notified.log")).unwrap_or_default();
    let since = crate::sweeps::now();
    while !kept().contains(part) {
        assert!(since.elapsed() < Duration::from_secs(60), "{part} is not in: {}", kept());
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_webhook_is_told_until_it_listens_and_nobody_waits_for_it() {
    let place = Place::new();
    place.write("sweep.yaml", SWEEP);
    let web = Web::start(&place, "");
    let ear = Ear::new(503);
    // Accepts, and never answers.
    let deaf = TcpListener::bind("127.0.0.1:0").expect("a port");
    let deaf_url = format!("http://{}/hunter2", deaf.local_addr().expect("an address"));
    let job = submit(&web, &[&format!("{}/hook?k=hunter2", ear.url), &deaf_url]);
    let (path, said) = ear.next();
    assert_eq!(path, "POST /hook?k=hunter2 HTTP/1.1");
    for (name, expected) in [
        ("event", json!("job-ended")),
        ("notice", json!(format!("{job}-0"))),
        ("job", job.clone()),
        ("name", json!("pairs")),
        ("state", json!("completed")),
        ("starts", json!(1)),
    ] {
        assert_eq!(said[name], expected, "{said}");
    }
    ear.status.store(200, SeqCst);
    assert_eq!(ear.next().1, said, "the same again");
    until_kept(&place, "1 0 told");
    let later = submit(&web, &[]);
    web.wait_for(&later, "completed");
    let shown = web.ask("GET", &format!("/v1/jobs/{job}"), "").2;
    assert!(
        !shown.contains("hunter2") && shown.contains(&ear.url),
        "what may be secret is not shown: {shown}"
    );
    assert!(!web.ask("GET", "/v1/jobs", "").2.contains("hunter2"));
    assert_eq!(web.end(), Some(0), "whoever does not answer does not hold it up");
    assert!(!place.read("serve.log").contains("hunter2"));
}

#[test]
fn what_a_killed_server_did_not_say_the_next_one_says_and_nothing_twice() {
    let place = Place::new();
    place.write("sweep.yaml", SWEEP);
    let ear = Ear::new(500);
    let web = Web::start(&place, "");
    let told = Ear::new(200);
    submit(&web, &[&ear.url, &told.url]);
    told.next();
    ear.next();
    until_kept(&place, "1 1 told");
    drop(web);
    fs::remove_file(place.path("state/http.json")).expect("what a killed server leaves");
    ear.status.store(200, SeqCst);
    let web = Web::start(&place, "");
    assert_eq!(ear.next().1["notice"], "1-0");
    until_kept(&place, "1 0 told");
    drop(web);
    fs::remove_file(place.path("state/http.json")).expect("what a killed server leaves");
    let web = Web::start(&place, "");
    let job = submit(&web, &[&told.url]);
    assert_eq!(told.next().1["job"], job, "only what is new is said");
    assert!(ear.hears_nothing_for(Duration::from_millis(50)));
}

#[test]
fn telegram_is_told_with_a_token_that_nobody_sees() {
    let place = Place::new();
    place.write("sweep.yaml", SWEEP);
    let ear = Ear::new(200);
    // A variable that is there in every environment stands in for a token.
    let token = std::env::var("CARGO_PKG_NAME").expect("set by cargo");
    let settings =
        format!("telegram: {{token: \"${{CARGO_PKG_NAME}}\", chat: \"-100\", url: \"{}\"}}\n", ear.url);
    let web = Web::start(&place, &settings);
    place.succeed(&["jobs", "submit", "sweep.yaml", "--state", "state", "--notify", "telegram"]);
    let (path, said) = ear.next();
    assert_eq!(path, format!("POST /bot{token}/sendMessage HTTP/1.1"));
    assert_eq!(said["chat_id"], "-100");
    let text = said["text"].as_str().expect("a text");
    assert!(text.contains("job 1 \"pairs\" is completed"), "{text}");
    drop(web);
}

#[test]
fn who_cannot_be_told_is_refused_before_the_job_is_taken_in() {
    let place = Place::new();
    place.write("sweep.yaml", SWEEP);
    let web = Web::start(&place, "");
    let many = vec!["http://127.0.0.1:1/"; 9];
    for (notify, part) in [
        (vec!["telegram"], "names no bot"),
        (vec!["ftp://example.org/"], "https://example.org/hook"),
        (vec!["http://me:hunter2@example.org/"], "user or password"),
        (many, "at most 8"),
    ] {
        let body = json!({ "file": "sweep.yaml", "notify": notify }).to_string();
        let problem = web.json("POST", "/v1/jobs", &body, 422).to_string();
        assert!(problem.contains(part) && !problem.contains("hunter2"), "{problem}");
        let args = ["jobs", "submit", "sweep.yaml", "--state", "state", "--notify", notify[0]];
        if notify.len() == 1 {
            let answer = place.run(&args);
            assert!(
                answer.code == Some(1) && answer.stderr.replace("\n ", " ").contains(part),
                "{}",
                answer.stderr
            );
        }
    }
    assert_eq!(web.json("GET", "/v1/jobs", "", 200), json!([]));
}

/// The one server speaks TLS, the other one calls it: both ends are the program's own.
#[test]
fn tls_works_at_both_ends_and_only_for_whom_the_caller_trusts() {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/http/tls");
    let secure = Place::new();
    for name in ["cert.pem", "key.pem"] {
        fs::copy(files.join(name), secure.path(name)).expect("a copy");
    }
    fs::set_permissions(secure.path("key.pem"), fs::Permissions::from_mode(0o644)).expect("a mode");
    secure.write("server.yaml", "state: state\nhttp: {tls: {cert: cert.pem, key: key.pem}}\n");
    let open = secure.run(&["serve", "server.yaml", "--http", "127.0.0.1:0"]);
    assert!(open.code == Some(1) && open.stderr.contains("chmod 600"), "{}", open.stderr);
    fs::set_permissions(secure.path("key.pem"), fs::Permissions::from_mode(0o600)).expect("a mode");
    let server = Web::start(&secure, "http: {tls: {cert: cert.pem, key: key.pem}}\n");
    let place = Place::new();
    place.write("sweep.yaml", SWEEP);
    let url = format!("https://localhost:{}/v1/session", server.address.port());
    for (trusted, expected) in
        [(secure.path("cert.pem"), "given up: it answers 422"), (secure.path("key.pem"), "")]
    {
        let web = Web::start_trusting(&place, &trusted);
        let job = submit(&web, &[&url]);
        web.wait_for(&job, "completed");
        if expected.is_empty() {
            thread::sleep(Duration::from_millis(300));
            let kept = place.read("state/notified.log");
            assert!(!kept.contains(&format!("{job} 0")), "who is not trusted is not told: {kept}");
        } else {
            until_kept(&place, expected);
        }
        assert_eq!(web.end(), Some(0));
    }
}
