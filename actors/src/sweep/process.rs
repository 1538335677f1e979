//! Workers that are processes of their own: they survive whatever one of them does to itself.
//!
//! The coordinator starts them from its own thread, which outlives them: they die with it.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, BufReader, Read, Write},
    os::{
        fd::OwnedFd,
        unix::process::{CommandExt, ExitStatusExt},
    },
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering::SeqCst},
    },
    thread::JoinHandle,
    time::Duration,
};

use barhive_engine::sweep::{PassBlock, Variant};
use barhive_machine::process::Affinity;

use super::{
    progress::SweepProgress,
    protocol::{FrameError, Hello, Reply, Request, read_frame, write_frame},
    worker::{What, Word},
};
use crate::clock::Stopwatch;

/// How worker processes are started, and what they may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessSpec {
    /// The program: one that calls [`serve_worker`](super::serve_worker).
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// What its environment has beyond the coordinator's own.
    pub env: Vec<(OsString, OsString)>,
    /// Tells the program which sweep: handed to its `load` as it is. At most 60 MB.
    pub payload: Vec<u8>,
    /// Bytes of memory that a worker may take beyond the sweep itself. Mapped files are not counted.
    pub memory_max: u64,
    /// Bytes that each variant of a pass is counted with: a pass of few variants may take less than
    /// [`memory_max`](Self::memory_max).
    pub container_memory_max: u64,
    /// On which cores they run.
    pub affinity: Affinity,
    /// How far they stand back behind other processes, up to 19; 0 leaves it as it is.
    pub nice: i32,
    /// When they are given up.
    pub patience: Patience,
}

/// 1 GB.
const GIB: u64 = 1 << 30;

impl ProcessSpec {
    /// Workers that run `program`, told `payload`, with the usual limits: 1 GB counted per variant, 4 GB
    /// per process, any core.
    pub fn new(program: impl Into<PathBuf>, payload: Vec<u8>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            payload,
            memory_max: 4 * GIB,
            container_memory_max: GIB,
            affinity: Affinity::default(),
            nice: 0,
            patience: Patience::default(),
        }
    }

    /// What a pass of so many variants may take, in bytes.
    pub(super) fn memory_of(&self, variants: u64) -> u64 {
        self.container_memory_max.saturating_mul(variants.max(1)).min(self.memory_max)
    }
}

/// How long worker processes are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// A worker is heard of this often while it works.
    pub heartbeat: Duration,
    /// One that misses so many heartbeats in a row is replaced.
    pub missed_max: u32,
    /// Until a worker has read its sweep.
    pub start_max: Duration,
    /// From the request to end until it is made to.
    pub end_max: Duration,
}

impl Patience {
    /// How long a worker may be silent while it works.
    pub fn silence_max(&self) -> Duration {
        self.heartbeat * self.missed_max
    }
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_millis(500),
            missed_max: 3,
            start_max: Duration::from_secs(30),
            end_max: Duration::from_secs(1),
        }
    }
}

/// Which worker this is: its place, and which of those that had it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seat {
    pub(super) worker: usize,
    pub(super) generation: u64,
}

/// What a worker's reader and its coordinator know of it at the same time.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    /// Words heard so far, beats counted.
    words: AtomicU64,
    /// Words passed on to the coordinator, which may not have come to them yet.
    passed_on: AtomicU64,
    /// Variants that it has in hand; none once it is given up.
    in_hand: AtomicU64,
    /// What it has printed to standard error about its end.
    confessed: AtomicU8,
}

/// What Rust prints before it aborts a process, and what that means.
const CONFESSIONS: [(&[u8], u8); 2] =
    [(b"memory allocation of ", OUT_OF_MEMORY), (b"has overflowed its stack", STACK_OVERFLOW)];
const OUT_OF_MEMORY: u8 = 1;
const STACK_OVERFLOW: u8 = 2;

/// A worker process, as its coordinator holds it. Dropped, it is killed.
pub(super) struct ProcessWorker {
    child: Child,
    input: File,
    pulse: Arc<Pulse>,
    printer: Option<JoinHandle<()>>,
}

