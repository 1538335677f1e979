//! The server's end of the socket: a thread that accepts, and one for each client.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::Shutdown,
    os::unix::{
        fs::PermissionsExt,
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread::JoinHandle,
    time::Duration,
};

use barhive_engine::jobs::PausedBy;

use crate::{
    execution::ExecutionManager,
    view::{JobChange, JobView, ServeError},
    wire::{Answer, LINE_BYTES_MAX, Request, answer_line, read_request},
};

/// Clients at the same time.
const CLIENTS_MAX: usize = 1_024;
/// How long a client may take to read its answer.
const WRITE_MAX: Duration = Duration::from_secs(10);
/// A client's thread has little to do.
const STACK_BYTES: usize = 256 << 10;

/// A socket that answers until it is dropped.
pub struct Socket {
    path: PathBuf,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    manager: Arc<ExecutionManager>,
    is_closed: AtomicBool,
    clients: Mutex<BTreeMap<u64, Arc<UnixStream>>>,
}

impl Socket {
    /// Listens at `path`, for its owner only. What a server that was killed has left there is replaced: hold the
    /// lock of the folder.
    ///
    /// # Errors
    /// The system refuses; a path beyond some 100 bytes is too long for a socket.
    pub fn open(path: &Path, manager: Arc<ExecutionManager>) -> io::Result<Self> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        let shared =
            Arc::new(Shared { manager, is_closed: AtomicBool::new(false), clients: Mutex::default() });
        let accepts = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("barhive-socket".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || accept(&listener, &accepts))?;
        Ok(Self { path: path.to_owned(), shared, thread: Some(thread) })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.shared.is_closed.store(true, SeqCst);
        // The thread sleeps until somebody comes.
        let woken = UnixStream::connect(&self.path).is_ok();
        if let Some(thread) = self.thread.take().filter(|_| woken) {
            drop(thread.join());
        }
        drop(fs::remove_file(&self.path));
        for client in self.shared.clients().values() {
            drop(client.shutdown(Shutdown::Both));
        }
    }
}

impl Shared {
    fn clients(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Arc<UnixStream>>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn accept(listener: &UnixListener, shared: &Arc<Shared>) {
    let mut number = 0;
    while !shared.is_closed.load(SeqCst) {
        let client = match listener.accept() {
            Ok((client, _)) => Arc::new(client),
            Err(error) => {
                // Out of descriptors: some client will leave.
                tracing::warn!("a client cannot be accepted: {error}");
                std::thread::sleep(Duration::from_millis(50));
                continue;
            }
        };
        number += 1;
        if let Err(why) = welcome(number, &client, shared) {
            shared.clients().remove(&number);
            drop(say(&client, Err(why)));
        }
    }
}

fn welcome(number: u64, client: &Arc<UnixStream>, shared: &Arc<Shared>) -> Result<(), String> {
    let system = |error: io::Error| format!("the server cannot take a client: {error}; try again later");
    client.set_write_timeout(Some(WRITE_MAX)).map_err(system)?;
    let stream = Arc::clone(client);
    {
        let mut clients = shared.clients();
        if clients.len() >= CLIENTS_MAX {
            return Err(format!("{CLIENTS_MAX} clients are connected, and no more may be: try again later"));
        }
        clients.insert(number, Arc::clone(client));
    }
    let serves = Arc::clone(shared);
    let thread = std::thread::Builder::new().name("barhive-client".to_owned()).stack_size(STACK_BYTES);
    let serve = move || {
        // A client that leaves in the middle of a line is gone, and that is all.
        let _ = converse(&stream, &serves.manager);
        serves.clients().remove(&number);
    };
    thread.spawn(serve).map(drop).map_err(system)
}

/// Answers a client line by line until it leaves.
fn converse(stream: &UnixStream, manager: &ExecutionManager) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        (&mut reader).take(LINE_BYTES_MAX as u64).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(());
        }
        if line.last() != Some(&b'\n') && line.len() >= LINE_BYTES_MAX {
            // Where the next line begins nobody knows.
            return say(
                stream,
                Err(format!("the request is longer than {LINE_BYTES_MAX} bytes: shorten it")),
            );
        }
        let asked = read_request(&line);
        say(stream, asked.and_then(|request| answer(request, manager).map_err(|why| why.to_string())))?;
    }
}

fn say(mut stream: &UnixStream, answer: Result<Answer, String>) -> io::Result<()> {
    stream.write_all(answer_line(answer).map_err(io::Error::other)?.as_bytes())
}

fn answer(request: Request, manager: &ExecutionManager) -> Result<Answer, ServeError> {
    let change = |job, change, reason| manager.change(job, change, reason).map(|()| Answer::Done);
    match request {
        Request::Submit { request } => manager.submit(request).map(|job| Answer::Submitted { job }),
        Request::List => {
            manager.jobs().map(|jobs| Answer::Jobs(jobs.into_iter().map(JobView::brief).collect()))
        }
        Request::Show { job } => manager.job(job).map(|job| Answer::Job(Box::new(job))),
        Request::Pause { job } => change(job, JobChange::Pause(PausedBy::Owner), "paused by its owner"),
        Request::Resume { job } => change(job, JobChange::Resume(PausedBy::Owner), "resumed by its owner"),
        Request::Cancel { job } => change(job, JobChange::Cancel, "cancelled by its owner"),
        Request::Mode { mode } => manager.set_mode(mode).map(|()| Answer::Done),
        Request::Live(report) => manager.live(report).map(|()| Answer::Done),
        Request::Status => manager.status().map(|status| Answer::Status(Box::new(status))),
    }
}
