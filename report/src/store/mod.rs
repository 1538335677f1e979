//! Records of a run as files: equity, fills, round trips and orders of every account, streamed while
//! the run goes on.
//!
//! ```text
//! <run>/accounts/<account>/equity.parquet  fills.parquet  trades.parquet  orders.parquet
//! ```
//!
//! A recorder copies what it is given into a chunk; full chunks travel over one bounded queue to one
//! thread that encodes them for all accounts. Memory: one chunk per account and kind plus the few that
//! wait, whatever the length of the run. Files appear under their names when the run is finished and
//! whole; a container that runs again starts its files over; one that is quarantined leaves none.

mod earlier;
mod parquet;
mod place;
mod rows;
mod text;
mod writer;

use std::{
    fmt, mem,
    path::{Path, PathBuf},
    str::FromStr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
};

use barhive_engine::{
    instrument::Instrument,
    record::{Recorder, Records, Wants},
    set::{ContainerSpec, Retention},
};

use self::{
    rows::Names,
    writer::{Message, Pool, Written},
};
use crate::curve::{AccountCurves, Curve, Marks};

pub use earlier::start_over;
pub use place::{file_name, write_whole};

/// How records are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Parquet: exact decimals, dictionaries, delta-coded time.
    #[default]
    Parquet,
    /// Comma-separated values with a header.
    Csv,
    /// One JSON object per line, decimals as strings.
    JsonLines,
}

impl Format {
    /// The ending of its files.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.ending())
    }
}

impl FromStr for Format {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Parquet, Self::Csv, Self::JsonLines]
            .into_iter()
            .find(|format| format.ending() == text)
            .ok_or_else(|| format!("expected parquet, csv or jsonl, found `{text}`"))
    }
}

/// A file that could not be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {what}", path.display())]
pub struct WriteFault {
    /// The file or folder.
    pub path: PathBuf,
    /// What went wrong.
    pub what: String,
}

/// All faults in one sentence, or `None` when there is none.
pub fn faults_in_words(faults: &[WriteFault]) -> Option<String> {
    let first = faults.first()?;
    let others = match faults.len() - 1 {
        0 => String::new(),
        1 => " (and one more file)".into(),
        more => format!(" (and {more} more files)"),
    };
    Some(format!(
        "records are missing: {first}{others}; make room or choose another results folder, then run again"
    ))
}

/// What a run left when it ended.
#[derive(Debug, Default)]
pub struct Recorded {
    /// Curves by account, in the order in which recorders were made.
    pub curves: Vec<AccountCurves>,
    /// Files that are whole.
    pub files: Vec<PathBuf>,
    /// Files that are not there, and why. Empty when all is well.
    pub faults: Vec<WriteFault>,
}

/// Chunks that may wait for the thread.
const QUEUE_CHUNKS: usize = 2;
/// Bytes of a chunk with few accounts, and the least with many.
const CHUNK_BYTES: (usize, usize) = (256 << 10, 32 << 10);
/// Bytes of chunks over all accounts, while the least is not reached.
const CHUNKS_BYTES: usize = 8 << 20;

struct FileThread {
    sender: flume::Sender<Message>,
    pool: Pool,
    thread: JoinHandle<Written>,
}

/// Hands out recorders and gathers what they leave.
pub struct RecordStore {
    accounts: Mutex<Vec<Arc<Mutex<AccountCurves>>>>,
    containers: usize,
    files: Mutex<Option<FileThread>>,
    folder: PathBuf,
}

impl RecordStore {
    /// Streams to files below `run_dir`. `containers` says how many recorders to expect, which sizes
    /// their chunks.
    ///
    /// # Errors
    /// When the folder cannot be made or the thread cannot be started.
    pub fn to_files(run_dir: &Path, format: Format, containers: usize) -> Result<Self, WriteFault> {
        let folder = run_dir.join("accounts");
        let fault = |what: std::io::Error| WriteFault { path: folder.clone(), what: what.to_string() };
        std::fs::create_dir_all(&folder).map_err(fault)?;
        let (sender, messages) = flume::bounded(QUEUE_CHUNKS);
        let pool = Pool::new(QUEUE_CHUNKS);
        let (place, returns) = (folder.clone(), pool.clone());
        let thread = std::thread::Builder::new()
            .name("barhive-records".into())
            .spawn(move || writer::run(&place, format, &messages, &returns))
            .map_err(fault)?;
        let files = Mutex::new(Some(FileThread { sender, pool, thread }));
        Ok(Self { files, folder, ..Self::curves_only(containers) })
    }

    /// Keeps curves for the page and writes no file; starts no thread.
    pub fn curves_only(containers: usize) -> Self {
        Self { accounts: Mutex::default(), containers, files: Mutex::default(), folder: PathBuf::new() }
    }

    /// A recorder for one container; a second one of the same name takes the place of the first. What its trace and retention rule out is neither collected nor
    /// written; a sliding window bounds memory, not files.
    pub fn recorder(&self, spec: &ContainerSpec, instruments: &[Instrument]) -> AccountRecorder {
        let traded =
            spec.strategies.iter().map(|s| s.instruments.len()).sum::<usize>().min(instruments.len());
        let curves = Arc::new(Mutex::new(AccountCurves {
            account: spec.name.clone(),
            equity: Curve::new(
                (64_000 / self.containers.max(1)).clamp(64, Curve::BUCKETS),
                spec.cash.to_f64(),
            ),
            marks: Marks::new(traded * self.containers.max(1)),
        }));
        let mut accounts = lock(&self.accounts);
        let account = accounts.len();
        accounts.push(Arc::clone(&curves));
        drop(accounts);

        let written = match spec.retention {
            Retention::Minimal => Wants::default(),
            Retention::TradeComplete => Wants { trades: true, ..Wants::default() },
            Retention::SlidingWindow(_) | Retention::Full => Wants::ALL,
        }
        .within(spec.trace);
        let files = lock(&self.files);
        let stream = files.as_ref().filter(|_| written != Wants::default()).map(|files| {
            let names = Arc::new(Names::new(spec, instruments));
            let open = Message::Open { account, name: spec.name.clone(), names, wants: written };
            // A thread that is gone is reported when the run finishes.
            let _ = files.sender.send(open);
            Stream {
                account,
                wants: written,
                chunk_bytes: (CHUNKS_BYTES / self.containers.max(1)).clamp(CHUNK_BYTES.1, CHUNK_BYTES.0),
                sender: files.sender.clone(),
                pool: files.pool.clone(),
                chunk: Records::default(),
            }
        });
        AccountRecorder { curves, stream }
    }

