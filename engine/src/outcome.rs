//! From finished containers to the result of a run; and what becomes of one that fails.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use crate::{
    container::{Container, Progress},
    frame::Frame,
    hub::Hub,
    merge::{Merge, Merged},
    pass::{MakeRecorder, Pass, RunError},
    record::Recorder,
    registry::Registry,
    result::{AccountResult, HubCounters, Quarantine, Restart, RunResult, SeriesUse},
    set::RunSpec,
};

/// How a container's run ended.
pub enum Ended {
    /// With a result, and what it recorded.
    Done(Box<AccountResult>, Box<dyn Recorder>),
    /// With a failure.
    Failed(Failure),
}

/// A container's failure: where and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The container's step number, counted from 1; what makes two failures the same.
    pub step: u64,
    /// Close time of that step, UTC nanoseconds.
    pub ts_ns: i64,
    /// The panic's message, or the error.
    pub reason: String,
}

/// Takes a frame's steps behind an unwind boundary.
///
/// # Errors
/// The failure; the container is then not to be used any more.
pub fn run_guarded(container: &mut Container, frame: &Frame) -> Result<(), Failure> {
    while !run_slice_guarded(container, frame, usize::MAX)?.is_done {}
    Ok(())
}

/// Takes a slice of a frame's steps behind an unwind boundary; see [`Container::run_slice`].
///
/// # Errors
/// As [`run_guarded`].
pub fn run_slice_guarded(
    container: &mut Container,
    frame: &Frame,
    work_max: usize,
) -> Result<Progress, Failure> {
    let outcome = catch_unwind(AssertUnwindSafe(|| container.run_slice(frame, work_max)));
    let reason = match outcome {
        Ok(Ok(progress)) => return Ok(progress),
        Ok(Err(error)) => error.to_string(),
        Err(panic) => panic_message(panic.as_ref()),
    };
    Err(Failure { step: container.steps(), ts_ns: container.failed_ts_ns(frame), reason })
}

/// Finishes a container behind an unwind boundary.
pub fn finish_guarded(container: Container) -> Ended {
    let (step, ts_ns) = (container.steps(), container.last_ts_ns());
    let outcome = catch_unwind(AssertUnwindSafe(|| container.finish()));
    let reason = match outcome {
        Ok(Ok((result, recorder))) => return Ended::Done(Box::new(result), recorder),
        Ok(Err(error)) => error.to_string(),
        Err(panic) => panic_message(panic.as_ref()),
    };
    Ended::Failed(Failure { step, ts_ns, reason })
}

/// What a panic said.
pub fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "panicked".to_owned())
}

/// Runs one container alone from its start, in a pass of its own.
///
/// # Errors
/// When its data cannot be read again, or `cancelled` says so.
pub fn rerun_alone(
    spec: &RunSpec,
    registry: &Registry,
    index: usize,
    make_recorder: &MakeRecorder<'_>,
    cancelled: &dyn Fn() -> bool,
) -> Result<(Ended, HubCounters), RunError> {
    let mut pass = Pass::open(spec, registry, &[index], make_recorder, true)?;
    let mut frame = Frame::empty();
    let Some(mut container) = pass.containers.pop() else { return Err(RunError::Empty) };
    loop {
        if cancelled() {
            return Err(RunError::Cancelled);
        }
        match next_frame(&mut pass.merge, &mut pass.hub, &mut frame)? {
            Merged::Frame => loop {
                match run_slice_guarded(&mut container, &frame, RERUN_WORK) {
                    Ok(Progress { is_done: true, .. }) => break,
                    Ok(_) if cancelled() => return Err(RunError::Cancelled),
                    Ok(_) => {}
                    Err(failure) => return Ok((Ended::Failed(failure), pass.hub.counters())),
                }
            },
            // A feed that has nothing at present (a live one, a pipe) is asked again.
            Merged::Pending => std::thread::yield_now(),
            Merged::End => return Ok((finish_guarded(container), pass.hub.counters())),
        }
    }
}

/// Work between two looks at whether a rerun is cancelled: little enough for slow strategies, enough
/// for a look not to show.
const RERUN_WORK: usize = 512;

fn next_frame(merge: &mut Merge, hub: &mut Hub, frame: &mut Frame) -> Result<Merged, RunError> {
    let merged = merge.next_frame(frame)?;
    if merged == Merged::Frame {
        hub.compute(frame);
    }
    Ok(merged)
}

/// Collects how containers ended, rerunning those that failed.
pub struct Outcomes<'a> {
    spec: &'a RunSpec,
    registry: &'a Registry,
    make_recorder: &'a MakeRecorder<'a>,
    ended: Vec<Option<Ended>>,
    restarts: Vec<Restart>,
    quarantined: Vec<Quarantine>,
    replayed: HubCounters,
}

