//! The one thread that encodes and writes the records of all containers.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use barhive_engine::record::{EquityPoint, Fill, OrderEvent, Trade, Wants};
use parquet::errors::ParquetError;

use super::{
    Format, WriteFault,
    parquet::ParquetFile,
    place::{GrowingFile, file_name},
    rows::{Names, Row},
    text::{Spelling, TextFile},
};

/// What a recorder tells the thread. Accounts are counted in the order in which they were opened.
pub(super) enum Message {
    /// An account begins.
    Open {
        account: usize,
        name: String,
        names: Arc<Names>,
        wants: Wants,
    },
    Equity(usize, Vec<EquityPoint>),
    Orders(usize, Vec<OrderEvent>),
    Fills(usize, Vec<Fill>),
    Trades(usize, Vec<Trade>),
    /// An account begins again.
    Restart(usize),
    /// An account is complete.
    Close(usize),
    /// Nothing more will come; the accounts named leave no files.
    Finish {
        leave_out: Vec<String>,
    },
}

/// Emptied chunks on their way back to the recorders.
#[derive(Clone)]
pub(super) struct Pool {
    pub(super) equity: Returns<EquityPoint>,
    pub(super) orders: Returns<OrderEvent>,
    pub(super) fills: Returns<Fill>,
    pub(super) trades: Returns<Trade>,
}

/// A bounded stack of empty chunks of one kind.
pub(super) struct Returns<R> {
    give: flume::Sender<Vec<R>>,
    take: flume::Receiver<Vec<R>>,
}

impl<R> Clone for Returns<R> {
    fn clone(&self) -> Self {
        Self { give: self.give.clone(), take: self.take.clone() }
    }
}

impl<R> Returns<R> {
    fn new(chunks: usize) -> Self {
        let (give, take) = flume::bounded(chunks);
        Self { give, take }
    }

    /// An empty chunk, used before if one is there.
    pub(super) fn take(&self) -> Vec<R> {
        self.take.try_recv().unwrap_or_default()
    }

    /// Gives a chunk back; one too many is freed.
    fn give(&self, mut chunk: Vec<R>) {
        chunk.clear();
        let _ = self.give.try_send(chunk);
    }
}

impl Pool {
    pub(super) fn new(chunks: usize) -> Self {
        Self {
            equity: Returns::new(chunks),
            orders: Returns::new(chunks),
            fills: Returns::new(chunks),
            trades: Returns::new(chunks),
        }
    }
}

/// What the thread leaves.
#[derive(Default)]
pub(super) struct Written {
    pub(super) files: Vec<PathBuf>,
    pub(super) faults: Vec<WriteFault>,
}

/// Runs until [`Message::Finish`], or until every sender is gone, which leaves no file.
pub(super) fn run(
    accounts_dir: &Path,
    format: Format,
    messages: &flume::Receiver<Message>,
    pool: &Pool,
) -> Written {
    let mut accounts: Vec<Option<Account>> = Vec::new();
    for message in messages {
        let mut with = |account: usize, act: &mut dyn FnMut(&mut Account)| {
            accounts.get_mut(account).and_then(Option::as_mut).map(act);
        };
        match message {
            Message::Open { account, name, names, wants } => {
                // The temporary files of a recorder that this one replaces have the same names.
                accounts
                    .iter_mut()
                    .filter(|a| a.as_ref().is_some_and(|a| a.name == name))
                    .for_each(|a| *a = None);
                if accounts.len() <= account {
                    accounts.resize_with(account + 1, || None);
                }
                accounts[account] = Some(Account::new(accounts_dir, format, name, names, wants));
            }
            Message::Equity(account, rows) => {
                with(account, &mut |a| a.equity.write(&rows, &a.names));
                pool.equity.give(rows);
            }
            Message::Orders(account, rows) => {
                with(account, &mut |a| a.orders.write(&rows, &a.names));
                pool.orders.give(rows);
            }
            Message::Fills(account, rows) => {
                with(account, &mut |a| a.fills.write(&rows, &a.names));
                pool.fills.give(rows);
            }
            Message::Trades(account, rows) => {
                with(account, &mut |a| a.trades.write(&rows, &a.names));
                pool.trades.give(rows);
            }
            Message::Restart(account) => with(account, &mut Account::restart),
            Message::Close(account) => with(account, &mut |a| a.complete = true),
            Message::Finish { leave_out } => return finish(accounts, &leave_out),
        }
    }
    Written::default()
}

