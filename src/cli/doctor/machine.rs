//! The machine: memory, disk, processor, clock, permissions.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::Path,
};

use barhive_machine::clock::Stopwatch;
use barhive_report::format::{bytes, milliseconds};

use super::finding::{Finding, MEMORY_PERCENT};

/// What was read of it; `None` where the system does not tell.
#[derive(Clone, Debug, Default)]
struct Facts {
    memory_total: Option<u64>,
    memory_available: Option<u64>,
    swap_used: Option<u64>,
    /// The chosen one of `always [madvise] never`.
    huge_pages: Option<String>,
    clock: Option<String>,
    cores_allowed: usize,
    cores_online: Option<usize>,
    /// Cores that the control group grants.
    cores_quota: Option<f64>,
    load: Option<f64>,
    /// Whether a process may raise its own priority.
    may_go_before: bool,
    frequency: Option<String>,
    /// Milliseconds of a small write until it is on disk, at the median.
    fsync_ms: Option<Result<f64, String>>,
    disk_free: Option<u64>,
    is_told: bool,
}

pub(super) fn look() -> Vec<Finding> {
    judge(&Facts::read())
}

fn judge(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    memory(facts, &mut findings);
    disk(facts, &mut findings);
    processor(facts, &mut findings);
    if !facts.is_told {
        findings.push(Finding::note(
            "machine",
            "this system has no /proc: little is known of it".to_owned(),
            "jobs and limits work; live figures of the machine come from Linux",
        ));
    }
    findings
}

fn memory(facts: &Facts, findings: &mut Vec<Finding>) {
    if let (Some(total), Some(available)) = (facts.memory_total, facts.memory_available) {
        let percent = 100.0 * (1.0 - available as f64 / total.max(1) as f64);
        let what = format!("{percent:.0} % of {} is in use", bytes(total));
        findings.push(match percent > MEMORY_PERCENT {
            true => Finding::wrong(
                "memory",
                what,
                "end other programs, or take fewer workers (-w) and smaller passes (--batch)",
            ),
            false => Finding::well("memory", what),
        });
    }
    match facts.swap_used {
        Some(used) if used > 0 => findings.push(Finding::wrong(
            "swap",
            format!("{} of memory lie on disk", bytes(used)),
            "what is read back from there takes a thousand times as long: free memory, then `swapoff -a && swapon -a`",
        )),
        Some(_) => findings.push(Finding::well("swap", "none is in use".to_owned())),
        None => {}
    }
    match facts.huge_pages.as_deref() {
        Some("never") => findings.push(Finding::note(
            "huge pages",
            "are switched off".to_owned(),
            "`echo madvise > /sys/kernel/mm/transparent_hugepage/enabled` (as root) saves some per cent on large sets",
        )),
        Some(set) => findings.push(Finding::well("huge pages", set.to_owned())),
        None => {}
    }
}

/// A small write should not take longer until it is on disk, in milliseconds.
const FSYNC_MS: f64 = 20.0;
/// What should be free on the disk, bytes.
const DISK_FREE: u64 = 1 << 30;

fn disk(facts: &Facts, findings: &mut Vec<Finding>) {
    match &facts.fsync_ms {
        Some(Ok(ms)) => {
            let what = format!("a small write is on disk after {}", milliseconds(*ms));
            findings.push(match *ms > FSYNC_MS {
                true => Finding::wrong(
                    "disk",
                    what,
                    "every checkpoint and every change of a queue waits for that: keep results and the server's \
                     folder on a local SSD (--results-dir, --state)",
                ),
                false => Finding::well("disk", what),
            });
        }
        Some(Err(why)) => findings.push(Finding::wrong(
            "disk",
            format!("the current folder cannot be written to: {why}"),
            "name another one with --results-dir and --state",
        )),
        None => {}
    }
    if let Some(free) = facts.disk_free.filter(|free| *free < DISK_FREE) {
        let what = format!("only {} are free here", bytes(free));
        findings.push(Finding::wrong("disk", what, "make room; `barhive runs prune` removes old runs"));
    }
}

