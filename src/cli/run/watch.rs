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

use barhive_actors::{Control, Progress};

use crate::cli::progress::ProgressLine;

/// Between two looks.
const EVERY: Duration = Duration::from_millis(50);

/// A thread that looks at the run every 50 ms.
pub(super) struct Watch {
    control: Arc<Control>,
    progress: Arc<Progress>,
    done: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Starts watching. Once `interrupt` is raised, the run is cancelled.
    pub(super) fn start(interrupt: Arc<AtomicBool>, shows_progress: bool) -> Self {
        let (control, progress) = (Arc::<Control>::default(), Arc::<Progress>::default());
        let (done, is_done) = sync_channel::<()>(1);
        let (cancels, looks_at) = (Arc::clone(&control), Arc::clone(&progress));
        let look = move || {
            let line = ProgressLine::new(shows_progress);
            let mut elapsed = Duration::ZERO;
            while is_done.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                elapsed += EVERY;
                if interrupt.load(Ordering::Relaxed) {
                    cancels.cancel();
                }
                let status = looks_at.status();
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
