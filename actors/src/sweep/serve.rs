//! A worker process, from within: reads its sweep, runs the passes that it is told to, and beats.
//!
//! Heartbeats come from the work itself, between two containers: a worker that hangs does not beat. A
//! second thread only listens, so that a pass can be paused and cancelled.

use std::{
    fs::File,
    io::{self, Read, Write},
    sync::Arc,
    time::Duration,
};

use barhive_engine::{
    Registry,
    pass::RunError,
    sweep::{PassBlock, PassPart, PassWatch, SweepSpec, VariantRange, watch_pass},
};
use barhive_machine::process::{Memory, die_with_parent, pin, stand_back, volunteer};

use super::{
    protocol::{FrameError, Hello, PART, Reply, Request, read_frame, write_frame},
    thread::PAUSE_LOOK,
    times::{PassClock, PassTimes},
};
use crate::{
    clock::Stopwatch,
    control::{Control, Order},
    supervisor::guarded,
};

/// Time between two heartbeats.
const BEAT: Duration = Duration::from_millis(200);

/// Why a worker process ends without having been told to.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The coordinator, or what pretends to be one, does not keep to the protocol.
    #[error("the coordinator cannot be understood: {0}")]
    Protocol(String),
    /// The system refuses what a worker needs.
    #[error("a worker cannot work here: {0}")]
    System(#[from] io::Error),
}

impl From<FrameError> for ServeError {
    fn from(error: FrameError) -> Self {
        Self::Protocol(error.to_string())
    }
}

/// Takes standard input and output as the pipes of a worker process, out of reach of whatever else in
/// the process reads or prints: what is printed from now on goes to standard error.
///
/// # Errors
/// When the system refuses.
pub fn worker_pipes() -> io::Result<(File, File)> {
    use rustix::{io::fcntl_dupfd_cloexec, stdio};

    let input = fcntl_dupfd_cloexec(stdio::stdin(), 3)?;
    let output = fcntl_dupfd_cloexec(stdio::stdout(), 3)?;
    stdio::dup2_stdin(File::open("/dev/null")?)?;
    stdio::dup2_stdout(stdio::stderr())?;
    Ok((input.into(), output.into()))
}

/// Is a worker process: serves the coordinator at the other end of `input` and `output` until it says
/// stop or is gone. `load` makes the sweep from the payload of the
/// [`ProcessSpec`](super::ProcessSpec) that the process was started by.
///
/// To be called on the main thread of a process of its own: it limits the memory of the whole process,
/// and lets it die with its parent.
///
/// # Errors
/// When the coordinator breaks the protocol, or the system refuses what a worker needs. A sweep that
/// cannot be loaded is the coordinator's to report.
pub fn serve_worker(
    mut input: impl Read + Send + 'static,
    output: impl Write,
    load: impl FnOnce(&[u8]) -> Result<(SweepSpec, Registry), String>,
) -> Result<(), ServeError> {
    die_with_parent()?;
    volunteer();
    let mut voice = Voice { output, watch: Stopwatch::start() };
    let hello = match read_frame(&mut input)? {
        Some(Request::Hello(hello)) => hello,
        Some(_) => return Err(ServeError::Protocol("expected a greeting".to_owned())),
        None => return Ok(()),
    };
    settle(&hello);
    let loaded = guarded(|| load(&hello.payload)).unwrap_or_else(|panic| Err(format!("it panics: {panic}")));
    let (spec, registry) = match loaded {
        Ok(loaded) => loaded,
        Err(reason) => {
            // Whoever does not hear it is gone.
            let _ = voice.say(&Reply::Fatal { reason });
            return Ok(());
        }
    };
    let control = Arc::new(Control::default());
    let (tasks, inbox) = flume::bounded(1);
    let ear = Arc::clone(&control);
    std::thread::Builder::new()
        .name("barhive-worker-ear".to_owned())
        .spawn(move || listen(input, &ear, &tasks))?;
    let memory = Memory::from_now().inspect_err(|why| tracing::warn!("{why}: it is not limited")).ok();
    let worker = Worker { spec, registry, control, memory };
    let mut heard = voice.say(&Reply::Ready);
    while heard.is_ok() {
        let Ok((lease, range, memory_max)) = inbox.recv() else { break };
        heard = worker.run(&mut voice, lease, range, memory_max);
    }
    match heard {
        Err(FrameError::TooLong(_) | FrameError::Body(_)) => Ok(heard?),
        // A coordinator that does not listen any more is no fault of the worker's.
        _ => Ok(()),
    }
}

