//! What jobs use: a thread that looks every second and writes it into their folders, so that a slow disk keeps
//! neither the queue nor the monitor.

mod file;

use std::{collections::BTreeMap, io, sync::Arc, thread::JoinHandle, time::Duration};

use barhive_machine::{MachineStatus, ResourceMonitor, gauge::TreeUse};

use file::UsageFile;
pub use file::{JobUsage, USAGE};

use crate::admission::WatchedRun;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(1);
/// Runs that may begin and end while a disk is slow; beyond them some are not recorded.
const NEWS_MAX: usize = 1_024;

/// Writes down what runs use until it is dropped.
pub(crate) struct UsageRecorder {
    news: Option<flume::Sender<News>>,
    thread: Option<JoinHandle<()>>,
}

enum News {
    Begins(WatchedRun, u64),
    Ends(WatchedRun, Option<TreeUse>),
}

/// A run that is looked at.
struct Recorded {
    file: UsageFile,
    /// What the job had used before it.
    before: JobUsage,
    /// When it began, by the monitor's clock, nanoseconds.
    from_ns: u64,
    is_faulty: bool,
}

impl UsageRecorder {
    /// Records what `monitor` says.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn start(monitor: Arc<ResourceMonitor>) -> io::Result<Self> {
        let (news, inbox) = flume::bounded(NEWS_MAX);
        let thread = std::thread::Builder::new()
            .name("barhive-usage".to_owned())
            .stack_size(256 << 10)
            .spawn(move || record(&monitor, &inbox))?;
        Ok(Self { news: Some(news), thread: Some(thread) })
    }

    /// A run begins; the monitor watches its process.
    pub(crate) fn begins(&self, run: &WatchedRun, status: &MachineStatus) {
        self.tell(News::Begins(run.clone(), status.sample.at_ns));
    }

    /// A run has ended, and what its processes had used.
    pub(crate) fn ends(&self, run: &WatchedRun, tree: Option<TreeUse>) {
        self.tell(News::Ends(run.clone(), tree));
    }

    fn tell(&self, news: News) {
        if self.news.as_ref().is_some_and(|sender| sender.try_send(news).is_err()) {
            tracing::warn!("what a job uses is not recorded: the disk is too slow");
        }
    }
}

impl Drop for UsageRecorder {
    fn drop(&mut self) {
        drop(self.news.take());
        self.thread.take().map(JoinHandle::join);
    }
}

fn record(monitor: &ResourceMonitor, inbox: &flume::Receiver<News>) {
    let mut runs: BTreeMap<u32, Recorded> = BTreeMap::new();
    let mut looked_ns = 0;
    loop {
        // Nobody need wake while nothing runs.
        let news = match runs.is_empty() {
            true => inbox.recv().map_err(|_| flume::RecvTimeoutError::Disconnected),
            false => inbox.recv_timeout(EVERY),
        };
        match news {
            Ok(News::Begins(run, from_ns)) => {
                let Some(place) = &run.place else { continue };
                let file = UsageFile::open(place);
                let before = file.last();
                runs.insert(run.pid, Recorded { file, before, from_ns, is_faulty: false });
            }
            Ok(News::Ends(run, tree)) => {
                if let (Some(mut recorded), Some(tree)) = (runs.remove(&run.pid), tree) {
                    recorded.look(&monitor.latest(), &tree, true);
                }
            }
            Err(flume::RecvTimeoutError::Disconnected) => return,
            Err(flume::RecvTimeoutError::Timeout) => {}
        }
        let status = monitor.latest();
        if status.sample.at_ns.saturating_sub(looked_ns) < EVERY.as_nanos() as u64 {
            continue;
        }
        looked_ns = status.sample.at_ns;
        for tree in &status.trees {
            if let Some(recorded) = runs.get_mut(&tree.pid) {
                recorded.look(&status, tree, false);
            }
        }
    }
}

impl Recorded {
    fn look(&mut self, status: &MachineStatus, tree: &TreeUse, is_last: bool) {
        let (before, last) = (self.before, self.file.last());
        let run_s = before.run_s + status.sample.at_ns.saturating_sub(self.from_ns) as f64 / 1e9;
        let cpu_s = before.cpu_s + tree.cpu_ns as f64 / 1e9;
        let percent = |cpu_s: f64, run_s: f64| if run_s > 0.0 { 100.0 * cpu_s / run_s } else { 0.0 };
        let usage = JobUsage {
            at_ns: status.at_ns,
            run_s,
            cpu_s,
            cpu_percent: percent(cpu_s - last.cpu_s, run_s - last.run_s),
            cpu_percent_mean: percent(cpu_s, run_s),
            memory_bytes: tree.memory_bytes,
            memory_peak_bytes: last.memory_peak_bytes.max(tree.memory_bytes),
            processes: tree.processes.len(),
        };
        let is_whole = run_s > last.run_s;
        match if is_whole { self.file.keep(usage, is_last) } else { Ok(()) } {
            Ok(()) => self.is_faulty = false,
            Err(fault) if !self.is_faulty => {
                self.is_faulty = true;
                tracing::warn!("what a job uses cannot be written: {fault}");
            }
            Err(_) => {}
        }
    }
}
