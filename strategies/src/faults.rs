//! Collects what is wrong with a strategy's parameters, so that all of it is reported at once.

use std::fmt::Display;

use barhive_engine::{indicator::PERIOD_MAX, strategy::SetupError};

/// The faults of one strategy's parameters.
pub(crate) struct Faults {
    strategy: &'static str,
    found: Vec<String>,
}

impl Faults {
    pub(crate) fn of(strategy: &'static str) -> Self {
        Self { strategy, found: Vec::new() }
    }

    /// Notes a fault unless `ok`: what was expected, and what was found.
    pub(crate) fn expect(&mut self, ok: bool, expected: impl Display, found: impl Display) {
        if !ok {
            self.found.push(format!("{}: {expected}, found {found}", self.strategy));
        }
    }

    /// A number of bars from `min` up to what an indicator takes; answers whether it is one.
    pub(crate) fn bars(&mut self, name: &str, value: u32, min: u32) -> bool {
        let ok = (i64::from(min)..=PERIOD_MAX).contains(&i64::from(value));
        self.expect(ok, format_args!("`{name}` must be a number of bars from {min} to {PERIOD_MAX}"), value);
        ok
    }

    /// `low` below `high`, both numbers of bars.
    pub(crate) fn ascending(&mut self, low: (&str, u32), high: (&str, u32)) {
        let ok = self.bars(low.0, low.1, 1) & self.bars(high.0, high.1, 1);
        self.expect(
            !ok || low.1 < high.1,
            format_args!("`{}` must be below `{}`", low.0, high.0),
            format_args!("{} = {}, {} = {}", low.0, low.1, high.0, high.1),
        );
    }

    /// A number above 0.
    pub(crate) fn positive(&mut self, name: &str, value: f64) -> bool {
        let ok = value > 0.0 && value.is_finite();
        self.expect(ok, format_args!("`{name}` must be a number above 0"), value);
        ok
    }

    /// All faults as one error, if there is any.
    pub(crate) fn into_result(self) -> Result<(), SetupError> {
        if self.found.is_empty() { Ok(()) } else { Err(SetupError(self.found)) }
    }
}
