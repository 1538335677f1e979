//! What watched processes and their children use of the processor.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use rustix::param::clock_ticks_per_second;

use super::{Role, TreeUse, counters::Counters, parse};

/// The processes of the watched trees.
#[derive(Debug, Default)]
pub(super) struct Trees {
    processes: BTreeMap<u32, Process>,
    /// Ticks of each watched process and its children, since it is watched.
    ticks: BTreeMap<u32, u64>,
    /// Samples until children are looked for again.
    rescan_in: u32,
}

#[derive(Debug)]
struct Process {
    stat: Counters,
    role: Role,
    /// The watched process that it is, or is a child of.
    root: u32,
    ticks: u64,
    seen: bool,
}

/// Ticks since the sample before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Used {
    pub(super) workers: u64,
    pub(super) live: u64,
}

impl Trees {
    /// Samples between two looks for new children.
    const RESCAN: u32 = 5;

    /// Looks for children now: what a process used before does not count.
    pub(super) fn follow(&mut self, watched: &[(u32, Role)]) {
        self.rescan(watched, true);
    }

    /// What all used since the last call. A child that was born in between counts from its birth; what one
    /// used between the last look and its end is lost.
    pub(super) fn used(&mut self, watched: &[(u32, Role)]) -> Used {
        if self.rescan_in == 0 {
            self.rescan(watched, false);
            self.rescan_in = Self::RESCAN;
        }
        self.rescan_in -= 1;
        let mut used = Used::default();
        let of_roots = &mut self.ticks;
        self.processes.retain(|_, process| {
            let Some(stat) = process.stat.read().and_then(parse::process_stat) else { return false };
            let ticks = stat.ticks.saturating_sub(process.ticks);
            process.ticks = stat.ticks;
            *of_roots.entry(process.root).or_default() += ticks;
            match process.role {
                Role::Worker => used.workers += ticks,
                Role::Live => used.live += ticks,
            }
            true
        });
        used
    }

    /// What each watched process and its children have used.
    pub(super) fn uses(&self, watched: &[(u32, Role)]) -> Vec<TreeUse> {
        let of = |(root, role): &(u32, Role)| {
            let own = self.processes.iter().filter(|(_, process)| process.root == *root);
            let processes: Vec<_> = own.map(|(pid, _)| *pid).collect();
            let ticks = self.ticks.get(root).copied().unwrap_or(0);
            let cpu_ns = ticks.saturating_mul(1_000_000_000 / clock_ticks_per_second().max(1));
            TreeUse { pid: *root, role: *role, processes, cpu_ns, memory_bytes: 0 }
        };
        watched.iter().map(of).collect()
    }

    fn rescan(&mut self, watched: &[(u32, Role)], first: bool) {
        self.processes.values_mut().for_each(|process| process.seen = false);
        let all = if watched.is_empty() || children_are_listed() { None } else { Some(everybody()) };
        self.ticks.retain(|root, _| watched.iter().any(|(pid, _)| pid == root));
        let mut pending: Vec<_> = watched.iter().map(|(pid, role)| (*pid, *role, *pid)).collect();
        while let Some((pid, role, root)) = pending.pop() {
            let is_root = root == pid;
            let known = self.processes.get_mut(&pid);
            if known.as_ref().is_some_and(|process| process.seen) {
                continue;
            }
            match known {
                Some(process) => (process.seen, process.role, process.root) = (true, role, root),
                None => {
                    let Some(mut stat) = Counters::open(&process_path(pid).join("stat")) else { continue };
                    let Some(now) = stat.read().and_then(parse::process_stat) else { continue };
                    let ticks = if first || is_root { now.ticks } else { 0 };
                    self.processes.insert(pid, Process { stat, role, root, ticks, seen: true });
                }
            }
            let children = match &all {
                Some(all) => {
                    all.iter().filter(|(_, parent)| *parent == pid).map(|(child, _)| *child).collect()
                }
                None => children(pid),
            };
            // A watched child is pending with a role of its own.
            let inherits = |child: &u32| !watched.iter().any(|(pid, _)| pid == child);
            pending.extend(children.into_iter().filter(inherits).map(|child| (child, role, root)));
        }
        self.processes.retain(|_, process| process.seen);
    }
}

fn process_path(pid: u32) -> PathBuf {
    Path::new("/proc").join(pid.to_string())
}

/// Whether this kernel lists children.
fn children_are_listed() -> bool {
    Path::new("/proc/thread-self/children").exists()
}

/// The children of a process, as its threads have them.
fn children(pid: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(process_path(pid).join("task")) else { return Vec::new() };
    let mut children = Vec::new();
    for thread in threads.flatten() {
        if let Ok(text) = fs::read_to_string(thread.path().join("children")) {
            children.extend(text.split_ascii_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
        }
    }
    children
}

/// Every process and its parent.
fn everybody() -> Vec<(u32, u32)> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let stat = Counters::open(&entry.path().join("stat"))?.read().and_then(parse::process_stat)?;
            Some((pid, stat.parent))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_find_children_agree() {
        if !children_are_listed() {
            println!("skipped: this kernel does not list children");
            return;
        }
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let me = std::process::id();
        assert!(children(me).contains(&child.id()));
        assert!(everybody().contains(&(child.id(), me)));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