impl<'a> Outcomes<'a> {
    /// Nothing ended yet.
    pub fn new(spec: &'a RunSpec, registry: &'a Registry, make_recorder: &'a MakeRecorder<'a>) -> Self {
        Self {
            spec,
            registry,
            make_recorder,
            ended: (0..spec.containers.len()).map(|_| None).collect(),
            restarts: Vec::new(),
            quarantined: Vec::new(),
            replayed: HubCounters::default(),
        }
    }

    /// Container `index` ended; one that failed is rerun alone at once, and quarantined when it fails
    /// at the same step again. One that fails elsewhere is tried as often as restarts are allowed.
    ///
    /// # Errors
    /// When its data cannot be read again.
    pub fn end(&mut self, index: usize, ended: Ended, cancelled: &dyn Fn() -> bool) -> Result<(), RunError> {
        let mut ended = ended;
        let mut attempt = 0;
        let mut last_step = None;
        let name = &self.spec.containers[index].name;
        while let Ended::Failed(failure) = &ended {
            if last_step == Some(failure.step) || attempt == RESTARTS_MAX {
                self.quarantine(index, failure.clone());
                return Ok(());
            }
            last_step = Some(failure.step);
            attempt += 1;
            self.restarts.push(Restart {
                part: format!("container {name}"),
                attempt,
                reason: format!("step {}: {}", failure.step, failure.reason),
            });
            let rerun = rerun_alone(self.spec, self.registry, index, self.make_recorder, cancelled);
            let (next, hub) = match rerun {
                Ok(rerun) => rerun,
                Err(error @ RunError::Setup(_)) => {
                    // It could be set up once: what keeps it from being set up again is its own affair.
                    self.quarantine(index, Failure { reason: error.to_string(), ..failure.clone() });
                    return Ok(());
                }
                Err(error) => return Err(error),
            };
            self.replayed.recomputed += hub.recomputed;
            ended = next;
        }
        self.ended[index] = Some(ended);
        Ok(())
    }

    fn quarantine(&mut self, index: usize, failure: Failure) {
        let Failure { step, ts_ns, reason } = failure;
        let container = self.spec.containers[index].name.clone();
        self.quarantined.push(Quarantine { container, ts_ns, step, reason });
    }

    /// Restarts of other parts, for the report.
    pub fn add_restarts(&mut self, restarts: impl IntoIterator<Item = Restart>) {
        self.restarts.extend(restarts);
    }

    /// The result of the run on `series`, and the recorders by container.
    ///
    /// # Errors
    /// When no bar was delivered.
    #[allow(clippy::type_complexity, reason = "a result and one optional recorder per container")]
    pub fn into_result(
        self,
        series: Vec<SeriesUse>,
        hub: HubCounters,
    ) -> Result<(RunResult, Vec<Option<Box<dyn Recorder>>>), RunError> {
        if series.iter().all(|series| series.rows == 0) {
            return Err(RunError::NoData);
        }
        let mut accounts = Vec::new();
        let mut recorders = Vec::with_capacity(self.ended.len());
        for ended in self.ended {
            match ended {
                Some(Ended::Done(result, recorder)) => {
                    accounts.push(*result);
                    recorders.push(Some(recorder));
                }
                _ => recorders.push(None),
            }
        }
        let idle = |account: &&AccountResult| account.statistics.steps == 0;
        if !accounts.is_empty()
            && accounts.iter().all(|account| idle(&account))
            && self.quarantined.is_empty()
        {
            return Err(RunError::NoData);
        }
        let warnings = accounts.iter().filter(idle).map(|account| {
            format!("account {}: no bar lies in its span, so it never took a step", account.name)
        });
        let warnings = warnings.collect();
        let mut quarantined = self.quarantined;
        let order = |name: &str| self.spec.containers.iter().position(|container| container.name == name);
        quarantined.sort_by_key(|quarantine| order(&quarantine.container));
        let spans = series.iter().filter_map(|series| series.span_ns);
        let span_ns = spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        let steps = accounts.iter().map(|account| account.statistics.steps).sum();
        let hub = HubCounters { recomputed: hub.recomputed + self.replayed.recomputed, ..hub };
        let result = RunResult {
            result_hash: result_hash(&accounts),
            accounts,
            quarantined,
            restarts: self.restarts,
            series,
            hub,
            bus: Vec::new(),
            warnings,
            steps,
            span_ns,
        };
        Ok((result, recorders))
    }
}

/// Most reruns of one container.
const RESTARTS_MAX: u32 = 3;

/// BLAKE3 over the accounts' names and hashes, in configuration order.
fn result_hash(accounts: &[AccountResult]) -> String {
    let mut hasher = blake3::Hasher::new();
    for account in accounts {
        hasher.update(&(account.name.len() as u64).to_le_bytes());
        hasher.update(account.name.as_bytes());
        hasher.update(account.hash.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}
