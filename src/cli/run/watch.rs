//! Watches a run from beside it: shows how far it is, and passes an interrupt on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use barhive_actors::{Control, Progress, Status};
use serde_json::{Value as Json, json as object};

use crate::cli::progress::{ProgressLine, say};

/// Between two looks.
const EVERY: Duration = Duration::from_millis(50);

/// Looks between two JSON lines.
const LOOKS_PER_LINE: u32 = 10;

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Nothing,
    /// A bar on a terminal.
    Bar,
    /// JSON lines.
    Json,
}

/// A thread that looks at the run every 50 ms.
pub(super) struct Watch {
    control: Arc<Control>,
    progress: Arc<Progress>,
    done: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Starts watching. Once `interrupt` is raised, the run is cancelled.
    pub(super) fn start(interrupt: Arc<AtomicBool>, shown: Shown) -> Self {
        let (control, progress) = (Arc::<Control>::default(), Arc::<Progress>::default());
        let (done, is_done) = sync_channel::<()>(1);
        let (cancels, looks_at) = (Arc::clone(&control), Arc::clone(&progress));
        let look = move || {
            let line = ProgressLine::new(shown == Shown::Bar);
            let (mut elapsed, mut looks) = (Duration::ZERO, 0u32);
            while is_done.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                elapsed += EVERY;
                looks += 1;
                if interrupt.load(Ordering::Relaxed) {
                    cancels.cancel();
                }
                let status = looks_at.status();
                if shown == Shown::Json && looks.is_multiple_of(LOOKS_PER_LINE) {
                    say(&json(&status, elapsed));
                }
                line.show(status.rows_done, Some(status.rows_total).filter(|rows| *rows > 0), elapsed);
            }
            line.finish();
        };
        // Without the thread a run still works; it can only not be watched.
        let thread = std::thread::Builder::new().name("barhive-watch".to_owned()).spawn(look);
        if let Err(error) = &thread {
            tracing::warn!("the run cannot be watched or interrupted: {error}");
        }
        Self { control, progress, done: Some(done), thread: thread.ok() }
    }

    /// Where the run looks whether it is cancelled.
    pub(super) fn control(&self) -> Arc<Control> {
        Arc::clone(&self.control)
    }

    /// Where the run says how far it is.
    pub(super) fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// Stops watching and takes the progress bar away.
    pub(super) fn stop(mut self) {
        drop(self.done.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// How far a run is, as one JSON object.
fn json(status: &Status, elapsed: Duration) -> Json {
    let (done, total, elapsed_s) = (status.rows_done, status.rows_total, elapsed.as_secs_f64());
    let fraction = if total > 0 { (done as f64 / total as f64).min(1.0) } else { 0.0 };
    object!({
        "event": "progress",
        "done": done,
        "total": (total > 0).then_some(total),
        "fraction": fraction,
        "elapsed_s": elapsed_s,
        "remaining_s": (fraction > 0.0).then(|| elapsed_s * (1.0 - fraction) / fraction),
    })
}
