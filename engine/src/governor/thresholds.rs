//! Where alert levels begin.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AlertLevel, Assessment, Reading, ResourceSample, SettingFaults, fault::Checks};

/// Where the levels of one resource begin: at these values, inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertLimits {
    /// Worth a look from here.
    pub yellow: f64,
    /// Nothing should be added from here.
    pub orange: f64,
    /// Too much from here.
    pub red: f64,
}

impl AlertLimits {
    /// Limits, to be checked by [`ResourceThresholds::validate`].
    pub const fn new(yellow: f64, orange: f64, red: f64) -> Self {
        Self { yellow, orange, red }
    }

    /// The level of a value; what was not measured (NaN) is green.
    pub fn level(&self, value: f64) -> AlertLevel {
        if value >= self.red {
            AlertLevel::Red
        } else if value >= self.orange {
            AlertLevel::Orange
        } else if value >= self.yellow {
            AlertLevel::Yellow
        } else {
            AlertLevel::Green
        }
    }

    fn reading(&self, value: f64) -> Reading {
        Reading { value, level: self.level(value) }
    }

    fn check(&self, checks: &mut Checks, key: &str, max: f64, unit: &str) {
        let parts = [("yellow", self.yellow), ("orange", self.orange), ("red", self.red)];
        for (name, value) in parts {
            let expected = format!("more than 0 and at most {max} {unit}");
            checks.that(value > 0.0 && value <= max, &format!("{key}.{name}"), expected, value);
        }
        for [(lower, below), (upper, above)] in [[parts[0], parts[1]], [parts[1], parts[2]]] {
            if below.is_finite() && above.is_finite() {
                let expected = format!("more than {lower} ({below} {unit})");
                checks.that(below < above, &format!("{key}.{upper}"), expected, above);
            }
        }
    }
}

/// Where the alert levels of every resource begin.
///
/// The processor's levels look at what is *not* used by our own backtest workers
/// ([`ResourceSample::overload_cpu_percent`]): a sweep on all cores is no alert. Orange of processor and
/// memory is where the [`CircuitBreaker`](super::CircuitBreaker) starts nothing new, red is what opens it.
///
/// ```
/// use barhive_engine::governor::{AlertLevel, AlertLimits, Resource, ResourceSample, ResourceThresholds};
///
/// let thresholds = ResourceThresholds::default();
/// let sample = ResourceSample {
///     cpu_percent: 98.0,         // the machine is busy,
///     workers_cpu_percent: 60.0, // most of it with our own work;
///     memory_percent: 91.5,      // memory is what is short
///     ..ResourceSample::default()
/// };
/// let assessment = thresholds.assess(&sample);
/// assert_eq!(assessment.cpu.level, AlertLevel::Green);
/// assert_eq!(assessment.overall(), AlertLevel::Orange);
/// assert_eq!(assessment.worst().0, Resource::Memory);
///
/// let swapped = ResourceThresholds { cpu_percent: AlertLimits::new(90.0, 80.0, 120.0), ..thresholds };
/// let faults = swapped.validate().unwrap_err();
/// assert_eq!(faults.faults().len(), 2); // all of them at once
/// assert!(faults.to_string().contains("cpu_percent.orange: expected more than yellow (90 %), found 80"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ResourceThresholds {
    /// Use of all cores by what is not our own backtest workers, percent. Default: 70, 85, 95.
    pub cpu_percent: AlertLimits,
    /// Memory of the machine in use, percent. Default: 75, 90, 95.
    pub memory_percent: AlertLimits,
    /// Read from and written to disks, 1e6 bytes a second. Default: 50, 100, 200.
    pub disk_mb_per_s: AlertLimits,
    /// Received and sent over networks, 1e6 bytes a second. Default: 10, 50, 100.
    pub network_mb_per_s: AlertLimits,
    /// From a live bar to what was decided on it, milliseconds. Default: 500, 1000, 2000.
    pub live_latency_ms: AlertLimits,
}

