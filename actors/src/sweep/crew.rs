//! The workers of a sweep, whatever they are: who has what in hand, who is silent, who is replaced.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use barhive_engine::sweep::{Lease, VariantRange};

use super::{
    process::{End, ProcessSpec, ProcessWorker, Seat},
    progress::SweepProgress,
    protocol::Request,
    thread::{Shared, ThreadWorker},
    worker::{Task, What, Word},
};
use crate::{clock::Stopwatch, control::Order};

/// What workers are made of.
pub(super) enum Means {
    Threads(Arc<Shared>),
    Processes { spec: Arc<ProcessSpec>, words: flume::Sender<Word>, progress: Arc<SweepProgress> },
}

/// All workers of a sweep.
pub(super) struct Crew {
    means: Means,
    places: Vec<Place>,
    /// Those that were given up and have not ended yet.
    leaving: Vec<(ProcessWorker, Stopwatch)>,
    /// What workers ran out of memory at: tried with twice as much.
    too_large: Vec<VariantRange>,
    order: Order,
    last_look: Stopwatch,
}

/// Where one worker after the other works.
struct Place {
    generation: u64,
    worker: Option<Worker>,
    hand: Hand,
    /// How long it has been watched without a word.
    silent: Duration,
    words: u64,
    /// Words that the coordinator has come to.
    heard: u64,
    /// What it may take, in bytes.
    memory_max: u64,
    /// Whether it was told to hold still, alone.
    is_held: bool,
}

enum Worker {
    Thread(ThreadWorker),
    Process(ProcessWorker),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hand {
    /// It is getting ready.
    Starting,
    Empty,
    Full(Lease),
}

/// What a word is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worth {
    Heard,
    /// It comes from somebody who was replaced.
    Nothing,
    /// It answers nothing that was asked: the worker is not to be relied on.
    Unasked,
}

/// A worker that is not there any more.
#[derive(Debug)]
pub(super) struct Loss {
    pub(super) worker: usize,
    /// What it had in hand; `None` when it was not ready yet, or had nothing.
    pub(super) lease: Option<u64>,
    range: Option<VariantRange>,
    /// Whether it never got ready.
    pub(super) at_start: bool,
    pub(super) reason: String,
}

/// A look is counted as so much silence at most: whoever looks late has been held up itself.
const LOOK_MAX: Duration = Duration::from_millis(250);
/// How long workers that were told to stop are waited for.
const STOP_MAX: Duration = Duration::from_millis(300);
/// How long the end of a process is waited for whose pipe is closed.
const EXIT_MAX: Duration = Duration::from_millis(50);

