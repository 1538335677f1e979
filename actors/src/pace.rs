//! How much work fits between two looks at the clock, learned from what work has taken.

use std::time::Duration;

use crate::pump::LOOK;

/// A pace quickens at most so much from one look to the next: what little work took says little about
/// what much of it would take.
const QUICKENS_MAX: usize = 4;

/// The pace of one container: work (as the engine counts it) that is done within [`LOOK`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace(usize);

impl Default for Pace {
    /// A container of which nothing is known takes a single step.
    fn default() -> Self {
        Self(1)
    }
}

impl Pace {
    /// How much work to ask for.
    pub(crate) fn work(self) -> usize {
        self.0
    }

    /// So much work took so long.
    pub(crate) fn learn(&mut self, work: usize, took: Duration) {
        let fits = work as u128 * LOOK.as_nanos() / took.as_nanos().max(1);
        let most = self.0.max(work).saturating_mul(QUICKENS_MAX);
        self.0 = usize::try_from(fits).unwrap_or(usize::MAX).clamp(1, most);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_pace_quickens_step_by_step_and_slows_down_at_once() {
        let mut pace = Pace::default();
        let works: Vec<_> = (0..5)
            .map(|_| {
                pace.learn(pace.work(), Duration::from_nanos(10) * pace.work() as u32);
                pace.work()
            })
            .collect();
        assert_eq!(works, [4, 16, 64, 256, 1024]);
        pace.learn(1024, Duration::from_millis(1024));
        assert_eq!(pace.work(), 1);
    }

    #[test]
    fn a_frame_that_ends_early_does_not_slow_its_container_down() {
        let mut pace = Pace(20_000);
        pace.learn(100, Duration::from_micros(1));
        assert_eq!(pace.work(), 25_000);
    }

    proptest! {
        #[test]
        fn a_steady_container_works_a_quarter_of_a_slice_between_looks(
            step in 1usize..2_000, ns_per_work in 1u64..2_000_000,
        ) {
            let mut pace = Pace::default();
            let mut took = Duration::ZERO;
            for _ in 0..40 {
                // A step is never cut.
                let work = pace.work().next_multiple_of(step);
                took = Duration::from_nanos(ns_per_work * work as u64);
                pace.learn(work, took);
            }
            let of_step = Duration::from_nanos(ns_per_work * step as u64);
            prop_assert!(took <= LOOK + of_step, "{took:?}");
            prop_assert!(took + of_step * 2 >= LOOK, "{took:?}");
        }
    }
}