    /// Gathers what the run left. Every recorder must be dropped by now; files of one that is not are
    /// left out and named as a fault. Accounts in `quarantined` leave neither curves nor files. What is
    /// gathered is gone from the store.
    pub fn finish(&self, quarantined: &[String]) -> Recorded {
        let mut recorded = Recorded::default();
        let files = lock(&self.files).take();
        if let Some(files) = files {
            let _ = files.sender.send(Message::Finish { leave_out: quarantined.to_vec() });
            drop(files.sender);
            match files.thread.join() {
                Ok(written) => (recorded.files, recorded.faults) = (written.files, written.faults),
                Err(panic) => {
                    let what = panic
                        .downcast_ref::<String>()
                        .cloned()
                        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
                        .unwrap_or_else(|| "unknown".into());
                    let what = format!("the writing thread failed: {what}; no record file is complete");
                    recorded.faults.push(WriteFault { path: self.folder.clone(), what });
                }
            }
        }
        let accounts = mem::take(&mut *lock(&self.accounts));
        for curves in &accounts {
            let curves = mem::take(&mut *lock(curves));
            recorded.curves.retain(|earlier: &AccountCurves| earlier.account != curves.account);
            if !quarantined.contains(&curves.account) {
                recorded.curves.push(curves);
            }
        }
        recorded
    }

    /// Ends a run that has no result: nothing of it stays on the disk.
    pub fn discard(&self) {
        let names: Vec<_> = lock(&self.accounts).iter().map(|one| lock(one).account.clone()).collect();
        self.finish(&names);
        if let Some(run_dir) = self.folder.parent() {
            // What cannot be removed is of no use to anybody, and no reason to fail twice.
            let _ = earlier::remove_empty(run_dir);
        }
    }
}

/// Nothing that is guarded here is ever left half changed in a way that a report could not show.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Records one container: bounded curves for the page, and streams to files where they are wanted.
pub struct AccountRecorder {
    curves: Arc<Mutex<AccountCurves>>,
    stream: Option<Stream>,
}

struct Stream {
    account: usize,
    wants: Wants,
    chunk_bytes: usize,
    sender: flume::Sender<Message>,
    pool: Pool,
    chunk: Records,
}

impl Recorder for AccountRecorder {
    fn wants(&self) -> Wants {
        let curves = Wants { equity: true, trades: true, ..Wants::default() };
        let files = self.stream.as_ref().map_or(Wants::default(), |stream| stream.wants);
        Wants { orders: files.orders, fills: files.fills, ..curves }
    }

    fn record(&mut self, records: &Records) {
        {
            let mut curves = lock(&self.curves);
            curves.equity.extend(&records.equity);
            curves.marks.extend(&records.trades);
        }
        if let Some(stream) = &mut self.stream {
            stream.add(records);
        }
    }

    fn restart(&mut self) {
        {
            let mut curves = lock(&self.curves);
            curves.equity.clear();
            curves.marks.clear();
        }
        if let Some(stream) = &mut self.stream {
            stream.chunk.clear();
            let _ = stream.sender.send(Message::Restart(stream.account));
        }
    }
}

impl Stream {
    fn add(&mut self, records: &Records) {
        let Self { account, wants, chunk_bytes, sender, pool, chunk } = self;
        macro_rules! add {
            ($kind:ident, $message:path) => {
                if wants.$kind {
                    let mut rest = records.$kind.as_slice();
                    loop {
                        let room = room_in(&chunk.$kind, *chunk_bytes);
                        let Some((now, later)) = rest.split_at_checked(room) else { break };
                        chunk.$kind.extend_from_slice(now);
                        let full = mem::replace(&mut chunk.$kind, pool.$kind.take());
                        let _ = sender.send($message(*account, full));
                        rest = later;
                    }
                    chunk.$kind.extend_from_slice(rest);
                }
            };
        }
        add!(equity, Message::Equity);
        add!(orders, Message::Orders);
        add!(fills, Message::Fills);
        add!(trades, Message::Trades);
    }
}

/// Rows that a chunk takes before it is full.
fn room_in<R>(chunk: &[R], chunk_bytes: usize) -> usize {
    (chunk_bytes / size_of::<R>()).saturating_sub(chunk.len())
}

impl Drop for Stream {
    /// Hands over what is left; a panic that unwinds through here ends in a restart or a quarantine.
    fn drop(&mut self) {
        let chunk = mem::take(&mut self.chunk);
        let _ = self.sender.send(Message::Equity(self.account, chunk.equity));
        let _ = self.sender.send(Message::Orders(self.account, chunk.orders));
        let _ = self.sender.send(Message::Fills(self.account, chunk.fills));
        let _ = self.sender.send(Message::Trades(self.account, chunk.trades));
        let _ = self.sender.send(Message::Close(self.account));
    }
}