impl Crew {
    /// Places for `workers`, nobody there yet.
    pub(super) fn new(means: Means, workers: usize) -> Self {
        let place = |_| Place {
            generation: 0,
            worker: None,
            hand: Hand::Empty,
            silent: Duration::ZERO,
            words: 0,
            heard: 0,
            memory_max: 0,
            is_held: false,
        };
        Self {
            means,
            places: (0..workers).map(place).collect(),
            leaving: Vec::new(),
            too_large: Vec::new(),
            order: Order::Work,
            last_look: Stopwatch::start(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Lets somebody new begin at a place.
    pub(super) fn start(&mut self, worker: usize) -> std::io::Result<()> {
        let place = &mut self.places[worker];
        place.generation += 1;
        let generation = place.generation;
        place.worker = Some(match &self.means {
            Means::Threads(shared) => {
                Worker::Thread(ThreadWorker::start(worker, generation, Arc::clone(shared))?)
            }
            Means::Processes { spec, words, progress } => {
                let seat = Seat { worker, generation };
                Worker::Process(ProcessWorker::start(spec, seat, words.clone(), Arc::clone(progress))?)
            }
        });
        (place.hand, place.silent, place.words, place.heard) = (Hand::Starting, Duration::ZERO, 0, 0);
        place.is_held = false;
        if let Means::Threads(shared) = &self.means {
            shared.held[worker].store(false, Relaxed);
        }
        Ok(())
    }

    /// Whether nobody is at a place.
    pub(super) fn is_empty(&self, worker: usize) -> bool {
        self.places[worker].worker.is_none()
    }

    /// What a word is worth: whether it comes from who is there now, and answers what was asked.
    pub(super) fn hear(&mut self, word: &Word) -> Worth {
        let place = &mut self.places[word.worker];
        if place.worker.is_none() || place.generation != word.generation {
            return Worth::Nothing;
        }
        place.heard += 1;
        let is_asked = match (&word.what, place.hand) {
            (What::Ready, Hand::Starting) | (What::Fatal { .. } | What::Gone { .. }, _) => true,
            (What::Done { lease, block, .. }, Hand::Full(given)) => {
                given.id == *lease && given.range == block.range
            }
            (What::Failed { lease, .. }, Hand::Full(given)) => given.id == *lease,
            (What::Cancelled, Hand::Full(_)) => {
                self.order == Order::Cancel || matches!(self.means, Means::Threads(_))
            }
            _ => false,
        };
        if is_asked { Worth::Heard } else { Worth::Unasked }
    }

    /// A worker has said that it has nothing in hand any more.
    pub(super) fn rest(&mut self, worker: usize) {
        let place = &mut self.places[worker];
        let was = std::mem::replace(&mut place.hand, Hand::Empty);
        if was == Hand::Starting
            && self.order == Order::Pause
            && let Some(Worker::Process(process)) = &mut place.worker
        {
            process.tell(&Request::Pause);
        }
    }

    /// Whether a worker waits for work.
    pub(super) fn is_idle(&self, worker: usize) -> bool {
        let place = &self.places[worker];
        place.worker.is_some() && place.hand == Hand::Empty
    }

    /// Whether nobody has work in hand.
    pub(super) fn is_at_rest(&self) -> bool {
        self.places.iter().all(|place| !matches!(place.hand, Hand::Full(_)))
    }

    /// Gives a worker a pass.
    pub(super) fn give(&mut self, worker: usize, lease: Lease) {
        let place = &mut self.places[worker];
        (place.hand, place.silent) = (Hand::Full(lease), Duration::ZERO);
        match (&mut place.worker, &self.means) {
            (Some(Worker::Thread(thread)), _) => thread.tell(Task::Run(lease)),
            (Some(Worker::Process(process)), Means::Processes { spec, .. }) => {
                let is_within =
                    |large: &VariantRange| large.start <= lease.range.start && lease.range.end <= large.end;
                let doubled = lease.failures > 0 && self.too_large.iter().any(is_within);
                let memory_max = spec.memory_of(lease.range.len());
                place.memory_max = if doubled { memory_max.saturating_mul(2) } else { memory_max };
                let (lease, range, memory_max) = (lease.id, lease.range, place.memory_max);
                process.tell(&Request::Run { lease, range, memory_max });
            }
            _ => {}
        }
    }

    /// Whether a worker has something in hand.
    pub(super) fn is_busy(&self, worker: usize) -> bool {
        matches!(self.places[worker].hand, Hand::Full(_))
    }

    /// Lets each worker hold still, or go on.
    pub(super) fn hold(&mut self, is_held: &[bool]) {
        if self.order != Order::Work {
            return;
        }
        for (worker, (place, is_held)) in self.places.iter_mut().zip(is_held).enumerate() {
            if place.is_held == *is_held {
                continue;
            }
            place.is_held = *is_held;
            match (&mut place.worker, &self.means) {
                (Some(Worker::Process(process)), _) => {
                    process.tell(if *is_held { &Request::Pause } else { &Request::Resume });
                }
                (_, Means::Threads(shared)) => shared.held[worker].store(*is_held, Relaxed),
                _ => {}
            }
        }
    }

    /// Passes on a change of the order, and gives up whoever has been silent for too long.
    pub(super) fn look(&mut self, order: Order) -> Vec<Loss> {
        let since = self.last_look.elapsed().min(LOOK_MAX);
        self.last_look = Stopwatch::start();
        let Means::Processes { spec, .. } = &self.means else { return Vec::new() };
        let patience = spec.patience;
        self.leaving.retain_mut(|(process, watch)| {
            // Dropped, it is killed.
            !process.has_ended() && watch.elapsed() < patience.end_max
        });
        if order != self.order {
            self.order = order;
            // Told to all, it is told to those who were held, too.
            for (worker, place) in self.places.iter_mut().enumerate() {
                place.is_held = false;
                if let Means::Threads(shared) = &self.means {
                    shared.held[worker].store(false, Relaxed);
                }
            }
            let request = match order {
                Order::Work => Request::Resume,
                Order::Pause => Request::Pause,
                Order::Cancel => Request::Cancel,
            };
            // One that is getting ready is still being greeted: it hears it afterwards.
            for place in self.places.iter_mut().filter(|place| place.hand != Hand::Starting) {
                if let Some(Worker::Process(process)) = &mut place.worker {
                    process.tell(&request);
                }
            }
        }
        let mut losses = Vec::new();
        for (worker, place) in self.places.iter_mut().enumerate() {
            let Some(Worker::Process(process)) = &mut place.worker else { continue };
            let words = process.words();
            if words != place.words {
                (place.words, place.silent) = (words, Duration::ZERO);
                continue;
            }
            if process.passed_on() != place.heard {
                continue;
            }
            place.silent += since;
            let (silence_max, what) = match place.hand {
                Hand::Empty => continue,
                Hand::Starting => (patience.start_max, "not ready after"),
                // Whoever is told to end has less time for it.
                Hand::Full(_) if order == Order::Cancel => (patience.heartbeat, "no heartbeat for"),
                Hand::Full(_) => (patience.silence_max(), "no heartbeat for"),
            };
            if place.silent < silence_max {
                continue;
            }
            process.give_up();
            let reason = format!("{what} {} s", silence_max.as_secs_f64());
            let (gone, loss) = place.lose(worker, reason);
            if let Some(Worker::Process(process)) = gone {
                self.leaving.push((process, Stopwatch::start()));
            }
            losses.push(loss);
        }
        losses
    }

    /// The pipe to a worker is closed, or what comes from it makes no sense.
    pub(super) fn bury(&mut self, worker: usize, broke: Option<String>) -> Loss {
        let place = &mut self.places[worker];
        let (gone, mut loss) = place.lose(worker, String::new());
        let Some(Worker::Process(process)) = gone else { return loss };
        let pid = process.id();
        let patience = if broke.is_some() { Duration::ZERO } else { EXIT_MAX };
        let end = process.end(patience);
        let is_out_of_memory = end.as_ref().is_some_and(End::is_out_of_memory);
        loss.reason = match (broke, end) {
            _ if is_out_of_memory => format!("out of memory (limit {} MiB)", place.memory_max >> 20),
            (Some(broke), _) => format!("its process broke the protocol: {broke}"),
            (None, Some(end)) => end.reason(),
            (None, None) => "its process is gone".to_owned(),
        };
        if is_out_of_memory
            && let Some(range) = loss.range
            && !self.too_large.contains(&range)
        {
            self.too_large.push(range);
        }
        tracing::debug!(worker, pid, reason = loss.reason, "a worker process has ended");
        loss
    }

    /// Tells all workers to stop and waits for them; nobody is left afterwards.
    pub(super) fn end(&mut self, inbox: &flume::Receiver<Word>) {
        for place in &mut self.places {
            match (&mut place.worker, place.hand) {
                (Some(Worker::Thread(thread)), _) => thread.tell(Task::Stop),
                // One that works for nothing has nothing to lose.
                (Some(Worker::Process(process)), Hand::Empty) => process.tell(&Request::Stop),
                (worker, _) => *worker = None,
            }
        }
        let watch = Stopwatch::start();
        for place in &mut self.places {
            // A worker that has something to say must not wait for room.
            while inbox.try_recv().is_ok() {}
            match place.worker.take() {
                Some(Worker::Thread(mut thread)) => thread.join(),
                Some(Worker::Process(process)) => {
                    let _ = process.end(STOP_MAX.saturating_sub(watch.elapsed()));
                }
                None => {}
            }
        }
        self.leaving.clear();
    }

    /// The number that the system has given a worker process.
    pub(super) fn process(&self, worker: usize) -> Option<u32> {
        match &self.places[worker].worker {
            Some(Worker::Process(process)) => Some(process.id()),
            _ => None,
        }
    }

    /// Kills a worker process, as somebody else might.
    pub(super) fn kill(&mut self, worker: usize) {
        if let Some(Worker::Process(process)) = &mut self.places[worker].worker {
            process.kill();
        }
    }
}

impl Place {
    /// Nobody is here any more.
    fn lose(&mut self, worker: usize, reason: String) -> (Option<Worker>, Loss) {
        let hand = std::mem::replace(&mut self.hand, Hand::Empty);
        let lease = match hand {
            Hand::Full(lease) => Some(lease),
            _ => None,
        };
        let loss = Loss {
            worker,
            lease: lease.map(|lease| lease.id),
            range: lease.map(|lease| lease.range),
            at_start: hand == Hand::Starting,
            reason,
        };
        (self.worker.take(), loss)
    }
}