impl Default for ResourceThresholds {
    fn default() -> Self {
        Self {
            cpu_percent: AlertLimits::new(70.0, 85.0, 95.0),
            memory_percent: AlertLimits::new(75.0, 90.0, 95.0),
            disk_mb_per_s: AlertLimits::new(50.0, 100.0, 200.0),
            network_mb_per_s: AlertLimits::new(10.0, 50.0, 100.0),
            live_latency_ms: AlertLimits::new(500.0, 1_000.0, 2_000.0),
        }
    }
}

impl ResourceThresholds {
    /// Levels within range and ascending.
    ///
    /// # Errors
    /// Every limit that is out of range or not above the one before.
    pub fn validate(&self) -> Result<(), SettingFaults> {
        let mut checks = Checks::default();
        self.check(&mut checks);
        checks.finish()
    }

    pub(super) fn check(&self, checks: &mut Checks) {
        self.cpu_percent.check(checks, "thresholds.cpu_percent", 100.0, "%");
        self.memory_percent.check(checks, "thresholds.memory_percent", 100.0, "%");
        self.disk_mb_per_s.check(checks, "thresholds.disk_mb_per_s", 1e6, "MB/s");
        self.network_mb_per_s.check(checks, "thresholds.network_mb_per_s", 1e6, "MB/s");
        self.live_latency_ms.check(checks, "thresholds.live_latency_ms", 3.6e6, "ms");
    }

    /// The level of every resource that was measured.
    pub fn assess(&self, sample: &ResourceSample) -> Assessment {
        Assessment {
            cpu: self.cpu_percent.reading(sample.overload_cpu_percent()),
            memory: self.memory_percent.reading(sample.memory_percent),
            disk: sample.disk_mb_per_s.map(|value| self.disk_mb_per_s.reading(value)),
            network: sample.network_mb_per_s.map(|value| self.network_mb_per_s.reading(value)),
            live_latency: sample.live_latency_ms.map(|value| self.live_latency_ms.reading(value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use AlertLevel::{Green, Orange, Red, Yellow};

    #[test]
    fn the_default_levels_begin_where_the_table_says() {
        let t = ResourceThresholds::default();
        for (limits, [yellow, orange, red]) in [
            (t.cpu_percent, [70.0, 85.0, 95.0]),
            (t.memory_percent, [75.0, 90.0, 95.0]),
            (t.disk_mb_per_s, [50.0, 100.0, 200.0]),
            (t.network_mb_per_s, [10.0, 50.0, 100.0]),
            (t.live_latency_ms, [500.0, 1_000.0, 2_000.0]),
        ] {
            let just_below = |limit: f64| limit.next_down();
            let values = [0.0, just_below(yellow), yellow, just_below(orange), orange, just_below(red), red];
            let levels = values.map(|value| limits.level(value));
            assert_eq!(levels, [Green, Green, Yellow, Yellow, Orange, Orange, Red]);
            assert_eq!(limits.level(f64::NAN), Green);
        }
        t.validate().unwrap();
    }

    #[test]
    fn all_faults_come_at_once_with_key_expectation_and_value() {
        let t = ResourceThresholds {
            cpu_percent: AlertLimits::new(0.0, 85.0, 101.0),
            memory_percent: AlertLimits::new(90.0, 75.0, f64::NAN),
            ..ResourceThresholds::default()
        };
        let text = t.validate().unwrap_err().to_string();
        assert_eq!(
            text,
            "thresholds.cpu_percent.yellow: expected more than 0 and at most 100 %, found 0\n\
             thresholds.cpu_percent.red: expected more than 0 and at most 100 %, found 101\n\
             thresholds.memory_percent.red: expected more than 0 and at most 100 %, found NaN\n\
             thresholds.memory_percent.orange: expected more than yellow (90 %), found 75"
        );
    }

    #[test]
    fn unknown_keys_are_refused_and_missing_ones_keep_their_defaults() {
        let json = r#"{"cpu_percent": {"yellow": 60, "orange": 70, "red": 80}}"#;
        let t: ResourceThresholds = serde_json::from_str(json).unwrap();
        assert_eq!(t.cpu_percent, AlertLimits::new(60.0, 70.0, 80.0));
        assert_eq!(t.memory_percent, ResourceThresholds::default().memory_percent);
        assert!(serde_json::from_str::<ResourceThresholds>(r#"{"cpu": 3}"#).is_err());
    }
}
