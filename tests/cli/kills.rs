//! `kill -9` of a whole sweep, workers and all, at random moments: what was done is kept, what comes out
//! is what a quiet run brings.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::process::CommandExt,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use crate::{
    program::Place,
    sweeps::{FINAL, bytes, json, long, now},
};

/// Kills a sweep `times` times, each time going on with what it left; begun anew whenever it got to its
/// end before it was killed.
fn killed(isolation: &str, times: u32, seed: u64) {
    let place = Place::new();
    long(&place);
    let since = now();
    place.succeed(&["sweep", "sweep.yaml", "--results-dir", "quiet", "--isolation", isolation]);
    let usual = since.elapsed();
    let go_on = ["sweep", "sweep.yaml", "--results-dir", "out", "--batch", "16", "--resume"];
    let go_on = [&go_on[..], &["-w", "2", "--isolation", isolation]].concat();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut ends = 0;
    for kill in 0..times {
        let mut command = place.command(&go_on);
        command.stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        let mut child = command.spawn().expect("it starts");
        thread::sleep(usual.mul_f64(f64::from(random.next_u32()) / f64::from(u32::MAX) * 0.4));
        let group = Pid::from_raw(i32::try_from(child.id()).expect("a pid")).expect("a pid");
        // A sweep that has ended is still there to be waited for.
        kill_process_group(group, Signal::KILL).expect("it is killed");
        let ended = child.wait().expect("it ends");
        nobody_is_left(group, now());
        if ended.success() {
            same_as_quiet(&place, kill);
            fs::remove_dir_all(place.path("out")).expect("removed");
            ends += 1;
        }
    }
    let report = json(&place.succeed(&[&go_on[..], &["--format", "json"]].concat()).stdout);
    assert_eq!((&report["done"], &report["failed"]), (&report["selected"], &0.into()), "after {ends} ends");
    same_as_quiet(&place, times);
}

fn nobody_is_left(group: Pid, since: Instant) {
    while test_kill_process_group(group).is_ok() {
        assert!(since.elapsed() < Duration::from_secs(10), "a process outlived the kill");
        thread::sleep(Duration::from_millis(1));
    }
}

/// The same files with the same final bytes, and no draft of any.
fn same_as_quiet(place: &Place, kill: u32) {
    for name in FINAL {
        assert_eq!(bytes(place, "out", name), bytes(place, "quiet", name), "{name} after kill {kill}");
    }
    let names = |folder: &str| -> BTreeSet<_> {
        let entries = fs::read_dir(place.path(folder)).expect("a folder");
        entries.map(|entry| entry.expect("an entry").file_name()).collect()
    };
    assert_eq!(names("out"), names("quiet"), "after kill {kill}");
}

#[test]
fn threads_killed_at_random_moments_lose_nothing() {
    killed("thread", 6, 1);
}

#[test]
fn processes_killed_with_their_coordinator_lose_nothing() {
    killed("process", 6, 2);
}

#[test]
#[ignore = "two hundred kills take minutes"]
fn two_hundred_kills_lose_nothing() {
    killed("thread", 100, 3);
    killed("process", 100, 4);
}