/// How a worker process ended.
pub(super) struct End {
    pub(super) status: ExitStatus,
    confessed: u8,
}

impl End {
    /// Whether it ended for want of memory.
    pub(super) fn is_out_of_memory(&self) -> bool {
        self.status.signal().is_some() && self.confessed & OUT_OF_MEMORY != 0
    }

    /// In words.
    pub(super) fn reason(&self) -> String {
        if self.status.signal().is_some() && self.confessed & STACK_OVERFLOW != 0 {
            return "stack overflow".to_owned();
        }
        match (self.status.signal(), self.status.code()) {
            (Some(signal), _) => format!("killed by signal {signal}"),
            (None, Some(code)) => format!("exited with code {code}"),
            (None, None) => "ended".to_owned(),
        }
    }
}

impl ProcessWorker {
    /// Starts a worker; it says when it is ready.
    pub(super) fn start(
        spec: &Arc<ProcessSpec>,
        seat: Seat,
        words: flume::Sender<Word>,
        progress: Arc<SweepProgress>,
    ) -> io::Result<Self> {
        let mut command = Command::new(&spec.program);
        command.args(&spec.args).envs(spec.env.iter().cloned());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Ctrl-C in a terminal is for the coordinator, which keeps what is done before it ends.
        command.process_group(0);
        let mut child = command.spawn()?;
        let (Some(input), Some(output), Some(printed)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            unreachable!("all three are pipes");
        };
        let input = File::from(OwnedFd::from(input));
        let pulse = Arc::<Pulse>::default();
        let mut worker = Self { child, input, pulse: Arc::clone(&pulse), printer: None };
        let kept = Arc::clone(&pulse);
        let printer = thread(format!("barhive-err-{}", seat.worker), move || print(printed, &kept))?;
        worker.printer = Some(printer);
        let (spec, greeted) = (Arc::clone(spec), worker.input.try_clone()?);
        // It greets, too: a payload may be more than a pipe holds.
        thread(format!("barhive-pipe-{}", seat.worker), move || {
            let listener = Listener { seat, pulse, progress };
            let broke = listener.greet(&spec, greeted).and_then(|()| listener.listen(output, &words));
            let what = What::Gone { broke: broke.err().map(|error| error.to_string()) };
            listener.pulse.passed_on.fetch_add(1, SeqCst);
            // Nobody is there any more when the sweep has ended.
            let _ = words.send(Word { worker: seat.worker, generation: seat.generation, what });
        })?;
        Ok(worker)
    }

    /// Its number for the system.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Words heard of it so far, beats counted.
    pub(super) fn words(&self) -> u64 {
        self.pulse.words.load(SeqCst)
    }

    /// Words of it that were passed on to the coordinator.
    pub(super) fn passed_on(&self) -> u64 {
        self.pulse.passed_on.load(SeqCst)
    }

    /// Tells it something; a worker that is gone says so another way.
    pub(super) fn tell(&mut self, request: &Request) {
        if let Request::Run { range, .. } = request {
            self.pulse.in_hand.store(range.len(), SeqCst);
        }
        let _ = write_frame(&mut self.input, request);
    }

    /// What it says from now on is not heard; it is asked to end.
    pub(super) fn give_up(&mut self) {
        self.pulse.in_hand.store(0, SeqCst);
        self.signal(rustix::process::Signal::TERM);
    }

    /// Kills it at once.
    pub(super) fn kill(&mut self) {
        // It has ended in the meantime where this fails.
        let _ = self.child.kill();
    }

