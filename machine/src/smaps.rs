//! What the system says about the memory of a process. Where it says nothing, everything is 0.

use std::{fs, path::Path};

/// Memory of one process, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Pages that nobody else maps.
    pub private: u64,
    /// Those, and a share of the pages that several map.
    pub proportional: u64,
    /// As much of that as no file is behind.
    pub anonymous: u64,
}

/// The memory of a process: its number, or `self`.
pub fn of(process: &str) -> Option<Memory> {
    let text = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).ok()?;
    let private = kilobytes(&text, "Private_Clean:") + kilobytes(&text, "Private_Dirty:");
    let [proportional, anonymous] = ["Pss:", "Pss_Anon:"].map(|field| kilobytes(&text, field) << 10);
    Some(Memory { private: private << 10, proportional, anonymous })
}

/// The proportional bytes of what a process has mapped of files below a folder.
pub fn mapped(process: u32, folder: &Path) -> u64 {
    let text = fs::read_to_string(format!("/proc/{process}/smaps")).unwrap_or_default();
    mapped_of(&text, folder) << 10
}

/// Every mapping is a line with its range and file, and lines with its figures.
fn mapped_of(smaps: &str, folder: &Path) -> u64 {
    let mut is_below = false;
    let mut total = 0;
    for line in smaps.lines() {
        let first = line.split_whitespace().next().unwrap_or_default();
        if first.ends_with(':') {
            total += if is_below && first == "Pss:" { kilobytes(line, "Pss:") } else { 0 };
        } else {
            is_below = line.find('/').is_some_and(|start| Path::new(&line[start..]).starts_with(folder));
        }
    }
    total
}

/// Private memory that no file is behind: what a process has made itself, in bytes.
pub fn anonymous(process: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    kilobytes(&text, "RssAnon:") << 10
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

    #[test]
    fn only_what_is_mapped_of_the_folder_is_counted() {
        let text = "7f00-7f10 r--p 00000000 fe:00 12    /data/X/bar_1m.arrow\nRss: 9 kB\nPss: 5 kB\nPss_Dirty: 1 kB\n\
                    7f10-7f20 r--p 00000000 fe:00 13    /database/Y\nPss: 50 kB\n\
                    7f20-7f30 rw-p 00000000 00:00 0 \nPss: 500 kB\nVmFlags: rd wr\n\
                    7f30-7f40 r--p 00000000 fe:00 14    /data/Y Z/bar_1m.arrow\nPss: 2 kB\n";
        assert_eq!(mapped_of(text, Path::new("/data")), 7);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_has_memory() {
        assert!(of("self").is_some_and(|memory| memory.proportional > 0));
        assert!(anonymous(std::process::id()) > 0);
        assert_eq!(of("0"), None);
    }
}
