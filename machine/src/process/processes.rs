//! Looks after processes, each on a thread of its own.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
};

use barhive_engine::time::Clock;

use super::{
    ProcessConfig, ProcessEvent, ProcessView,
    watch::{Shared, watch},
};

/// Why a process is not looked after.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// What it was to be is wrong, all of it.
    #[error("process {name}: {}", faults.join("; "))]
    Config {
        /// What it is called.
        name: String,
        /// What is wrong.
        faults: Vec<String>,
    },
    /// There is one of this name.
    #[error("process {0} is looked after already")]
    Known(String),
    /// The system gives no thread.
    #[error("no thread for process {0}: {1}")]
    Thread(String, io::Error),
}

/// Hears what happens to processes, by name, on the thread of the one that it is told of.
pub(super) type Listener = Arc<dyn Fn(&str, &ProcessEvent) + Send + Sync>;

/// Starts processes, hears whether they are well, and starts again what has failed: at first at once, then with
/// back-off; what fails too often is left out ([`RestartPolicy`](barhive_engine::restart::RestartPolicy)).
///
/// A process that cannot be started counts as failed. One that ends with exit code 0 is done. Each has a standard
/// input that ends with the manager. Dropped, the manager tells all processes to end (SIGTERM), and kills what has
/// not after [`GRACE`](Self::GRACE).
///
/// ```
/// use std::{sync::{Arc, mpsc}, time::Duration};
///
/// use barhive_machine::{
///     clock::SystemClock,
///     process::{ProcessConfig, ProcessEvent, ProcessManager, ProcessState, ProcessType},
/// };
///
/// let (tell, told) = mpsc::sync_channel(64);
/// let manager = ProcessManager::new(Arc::new(SystemClock), move |name, event| {
///     tell.send((name.to_owned(), event.clone())).unwrap();
/// });
/// let mut config = ProcessConfig::new(ProcessType::Live, "sh");
/// config.args = vec!["-c".into(), "echo ready; exit 3".into()];
/// config.restart.intensity = 1;
/// config.restart.backoff_max = Duration::from_millis(10);
/// manager.run("paper", config)?;
///
/// let mut starts = 0;
/// loop {
///     match told.recv_timeout(Duration::from_secs(10))? {
///         (_, ProcessEvent::Started { .. }) => starts += 1,
///         (_, ProcessEvent::Said(line)) => assert_eq!(line, "ready"),
///         (name, ProcessEvent::Quarantined { reason }) => {
///             assert_eq!((name.as_str(), reason.as_str()), ("paper", "exit code 3"));
///             break;
///         }
///         _ => {}
///     }
/// }
/// assert_eq!(starts, 2);
/// assert!(matches!(manager.processes()[0].state, ProcessState::Quarantined { .. }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ProcessManager {
    clock: Arc<dyn Clock>,
    listener: Listener,
    watched: Mutex<BTreeMap<String, Watched>>,
}

struct Watched {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

impl ProcessManager {
    /// How long a process may take to end when it is told to.
    pub const GRACE: std::time::Duration = std::time::Duration::from_millis(1_300);

    /// A manager of no process; `listener` hears what happens to those to come, and must be quick.
    pub fn new(
        clock: Arc<dyn Clock>,
        listener: impl Fn(&str, &ProcessEvent) + Send + Sync + 'static,
    ) -> Self {
        Self { clock, listener: Arc::new(listener), watched: Mutex::default() }
    }

    /// Starts a process and looks after it from now on.
    ///
    /// # Errors
    /// What is wrong with its configuration, all of it; a name that is taken; no thread. That it cannot be started is
    /// a failure as any other: see [`ProcessView::failure`].
    pub fn run(&self, name: &str, config: ProcessConfig) -> Result<(), ProcessError> {
        let faults = config.faults();
        if !faults.is_empty() {
            return Err(ProcessError::Config { name: name.to_owned(), faults });
        }
        let mut watched = self.watched();
        if watched.contains_key(name) {
            return Err(ProcessError::Known(name.to_owned()));
        }
        let shared = Arc::new(Shared::new(name, config, Arc::clone(&self.clock), Arc::clone(&self.listener)));
        let own = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name(format!("process-{name}"))
            .stack_size(256 << 10)
            .spawn(move || watch(&own))
            .map_err(|error| ProcessError::Thread(name.to_owned(), error))?;
        watched.insert(name.to_owned(), Watched { shared, thread });
        Ok(())
    }

    /// All processes, by name.
    pub fn processes(&self) -> Vec<ProcessView> {
        self.watched().values().map(|watched| watched.shared.view()).collect()
    }

    /// Tells all to end and waits until they have.
    pub fn stop(&self) {
        let watched = std::mem::take(&mut *self.watched());
        watched.values().for_each(|watched| watched.shared.stop());
        for (name, Watched { thread, .. }) in watched {
            if thread.join().is_err() {
                tracing::error!(process = name, "its watcher has panicked");
            }
        }
    }

    fn watched(&self) -> MutexGuard<'_, BTreeMap<String, Watched>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ProcessManager {
    fn drop(&mut self) {
        self.stop();
    }
}
