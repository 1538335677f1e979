//! How much memory the program and its workers have, as the system counts it.

use std::{fs, process};

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
        for process in all {
            let Ok(text) = fs::read_to_string(format!("/proc/{process}/smaps_rollup")) else { continue };
            private += kilobytes(&text, "Private_Clean:") + kilobytes(&text, "Private_Dirty:");
            proportional += kilobytes(&text, "Pss:");
        }
        self.private = self.private.max(private << 10);
        self.proportional = self.proportional.max(proportional << 10);
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

fn kilobytes(text: &str, field: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_by_their_whole_names() {
        let text =
            "00400000-7ffd [rollup]\nRss:  900 kB\nPss:   512 kB\nPss_Anon:  3 kB\nPrivate_Dirty: 40 kB\n";
        assert_eq!(kilobytes(text, "Pss:"), 512);
        assert_eq!(kilobytes(text, "Private_Dirty:"), 40);
        assert_eq!(kilobytes(text, "Private_Clean:"), 0);
    }
}
