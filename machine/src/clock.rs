//! The wall clock: the only place of the library that reads one.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use barhive_engine::time::Clock;

/// The machine's clock, UTC.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the wall clock that everybody else takes as a Clock"
    )]
    fn now_ns(&self) -> i64 {
        let since = |span: Duration| i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => since(after),
            Err(before) => -since(before.duration()),
        }
    }
}

/// Measures how long something takes; for reports and slices of work, never for results.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// A watch that starts now.
    #[allow(clippy::disallowed_methods, reason = "measures the machine, not the market")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since it started.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_clock_stands_after_this_was_written() {
        assert!(SystemClock.now_ns() > 1_760_000_000_000_000_000);
    }
}
