//! A disk that is full: a small one of the test's own.

use std::{
    fs::{self, File},
    io::Write,
    path::PathBuf,
    process::Command,
};

use rusqlite::Connection;

use crate::{
    program::Place,
    serve::{Server, ask, submit, until, wait_for},
    sweeps::{FINAL, bytes, json, long},
};

/// A file system in memory, taken away when it is dropped.
struct Disk(PathBuf);

impl Disk {
    /// Mounts one; `None`, with a note, where that is not permitted.
    fn mount(path: PathBuf, size: &str) -> Option<Self> {
        std::fs::create_dir(&path).expect("a folder");
        let options = format!("size={size},mode=700");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&path).output();
        match mounted {
            Ok(answer) if answer.status.success() => Some(Self(path)),
            Ok(answer) => {
                println!(
                    "skipped: no disk can be mounted: {}",
                    String::from_utf8_lossy(&answer.stderr).trim()
                );
                None
            }
            Err(error) => {
                println!("skipped: no disk can be mounted: {error}");
                None
            }
        }
    }

    fn grow(&self, size: &str) {
        let options = format!("remount,size={size}");
        let answer =
            Command::new("mount").args(["-o", &options]).arg(&self.0).output().expect("mount starts");
        assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_ends_a_sweep_clearly_and_with_room_it_goes_on_to_the_same_bytes() {
    let place = Place::new();
    long(&place);
    let Some(disk) = Disk::mount(place.path("disk"), "128k") else { return };
    place.succeed(&["sweep", "sweep.yaml", "--results-dir", "quiet", "--database", "none"]);
    let sweep = ["sweep", "sweep.yaml", "--batch", "16", "--results-dir", "disk/out"];
    let full = place.run(&sweep);
    assert_eq!(full.code, Some(1), "{}{}", full.stdout, full.stderr);
    for part in ["results up to the last checkpoint are safe", "make room", "--resume"] {
        assert!(full.stderr.contains(part), "{part}: {}", full.stderr);
    }
    let still = place.run(&[&sweep[..], &["--resume"]].concat());
    assert_eq!(still.code, Some(1), "without room it does not go on: {}", still.stderr);
    disk.grow("64m");
    place.succeed(&[&sweep[..], &["--resume"]].concat());
    for name in FINAL {
        assert_eq!(bytes(&place, "disk/out", name), bytes(&place, "quiet", name), "{name}");
    }
    let database = Connection::open(place.path("disk/out/results.sqlite")).expect("a database");
    let count = |sql: &str| -> i64 { database.query_row(sql, [], |row| row.get(0)).expect("a number") };
    assert_eq!(count("SELECT trials FROM run_ledger"), count("SELECT variants FROM run_ledger"));
    assert_eq!(count("SELECT COUNT(*) FROM backtest_executions"), count("SELECT trials FROM run_ledger"));
    drop(database);
}

#[test]
fn on_a_full_disk_a_server_refuses_what_it_cannot_keep_and_forgets_nothing_else() {
    let place = Place::new();
    long(&place);
    let Some(_disk) = Disk::mount(place.path("state"), "256k") else { return };
    let server = Server::start(&place, &[]);
    let cores = std::thread::available_parallelism().map_or(1, usize::from).to_string();
    // Its results lie elsewhere: only the server has no room. The others wait behind it.
    let running = submit(&place, &["-w", &cores, "--results-dir", "out"]);
    until("it runs", || !server.children().is_empty());
    let mut filler = File::create(place.path("state/filler")).expect("a file");
    while filler.write_all(&[1; 4096]).is_ok() {}
    let mut promised = vec![running];
    let refused = loop {
        let answer = ask(&place, &["submit", "sweep.yaml", "-w", &cores, "--format", "json"]);
        if answer.code != Some(0) {
            break answer;
        }
        // What is left of the journal's last page takes some.
        promised.push(json(&answer.stdout)["job"].to_string());
        assert!(promised.len() < 50, "the disk is not full");
    };
    assert!(refused.stderr.contains("nothing was changed: make room"), "{}", refused.stderr);
    let status = json(&place.succeed(&["status", "--state", "state", "--format", "json"]).stdout);
    assert!(status["journal_fault"].as_str().is_some_and(|fault| fault.contains("journal-")), "{status}");
    assert_eq!(status["queue"]["submitted"], promised.len());
    place.succeed(&["status", "--state", "state"]).fits_80_columns();
    until("the first job ends, which nobody can write down", || server.children().is_empty());
    let jobs = || json(&ask(&place, &["list", "--format", "json"]).stdout);
    assert_eq!(jobs()[0]["state"], "running");
    drop(filler);
    fs::remove_file(place.path("state/filler")).expect("removed");
    wait_for(&place, &promised[0], "completed");
    assert_eq!(jobs().as_array().expect("jobs").len(), promised.len(), "what was refused is not there");
    assert_eq!(submit(&place, &[]), (promised.len() + 1).to_string());
    let status = json(&place.succeed(&["status", "--state", "state", "--format", "json"]).stdout);
    assert!(status["journal_fault"].is_null(), "{status}");
    // A disk that fills again keeps nobody from going home.
    let mut filler = File::create(place.path("state/filler")).expect("a file");
    while filler.write_all(&[1; 4096]).is_ok() {}
    while ask(&place, &["submit", "sweep.yaml"]).code == Some(0) {}
    assert_eq!(server.end(), Some(0));
}