fn processor(facts: &Facts, findings: &mut Vec<Finding>) {
    let cores = facts.cores_allowed;
    let online = facts.cores_online.unwrap_or(cores);
    if cores < online {
        findings.push(Finding::note(
            "cores",
            format!("{cores} of {online} may be used"),
            "if that is not meant: look at `taskset -p $$` and at the control group's cpuset",
        ));
    } else {
        findings.push(Finding::well("cores", format!("all {online} may be used")));
    }
    if let Some(quota) = facts.cores_quota.filter(|quota| *quota < cores as f64) {
        findings.push(Finding::wrong(
            "cores",
            format!("the control group grants {quota:.1} of {cores}: workers are stopped again and again"),
            format!("take no more workers than that (-w {}), or raise cpu.max", quota.floor().max(1.0)),
        ));
    }
    if let Some(load) = facts.load.filter(|load| *load > 1.5 * cores as f64) {
        findings.push(Finding::note(
            "load",
            format!("{load:.1} programs wanted {cores} cores in the last minute"),
            "figures that are measured now are worth little; --nice gives others the way",
        ));
    }
    match facts.clock.as_deref() {
        Some(clock @ ("hpet" | "acpi_pm" | "jiffies")) => findings.push(Finding::note(
            "clock",
            format!("{clock} is slow to read"),
            "boot with clocksource=tsc where the processor's is steady",
        )),
        Some(clock) => findings.push(Finding::well("clock", clock.to_owned())),
        None => {}
    }
    if let Some("powersave") = facts.frequency.as_deref() {
        findings.push(Finding::note(
            "frequency",
            "the processor saves power".to_owned(),
            "`cpupower frequency-set -g performance` (as root) before figures are measured",
        ));
    }
    findings.push(match facts.may_go_before {
        true => Finding::well("priority", "live work may be put before others".to_owned()),
        false => Finding::note(
            "priority",
            "a negative niceness is not permitted: others are made to stand back instead".to_owned(),
            "to permit it, `ulimit -e 30` from root, or LimitNICE=-10 in the unit",
        ),
    });
}

impl Facts {
    fn read() -> Self {
        let text = |path: &str| fs::read_to_string(path).ok();
        let memory = text("/proc/meminfo");
        let field = |name: &str| {
            let line =
                memory.as_ref()?.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            Some(line.split_whitespace().next()?.parse::<u64>().ok()? << 10)
        };
        let word = |path: &str| Some(text(path)?.trim().to_owned());
        let online = text("/proc/cpuinfo")
            .map(|text| text.lines().filter(|line| line.starts_with("processor")).count());
        let disk = rustix::fs::statvfs(".").ok();
        Self {
            memory_total: field("MemTotal"),
            memory_available: field("MemAvailable"),
            swap_used: field("SwapTotal")
                .zip(field("SwapFree"))
                .map(|(total, free)| total.saturating_sub(free)),
            huge_pages: word("/sys/kernel/mm/transparent_hugepage/enabled")
                .and_then(|all| Some(all.split_once('[')?.1.split_once(']')?.0.to_owned())),
            clock: word("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
            cores_allowed: std::thread::available_parallelism().map_or(1, usize::from),
            cores_online: online.filter(|online| *online > 0),
            cores_quota: text("/sys/fs/cgroup/cpu.max").as_deref().and_then(quota),
            load: text("/proc/loadavg").and_then(|text| text.split(' ').next()?.parse().ok()),
            may_go_before: may_go_before(),
            frequency: word("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            fsync_ms: Some(fsync_ms(Path::new(".")).map_err(|error| error.to_string())),
            disk_free: disk.map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize)),
            is_told: memory.is_some(),
        }
    }
}

/// `max 100000`, or `150000 100000`: one and a half cores.
fn quota(text: &str) -> Option<f64> {
    let (granted, period) = text.trim().split_once(' ')?;
    let (granted, period): (f64, f64) = (granted.parse().ok()?, period.parse().ok()?);
    (period > 0.0).then_some(granted / period)
}

