//! Watches a sweep from beside it: shows how far it is, measures memory, passes an interrupt on.

use std::{
    io::{self, IsTerminal},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use barhive_actors::{Control, sweep::SweepProgress};
use barhive_engine::governor::ThrottleEvent;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::{
    memory::MemoryPeak,
    progress_text::{self, line, worker_line},
    sink::BestSoFar,
    throttle::{Notices, tell},
};
use crate::cli::progress::say;

/// Between two looks; every second one draws.
const EVERY: Duration = Duration::from_millis(50);
/// Looks between two measurements of memory, and between two JSON lines.
const LOOKS_PER_SAMPLE: u32 = 10;

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Nothing,
    /// A bar on a terminal, and a line per worker where that is asked for.
    Bar {
        per_worker: bool,
    },
    /// JSON lines.
    Json,
}

/// A thread that looks at the sweep.
pub(super) struct Watch {
    control: Arc<Control>,
    progress: Arc<SweepProgress>,
    best: BestSoFar,
    notices: Notices,
    done: Option<SyncSender<()>>,
    thread: Option<JoinHandle<MemoryPeak>>,
}

impl Watch {
    /// Starts watching. Once `interrupt` is raised, the sweep is cancelled.
    pub(super) fn start(label: &str, interrupt: Arc<AtomicBool>, shown: Shown, is_quiet: bool) -> Self {
        let (control, progress) = (Arc::<Control>::default(), Arc::<SweepProgress>::default());
        let best = BestSoFar::default();
        let notices = Notices::default();
        let heard = notices.clone();
        let (done, is_done) = sync_channel::<()>(1);
        let (cancels, looks_at, knows) = (Arc::clone(&control), Arc::clone(&progress), best.clone());
        let label = label.to_owned();
        let look = move || {
            let mut screen = Screen::new(label, shown, is_quiet);
            let mut memory = MemoryPeak::default();
            let mut looks = 0u32;
            while is_done.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                looks += 1;
                if interrupt.load(Ordering::Relaxed) {
                    cancels.cancel();
                }
                if looks % LOOKS_PER_SAMPLE == 1 {
                    memory.look();
                }
                screen.notify(heard.take());
                if looks.is_multiple_of(screen.looks_per_draw()) {
                    screen.draw(&looks_at, &knows);
                }
            }
            screen.notify(heard.take());
            screen.draw(&looks_at, &knows);
            screen.finish();
            memory.look();
            memory
        };
        // Without the thread a sweep still works; it can only not be watched.
        let thread = std::thread::Builder::new().name("barhive-watch".to_owned()).spawn(look);
        if let Err(error) = &thread {
            tracing::warn!("the sweep cannot be watched or interrupted: {error}");
        }
        Self { control, progress, best, notices, done: Some(done), thread: thread.ok() }
    }

    /// Where the sweep looks whether it is cancelled.
    pub(super) fn control(&self) -> Arc<Control> {
        Arc::clone(&self.control)
    }

    /// Where the sweep says how far it is.
    pub(super) fn progress(&self) -> Arc<SweepProgress> {
        Arc::clone(&self.progress)
    }

    /// Where the sink says which is the best so far.
    pub(super) fn best(&self) -> BestSoFar {
        self.best.clone()
    }

    /// What is told of the throttle.
    pub(super) fn notices(&self) -> &Notices {
        &self.notices
    }

    /// Stops watching, takes the bar away and tells the most memory that was seen.
    pub(super) fn stop(mut self) -> MemoryPeak {
        drop(self.done.take());
        self.thread.take().and_then(|thread| thread.join().ok()).unwrap_or_default()
    }
}

/// Where progress is drawn.
struct Screen {
    label: String,
    shown: Shown,
    is_quiet: bool,
    bars: MultiProgress,
    lines: Vec<ProgressBar>,
}

impl Screen {
    fn new(label: String, shown: Shown, is_quiet: bool) -> Self {
        let shown = match shown {
            Shown::Bar { .. } if !io::stderr().is_terminal() => Shown::Nothing,
            shown => shown,
        };
        Self {
            label,
            shown,
            is_quiet,
            bars: MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(20)),
            lines: Vec::new(),
        }
    }

    fn looks_per_draw(&self) -> u32 {
        if self.shown == Shown::Json { LOOKS_PER_SAMPLE } else { 2 }
    }

    /// Says what the throttle did, above the bar where there is one.
    fn notify(&self, events: Vec<ThrottleEvent>) {
        for event in events {
            match self.shown {
                Shown::Json => {
                    say(&json!({ "event": "throttle", "workers": event.workers, "why": event.why }))
                }
                _ if self.is_quiet => {}
                Shown::Bar { .. } if !self.lines.is_empty() => {
                    let _ = self.bars.println(event.to_string());
                }
                _ => tell(&event.to_string()),
            }
        }
    }

    fn draw(&mut self, progress: &SweepProgress, best: &BestSoFar) {
        match self.shown {
            Shown::Nothing => {}
            Shown::Json => say(&progress_text::json(&progress.status(), best.get())),
            Shown::Bar { per_worker } => {
                let status = progress.status();
                let whole = line(&self.label, &status, best.get());
                let workers = status.workers.iter().enumerate().filter(|_| per_worker);
                let workers = workers.map(|(number, worker)| worker_line(number, worker));
                for (place, text) in std::iter::once(whole).chain(workers).enumerate() {
                    self.line(place).set_message(text);
                }
            }
        }
    }

    fn line(&mut self, place: usize) -> &ProgressBar {
        while self.lines.len() <= place {
            let bar = self.bars.add(ProgressBar::new_spinner());
            // One line each, however narrow the terminal is.
            let style = ProgressStyle::with_template("{wide_msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            self.lines.push(bar);
        }
        &self.lines[place]
    }

    /// The line of the whole sweep stays, as its last word.
    fn finish(&self) {
        for (place, line) in self.lines.iter().enumerate() {
            if place == 0 { line.abandon() } else { line.finish_and_clear() }
        }
    }
}
