//! What the coordinator notes of its workers' time: counters always, a timeline where somebody wants one.

use std::{sync::Arc, time::Duration};

use barhive_engine::sweep::VariantRange;
use barhive_machine::{
    counters::{Counter, CounterKind, CounterSummary},
    timeline::{Timeline, Track},
};

use super::times::PassTimes;

/// How long things took in a sweep.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SweepCounters {
    /// A pass.
    pub passes: CounterSummary,
    /// Keeping the results of a pass.
    pub keeping: CounterSummary,
}

pub(super) struct Record {
    passes: Counter,
    keeping: Counter,
    /// By worker, and last that of the coordinator.
    tracks: Vec<Arc<Track>>,
}

impl Record {
    pub(super) fn new(timeline: Option<&Timeline>, workers: usize) -> Self {
        let names = (1..=workers).map(|worker| format!("worker {worker}"));
        let names = names.chain(["coordinator: results kept".to_owned()]);
        Self {
            passes: Counter::new("pass", CounterKind::Timing),
            keeping: Counter::new("results of a pass kept", CounterKind::Timing),
            tracks: timeline.map_or(Vec::new(), |timeline| names.map(|name| timeline.track(name)).collect()),
        }
    }

    /// A worker has just finished a pass.
    pub(super) fn pass(&self, worker: usize, range: VariantRange, times: &PassTimes) {
        let busy = Duration::from_nanos(times.pass_time().elapsed_ns);
        let took = busy + Duration::from_nanos(times.held_ns);
        self.passes.record_time(took);
        if let Some(track) = self.tracks.get(worker) {
            let parts: Vec<_> = times.named().collect();
            track.record_busy(|| format!("pass {}", shown(range)), took, busy, &parts);
        }
    }

    /// Results have just been kept.
    pub(super) fn kept(&self, range: VariantRange, took: Duration) {
        self.keeping.record_time(took);
        if let Some(track) = self.tracks.last() {
            track.record(|| format!("keep {}", shown(range)), took, &[]);
        }
    }

    pub(super) fn summaries(&self) -> SweepCounters {
        SweepCounters { passes: self.passes.summary(), keeping: self.keeping.summary() }
    }
}

/// As people count them.
fn shown(range: VariantRange) -> String {
    format!("{}-{}", range.start + 1, range.end)
}
