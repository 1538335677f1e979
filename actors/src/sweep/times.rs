//! Where the time of a pass goes, part by part.

use std::time::Duration;

use barhive_engine::sweep::{PassPart, PassTime};
use serde::{Deserialize, Serialize};

use crate::clock::Stopwatch;

/// The time that passes took, in nanoseconds, by their parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassTimes {
    /// By part, in the order of [`PassPart::ALL`].
    pub parts_ns: [u64; PassPart::ALL.len()],
    /// Held: paused, throttled, or behind a job that comes first.
    pub held_ns: u64,
}

impl PassTimes {
    /// Adds the times of another pass.
    pub fn add(&mut self, other: &Self) {
        for (own, other) in self.parts_ns.iter_mut().zip(other.parts_ns) {
            *own += other;
        }
        self.held_ns += other.held_ns;
    }

    /// What a schedule learns from: the work, not how long it was held meanwhile, and what of it was done for
    /// all variants at once.
    pub fn pass_time(&self) -> PassTime {
        let elapsed_ns = self.parts_ns.iter().sum();
        let of = |part| self.parts_ns[part as usize];
        PassTime { elapsed_ns, shared_ns: of(PassPart::Data) + of(PassPart::Indicators) }
    }

    /// Each with its name.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, Duration)> {
        let parts = PassPart::ALL.iter().zip(self.parts_ns).map(|(part, ns)| (part.as_str(), ns));
        parts.chain([("held", self.held_ns)]).map(|(name, ns)| (name, Duration::from_nanos(ns)))
    }
}

/// Measures the parts of a pass as they are entered.
#[derive(Debug)]
pub(super) struct PassClock {
    watch: Stopwatch,
    part: PassPart,
    /// When the part was entered, by the watch.
    since: Duration,
    times: PassTimes,
}

impl PassClock {
    pub(super) fn start() -> Self {
        Self {
            watch: Stopwatch::start(),
            part: PassPart::SetUp,
            since: Duration::ZERO,
            times: PassTimes::default(),
        }
    }

    pub(super) fn enter(&mut self, part: PassPart) {
        let lap = self.lap();
        self.times.parts_ns[self.part as usize] += lap;
        self.part = part;
    }

    /// Measures how long the pass is held, which is no part's time.
    pub(super) fn held(&mut self, hold: impl FnOnce()) {
        let lap = self.lap();
        self.times.parts_ns[self.part as usize] += lap;
        hold();
        self.times.held_ns += self.lap();
    }

    /// What the pass has taken.
    pub(super) fn stop(mut self) -> PassTimes {
        self.enter(PassPart::End);
        self.times
    }

    fn lap(&mut self) -> u64 {
        let before = std::mem::replace(&mut self.since, self.watch.elapsed());
        u64::try_from((self.since - before).as_nanos()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::thread::sleep;

    use super::*;

    #[test]
    fn parts_and_holds_add_up_to_all_of_the_time() {
        let mut clock = PassClock::start();
        clock.enter(PassPart::Data);
        sleep(Duration::from_millis(3));
        clock.held(|| sleep(Duration::from_millis(5)));
        sleep(Duration::from_millis(3));
        clock.enter(PassPart::Variants);
        let watch = clock.watch;
        let times = clock.stop();
        let sum: Duration = times.named().map(|(_, time)| time).sum();
        let PassTime { elapsed_ns, shared_ns } = times.pass_time();
        assert_eq!(sum, Duration::from_nanos(elapsed_ns + times.held_ns), "a pause is no work");
        assert!(sum >= Duration::from_millis(11) && sum <= watch.elapsed(), "{sum:?}");
        assert_eq!(shared_ns, times.parts_ns[PassPart::Data as usize]);
        let of = |name: &str| times.named().find(|(own, _)| *own == name).unwrap().1;
        assert!(of("market data") >= Duration::from_millis(6) && of("held") >= Duration::from_millis(5));
        let mut twice = times;
        twice.add(&times);
        assert_eq!(twice.pass_time().elapsed_ns, 2 * elapsed_ns);
    }
}
