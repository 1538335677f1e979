//! When what has failed may start again: intensity, back-off, and what follows when it gives up. One rule for
//! parts of a run and for processes.

use std::{collections::VecDeque, time::Duration};

/// What happens to a child that fails too often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GiveUp {
    /// It is left out; everything else goes on.
    #[default]
    Quarantine,
    /// Its parent fails with it. At the root that ends the system; the program then leaves with
    /// exit code 70.
    Escalate,
}

/// How a child is restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestartPolicy {
    /// Restarts allowed within `window`.
    pub intensity: u32,
    /// The span over which restarts are counted.
    pub window: Duration,
    /// The second restart waits up to so long, each further one up to twice as long as the one
    /// before; the first does not wait.
    pub backoff_base: Duration,
    /// No restart waits longer than this.
    pub backoff_max: Duration,
    /// After so long without a failure, earlier failures are forgotten.
    pub healthy_after: Duration,
    /// What happens when the intensity is exceeded.
    pub give_up: GiveUp,
}

impl Default for RestartPolicy {
    fn default() -> Self {
        Self {
            intensity: 3,
            window: Duration::from_secs(60),
            backoff_base: Duration::from_millis(100),
            backoff_max: Duration::from_secs(10),
            healthy_after: Duration::from_secs(60),
            give_up: GiveUp::Quarantine,
        }
    }
}

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestartVerdict {
    /// It starts again.
    Restart {
        /// After so long.
        after: Duration,
    },
    /// It has failed too often.
    GiveUp,
}

/// One child's failures, and the source of its jitter. Times are since any fixed origin.
///
/// ```
/// use std::time::Duration;
///
/// use barhive_engine::restart::{RestartHistory, RestartPolicy, RestartVerdict};
///
/// let mut history = RestartHistory::new(RestartPolicy::default(), 7);
/// let second = Duration::from_secs(1);
/// assert_eq!(history.fail(second), RestartVerdict::Restart { after: Duration::ZERO });
/// assert!(matches!(history.fail(2 * second), RestartVerdict::Restart { .. }));
/// assert!(matches!(history.fail(3 * second), RestartVerdict::Restart { .. }));
/// assert_eq!(history.fail(4 * second), RestartVerdict::GiveUp);
/// ```
#[derive(Clone, Debug)]
pub struct RestartHistory {
    policy: RestartPolicy,
    jitter: SplitMix64,
    /// Failures within the window, oldest first.
    recent: VecDeque<Duration>,
    /// Restarts since the child was last healthy: sets the back-off.
    streak: u32,
    restarts: u32,
}

impl RestartHistory {
    /// One that has never failed; `seed` draws its jitter.
    pub fn new(policy: RestartPolicy, seed: u64) -> Self {
        Self { policy, jitter: SplitMix64(seed), recent: VecDeque::new(), streak: 0, restarts: 0 }
    }

    /// All restarts so far.
    pub fn restarts(&self) -> u32 {
        self.restarts
    }

    /// It has failed now.
    pub fn fail(&mut self, now: Duration) -> RestartVerdict {
        let RestartPolicy { intensity, window, healthy_after, .. } = self.policy;
        if self.recent.back().is_some_and(|last| now.saturating_sub(*last) >= healthy_after) {
            self.recent.clear();
            self.streak = 0;
        }
        while self.recent.front().is_some_and(|first| now.saturating_sub(*first) >= window) {
            self.recent.pop_front();
        }
        self.recent.push_back(now);
        if self.recent.len() > intensity as usize {
            return RestartVerdict::GiveUp;
        }
        self.restarts += 1;
        self.streak += 1;
        RestartVerdict::Restart { after: self.backoff() }
    }

    /// Full jitter: anywhere between nothing and the bound.
    fn backoff(&mut self) -> Duration {
        let Some(doublings) = self.streak.checked_sub(2) else { return Duration::ZERO };
        let bound = self
            .policy
            .backoff_base
            .saturating_mul(1u32.checked_shl(doublings).unwrap_or(u32::MAX))
            .min(self.policy.backoff_max);
        bound.mul_f64(self.jitter.next_unit())
    }
}

/// SplitMix64 (G. Steele, D. Lea, C. Flood, 2014): enough to spread restarts, never part of a result.
#[derive(Clone, Debug)]
struct SplitMix64(u64);

impl SplitMix64 {
    fn next_unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn after(verdict: RestartVerdict) -> Duration {
        match verdict {
            RestartVerdict::Restart { after } => after,
            RestartVerdict::GiveUp => panic!("gave up"),
        }
    }

    #[test]
    fn the_first_restart_is_at_once_and_the_fourth_is_refused() {
        let mut history = RestartHistory::new(RestartPolicy::default(), 7);
        let second = Duration::from_secs(1);
        assert_eq!(after(history.fail(second)), Duration::ZERO);
        assert!(after(history.fail(2 * second)) <= Duration::from_millis(100));
        assert!(after(history.fail(3 * second)) <= Duration::from_millis(200));
        assert_eq!(history.fail(4 * second), RestartVerdict::GiveUp);
    }

    #[test]
    fn a_healthy_minute_is_forgiven() {
        let mut history = RestartHistory::new(RestartPolicy::default(), 7);
        for minute in 0..100 {
            assert_eq!(after(history.fail(Duration::from_secs(60 * minute))), Duration::ZERO);
        }
        assert_eq!(history.restarts(), 100);
    }

    proptest! {
        #[test]
        fn no_window_ever_holds_more_restarts_than_the_intensity(
            intensity in 0u32..6,
            gaps in prop::collection::vec(0u64..40_000, 1..60),
            seed in any::<u64>(),
        ) {
            let policy = RestartPolicy { intensity, ..RestartPolicy::default() };
            let mut history = RestartHistory::new(policy, seed);
            let (mut now, mut restarts) = (Duration::ZERO, Vec::new());
            for gap in gaps {
                now += Duration::from_millis(gap);
                match history.fail(now) {
                    RestartVerdict::Restart { after } => {
                        prop_assert!(after <= policy.backoff_max);
                        restarts.push(now);
                    }
                    RestartVerdict::GiveUp => break,
                }
            }
            for (index, start) in restarts.iter().enumerate() {
                let within = restarts[index..].iter().take_while(|t| **t - *start < policy.window).count();
                prop_assert!(within <= intensity as usize);
            }
        }
    }
}
