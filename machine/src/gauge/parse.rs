//! The texts of `/proc`, as described in proc(5).

/// Ticks of all cores together since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct CpuTicks {
    /// In which something ran, the hypervisor's other guests included: these cannot be had.
    pub(super) busy: u64,
    /// All.
    pub(super) total: u64,
}

/// The first line of `/proc/stat`. Guests' time is part of user time already.
pub(super) fn cpu_ticks(stat: &str) -> Option<CpuTicks> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let mut ticks = [0u64; 8];
    let mut fields = 0;
    for (place, field) in line.split_ascii_whitespace().take(8).enumerate() {
        ticks[place] = field.parse().ok()?;
        fields += 1;
    }
    if fields < 4 {
        return None;
    }
    let total: u64 = ticks.iter().sum();
    let [_, _, _, idle, waiting, ..] = ticks;
    Some(CpuTicks { busy: total - idle - waiting, total })
}

/// Memory in use, percent: what programs could not have without swapping; and all of it, bytes.
pub(super) fn memory(meminfo: &str) -> Option<(f64, u64)> {
    let field = |name: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_ascii_whitespace().next()?.parse::<f64>().ok()
    };
    let total = field("MemTotal:")?;
    let available = field("MemAvailable:")?;
    (total > 0.0).then(|| (100.0 * (total - available) / total, (total * 1_024.0) as u64))
}

/// Device and bytes read and written since the start, of each line of `/proc/diskstats`.
pub(super) fn disk_bytes(diskstats: &str) -> impl Iterator<Item = (&str, u64)> {
    const SECTOR_BYTES: u64 = 512;
    diskstats.lines().filter_map(|line| {
        let mut fields = line.split_ascii_whitespace().skip(2);
        let name = fields.next()?;
        let read: u64 = fields.nth(2)?.parse().ok()?;
        let written: u64 = fields.nth(3)?.parse().ok()?;
        Some((name, read.saturating_add(written).saturating_mul(SECTOR_BYTES)))
    })
}

/// Interface and bytes received and sent since the start, of each line of `/proc/net/dev`.
pub(super) fn network_bytes(dev: &str) -> impl Iterator<Item = (&str, u64)> {
    dev.lines().filter_map(|line| {
        let (name, counts) = line.split_once(':')?;
        let mut fields = counts.split_ascii_whitespace();
        let received: u64 = fields.next()?.parse().ok()?;
        let sent: u64 = fields.nth(7)?.parse().ok()?;
        Some((name.trim(), received.saturating_add(sent)))
    })
}

/// What `/proc/PID/stat` says of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ProcessStat {
    pub(super) parent: u32,
    /// Ticks in user and kernel mode; its children's are not in it.
    pub(super) ticks: u64,
}

/// Reads `/proc/PID/stat`; the name in parentheses may hold anything, parentheses too.
pub(super) fn process_stat(stat: &str) -> Option<ProcessStat> {
    let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_ascii_whitespace();
    let parent = fields.nth(1)?.parse().ok()?;
    let user: u64 = fields.nth(9)?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(ProcessStat { parent, ticks: user + system })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_read_from_the_kernels_texts() {
        let stat = "cpu  100 20 30 400 50 6 7 8 90 0\ncpu0 1 2 3 4 5 6 7 8 9 0\nintr 1 2 3\n";
        assert_eq!(cpu_ticks(stat), Some(CpuTicks { busy: 171, total: 621 }));
        let meminfo = "MemTotal:        8000 kB\nMemFree:          100 kB\nMemAvailable:    2000 kB\n";
        assert_eq!(memory(meminfo), Some((75.0, 8_192_000)));
        let disks = " 254 0 vda 10 1 2000 5 20 2 4000 6 0 7 8\n   7 0 loop0 0 0 0 0 0 0 0 0 0 0 0\n";
        assert_eq!(disk_bytes(disks).collect::<Vec<_>>(), [("vda", 6_000 * 512), ("loop0", 0)]);
        let dev = "Inter-|   Receive  |  Transmit\n face |bytes packets|bytes\n    \
                   lo: 9 8 0 0 0 0 0 0 9 8 0 0 0 0 0 0\n  eth0:1000 5 0 0 0 0 0 0 234 7 0 0 0 0 0 0\n";
        assert_eq!(network_bytes(dev).collect::<Vec<_>>(), [("lo", 18), ("eth0", 1_234)]);
    }

    #[test]
    fn the_name_of_a_process_may_hold_spaces_and_parentheses() {
        let stat = "42 (a) R 1 (b) S 7 42 42 0 -1 4194304 101 0 0 0 15 27 99 99 20 0 1 0 3495 0 0";
        assert_eq!(process_stat(stat), Some(ProcessStat { parent: 7, ticks: 42 }));
    }

    #[test]
    fn what_is_no_counter_is_nothing() {
        for text in ["", "cpu", "cpu  a b", "42", "42 (x)", "42 (x) S one", ":", "MemTotal: x kB"] {
            assert_eq!((cpu_ticks(text), memory(text), process_stat(text)), (None, None, None));
            assert_eq!((disk_bytes(text).count(), network_bytes(text).count()), (0, 0));
        }
    }
}
