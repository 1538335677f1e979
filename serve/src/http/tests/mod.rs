//! The server over its own sockets, byte by byte.

mod events;
mod hostile;

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

use barhive_engine::{
    jobs::{Job, JobRequest},
    time::SimClock,
};
use serde_json::Value as Json;

use super::{Desk, Events, Grant, HttpLimits, HttpOptions, HttpServer, JobResults, Submission, Token};
use crate::{
    execution::{ExecutionManager, ManagerOptions},
    runner::{BriefRun, JobRunner, Report, RunEnd, RunningJob},
    view::JobView,
};

/// Runs jobs that are done at once.
struct AtOnce;

impl JobRunner for AtOnce {
    fn start(&mut self, _: &Job, report: Report) -> Result<Box<dyn RunningJob>, String> {
        report.end(RunEnd::Completed);
        Ok(Box::new(BriefRun))
    }
}

/// Takes every file by its name.
struct ByName;

impl Desk for ByName {
    fn request(&self, submission: &Submission) -> Result<JobRequest, Vec<String>> {
        Ok(JobRequest::new(submission.file.clone(), ""))
    }
    fn results(&self, _: &JobView, _: u32) -> Result<Option<JobResults>, String> {
        Ok(None)
    }
}

const NOW: i64 = 1_700_000_000_000_000_000;

struct Served {
    folder: tempfile::TempDir,
    events: Events,
    manager: Arc<ExecutionManager>,
    server: HttpServer,
}

impl Served {
    fn new(limits: HttpLimits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let events = Events::default();
        let options = ManagerOptions { observer: events.observer(), ..ManagerOptions::default() };
        let clock = Arc::new(SimClock::at(NOW));
        let manager =
            ExecutionManager::start(folder.path(), options, Box::new(AtOnce), clock.clone()).unwrap();
        let manager = Arc::new(manager);
        let options = HttpOptions {
            listen: "127.0.0.1:0".parse().unwrap(),
            token_file: folder.path().join("token"),
            tls: None,
            hosts: vec!["bars.example".to_owned()],
            limits,
        };
        let server =
            HttpServer::start(options, manager.clone(), Arc::new(ByName), events.clone(), clock).unwrap();
        Self { folder, events, manager, server }
    }

    fn address(&self) -> SocketAddr {
        self.server.address()
    }

    fn token(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("token")).unwrap().trim().to_owned()
    }

    fn session(&self) -> String {
        let token = Token::existing(&self.folder.path().join("token")).unwrap();
        token.grant(Grant::Session, NOW).unwrap().0
    }

    /// Sends a request and reads until the server closes the connection, as it does when it is asked to or has
    /// heard enough.
    fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = connect(self.address());
        let _ = stream.write_all(bytes);
        read_all(&mut stream)
    }

    /// Sends bytes, then no more, and reads what is answered.
    fn torn(&self, bytes: &[u8]) -> String {
        let mut stream = connect(self.address());
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        read_all(&mut stream)
    }

    /// Asks with headers; answers status, head and body.
    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String, String) {
        let mut text = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "Host") {
            text += &format!("Host: {}\r\n", self.address());
        }
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() {
            text += &format!("Content-Length: {}\r\n", body.len());
        }
        let answer = self.raw(format!("{text}\r\n{body}").as_bytes());
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        (status(head), head.to_owned(), body.to_owned())
    }

    /// Asks with the token; the answer is JSON.
    fn good(&self, method: &str, path: &str, body: &str) -> (u16, Json) {
        let token = format!("Bearer {}", self.token());
        let headers = [("Authorization", token.as_str()), ("Content-Type", "application/json")];
        let (status, _, body) = self.ask(method, path, &headers, body);
        (status, serde_json::from_str(&body).unwrap_or(Json::Null))
    }

    /// Listens to events.
    fn listen(&self) -> BufReader<TcpStream> {
        let mut stream = connect(self.address());
        let (address, session) = (self.address(), self.session());
        write!(
            stream,
            "GET /v1/events HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {session}\r\n\r\n"
        )
        .unwrap();
        BufReader::new(stream)
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

fn read_all(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(head: &str) -> u16 {
    head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

/// The next event: its name and what it says; `None` at the end of the stream.
fn event(reader: &mut impl BufRead) -> Option<(String, Json)> {
    let (mut name, mut line) = (String::new(), String::new());
    loop {
        line.clear();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(said) = line.strip_prefix("event: ") {
            name = said.trim().to_owned();
        } else if let Some(data) = line.strip_prefix("data: ") {
            return Some((name, serde_json::from_str(data).unwrap()));
        }
    }
}

/// The next event of a name.
fn next(reader: &mut impl BufRead, wanted: &str) -> Json {
    loop {
        let (name, data) = event(reader).unwrap_or_else(|| panic!("the stream ended before {wanted}"));
        if name == wanted {
            return data;
        }
    }
}
