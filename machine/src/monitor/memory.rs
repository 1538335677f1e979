//! The memory of watched processes. Looking at it takes longer than a sample may, so it is looked at less often.

use std::{collections::BTreeMap, fs, time::Duration};

use crate::{gauge::TreeUse, smaps};

/// Between two looks at processes that nobody has looked at, and how many of these make one at all of them.
pub(super) const INTERVAL: Duration = Duration::from_millis(250);
pub(super) const ALL_EVERY: u32 = 4;

/// Bytes by watched process.
#[derive(Debug, Default)]
pub(super) struct OfTrees(BTreeMap<u32, u64>);

impl OfTrees {
    /// Looks at these.
    pub(super) fn look(trees: &[TreeUse]) -> Self {
        let of = |tree: &TreeUse| tree.processes.iter().map(|pid| proportional_bytes(*pid)).sum();
        Self(trees.iter().map(|tree| (tree.pid, of(tree))).collect())
    }

    /// Keeps what was seen of these trees, which are all or new ones.
    pub(super) fn keep(&mut self, seen: Self, are_all: bool) {
        if are_all {
            *self = seen;
        } else {
            self.0.extend(seen.0);
        }
    }

    /// Whether nobody has looked at it.
    pub(super) fn is_new(&self, tree: &TreeUse) -> bool {
        !self.0.contains_key(&tree.pid)
    }

    pub(super) fn forget(&mut self, pid: u32) {
        self.0.remove(&pid);
    }

    /// A tree with its memory, unless it has that already.
    pub(super) fn fill(&self, tree: TreeUse) -> TreeUse {
        let seen = self.0.get(&tree.pid).copied().unwrap_or(0);
        TreeUse { memory_bytes: tree.memory_bytes.max(seen), ..tree }
    }
}

/// The proportional memory of a process; where the kernel does not tell, what is resident.
fn proportional_bytes(pid: u32) -> u64 {
    if let Some(memory) = smaps::of(&pid.to_string()) {
        return memory.proportional;
    }
    let statm = fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
    let pages = statm.split_ascii_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * rustix::param::page_size() as u64
}
