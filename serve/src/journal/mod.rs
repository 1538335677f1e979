//! The journal of a queue: what happened to its jobs, on disk before anybody is told.
//!
//! A segment is one file: a frame with a [`QueueSnapshot`], then one frame per batch of events. When it has
//! grown long, a new segment begins with the queue as it stands, whole or not at all, and the old one goes.
//!
//! A frame that a crash has torn is the last of its file: it is cut off, and nobody was told of it. A bad frame
//! before sound ones is damage, and is not passed over. A file that could not be written or synchronised is not
//! written to again: what the kernel has dropped of it, it will not say a second time. The next batch goes into a
//! new segment.

mod frame;
#[cfg(test)]
mod tests;

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use barhive_engine::jobs::{JobEvent, JobQueue, QueueOptions, QueueSnapshot, ReplayFault};
use thiserror::Error;

use self::frame::{Scan, frame};

/// Length of events beyond which a segment gives way to a new one, in bytes.
const SEGMENT_MAX: u64 = 16 << 20;
const PREFIX: &str = "journal-";
const SUFFIX: &str = ".log";
const DRAFT: &str = "journal.draft";

/// Why the journal cannot be read or written.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The system refuses.
    #[error("cannot {what} {}: {error}", path.display())]
    System {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
    /// A frame before the last is not what was written.
    #[error(
        "{}: bytes {from} to {to} are damaged and events follow them; put the file back from a copy, or cut it \
         off at byte {from} to go on with what was there before",
        path.display()
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Where damage begins.
        from: u64,
        /// Where sound frames begin again.
        to: u64,
    },
    /// A segment does not begin with a queue.
    #[error("{}: expected a journal that begins with a queue, found {found}; move it away to begin anew", path.display())]
    Foreign {
        /// Which file.
        path: PathBuf,
        /// What is there.
        found: String,
    },
    /// Its events can not have happened.
    #[error("{}: {fault}", path.display())]
    Impossible {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        fault: ReplayFault,
    },
}

impl JournalError {
    fn system(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::System { what, path, error }
    }
}

/// A journal, open for writing by its only owner.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    number: u64,
    /// `None` after a failure: the next batch needs a new segment.
    file: Option<File>,
    /// Bytes of whole frames.
    len: u64,
    /// Those of the first, which holds the queue as it was.
    head: u64,
    segment_max: u64,
}

