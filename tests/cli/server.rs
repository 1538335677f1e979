//! A PostgreSQL server of a test's own, which can be killed and started again.

use std::{
    fs,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use barhive_store::database::Database;
use rustix::process::{Pid, Signal, kill_process};

use crate::sweeps::now;

/// A server; its socket and its data lie in a folder of their own, and it listens nowhere else.
pub struct Server {
    programs: PathBuf,
    folder: tempfile::TempDir,
    user: Option<(u32, u32)>,
    child: Option<Child>,
}

impl Server {
    /// A server that runs; `None`, with a note, where PostgreSQL is not installed. `test.sh` installs it.
    pub fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            println!("skipped: PostgreSQL is not installed; test.sh installs it");
            return None;
        };
        // It refuses to run as root.
        let user = rustix::process::geteuid().is_root().then(|| (id("-u"), id("-g")));
        let folder = tempfile::tempdir().expect("a folder");
        if let Some((user, group)) = user {
            chown(folder.path(), Some(user), Some(group)).expect("a folder of the server's user");
        }
        let mut server = Self { programs, folder, user, child: None };
        let made = server
            .program("initdb")
            .args(["-U", "barhive", "-A", "trust", "-E", "UTF8", "--no-sync"])
            .output()
            .expect("initdb starts");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        server.restart();
        Some(server)
    }

    /// Its URL, for its own user.
    pub fn url(&self) -> String {
        self.url_of("barhive")
    }

    /// Its URL for some user.
    pub fn url_of(&self, user: &str) -> String {
        let socket = self.folder.path().to_str().expect("UTF-8").replace('/', "%2F");
        format!("postgres://{user}@{socket}/postgres")
    }

    /// What it has, asked beside the program that is tested.
    pub fn database(&self) -> Database {
        Database::open(&self.url(), Duration::from_secs(20)).expect("a database")
    }

    /// Ends it as a power cut does.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("a server that runs");
        child.kill().expect("it is killed");
        child.wait().expect("it ends");
    }

    /// Starts it, and waits until it answers.
    pub fn restart(&mut self) {
        let since = now();
        loop {
            // What a killed one has left may stand in the way for a moment.
            let socket = self.folder.path().to_str().expect("UTF-8").to_owned();
            let mut program = self.program("postgres");
            program.args(["-k", &socket, "-c", "listen_addresses=", "-c", "fsync=off"]);
            let mut child = program.spawn().expect("postgres starts");
            while child.try_wait().expect("a child").is_none() {
                if Database::open(&self.url(), Duration::from_secs(1)).is_ok() {
                    self.child = Some(child);
                    return;
                }
                thread::sleep(Duration::from_millis(20));
            }
            assert!(since.elapsed() < Duration::from_secs(60), "{}", self.log());
        }
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        let log = fs::File::options().append(true).create(true).open(self.folder.path().join("log"));
        command.arg("-D").arg(self.folder.path().join("data")).current_dir("/").stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(log.expect("a log"));
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        // Its immediate shutdown, which takes its own processes along.
        if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::QUIT);
        }
        let _ = child.wait();
    }
}

/// Where the newest PostgreSQL has its programs.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let folders = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
    let number = |path: &Path| -> u32 {
        let version = path.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        version.and_then(|name| name.parse().ok()).unwrap_or(0)
    };
    folders.filter(|folder| folder.join("initdb").exists()).max_by_key(|folder| number(folder))
}

/// A number of the user that its package makes.
fn id(which: &str) -> u32 {
    let answer = Command::new("id").args([which, "postgres"]).output().expect("id starts");
    let text = String::from_utf8_lossy(&answer.stdout);
    text.trim().parse().unwrap_or_else(|_| panic!("there is no user postgres"))
}
