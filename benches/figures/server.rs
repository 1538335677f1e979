//! A job server of a bench's own.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use barhive::{
    engine::jobs::{JobId, JobRequest, Resources},
    serve::{Answer, Client, JobView, Request, Work, WorkKind},
};

/// A server that is killed, and whose folder goes, when this is dropped.
pub struct Server {
    pub folder: tempfile::TempDir,
    pub client: Client,
    child: Child,
}

impl Server {
    /// A server with a file of settings, that answers.
    pub fn start(settings: &str) -> Self {
        let base = env!("CARGO_TARGET_TMPDIR");
        let folder = tempfile::tempdir_in(base).expect("the target folder can be written");
        let file = folder.path().join("server.yaml");
        std::fs::write(&file, settings).expect("the target folder can be written");
        let state = folder.path().join("state");
        let mut server = Command::new(env!("CARGO_BIN_EXE_barhive"));
        server.args(["serve", "--quiet", "--state"]).arg(&state).arg(&file);
        let child = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
        loop {
            match Client::connect(&state) {
                Ok(client) => return Self { folder, client, child },
                Err(_) => thread::sleep(Duration::from_millis(2)),
            }
        }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Submits a sweep with so many workers.
    pub fn submit(&mut self, name: &str, sweep: &str, workers: u32) -> JobId {
        let file = self.folder.path().join(format!("{name}.yaml"));
        std::fs::write(&file, sweep).expect("the target folder can be written");
        let work = Work {
            kind: WorkKind::Sweep,
            file,
            results_dir: None,
            folder: self.folder.path().to_owned(),
            notify: Vec::new(),
        };
        let payload = serde_json::to_string(&work).expect("it is plain");
        let request = JobRequest { resources: Resources::new(0, workers), ..JobRequest::new(name, payload) };
        match self.client.ask(&Request::Submit { request }) {
            Ok(Answer::Submitted { job }) => job,
            other => panic!("{other:?}"),
        }
    }

    /// A job as it is.
    pub fn job(&mut self, job: JobId) -> JobView {
        match self.client.ask(&Request::Show { job }) {
            Ok(Answer::Job(view)) => *view,
            other => panic!("{other:?}"),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended does not mind; its jobs end with it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Seconds on a core that a process has taken itself, without its children.
pub fn cpu_s(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"));
    let stat = stat.expect("the process is there");
    // Behind its name, in parentheses, which may hold anything.
    let (_, rest) = stat.rsplit_once(')').expect("its name");
    let ticks: u64 =
        rest.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().expect("ticks")).sum();
    ticks as f64 / rustix::param::clock_ticks_per_second() as f64
}

/// A catalog's path as a file of a sweep has it.
pub fn quoted(path: &Path) -> String {
    serde_json::Value::from(PathBuf::from(path).to_string_lossy()).to_string()
}
