//! What is wrong with a setting: all faults at once.

use std::{fmt, ops::RangeInclusive};

use serde::Serialize;

/// One setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SettingFault {
    /// The setting's key, with dots: `thresholds.cpu_percent.red`.
    pub key: String,
    /// What it must be.
    pub expected: String,
    /// What it is.
    pub found: String,
}

impl fmt::Display for SettingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, found {}", self.key, self.expected, self.found)
    }
}

/// Every setting that cannot be used; never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SettingFaults(Vec<SettingFault>);

impl SettingFaults {
    /// The faults, in the order of the settings.
    pub fn faults(&self) -> &[SettingFault] {
        &self.0
    }
}

impl fmt::Display for SettingFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, fault) in self.0.iter().enumerate() {
            let separator = if place == 0 { "" } else { "\n" };
            write!(f, "{separator}{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingFaults {}

/// Gathers faults.
#[derive(Debug, Default)]
pub(super) struct Checks(Vec<SettingFault>);

impl Checks {
    /// Notes a fault unless `holds`.
    pub(super) fn that(
        &mut self,
        holds: bool,
        key: &str,
        expected: impl fmt::Display,
        found: impl fmt::Display,
    ) {
        if !holds {
            let (expected, found) = (expected.to_string(), found.to_string());
            self.0.push(SettingFault { key: key.to_owned(), expected, found });
        }
    }

    /// A number within a range; NaN is in none.
    pub(super) fn within(&mut self, key: &str, value: f64, range: RangeInclusive<f64>, unit: &str) {
        let expected = format!("{} to {} {unit}", range.start(), range.end());
        self.that(range.contains(&value), key, expected, value);
    }

    /// Nothing, or all that was noted.
    pub(super) fn finish(self) -> Result<(), SettingFaults> {
        if self.0.is_empty() { Ok(()) } else { Err(SettingFaults(self.0)) }
    }
}