fn finish(accounts: Vec<Option<Account>>, leave_out: &[String]) -> Written {
    let mut written = Written::default();
    for account in accounts.into_iter().flatten().filter(|a| !leave_out.contains(&a.name)) {
        account.finish(&mut written);
    }
    written
}

/// The files of one account.
struct Account {
    name: String,
    folder: PathBuf,
    format: Format,
    wants: Wants,
    names: Arc<Names>,
    complete: bool,
    equity: Stream<EquityPoint>,
    orders: Stream<OrderEvent>,
    fills: Stream<Fill>,
    trades: Stream<Trade>,
}

impl Account {
    fn new(accounts_dir: &Path, format: Format, name: String, names: Arc<Names>, wants: Wants) -> Self {
        let folder = accounts_dir.join(file_name(&name));
        let mut account = Self {
            name,
            folder,
            format,
            wants,
            names,
            complete: false,
            equity: Stream::Unwanted,
            orders: Stream::Unwanted,
            fills: Stream::Unwanted,
            trades: Stream::Unwanted,
        };
        account.restart();
        account
    }

    fn restart(&mut self) {
        self.complete = false;
        self.equity.restart(self.wants.equity, &self.folder, self.format);
        self.orders.restart(self.wants.orders, &self.folder, self.format);
        self.fills.restart(self.wants.fills, &self.folder, self.format);
        self.trades.restart(self.wants.trades, &self.folder, self.format);
    }

    fn finish(self, written: &mut Written) {
        if !self.complete {
            written.faults.push(WriteFault {
                path: self.folder,
                what: format!(
                    "account {} was still recording when the run ended; its files are left out",
                    self.name
                ),
            });
            return;
        }
        self.equity.finish(written);
        self.orders.finish(written);
        self.fills.finish(written);
        self.trades.finish(written);
    }
}

/// One file, until a fault ends it.
enum Stream<R> {
    Unwanted,
    Open(PathBuf, Box<Encoder<R>>),
    Failed(WriteFault),
}

enum Encoder<R> {
    Parquet(ParquetFile<R>),
    Text(TextFile),
}

impl<R: Row> Stream<R> {
    fn restart(&mut self, wanted: bool, folder: &Path, format: Format) {
        // The old file goes first: the new one has the same temporary name.
        *self = Self::Unwanted;
        if wanted {
            let path = folder.join(format!("{}.{}", R::FILE, format.ending()));
            *self = match Encoder::create(folder, path.clone(), format) {
                Ok(encoder) => Self::Open(path, Box::new(encoder)),
                Err(what) => Self::Failed(WriteFault { path, what }),
            };
        }
    }

    fn write(&mut self, rows: &[R], names: &Names) {
        let Self::Open(path, encoder) = self else { return };
        let outcome = match &mut **encoder {
            Encoder::Parquet(file) => file.write(rows, names).map_err(in_words),
            Encoder::Text(file) => file.write(rows, names).map_err(|fault| fault.to_string()),
        };
        if let Err(what) = outcome {
            *self = Self::Failed(WriteFault { path: std::mem::take(path), what });
        }
    }

    fn finish(self, written: &mut Written) {
        match self {
            Self::Unwanted => {}
            Self::Failed(fault) => written.faults.push(fault),
            Self::Open(path, encoder) => {
                let outcome = match *encoder {
                    Encoder::Parquet(file) => file.finish().map_err(in_words),
                    Encoder::Text(file) => file.finish().map_err(|fault| fault.to_string()),
                };
                match outcome {
                    Ok(()) => written.files.push(path),
                    Err(what) => written.faults.push(WriteFault { path, what }),
                }
            }
        }
    }
}

impl<R: Row> Encoder<R> {
    fn create(folder: &Path, path: PathBuf, format: Format) -> Result<Self, String> {
        let file = std::fs::create_dir_all(folder)
            .and_then(|()| GrowingFile::create(path))
            .map_err(|fault| fault.to_string())?;
        let text = |file, spelling| TextFile::new::<R>(file, spelling).map(Self::Text);
        match format {
            Format::Parquet => ParquetFile::new(file).map(Self::Parquet).map_err(in_words),
            Format::Csv => text(file, Spelling::Csv).map_err(|fault| fault.to_string()),
            Format::JsonLines => text(file, Spelling::JsonLines).map_err(|fault| fault.to_string()),
        }
    }
}

/// The operating system's words where it is to blame, the library's otherwise.
fn in_words(fault: ParquetError) -> String {
    match fault {
        ParquetError::External(cause) => match cause.downcast::<io::Error>() {
            Ok(cause) => cause.to_string(),
            Err(cause) => cause.to_string(),
        },
        other => other.to_string(),
    }
}
