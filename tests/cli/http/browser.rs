//! A headless Chromium, driven over its debugging pipe.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use crate::sweeps::now;

/// A browser with one page; it ends with this.
pub struct Browser {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    asked: u64,
    session: Option<String>,
    /// What went wrong on the page: uncaught errors, refused loads.
    pub faults: Vec<String>,
    /// What the page loaded.
    pub loaded: Vec<String>,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts one; `None`, with a note, where there is no Chromium. `test.sh` installs it.
    pub fn start() -> Option<Self> {
        let names = ["chromium", "chromium-browser", "google-chrome"];
        let paths = std::env::var_os("PATH").unwrap_or_default();
        let all = || std::env::split_paths(&paths).flat_map(|folder| names.map(|name| folder.join(name)));
        let Some(program) = all().find(|path| path.is_file()) else {
            println!("skipped: Chromium is not installed; test.sh installs it");
            return None;
        };
        let profile = tempfile::tempdir().expect("a folder");
        // The pipe's ends are descriptors 3 and 4 of the browser; a shell can name them without unsafe code.
        let script = "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null";
        let mut child = Command::new("sh")
            .args(["-c", script])
            .arg(program)
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
            ])
            .args(["--hide-scrollbars", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let (to, from) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
        let mut browser = Self {
            child,
            to,
            from: BufReader::new(from),
            asked: 0,
            session: None,
            faults: Vec::new(),
            loaded: Vec::new(),
            _profile: profile,
        };
        let target = browser.ask("Target.createTarget", json!({ "url": "about:blank" }))["targetId"].clone();
        let attached = browser.ask("Target.attachToTarget", json!({ "targetId": target, "flatten": true }));
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Network", "Log"] {
            browser.ask(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    /// Asks and waits for the answer; notes what the page says meanwhile.
    pub fn ask(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        let mut message = json!({ "id": self.asked, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        write!(self.to, "{message}\0").expect("a browser that listens");
        loop {
            let mut bytes = Vec::new();
            self.from.read_until(0, &mut bytes).expect("a browser that answers");
            assert_eq!(bytes.pop(), Some(0), "the browser has ended");
            let said: Value = serde_json::from_slice(&bytes).expect("JSON");
            if said["id"] == self.asked {
                assert!(said["error"].is_null(), "{method}: {said}");
                return said["result"].clone();
            }
            match said["method"].as_str() {
                Some("Runtime.exceptionThrown") => self.faults.push(said["params"].to_string()),
                Some("Log.entryAdded") if said["params"]["entry"]["level"] == "error" => {
                    self.faults.push(said["params"]["entry"].to_string());
                }
                Some("Network.requestWillBeSent") => {
                    self.loaded
                        .push(said["params"]["request"]["url"].as_str().unwrap_or_default().to_owned());
                }
                _ => {}
            }
        }
    }

    /// Goes to a page.
    pub fn open(&mut self, url: &str) {
        let went = self.ask("Page.navigate", json!({ "url": url }));
        assert!(went["errorText"].is_null(), "{url}: {went}");
    }

    /// What an expression on the page is.
    pub fn value(&mut self, expression: &str) -> Value {
        let asked = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        self.ask("Runtime.evaluate", asked)["result"]["value"].clone()
    }

    /// Waits until an expression on the page is true.
    pub fn until(&mut self, expression: &str) {
        let since = now();
        while self.value(expression) != true {
            let text = self.value("document.body.innerText");
            assert!(
                since.elapsed() < Duration::from_secs(60),
                "in vain: {expression}\n{text}\n{:?}",
                self.faults
            );
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Shows the page so wide and high, light or dark.
    pub fn look(&mut self, width: u32, height: u32, scheme: &str) {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.ask("Emulation.setDeviceMetricsOverride", metrics);
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.ask("Emulation.setEmulatedMedia", json!({ "features": features }));
    }

    /// Takes a picture of the whole page, for people to look at: in the folder of temporary files of the build.
    pub fn picture(&mut self, name: &str) -> PathBuf {
        let asked = json!({ "format": "png", "captureBeyondViewport": true });
        let picture =
            self.ask("Page.captureScreenshot", asked)["data"].as_str().expect("a picture").to_owned();
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::write(&path, decoded(&picture)).expect("a file");
        path
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It has started processes of its own, which end with it when it is asked to.
        let _ = write!(self.to, "{}\0", json!({ "id": 0, "method": "Browser.close" }));
        let since = now();
        while matches!(self.child.try_wait(), Ok(None)) && since.elapsed() < Duration::from_secs(5) {
            thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Base 64 as bytes.
fn decoded(text: &str) -> Vec<u8> {
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0u32, 0);
    for letter in text.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => break,
        };
        (held, bits) = ((held << 6) | u32::from(value), bits + 6);
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
        }
    }
    bytes
}
