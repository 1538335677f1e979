//! Collects how containers ended, on a thread of its own: a container that failed is rerun there at
//! once, alone, while all others go on.

use std::{
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use barhive_engine::{
    Registry,
    outcome::{Ended, Outcomes},
    pass::RunError,
    record::Recorder,
    result::{HubCounters, Restart, RunResult, SeriesUse, TopicCounters},
    set::{ContainerSpec, RunSpec},
};

use crate::{
    control::{Control, Order},
    supervisor::guarded,
};

/// Makes the recorder of a container; a container that is rerun gets a new one.
pub type RecorderFactory = Arc<dyn Fn(&ContainerSpec) -> Box<dyn Recorder> + Send + Sync>;

/// A result, and the recorders by container (`None` for those that were quarantined).
pub(crate) type Collected = (RunResult, Vec<Option<Box<dyn Recorder>>>);

/// What the rest of the result is made of, once all data have been delivered.
pub(crate) struct Finish {
    pub(crate) series: Vec<SeriesUse>,
    pub(crate) hub: HubCounters,
    pub(crate) bus: Vec<TopicCounters>,
    pub(crate) restarts: Vec<Restart>,
}

/// The collecting thread.
pub(crate) struct Collector {
    finish: mpsc::SyncSender<Finish>,
    thread: JoinHandle<Result<Collected, RunError>>,
}

impl Collector {
    /// Starts collecting. Containers' ends come through the answered sender; when all its clones are
    /// gone and `finish` was not called, the run is over without a result.
    pub(crate) fn start(
        spec: Arc<RunSpec>,
        registry: Arc<Registry>,
        recorders: RecorderFactory,
        control: Arc<Control>,
    ) -> Result<(Self, flume::Sender<(usize, Ended)>), RunError> {
        let (ended, ends) = flume::bounded(spec.containers.len().max(1));
        let (finish, finished) = mpsc::sync_channel(1);
        let work = move || {
            let outcome = guarded(|| collect(&spec, &registry, &recorders, &control, &ends, &finished));
            let result = outcome
                .unwrap_or_else(|what| Err(RunError::Machinery { part: "collector".to_owned(), what }));
            if result.is_err() {
                // Nothing that is still to come can make it a result.
                control.cancel();
            }
            result
        };
        let thread = std::thread::Builder::new().name("barhive-collect".to_owned()).spawn(work);
        let thread = thread.map_err(|error| RunError::Machinery {
            part: "collector".to_owned(),
            what: format!("its thread cannot be started: {error}"),
        })?;
        Ok((Self { finish, thread }, ended))
    }

    /// Waits for the last rerun and answers the result; without `finish` there is none.
    pub(crate) fn join(self, finish: Option<Finish>) -> Result<Collected, RunError> {
        if let Some(finish) = finish {
            // It has gone only if it has an error to tell.
            let _ = self.finish.send(finish);
        }
        drop(self.finish);
        self.thread.join().unwrap_or_else(|_| {
            Err(RunError::Machinery { part: "collector".to_owned(), what: "its thread panicked".to_owned() })
        })
    }
}

fn collect(
    spec: &RunSpec,
    registry: &Registry,
    recorders: &RecorderFactory,
    control: &Control,
    ends: &flume::Receiver<(usize, Ended)>,
    finished: &mpsc::Receiver<Finish>,
) -> Result<Collected, RunError> {
    let make_recorder = |container: &ContainerSpec| recorders(container);
    let mut outcomes = Outcomes::new(spec, registry, &make_recorder);
    for (place, ended) in ends.iter() {
        outcomes.end(place, ended, &|| is_cancelled(control))?;
    }
    let Ok(finish) = finished.recv() else { return Err(RunError::Cancelled) };
    outcomes.add_restarts(finish.restarts);
    let (mut result, recorders) = outcomes.into_result(finish.series, finish.hub)?;
    result.bus = finish.bus;
    Ok((result, recorders))
}

/// Looked at once per frame of a rerun; holds the rerun while the run is paused.
fn is_cancelled(control: &Control) -> bool {
    loop {
        match control.order() {
            Order::Work => return false,
            Order::Cancel => return true,
            Order::Pause => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}
