//! Workers that are threads of this process. They survive panics; they share everything else.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::JoinHandle,
};

use barhive_engine::{
    Registry,
    pass::RunError,
    sweep::{Lease, PassPart, PassWatch, SweepSpec, watch_pass},
};

use super::{
    progress::SweepProgress,
    times::PassClock,
    worker::{Task, What, Word},
};
use crate::{
    control::{Control, Order},
    supervisor::guarded,
};

/// How many looks at the switch a worker makes between two words on how far it is.
const LOOKS_PER_WORD: u32 = 64;

/// What a worker thread works with.
pub(super) struct Shared {
    pub(super) spec: Arc<SweepSpec>,
    pub(super) registry: Arc<Registry>,
    pub(super) control: Arc<Control>,
    pub(super) progress: Arc<SweepProgress>,
    pub(super) words: flume::Sender<Word>,
    /// By worker: whether it may not work now.
    pub(super) held: Vec<AtomicBool>,
}

/// A worker thread, as its coordinator holds it.
pub(super) struct ThreadWorker {
    /// Gone once it is joined: a thread whose room is taken by a pass does not hear that it should stop.
    tasks: Option<flume::Sender<Task>>,
    thread: Option<JoinHandle<()>>,
}

impl ThreadWorker {
    pub(super) fn start(worker: usize, generation: u64, shared: Arc<Shared>) -> std::io::Result<Self> {
        let (tasks, inbox) = flume::bounded(1);
        let thread = std::thread::Builder::new()
            .name(format!("barhive-sweep-{worker}"))
            .spawn(move || work(worker, generation, &shared, &inbox))?;
        Ok(Self { tasks: Some(tasks), thread: Some(thread) })
    }

    /// Gives it something to do; a worker has one task at a time, so there is always room.
    pub(super) fn tell(&self, task: Task) {
        // A thread that is gone has said so.
        let _ = self.tasks.as_ref().map(|tasks| tasks.try_send(task));
    }

    pub(super) fn join(&mut self) {
        self.tasks = None;
        if let Some(thread) = self.thread.take() {
            // Its panics were caught; what is left to say was said.
            let _ = thread.join();
        }
    }
}

fn work(worker: usize, generation: u64, shared: &Shared, inbox: &flume::Receiver<Task>) {
    let say = |what| shared.words.send(Word { worker, generation, what }).is_ok();
    let mut listened = say(What::Ready);
    while listened {
        let Ok(Task::Run(lease)) = inbox.recv() else { break };
        let what = guarded(|| run(worker, shared, lease))
            .unwrap_or_else(|reason| What::Failed { lease: lease.id, reason });
        listened = say(what);
    }
}

fn run(worker: usize, shared: &Shared, lease: Lease) -> What {
    let mut look = Look { worker, shared, looks: 0, clock: PassClock::start() };
    match watch_pass(&shared.spec, &shared.registry, lease.range, &mut look) {
        Ok(block) => What::Done { lease: lease.id, block: Box::new(block), times: look.clock.stop() },
        Err(RunError::Cancelled) => What::Cancelled,
        Err(error) => What::Fatal { reason: error.to_string() },
    }
}

/// Looks on while a pass runs.
struct Look<'s> {
    worker: usize,
    shared: &'s Shared,
    looks: u32,
    clock: PassClock,
}

impl PassWatch for Look<'_> {
    fn goes_on(&mut self, fed: u64) -> bool {
        let Self { worker, shared, looks, clock } = self;
        *looks += 1;
        if looks.is_multiple_of(LOOKS_PER_WORD) {
            shared.progress.fed(*worker, fed);
        }
        loop {
            match shared.control.order() {
                Order::Work if !shared.held[*worker].load(Relaxed) => return true,
                Order::Cancel => return false,
                Order::Work | Order::Pause => clock.held(|| std::thread::park_timeout(PAUSE_LOOK)),
            }
        }
    }

    fn enters(&mut self, part: PassPart) {
        self.clock.enter(part);
    }
}

/// How often a paused worker looks whether it may go on.
pub(super) const PAUSE_LOOK: std::time::Duration = std::time::Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use barhive_engine::sweep::VariantRange;

    use super::*;

    #[test]
    fn a_thread_that_has_not_taken_its_pass_yet_ends_all_the_same() {
        let (tasks, inbox) = flume::bounded(1);
        let told = Arc::new(Barrier::new(2));
        let slow = Arc::clone(&told);
        let thread = std::thread::spawn(move || {
            slow.wait();
            while let Ok(Task::Run(_)) = inbox.recv() {}
        });
        let mut worker = ThreadWorker { tasks: Some(tasks), thread: Some(thread) };
        worker.tell(Task::Run(Lease { id: 0, range: VariantRange { start: 0, end: 1 }, failures: 0 }));
        worker.tell(Task::Stop);
        told.wait();
        worker.join();
    }
}
