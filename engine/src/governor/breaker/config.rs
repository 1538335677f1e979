//! The settings of the breaker.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::governor::{ResourceThresholds, SettingFaults, fault::Checks};

/// When the breaker opens, probes and closes; the loads at which it does are in
/// [`ResourceThresholds`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BreakerConfig {
    /// Whether it acts; one that does not stays closed, whatever the machine does. Default: true.
    pub enabled: bool,
    /// Red samples in a row that open it; strained samples in a row before the first job is shed. Default: 3.
    pub failure_threshold: u32,
    /// Calm samples in a row that close it while it probes. Default: 2.
    pub success_threshold: u32,
    /// Seconds from opening to the probe. Default: 30.
    pub timeout_seconds: f64,
    /// Seconds that a probe may take before it has failed. Default: 10.
    pub half_open_timeout_seconds: f64,
    /// The machine is calm while the processor is used less than this by others, percent. Default: 70.
    pub recovery_cpu_percent: f64,
    /// The machine is calm while less than this of its memory is in use, percent. Default: 70.
    pub recovery_memory_percent: f64,
    /// Seconds of calm before anything is released. Default: 5.
    pub recovery_seconds: f64,
    /// Seconds from one level of priority to the next, when jobs are shed and when they come back. Default: 0.5.
    pub shed_step_seconds: f64,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            failure_threshold: 3,
            success_threshold: 2,
            timeout_seconds: 30.0,
            half_open_timeout_seconds: 10.0,
            recovery_cpu_percent: 70.0,
            recovery_memory_percent: 70.0,
            recovery_seconds: 5.0,
            shed_step_seconds: 0.5,
        }
    }
}

impl BreakerConfig {
    /// The settings and the thresholds that they belong to.
    ///
    /// # Errors
    /// Every value out of range; a calm that is not below the strain it ends.
    pub fn validate(&self, thresholds: &ResourceThresholds) -> Result<(), SettingFaults> {
        let mut checks = Checks::default();
        thresholds.check(&mut checks);
        for (key, value) in [
            ("breaker.failure_threshold", self.failure_threshold),
            ("breaker.success_threshold", self.success_threshold),
        ] {
            checks.within(key, f64::from(value), 1.0..=1_000.0, "samples");
        }
        for (key, value) in [
            ("breaker.timeout_seconds", self.timeout_seconds),
            ("breaker.half_open_timeout_seconds", self.half_open_timeout_seconds),
            ("breaker.shed_step_seconds", self.shed_step_seconds),
        ] {
            checks.within(key, value, 0.1..=86_400.0, "seconds");
        }
        checks.within("breaker.recovery_seconds", self.recovery_seconds, 0.0..=86_400.0, "seconds");
        for (key, value, limits, of) in [
            (
                "breaker.recovery_cpu_percent",
                self.recovery_cpu_percent,
                thresholds.cpu_percent,
                "thresholds.cpu_percent.orange",
            ),
            (
                "breaker.recovery_memory_percent",
                self.recovery_memory_percent,
                thresholds.memory_percent,
                "thresholds.memory_percent.orange",
            ),
        ] {
            let expected = format!("more than 0 and less than {of} ({} %)", limits.orange);
            checks.that(value > 0.0 && value < limits.orange, key, expected, value);
        }
        checks.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calm_above_the_strain_and_values_out_of_range_are_all_refused() {
        let thresholds = ResourceThresholds::default();
        BreakerConfig::default().validate(&thresholds).unwrap();
        let config = BreakerConfig {
            failure_threshold: 0,
            timeout_seconds: f64::NAN,
            recovery_cpu_percent: 85.0,
            ..BreakerConfig::default()
        };
        assert_eq!(
            config.validate(&thresholds).unwrap_err().to_string(),
            "breaker.failure_threshold: expected 1 to 1000 samples, found 0\n\
             breaker.timeout_seconds: expected 0.1 to 86400 seconds, found NaN\n\
             breaker.recovery_cpu_percent: expected more than 0 and less than thresholds.cpu_percent.orange \
             (85 %), found 85"
        );
    }

    #[test]
    fn the_defaults_are_those_of_the_table() {
        let json = serde_json::to_value(BreakerConfig::default()).unwrap();
        assert_eq!(json["failure_threshold"], 3);
        assert_eq!(json["success_threshold"], 2);
        assert_eq!(json["timeout_seconds"], 30.0);
        assert_eq!(json["half_open_timeout_seconds"], 10.0);
        assert_eq!(serde_json::from_str::<BreakerConfig>("{}").unwrap(), BreakerConfig::default());
    }
}
