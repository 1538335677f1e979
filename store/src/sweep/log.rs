//! The log of a sweep: one frame per pass, appended, durable when `append` returns.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use barhive_engine::sweep::{PassBlock, PassWork, Variant, VariantRange, VariantSet};

use super::{
    SweepError,
    block::{self, Block},
    frame::{Frame, HEADER, PAGE, log_header},
};

/// The log's file, which is locked by its one writer.
pub(super) const LOG: &str = "results.log";
/// Looking into a run locks it for a moment, and so does a process that is being started.
const LOCK_TRIES: u32 = 25;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Where the passes lie, in grid order.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Ascending by range; the ranges are disjoint.
    entries: Vec<(u64, Frame)>,
    pub done: VariantSet,
    pub work: PassWork,
}

impl Index {
    fn add(&mut self, at: u64, frame: Frame, work: &PassWork) {
        let place = self.entries.partition_point(|(_, known)| known.range.start < frame.range.start);
        self.entries.insert(place, (at, frame));
        self.done.insert(frame.range);
        self.work.add(work);
    }

    /// The passes, in grid order.
    pub(super) fn ranges(&self) -> impl Iterator<Item = VariantRange> + '_ {
        self.entries.iter().map(|(_, frame)| frame.range)
    }

    /// How many passes there are.
    pub(super) fn passes(&self) -> usize {
        self.entries.len()
    }

    fn overlaps(&self, range: VariantRange) -> bool {
        let place = self.entries.partition_point(|(_, known)| known.range.end <= range.start);
        self.entries.get(place).is_some_and(|(_, known)| known.range.start < range.end)
    }

    fn holding(&self, variant: u64) -> Option<(u64, Frame)> {
        let place = self.entries.partition_point(|(_, known)| known.range.end <= variant);
        self.entries.get(place).copied().filter(|(_, frame)| frame.range.start <= variant)
    }
}

/// A log, open for reading.
#[derive(Debug)]
pub(super) struct Log {
    pub path: PathBuf,
    file: File,
    pub identity: u64,
    /// Where the next frame goes.
    end: u64,
    pub index: Index,
    /// What is wrong with it: damage before its end, one sentence each.
    pub notes: Vec<String>,
}

