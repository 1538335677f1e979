//! Who was told: a line for each, on disk before it counts.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use barhive_engine::jobs::JobId;

/// In the server's folder.
const NAME: &str = "notified.log";
/// Lines of jobs that nobody remembers, until the file is written anew.
const STALE_MAX: usize = 1_000;

/// Who was told, or given up.
pub(super) struct Told {
    path: PathBuf,
    file: File,
    notices: BTreeSet<(JobId, usize)>,
    /// Lines of the file that say nothing any more.
    stale: usize,
}

impl Told {
    /// Reads the list of a folder. A line that a crash has torn says nothing.
    ///
    /// # Errors
    /// The system refuses.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let path = folder.join(NAME);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let text = String::from_utf8_lossy(&bytes);
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let notices: BTreeSet<_> = whole.lines().filter_map(notice).collect();
        let mut file = append(&path)?;
        if !text.is_empty() && !text.ends_with('\n') {
            // The torn line ends here.
            file.write_all(b"\n")?;
        }
        Ok(Self { path, file, notices, stale: 0 })
    }

    pub(super) fn has(&self, notice: (JobId, usize)) -> bool {
        self.notices.contains(&notice)
    }

    /// Adds a notice; it is on disk when this returns.
    ///
    /// # Errors
    /// It is not: it may be said again.
    pub(super) fn add(&mut self, notice: (JobId, usize), how: &str) -> io::Result<()> {
        self.notices.insert(notice);
        let how = how.replace(['\n', '\r'], " ");
        self.file.write_all(format!("{} {} {how}\n", notice.0, notice.1).as_bytes())?;
        self.file.sync_data()
    }

    /// Forgets jobs that the queue does not remember. With many of them the file is written anew.
    pub(super) fn forget_all_but(&mut self, jobs: impl Iterator<Item = JobId>) {
        let known: BTreeSet<_> = jobs.collect();
        let before = self.notices.len();
        self.notices.retain(|(job, _)| known.contains(job));
        self.stale += before - self.notices.len();
        if self.stale > STALE_MAX {
            match self.write_anew() {
                Ok(file) => (self.file, self.stale) = (file, 0),
                Err(error) => tracing::warn!("{}: {error}; it goes on growing", self.path.display()),
            }
        }
    }

    fn write_anew(&self) -> io::Result<File> {
        let new = self.path.with_extension("new");
        let lines: String = self.notices.iter().map(|(job, place)| format!("{job} {place} kept\n")).collect();
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(lines.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        append(&self.path)
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

fn notice(line: &str) -> Option<(JobId, usize)> {
    let mut words = line.split(' ');
    let job = words.next()?.parse().ok()?;
    Some((job, words.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_is_known_again_and_a_torn_line_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let mut told = Told::open(folder.path()).unwrap();
        told.add((JobId(7), 0), "told").unwrap();
        told.add((JobId(7), 1), "given up: a\nb").unwrap();
        let path = folder.path().join(NAME);
        let whole = fs::read(&path).unwrap();
        for cut in 0..=whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let mut told = Told::open(folder.path()).unwrap();
            let first = whole.iter().position(|byte| *byte == b'\n').unwrap();
            assert_eq!(
                (told.has((JobId(7), 0)), told.has((JobId(7), 1))),
                (cut > first, cut == whole.len()),
                "{cut}"
            );
            told.add((JobId(8), 0), "told").unwrap();
            assert!(Told::open(folder.path()).unwrap().has((JobId(8), 0)), "{cut}");
        }
    }

    #[test]
    fn a_list_of_forgotten_jobs_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let mut told = Told::open(folder.path()).unwrap();
        for job in 1..=STALE_MAX as u64 + 2 {
            told.notices.insert((JobId(job), 0));
        }
        told.forget_all_but([JobId(2)].into_iter());
        assert_eq!(fs::read_to_string(folder.path().join(NAME)).unwrap(), "2 0 kept\n");
        told.add((JobId(3), 0), "told").unwrap();
        let again = Told::open(folder.path()).unwrap();
        assert!(again.has((JobId(2), 0)) && again.has((JobId(3), 0)) && !again.has((JobId(1), 0)));
    }
}
