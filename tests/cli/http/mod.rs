//! The job server over HTTP, from outside: the program, its sockets, and a browser.

mod api;
mod browser;
mod crowd;
mod notices;
mod page;
mod schema;

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Stdio},
    thread,
    time::Duration,
};

use rustix::process::Signal;
use serde_json::Value;

use crate::{
    program::Place,
    sweeps::{json, now, signal},
};

/// A server that is reached over HTTP; killed when it goes out of sight.
pub struct Web {
    child: Child,
    pub address: SocketAddr,
    pub token: String,
}

impl Web {
    /// Starts one in `state` at a free port, with a file of settings of its own. The load of other tests does not
    /// matter to it.
    pub fn start(place: &Place, settings: &str) -> Self {
        Self::start_with(place, settings, None)
    }

    /// Starts one that trusts the certificates of a file.
    pub fn start_trusting(place: &Place, trusted: &Path) -> Self {
        Self::start_with(place, "", Some(trusted))
    }

    fn start_with(place: &Place, settings: &str, trusted: Option<&Path>) -> Self {
        place.write("server.yaml", &format!("state: state\nbreaker: {{enabled: false}}\n{settings}"));
        let mut command = place.command(&["serve", "server.yaml", "--http", "127.0.0.1:0"]);
        command.envs(trusted.map(|trusted| ("SSL_CERT_FILE", trusted)));
        let log = std::fs::File::create(place.path("serve.log")).expect("a log");
        let mut child = command.stdout(Stdio::null()).stderr(log).spawn().expect("it starts");
        let reached = place.path("state/http.json");
        let since = now();
        while !reached.exists() {
            assert_eq!(child.try_wait().expect("a state"), None, "{}", place.read("serve.log"));
            assert!(since.elapsed() < Duration::from_secs(60), "it does not listen");
            thread::sleep(Duration::from_millis(5));
        }
        let url = json(&place.read("state/http.json"))["url"].as_str().expect("a URL").to_owned();
        let address =
            url.split("//").nth(1).unwrap_or_default().trim_end_matches('/').parse().expect("an address");
        let token = place.read("state/token").trim().to_owned();
        Self { child, address, token }
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a time-out");
        stream
    }

    /// A request with the token.
    pub fn text(&self, method: &str, path: &str, body: &str) -> String {
        let body = match body {
            "" => "\r\n".to_owned(),
            body => format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len()),
        };
        let (address, token) = (self.address, &self.token);
        format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n{body}"
        )
    }

    /// Asks with the token; answers status, media type and body.
    pub fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String, String) {
        let mut stream = self.connect();
        stream.write_all(self.text(method, path, body).as_bytes()).expect("it is sent");
        parts(stream)
    }

    /// The JSON that is answered with a status.
    pub fn json(&self, method: &str, path: &str, body: &str, expected: u16) -> Value {
        let (status, _, text) = self.ask(method, path, body);
        assert_eq!(status, expected, "{method} {path}: {text}");
        json(&text)
    }

    /// Listens to events.
    pub fn listen(&self) -> BufReader<TcpStream> {
        let mut stream = self.connect();
        stream.write_all(self.text("GET", "/v1/events", "").as_bytes()).expect("it is sent");
        BufReader::new(stream)
    }

    /// Waits until a job is in a state.
    pub fn wait_for(&self, job: &Value, state: &str) -> Value {
        let since = now();
        loop {
            let view = self.json("GET", &format!("/v1/jobs/{job}"), "", 200);
            if view["state"] == state {
                return view;
            }
            assert!(since.elapsed() < Duration::from_secs(60), "waited in vain for {state}: {view}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Asks it to end and answers its exit code.
    pub fn end(mut self) -> Option<i32> {
        signal(&self.child, Signal::TERM);
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        // One that has ended does not mind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Status, media type and body of an answer.
pub fn parts(stream: TcpStream) -> (u16, String, String) {
    let mut reader = BufReader::new(stream);
    let (mut status, mut media, mut line) = (0, String::new(), String::new());
    loop {
        line.clear();
        reader.read_line(&mut line).expect("a head");
        let text = line.trim_end();
        if text.is_empty() {
            break;
        }
        if let Some(rest) = text.strip_prefix("HTTP/1.1 ") {
            status = rest[..3].parse().expect("a status");
        } else if let Some(said) = text.strip_prefix("content-type: ") {
            media = said.to_owned();
        }
    }
    let mut body = String::new();
    if media != "text/event-stream" {
        reader.read_to_string(&mut body).expect("a body");
    }
    (status, media, body)
}

/// The next event of a name.
pub fn event(reader: &mut impl BufRead, wanted: &str) -> Value {
    let (mut name, mut line) = (String::new(), String::new());
    let since = crate::sweeps::now();
    loop {
        // Others come all the time.
        assert!(since.elapsed() < Duration::from_secs(60), "nobody says {wanted}");
        line.clear();
        assert!(reader.read_line(&mut line).expect("a line") > 0, "the stream ended before {wanted}");
        if let Some(said) = line.strip_prefix("event: ") {
            name = said.trim().to_owned();
        } else if let Some(data) = line.strip_prefix("data: ")
            && name == wanted
        {
            return json(data);
        }
    }
}