impl Log {
    /// Makes a log, or empties what a process that died has left of one. It is locked from here on.
    pub(super) fn lock(folder: &Path, create: bool) -> Result<(PathBuf, File), SweepError> {
        let path = folder.join(LOG);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(create)
            .truncate(false)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32)
            .open(&path)
            .map_err(SweepError::io(&path, "open the log"))?;
        for _ in 0..LOCK_TRIES {
            match file.try_lock() {
                Ok(()) => return Ok((path, file)),
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
                Err(TryLockError::Error(error)) => return Err(SweepError::io(path, "lock the log")(error)),
            }
        }
        Err(SweepError::Busy { path: folder.to_owned() })
    }

    /// Starts an empty log in a file that is locked.
    pub(super) fn start(path: PathBuf, file: File, identity: u64) -> Result<Self, SweepError> {
        let write = || {
            file.set_len(0)?;
            file.write_all_at(&log_header(identity), 0)?;
            file.sync_all()
        };
        write().map_err(SweepError::io(&path, "start the log"))?;
        Ok(Self { path, file, identity, end: PAGE, index: Index::default(), notes: Vec::new() })
    }

    /// Reads a log from its beginning, whole frames only.
    pub(super) fn scan(path: PathBuf, file: File, identity: u64) -> Result<Self, SweepError> {
        let mut log = Self { path, file, identity, end: PAGE, index: Index::default(), notes: Vec::new() };
        if !log.is_mine().map_err(SweepError::io(&log.path, "read the log"))? {
            return Err(SweepError::Format {
                path: log.path.clone(),
                expected: "the log of this run".to_owned(),
                found: "another file".to_owned(),
            });
        }
        log.refresh()?;
        Ok(log)
    }

    /// Reads what was appended behind the last frame that is known.
    pub(super) fn refresh(&mut self) -> Result<(), SweepError> {
        self.scan_frames().map_err(SweepError::io(&self.path, "read the log"))
    }

    fn is_mine(&self) -> io::Result<bool> {
        let expected = log_header(self.identity);
        let mut page = vec![0; expected.len()];
        if self.file.metadata()?.len() < PAGE {
            return Ok(false);
        }
        self.file.read_exact_at(&mut page, 0)?;
        Ok(page == expected)
    }

    fn scan_frames(&mut self) -> io::Result<()> {
        let len = self.file.metadata()?.len();
        let mut at = self.end;
        let mut damaged = None;
        while at < len {
            let Some((frame, work)) = self.frame_at(at, len)? else {
                // Torn by a crash, still being written, or damaged later: what comes behind it tells.
                damaged = damaged.or(Some(at));
                at += PAGE;
                continue;
            };
            if let Some(from) = damaged.take() {
                self.notes.push(format!(
                    "{}: bytes {from} to {at} are damaged; their variants will be run again",
                    self.path.display()
                ));
            }
            self.index.add(at, frame, &work);
            at += frame.span();
            self.end = at;
        }
        Ok(())
    }

    /// The whole, sound frame at `at` whose variants are not known yet.
    fn frame_at(&self, at: u64, len: u64) -> io::Result<Option<(Frame, PassWork)>> {
        let mut header = [0; HEADER];
        if len - at < HEADER as u64 {
            return Ok(None);
        }
        self.file.read_exact_at(&mut header, at)?;
        let Some(frame) = Frame::read(&header, self.identity) else { return Ok(None) };
        if frame.len > len - at - HEADER as u64 || self.index.overlaps(frame.range) {
            return Ok(None);
        }
        let Some(payload) = frame.payload(&self.file, at)? else { return Ok(None) };
        Ok(Block::decode(payload, frame.range).ok().map(|(_, work)| (frame, work)))
    }

    /// Cuts off what a crash has left behind the last whole frame.
    pub(super) fn cut_tail(&self) -> Result<(), SweepError> {
        let cut = || {
            if self.file.metadata()?.len() != self.end {
                self.file.set_len(self.end)?;
                self.file.sync_all()?;
            }
            Ok(())
        };
        cut().map_err(SweepError::io(&self.path, "cut off what a crash has left of the log"))
    }

    /// Appends a pass; on disk when this returns. On failure the log is as it was.
    pub(super) fn append(&mut self, pass: &PassBlock) -> Result<(), SweepError> {
        let refused = |what: String| SweepError::Refused {
            subject: format!("variants {} to {}", pass.range.start + 1, pass.range.end),
            what,
        };
        if pass.range.is_empty() || !pass.range.iter().eq(pass.variants.iter().map(|variant| variant.index)) {
            return Err(refused(format!(
                "expected one result each, in grid order; found {} results",
                pass.variants.len()
            )));
        }
        if self.index.overlaps(pass.range) {
            let path = self.path.parent().unwrap_or(&self.path).to_owned();
            return Err(SweepError::Twice { path, range: pass.range });
        }
        let mut bytes = vec![0; HEADER];
        block::encode(pass, &mut bytes).map_err(refused)?;
        let header = Frame::header(pass.range, &bytes[HEADER..], self.identity);
        bytes[..HEADER].copy_from_slice(&header);
        let Some(frame) = Frame::read(&header, self.identity) else {
            return Err(refused("no frame could be made of them".to_owned()));
        };
        bytes.resize(frame.span() as usize, 0);
        let write = || {
            self.file.write_all_at(&bytes, self.end)?;
            self.file.sync_data()
        };
        if let Err(error) = write() {
            // Should this fail too, the next append overwrites the remains, or a resume cuts them off.
            let _ = self.file.set_len(self.end);
            return Err(SweepError::io(&self.path, "append to the log")(error));
        }
        self.index.add(self.end, frame, &pass.work);
        self.end += frame.span();
        Ok(())
    }

    /// The variants that are there, in grid order; one pass at a time is in memory.
    pub(super) fn variants(&self) -> impl Iterator<Item = Result<Variant, SweepError>> + Send + '_ {
        self.index.entries.iter().flat_map(|(at, frame)| {
            let (block, fault) = match self.block(*at, frame) {
                Ok(block) => (Some(block), None),
                Err(error) => (None, Some(Err(error))),
            };
            fault.into_iter().chain(block.into_iter().flat_map(|block| block.variants().map(Ok)))
        })
    }

    /// The variants of the pass that holds one; none when there is no such pass.
    pub(super) fn pass(
        &self,
        index: u64,
    ) -> Result<impl Iterator<Item = Variant> + Send + use<>, SweepError> {
        let block = match self.index.holding(index) {
            Some((at, frame)) => Some(self.block(at, &frame)?),
            None => None,
        };
        Ok(block.into_iter().flat_map(Block::variants))
    }

    /// One variant; `None` when it is not there.
    pub(super) fn variant(&self, index: u64) -> Result<Option<Variant>, SweepError> {
        let Some((at, frame)) = self.index.holding(index) else { return Ok(None) };
        Ok(self.block(at, &frame)?.variants().nth((index - frame.range.start) as usize))
    }

    fn block(&self, at: u64, frame: &Frame) -> Result<Block, SweepError> {
        let wrong = |found: String| SweepError::Format {
            path: self.path.clone(),
            expected: format!("the results of variants {} to {}", frame.range.start + 1, frame.range.end),
            found,
        };
        let payload = frame.payload(&self.file, at).map_err(SweepError::io(&self.path, "read the log"))?;
        let payload =
            payload.ok_or_else(|| wrong(format!("a checksum mismatch at byte {at}; resume the sweep")))?;
        Block::decode(payload, frame.range).map(|(block, _)| block).map_err(wrong)
    }
}