impl Journal {
    /// Opens the journal in a folder, or begins one, and answers the queue that it holds.
    ///
    /// # Errors
    /// It cannot be read or begun, is damaged, or holds what can not have happened.
    pub fn open(folder: &Path, options: &QueueOptions) -> Result<(Self, JobQueue), JournalError> {
        let mut journal = Self {
            folder: folder.to_owned(),
            number: 0,
            file: None,
            len: 0,
            head: 0,
            segment_max: SEGMENT_MAX,
        };
        let numbers = journal.numbers().map_err(JournalError::system("list", folder))?;
        let Some(last) = numbers.last() else {
            let queue = JobQueue::new(options.clone());
            journal.begin(&queue.snapshot())?;
            return Ok((journal, queue));
        };
        journal.number = *last;
        let path = journal.path(*last);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32)
            .open(&path)
            .map_err(JournalError::system("open", &path))?;
        let bytes = fs::read(&path).map_err(JournalError::system("read", &path))?;
        let (queue, len) = restored(&path, &bytes, options)?;
        journal.head = Scan::new(&bytes).head();
        if len < bytes.len() as u64 {
            tracing::warn!(
                "{}: the last {} bytes were never promised: cut off",
                path.display(),
                bytes.len() as u64 - len
            );
            file.set_len(len).and_then(|()| file.sync_all()).map_err(JournalError::system("cut", &path))?;
        }
        (journal.file, journal.len) = (Some(file), len);
        journal.remove_all_but_last(&numbers);
        Ok((journal, queue))
    }

    /// Lets segments give way at this length of events, in bytes, or at that of their queue if it is longer.
    #[must_use]
    pub fn with_segment_max(self, segment_max: u64) -> Self {
        Self { segment_max, ..self }
    }

    /// Whether a new segment must [`begin`](Self::begin) before anything can be appended.
    pub fn wants_segment(&self) -> bool {
        // The events of a segment are at least as long as the queue that it begins with: a long queue is not
        // written down again for each of them.
        self.file.is_none() || self.len - self.head > self.segment_max.max(self.head)
    }

    /// Begins a new segment with the queue as it stands: there whole when this returns, or not at all.
    ///
    /// # Errors
    /// It cannot be written; what was there is as it was.
    pub fn begin(&mut self, snapshot: &QueueSnapshot) -> Result<(), JournalError> {
        let (number, draft) = (self.number + 1, self.folder.join(DRAFT));
        let path = self.path(number);
        let bytes = frame(snapshot);
        let write = || -> io::Result<File> {
            let mut options = OpenOptions::new();
            // A draft that a crash has left is nobody's.
            let file = options.read(true).write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
            file.write_all_at(&bytes, 0)?;
            file.sync_all()?;
            fs::rename(&draft, &path)?;
            File::open(&self.folder)?.sync_all()?;
            Ok(file)
        };
        let file = write().map_err(JournalError::system("begin", &path))?;
        let before = self.number;
        (self.number, self.file) = (number, Some(file));
        (self.len, self.head) = (bytes.len() as u64, bytes.len() as u64);
        if before > 0 {
            self.remove_all_but_last(&[before, number]);
        }
        Ok(())
    }

    /// Appends a batch of events as one frame; it is on disk when this returns.
    ///
    /// # Errors
    /// It cannot be written. The batch did not happen, and a new segment must begin before the next.
    pub fn append(&mut self, events: &[JobEvent]) -> Result<(), JournalError> {
        let path = self.path(self.number);
        let Some(file) = self.file.take() else {
            let error = io::Error::other("an earlier write failed");
            return Err(JournalError::System { what: "append to", path, error });
        };
        let bytes = frame(events);
        if let Err(error) = file.write_all_at(&bytes, self.len).and_then(|()| file.sync_data()) {
            // Should this fail too, the next segment does not hold the batch all the same.
            let _ = file.set_len(self.len);
            return Err(JournalError::system("append to", &path)(error));
        }
        self.len += bytes.len() as u64;
        self.file = Some(file);
        Ok(())
    }

    /// The queue as the journal has it: without a batch that could not be appended.
    ///
    /// # Errors
    /// It cannot be read any more.
    pub fn restore(&self, options: &QueueOptions) -> Result<JobQueue, JournalError> {
        let path = self.path(self.number);
        let mut bytes = fs::read(&path).map_err(JournalError::system("read", &path))?;
        bytes.truncate(usize::try_from(self.len).unwrap_or(usize::MAX));
        restored(&path, &bytes, options).map(|(queue, _)| queue)
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{PREFIX}{number:08}{SUFFIX}"))
    }

    /// The segments that are there, ascending.
    fn numbers(&self) -> io::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            let number: Option<u64> =
                name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse().ok());
            numbers.extend(number);
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn remove_all_but_last(&self, numbers: &[u64]) {
        for number in &numbers[..numbers.len() - 1] {
            let path = self.path(*number);
            if let Err(error) = fs::remove_file(&path) {
                tracing::warn!("cannot remove {}, which is not needed any more: {error}", path.display());
            }
        }
    }
}

/// The queue in a segment, and the length of its whole frames.
fn restored(path: &Path, bytes: &[u8], options: &QueueOptions) -> Result<(JobQueue, u64), JournalError> {
    let foreign = |found: String| JournalError::Foreign { path: path.to_owned(), found };
    let mut scan = Scan::new(bytes);
    let head = scan.next().ok_or_else(|| foreign("no whole frame".to_owned()))?;
    let snapshot = serde_json::from_slice(head).map_err(|error| foreign(error.to_string()))?;
    let mut events: Vec<JobEvent> = Vec::new();
    for payload in scan.by_ref() {
        let batch: Vec<JobEvent> =
            serde_json::from_slice(payload).map_err(|error| foreign(error.to_string()))?;
        events.extend(batch);
    }
    if let Some(to) = scan.sound_again() {
        return Err(JournalError::Damaged { path: path.to_owned(), from: scan.at() as u64, to: to as u64 });
    }
    let queue = JobQueue::restore(options.clone(), snapshot, events)
        .map_err(|fault| JournalError::Impossible { path: path.to_owned(), fault })?;
    Ok((queue, scan.at() as u64))
}
