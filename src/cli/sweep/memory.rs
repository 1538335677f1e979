//! The most memory that the program and its workers have had.

use std::{fs, process};

use barhive_machine::smaps;
use barhive_report::format::bytes;

/// The most that was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct MemoryPeak {
    /// Pages that nobody else maps.
    private: u64,
    /// Those, and a share of the pages that several map.
    proportional: u64,
}

impl MemoryPeak {
    /// Looks at this process and its children; where the system does not tell, nothing changes.
    pub(super) fn look(&mut self) {
        let own = process::id();
        let children = fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap_or_default();
        let all = std::iter::once(own.to_string()).chain(children.split_whitespace().map(str::to_owned));
        let (mut private, mut proportional) = (0, 0);
        for memory in all.filter_map(|process| smaps::of(&process)) {
            private += memory.private;
            proportional += memory.proportional;
        }
        self.private = self.private.max(private);
        self.proportional = self.proportional.max(proportional);
    }

    /// In words; `None` where nothing is known.
    pub(super) fn in_words(self) -> Option<String> {
        let Self { private, proportional } = self;
        let words =
            || format!("peak memory: {} private, {} proportional", bytes(private), bytes(proportional));
        (private > 0).then(words)
    }

    /// Private and proportional bytes.
    pub(super) fn bytes(self) -> [u64; 2] {
        [self.private, self.proportional]
    }
}
