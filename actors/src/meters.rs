//! How long each part of a run takes for a frame, and which container took longest for a piece of one.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use barhive_engine::bus::{FramePool, PoolUse};
use barhive_machine::{
    counters::{Counter, CounterKind, CounterSummary},
    timeline::{Timeline, Track},
};
use serde::{Deserialize, Serialize};

/// What a part of a run took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartTimes {
    /// How long it worked on a frame.
    pub frames: CounterSummary,
    /// The container that held it longest at a stretch.
    pub slowest: Option<Slowest>,
}

/// The longest that a container worked between two looks at the clock: as a rule a quarter of a millisecond, unless
/// one step takes longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slowest {
    /// Which container.
    pub container: String,
    /// How long, in nanoseconds.
    pub ns: u64,
}

/// The meters of a run. A cheap handle.
#[derive(Clone, Default)]
pub(crate) struct Meters(Arc<Shared>);

#[derive(Default)]
struct Shared {
    timeline: Option<Arc<Timeline>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    parts: Vec<Arc<PartMeter>>,
    pool: Option<FramePool>,
}

impl Meters {
    pub(crate) fn new(timeline: Option<Arc<Timeline>>) -> Self {
        Self(Arc::new(Shared { timeline, state: Mutex::default() }))
    }

    /// A meter for a part; it goes on when the part is built anew.
    pub(crate) fn part(&self, name: &str) -> Arc<PartMeter> {
        let meter = Arc::new(PartMeter {
            frames: Counter::new(name, CounterKind::Timing),
            track: self.0.timeline.as_ref().map(|timeline| timeline.track(name)),
            slowest: Mutex::default(),
        });
        self.lock().parts.push(Arc::clone(&meter));
        meter
    }

    pub(crate) fn pool(&self, pool: &FramePool) {
        self.lock().pool = Some(pool.clone());
    }

    pub(crate) fn parts(&self) -> Vec<PartTimes> {
        let slowest = |meter: &PartMeter| meter.lock().clone();
        let times =
            |meter: &Arc<PartMeter>| PartTimes { frames: meter.frames.summary(), slowest: slowest(meter) };
        self.lock().parts.iter().map(times).collect()
    }

    pub(crate) fn pool_use(&self) -> PoolUse {
        self.lock().pool.as_ref().map(FramePool::uses).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Measures one part.
pub(crate) struct PartMeter {
    frames: Counter,
    track: Option<Arc<Track>>,
    slowest: Mutex<Option<Slowest>>,
}

impl PartMeter {
    /// A frame is done that was in hand for `took`, and worked on for `busy` of it.
    pub(crate) fn frame(&self, sequence: u64, took: Duration, busy: Duration) {
        self.frames.record_time(busy);
        if let Some(track) = &self.track {
            track.record_busy(|| format!("frame {sequence}"), took, busy, &[]);
        }
    }

    /// A container worked for so long at a stretch.
    pub(crate) fn stretch(&self, container: impl FnOnce() -> String, took: Duration) {
        let ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let mut slowest = self.lock();
        if slowest.as_ref().is_none_or(|slowest| slowest.ns < ns) {
            *slowest = Some(Slowest { container: container(), ns });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Slowest>> {
        self.slowest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_container_is_named() {
        let meters = Meters::default();
        let shard = meters.part("shard 0");
        let ms = Duration::from_millis;
        shard.stretch(|| "a".to_owned(), ms(2));
        shard.stretch(|| "b".to_owned(), ms(150));
        shard.stretch(|| unreachable!("it is not the slowest"), ms(3));
        shard.frame(0, ms(160), ms(155));
        let [part]: [PartTimes; 1] = meters.parts().try_into().unwrap();
        assert_eq!(part.slowest, Some(Slowest { container: "b".to_owned(), ns: 150_000_000 }));
        assert_eq!((part.frames.name.as_str(), part.frames.max), ("shard 0", 155_000_000));
    }
}
