//! A pass: the containers fed together from one read of the data, opened and set up.

use std::sync::Arc;

use crate::{
    bus::IsolationViolation,
    container::Container,
    data::FeedError,
    frame::Frame,
    hub::{CacheBounds, Hub},
    instrument::Instrument,
    layout::{Declared, Layout, SetupFault, declare},
    merge::{Merge, Merged},
    record::Recorder,
    registry::Registry,
    set::{ContainerSpec, RunSpec},
};

/// Makes the recorder of a container.
pub type MakeRecorder<'a> = dyn Fn(&ContainerSpec) -> Box<dyn Recorder> + 'a;

/// Why a run cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The set names no container.
    #[error("there is nothing to run: the set has no account with a strategy")]
    Empty,
    /// Strategies could not be set up.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Setup(Vec<SetupFault>),
    /// An instrument's numbers are wrong.
    #[error("{}", .0.join("\n"))]
    Instruments(Vec<String>),
    /// The data could not be read.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The data ended before the first bar.
    #[error("no bar was delivered: the data are empty, or none lies in the asked span")]
    NoData,
    /// A part of the machinery failed for good.
    #[error("{part} failed: {what}")]
    Machinery {
        /// Which part.
        part: String,
        /// Why.
        what: String,
    },
    /// What one container did reached another: no number of the run can be relied on.
    #[error(
        "the accounts `{expected}` and `{found}` are not isolated: {violation}; the run was stopped and has no result"
    )]
    Isolation {
        /// What was found.
        violation: IsolationViolation,
        /// Name of the account for which it was published.
        expected: String,
        /// Name of the account that it came from.
        found: String,
    },
    /// The run was cancelled.
    #[error("cancelled")]
    Cancelled,
}

/// A pass before its first frame.
pub struct Pass {
    /// Where bars enter.
    pub merge: Merge,
    /// Where indicators are computed.
    pub hub: Hub,
    /// The containers, in the order of `members`.
    pub containers: Vec<Container>,
    /// What is read and computed.
    pub layout: Layout,
}

impl Pass {
    /// Opens the pass of the containers `members` (indexes into the run's).
    ///
    /// `is_replay` counts the hub's computations as repeated ones, and has the recorders forget what an
    /// earlier try left with them.
    ///
    /// # Errors
    /// All set-up faults at once, or the first fault of the data.
    pub fn open(
        spec: &RunSpec,
        registry: &Registry,
        members: &[usize],
        make_recorder: &MakeRecorder<'_>,
        is_replay: bool,
    ) -> Result<Self, RunError> {
        let instruments: Arc<[Instrument]> = spec.instruments.clone().into();
        let mut declared: Vec<(usize, Declared)> = Vec::with_capacity(members.len());
        let mut faults = Vec::new();
        for index in members {
            match declare(&spec.containers[*index], &instruments, registry) {
                Ok(container) => declared.push((*index, container)),
                Err(found) => faults.extend(found),
            }
        }
        if !faults.is_empty() {
            return Err(RunError::Setup(faults));
        }
        Self::of_declared(spec, registry, declared, make_recorder, is_replay)
    }

    /// Opens the pass of containers that are set up already, by their index into the run's.
    ///
    /// # Errors
    /// When an instrument's numbers are wrong, nothing is to be run, or the data cannot be read.
    pub fn of_declared(
        spec: &RunSpec,
        registry: &Registry,
        declared: Vec<(usize, Declared)>,
        make_recorder: &MakeRecorder<'_>,
        is_replay: bool,
    ) -> Result<Self, RunError> {
        if declared.iter().all(|(_, container)| container.strategies.is_empty()) {
            return Err(RunError::Empty);
        }
        let instruments: Arc<[Instrument]> = spec.instruments.clone().into();
        let layout = Layout::new(declared.iter().map(|(_, container)| container), registry);
        let (merge, hub) = open_data(spec, registry, &layout, is_replay)?;
        let containers = declared
            .into_iter()
            .enumerate()
            .map(|(place, (index, declared))| {
                let container = Arc::new(spec.containers[index].clone());
                let mut recorder = make_recorder(&container);
                if is_replay {
                    recorder.restart();
                }
                Container::new(container, Arc::clone(&instruments), declared, &layout, place, recorder)
            })
            .collect();
        Ok(Self { merge, hub, containers, layout })
    }

    /// Merges and computes the next frame.
    ///
    /// # Errors
    /// What a feed says.
    pub fn next_frame(&mut self, frame: &mut Frame) -> Result<Merged, RunError> {
        let merged = self.merge.next_frame(frame)?;
        if merged == Merged::Frame {
            self.hub.compute(frame);
        }
        Ok(merged)
    }
}

/// Opens what a layout reads, and the hub that computes for it.
pub(crate) fn open_data(
    spec: &RunSpec,
    registry: &Registry,
    layout: &Layout,
    is_replay: bool,
) -> Result<(Merge, Hub), RunError> {
    let faults: Vec<String> = spec.instruments.iter().flat_map(Instrument::faults).collect();
    if !faults.is_empty() {
        return Err(RunError::Instruments(faults));
    }
    let merge = Merge::open(spec, layout)?;
    let bounds =
        CacheBounds { bytes: spec.machinery.hub_cache_bytes, entries: spec.machinery.hub_cache_entries };
    let hub = Hub::new(layout, registry, merge.opened(), merge.frame_rows_max(), bounds, is_replay);
    Ok((merge, hub))
}