    /// Whether it has ended.
    pub(super) fn has_ended(&mut self) -> bool {
        // What cannot be waited for is not there.
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for it to end, and makes it.
    pub(super) fn end(mut self, patience: Duration) -> Option<End> {
        self.wait(patience);
        let status = self.child.wait().ok()?;
        // Somebody whom it started may hold its standard error for ever.
        let watch = Stopwatch::start();
        while self.printer.as_ref().is_some_and(|printer| !printer.is_finished())
            && watch.elapsed() < PRINTED_MAX
        {
            std::thread::sleep(LOOK);
        }
        Some(End { status, confessed: self.pulse.confessed.load(SeqCst) })
    }

    fn wait(&mut self, patience: Duration) {
        let watch = Stopwatch::start();
        while !self.has_ended() {
            if watch.elapsed() >= patience {
                return self.kill();
            }
            std::thread::sleep(LOOK);
        }
    }

    fn signal(&mut self, signal: rustix::process::Signal) {
        // As long as nobody has waited for it, its number is its own.
        if !self.has_ended()
            && let Some(pid) = rustix::process::Pid::from_raw(self.child.id() as i32)
        {
            let _ = rustix::process::kill_process(pid, signal);
        }
    }
}

impl Drop for ProcessWorker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How often a process is looked at that is about to end.
const LOOK: Duration = Duration::from_millis(1);
/// How long what a process has printed is waited for when it has ended.
const PRINTED_MAX: Duration = Duration::from_millis(200);

fn thread(name: String, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name).stack_size(256 << 10).spawn(work)
}

/// Passes on what a worker prints, and listens for why it is about to abort.
fn print(mut printed: impl Read, pulse: &Pulse) {
    let mut bytes = [0; 1_024];
    let mut seen = Vec::new();
    while let Ok(read @ 1..) = printed.read(&mut bytes) {
        seen.extend_from_slice(&bytes[..read]);
        for (confession, what) in CONFESSIONS {
            if seen.windows(confession.len()).any(|window| window == confession) {
                pulse.confessed.fetch_or(what, SeqCst);
            }
        }
        // What may be the beginning of it.
        seen.drain(..seen.len().saturating_sub(32));
        // Where nobody listens, nobody misses it.
        let _ = io::stderr().write_all(&bytes[..read]);
    }
}

/// The thread at the other end of a worker's pipes.
struct Listener {
    seat: Seat,
    pulse: Arc<Pulse>,
    progress: Arc<SweepProgress>,
}

/// Why a worker is not listened to any more.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("it says what nobody asked for")]
    Unasked,
}

impl Listener {
    fn greet(&self, spec: &ProcessSpec, mut input: File) -> Result<(), Broken> {
        let hello = Hello {
            worker: self.seat.worker as u64,
            affinity: spec.affinity.clone(),
            nice: spec.nice,
            payload: spec.payload.clone(),
        };
        match write_frame(&mut input, &Request::Hello(hello)) {
            // It has ended: what its output holds, and how it ended, says more.
            Err(FrameError::Pipe(_)) => Ok(()),
            told => Ok(told?),
        }
    }

    /// Turns frames into words until there is none left.
    fn listen(&self, output: impl Read, words: &flume::Sender<Word>) -> Result<(), Broken> {
        let mut output = BufReader::with_capacity(64 << 10, output);
        let mut parts: Vec<Variant> = Vec::new();
        while let Some(reply) = read_frame(&mut output)? {
            self.pulse.words.fetch_add(1, SeqCst);
            let in_hand = self.pulse.in_hand.load(SeqCst);
            let what = match reply {
                Reply::Ready => What::Ready,
                Reply::Beat { fed } => {
                    if in_hand > 0 {
                        self.progress.fed(self.seat.worker, fed);
                    }
                    continue;
                }
                Reply::Part { variants, .. } => {
                    if (parts.len() + variants.len()) as u64 > in_hand {
                        return Err(Broken::Unasked);
                    }
                    parts.extend(variants);
                    continue;
                }
                Reply::Done { lease, range, work, times } => {
                    let variants = std::mem::take(&mut parts);
                    if !variants.iter().map(|variant| variant.index).eq(range.iter()) {
                        return Err(Broken::Unasked);
                    }
                    let block = Box::new(PassBlock { range, variants, work });
                    What::Done { lease, block, times }
                }
                Reply::Cancelled => What::Cancelled,
                Reply::Failed { lease, reason } => What::Failed { lease, reason },
                Reply::Fatal { reason } => What::Fatal { reason },
            };
            parts.clear();
            self.pulse.passed_on.fetch_add(1, SeqCst);
            let word = Word { worker: self.seat.worker, generation: self.seat.generation, what };
            if words.send(word).is_err() {
                break;
            }
        }
        Ok(())
    }
}