fn may_go_before() -> bool {
    // The limit counts from 20 down: 30 permits a niceness of -10.
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nice);
    rustix::process::geteuid().is_root() || limit.current.is_none_or(|current| current >= 30)
}

const WRITES: usize = 15;

/// The median over a few small writes.
fn fsync_ms(folder: &Path) -> io::Result<f64> {
    let path = folder.join(format!(".barhive-doctor-{}", std::process::id()));
    let file = File::options().write(true).create_new(true).open(&path)?;
    let mut times = Vec::with_capacity(WRITES);
    let mut write = || -> io::Result<()> {
        for number in 0..WRITES as u64 {
            let watch = Stopwatch::start();
            file.write_all_at(&[0; 4_096], number * 4_096)?;
            file.sync_data()?;
            times.push(watch.elapsed().as_secs_f64() * 1e3);
        }
        Ok(())
    };
    let written = write();
    fs::remove_file(&path)?;
    written?;
    times.sort_by(f64::total_cmp);
    Ok(times[WRITES / 2])
}

#[cfg(test)]
mod tests {
    use super::{super::finding::Severity, *};

    fn wrong(facts: &Facts) -> Vec<String> {
        let findings = judge(facts).into_iter().filter(|finding| finding.severity == Severity::Wrong);
        findings.map(|finding| format!("{}: {}", finding.subject, finding.what)).collect()
    }

    fn good() -> Facts {
        Facts {
            memory_total: Some(10_000_000_000),
            memory_available: Some(2_000_000_000),
            swap_used: Some(0),
            huge_pages: Some("madvise".to_owned()),
            clock: Some("tsc".to_owned()),
            cores_allowed: 4,
            cores_online: Some(4),
            load: Some(1.0),
            may_go_before: true,
            fsync_ms: Some(Ok(1.0)),
            disk_free: Some(1 << 40),
            is_told: true,
            ..Facts::default()
        }
    }

    #[test]
    fn a_good_machine_has_no_fault_and_every_bottleneck_has_a_name() {
        assert_eq!(wrong(&good()), [""; 0]);
        assert!(judge(&good()).iter().all(|finding| finding.severity == Severity::Well));
        let short = Facts { memory_available: Some(1_900_000_000), ..good() };
        assert_eq!(wrong(&short), ["memory: 81 % of 10.00 GB is in use"]);
        let swaps = Facts { swap_used: Some(5_000_000), ..good() };
        assert_eq!(wrong(&swaps), ["swap: 5.0 MB of memory lie on disk"]);
        let slow = Facts { fsync_ms: Some(Ok(45.0)), disk_free: Some(1_000_000), ..good() };
        assert_eq!(
            wrong(&slow),
            ["disk: a small write is on disk after 45 ms", "disk: only 1.0 MB are free here"]
        );
        let granted = Facts { cores_quota: quota("150000 100000\n"), ..good() };
        assert!(wrong(&granted)[0].contains("grants 1.5 of 4"), "{:?}", wrong(&granted));
        assert_eq!(quota("max 100000"), None);
    }

    #[test]
    fn what_could_be_better_is_a_note_with_a_remedy() {
        let facts = Facts {
            huge_pages: Some("never".to_owned()),
            clock: Some("hpet".to_owned()),
            cores_allowed: 2,
            may_go_before: false,
            frequency: Some("powersave".to_owned()),
            load: Some(9.0),
            ..good()
        };
        let notes: Vec<_> =
            judge(&facts).into_iter().filter(|found| found.severity == Severity::Note).collect();
        let subjects: Vec<_> = notes.iter().map(|note| note.subject.as_str()).collect();
        assert_eq!(subjects, ["huge pages", "cores", "load", "clock", "frequency", "priority"]);
        assert!(notes.iter().all(|note| note.remedy.is_some()));
        assert_eq!(wrong(&facts), [""; 0]);
    }

    #[test]
    fn this_machine_can_be_looked_at_and_nothing_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        assert!(fsync_ms(folder.path()).unwrap() >= 0.0);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(Facts::read().cores_allowed > 0);
    }
}
