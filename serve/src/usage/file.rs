//! The file of what a job has used: a line a second, then one every two, so that it never grows beyond a bound.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

/// In a job's folder.
pub const USAGE: &str = "resources.jsonl";
/// Lines beyond which every second one goes, and from then on half as many are written.
const LINES_MAX: usize = 3_600;
/// Longest line, bytes.
const LINE_BYTES_MAX: u64 = 512;

/// What a job has used until a moment, over all its starts. Each line of `resources.jsonl` in its folder is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct JobUsage {
    /// When, UTC nanoseconds.
    pub at_ns: i64,
    /// Seconds for which its processes have lived, held or not.
    pub run_s: f64,
    /// Seconds on a core of all of them together.
    pub cpu_s: f64,
    /// Use of cores over about the last second, percent of one core.
    pub cpu_percent: f64,
    /// Use of cores over all of `run_s`, percent of one core.
    pub cpu_percent_mean: f64,
    /// Memory, bytes; pages that several processes map count in proportion.
    pub memory_bytes: u64,
    /// The most of it that was seen, bytes.
    pub memory_peak_bytes: u64,
    /// Processes.
    pub processes: usize,
}

impl JobUsage {
    /// What the file in a job's folder said last; nothing where there is none.
    pub fn last(place: &Path) -> Option<Self> {
        let mut file = open(&place.join(USAGE), OpenOptions::new().read(true)).ok()?;
        let length = file.metadata().ok()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(4 * LINE_BYTES_MAX))).ok()?;
        let mut tail = String::new();
        file.take(4 * LINE_BYTES_MAX).read_to_string(&mut tail).ok()?;
        // The last line may be torn.
        tail.lines().rev().find_map(|line| serde_json::from_str(line).ok())
    }
}

/// The file while its job has a process.
pub(super) struct UsageFile {
    path: PathBuf,
    lines: usize,
    /// Seconds that a line stands for, and those since the last.
    every: u32,
    since: u32,
    last: JobUsage,
}

impl UsageFile {
    /// Goes on with what earlier starts have left.
    pub(super) fn open(place: &Path) -> Self {
        let path = place.join(USAGE);
        let lines = fs::read(&path).map_or(0, |text| text.iter().filter(|byte| **byte == b'\n').count());
        Self { path, lines, every: 1, since: 0, last: JobUsage::last(place).unwrap_or_default() }
    }

    /// What was used until now.
    pub(super) fn last(&self) -> JobUsage {
        self.last
    }

    /// Takes what is used a second later; writes it when it is time to, or `at_once`.
    pub(super) fn keep(&mut self, usage: JobUsage, at_once: bool) -> io::Result<()> {
        self.last = usage;
        self.since += 1;
        if self.since < self.every && !at_once {
            return Ok(());
        }
        self.since = 0;
        if self.lines >= LINES_MAX {
            self.thin()?;
        }
        let mut file = open(&self.path, OpenOptions::new().append(true).create(true).mode(0o600))?;
        let line = serde_json::to_string(&usage).map_err(io::Error::other)?;
        writeln!(file, "{line}")?;
        self.lines += 1;
        Ok(())
    }

    /// Leaves every second line, whole or not at all.
    fn thin(&mut self) -> io::Result<()> {
        let text = fs::read_to_string(&self.path)?;
        let kept: Vec<_> = text.lines().skip(1).step_by(2).collect();
        let thinned = self.path.with_extension("jsonl.new");
        fs::write(&thinned, kept.join("\n") + "\n")?;
        fs::rename(&thinned, &self.path)?;
        (self.lines, self.every) = (kept.len(), self.every.saturating_mul(2));
        Ok(())
    }
}

fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> JobUsage {
        JobUsage { run_s: second as f64, memory_peak_bytes: second, ..JobUsage::default() }
    }

    #[test]
    fn the_file_stays_bounded_and_its_last_line_tells_the_whole_job() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = UsageFile::open(folder.path());
        for second in 1..=20_000 {
            file.keep(at(second), false).unwrap();
        }
        let text = fs::read_to_string(folder.path().join(USAGE)).unwrap();
        let lines: Vec<JobUsage> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!((LINES_MAX / 4..=LINES_MAX).contains(&lines.len()), "{}", lines.len());
        assert!(lines.is_sorted_by(|a, b| a.run_s < b.run_s));
        let gaps = lines.windows(2).map(|pair| pair[1].run_s - pair[0].run_s);
        let (least, most) =
            gaps.fold((f64::MAX, 0.0f64), |(least, most), gap| (least.min(gap), most.max(gap)));
        assert!(most <= 2.0 * least, "lines lie evenly: {least} to {most} seconds apart");
        // A job that is started again goes on from there.
        file.keep(at(20_001), true).unwrap();
        assert_eq!(UsageFile::open(folder.path()).last(), at(20_001));
    }

    #[test]
    fn a_torn_line_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(JobUsage::last(folder.path()), None);
        let whole = serde_json::to_string(&at(7)).unwrap();
        fs::write(folder.path().join(USAGE), format!("{whole}\n{}", &whole[..20])).unwrap();
        assert_eq!(JobUsage::last(folder.path()), Some(at(7)));
    }
}