/// Takes the place that the coordinator gives it; where that is refused, works anywhere.
fn settle(hello: &Hello) {
    for refused in [pin(&hello.affinity, hello.worker), stand_back(hello.nice)] {
        if let Err(why) = refused {
            tracing::warn!(worker = hello.worker, "{why}");
        }
    }
}

type Task = (u64, VariantRange, u64);

/// Hears the coordinator while the worker works; when it is gone, everything is given up.
fn listen(mut input: impl Read, control: &Control, tasks: &flume::Sender<Task>) {
    loop {
        match read_frame(&mut input) {
            Ok(Some(Request::Run { lease, range, memory_max })) => {
                // One at a time: a coordinator that sends more waits.
                if tasks.send((lease, range, memory_max)).is_err() {
                    return;
                }
            }
            Ok(Some(Request::Pause)) => control.pause(),
            Ok(Some(Request::Resume)) => control.resume(),
            Ok(Some(Request::Hello(_) | Request::Cancel | Request::Stop) | None) | Err(_) => {
                return control.cancel();
            }
        }
    }
}

/// The way to the coordinator.
struct Voice<W> {
    output: W,
    watch: Stopwatch,
}

impl<W: Write> Voice<W> {
    fn say(&mut self, reply: &Reply) -> Result<(), FrameError> {
        self.watch = Stopwatch::start();
        write_frame(&mut self.output, reply)
    }

    /// Says that it works, where it has been quiet for long enough.
    fn beat(&mut self, fed: u64) -> Result<(), FrameError> {
        if self.watch.elapsed() < BEAT { Ok(()) } else { self.say(&Reply::Beat { fed }) }
    }

    fn results(&mut self, lease: u64, block: PassBlock, times: PassTimes) -> Result<(), FrameError> {
        let PassBlock { range, variants, work } = block;
        let mut variants = variants.into_iter().peekable();
        while variants.peek().is_some() {
            let variants = variants.by_ref().take(PART).collect();
            self.say(&Reply::Part { lease, variants })?;
        }
        self.say(&Reply::Done { lease, range, work, times })
    }
}

/// Looks on while a pass runs, and says that it does.
struct Look<'w, W> {
    voice: &'w mut Voice<W>,
    control: &'w Control,
    clock: PassClock,
}

impl<W: Write> PassWatch for Look<'_, W> {
    fn goes_on(&mut self, fed: u64) -> bool {
        loop {
            if self.voice.beat(fed).is_err() {
                return false;
            }
            match self.control.order() {
                Order::Work => return true,
                Order::Cancel => return false,
                Order::Pause => self.clock.held(|| std::thread::park_timeout(PAUSE_LOOK)),
            }
        }
    }

    fn enters(&mut self, part: PassPart) {
        self.clock.enter(part);
    }
}

struct Worker {
    spec: SweepSpec,
    registry: Registry,
    control: Arc<Control>,
    memory: Option<Memory>,
}

impl Worker {
    fn run<W: Write>(
        &self,
        voice: &mut Voice<W>,
        lease: u64,
        range: VariantRange,
        memory_max: u64,
    ) -> Result<(), FrameError> {
        if let Some(Err(why)) = self.memory.as_ref().map(|memory| memory.allow(memory_max)) {
            tracing::warn!("{why}");
        }
        let mut look = Look { voice: &mut *voice, control: &self.control, clock: PassClock::start() };
        let ended = guarded(|| watch_pass(&self.spec, &self.registry, range, &mut look));
        let clock = look.clock;
        match ended {
            Ok(Ok(block)) => voice.results(lease, block, clock.stop()),
            Ok(Err(RunError::Cancelled)) => voice.say(&Reply::Cancelled),
            Ok(Err(error)) => voice.say(&Reply::Fatal { reason: error.to_string() }),
            Err(reason) => voice.say(&Reply::Failed { lease, reason }),
        }
    }
}
