//! The settings of the throttle.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ThermalTable;
use crate::governor::{SettingFaults, fault::Checks};

/// How many workers work, and what bounds them. As it stands there is neither limit nor cool-down: the
/// figures in the comments are those of [`Preset::Vm`](super::Preset::Vm).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ThrottleConfig {
    /// Workers to start with where none are asked for. Default: one per core that may be used.
    pub default_workers: Option<usize>,
    /// Workers that may be asked for at most. Default: 16, or one per core if those are more.
    pub max_workers: Option<usize>,
    /// Use of all cores, by whatever runs, that is not to be exceeded, percent: 80. Default: none.
    pub cpu_limit: Option<f64>,
    /// Seconds after each pass in which no worker works: 5. Default: 0.
    pub cooldown_seconds: f64,
    /// Whether workers run at reduced priority. Default: false.
    pub nice_priority: bool,
    /// Whether the number of workers follows the limit; otherwise exceeding it is only told. Default: true.
    pub adaptive_throttling: bool,
    /// Finished tasks between checks; a second is the longest time between two. Default: 5.
    pub cpu_check_interval: u32,
    /// Use of all cores from which on all workers rest, percent: 85. Default: none.
    pub cpu_threshold: Option<f64>,
    /// Seconds of that rest. Default: 120.
    pub cooling_duration_seconds: f64,
    /// How many workers fewer work on a hot processor; where no sensor tells, all do. Default: none.
    pub thermal: Option<ThermalTable>,
}

impl Default for ThrottleConfig {
    fn default() -> Self {
        Self {
            default_workers: None,
            max_workers: None,
            cpu_limit: None,
            cooldown_seconds: 0.0,
            nice_priority: false,
            adaptive_throttling: true,
            cpu_check_interval: 5,
            cpu_threshold: None,
            cooling_duration_seconds: 120.0,
            thermal: None,
        }
    }
}

impl ThrottleConfig {
    /// Workers that may be asked for at most on a machine with fewer cores.
    pub const MAX_WORKERS: usize = 16;
    /// The customary `cpu_threshold`, percent.
    pub const CPU_THRESHOLD: f64 = 85.0;

    /// Values within range.
    ///
    /// # Errors
    /// Every value that is not.
    pub fn validate(&self) -> Result<(), SettingFaults> {
        let mut checks = Checks::default();
        for (key, workers) in [("default_workers", self.default_workers), ("max_workers", self.max_workers)] {
            if let Some(workers) = workers {
                checks.that((1..=1_024).contains(&workers), key, "1 to 1024 workers", workers);
            }
        }
        if let (Some(workers), Some(max)) = (self.default_workers, self.max_workers) {
            checks.that(workers <= max, "default_workers", format!("at most max_workers ({max})"), workers);
        }
        for (key, value) in [("cpu_limit", self.cpu_limit), ("cpu_threshold", self.cpu_threshold)] {
            if let Some(value) = value {
                checks.within(key, value, 1.0..=100.0, "%");
            }
        }
        checks.within("cooldown_seconds", self.cooldown_seconds, 0.0..=86_400.0, "seconds");
        checks.within("cooling_duration_seconds", self.cooling_duration_seconds, 0.0..=86_400.0, "seconds");
        checks.within("cpu_check_interval", f64::from(self.cpu_check_interval), 1.0..=1e6, "tasks");
        if let Some(table) = &self.thermal {
            table.check(&mut checks);
        }
        checks.finish()
    }

    /// How many workers a run starts with, and never exceeds: those that are asked for, else
    /// `default_workers`, else one per core.
    ///
    /// # Errors
    /// More than `max_workers`, or none, are asked for.
    pub fn workers(&self, asked: Option<usize>, cores: usize) -> Result<usize, SettingFaults> {
        let cores = cores.max(1);
        let max = self.max_workers.unwrap_or(Self::MAX_WORKERS.max(cores));
        let mut checks = Checks::default();
        if let Some(asked) = asked {
            checks.that((1..=max).contains(&asked), "workers", format!("1 to {max} (max_workers)"), asked);
        }
        checks.finish()?;
        Ok(asked.or(self.default_workers).unwrap_or(cores).min(max))
    }

    /// Whether there is anything to watch.
    pub fn is_active(&self) -> bool {
        self.cpu_limit.is_some() || self.cpu_threshold.is_some() || self.thermal.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_settings_there_is_neither_limit_nor_cool_down() {
        let config: ThrottleConfig = serde_json::from_str("{}").unwrap();
        assert_eq!(config, ThrottleConfig::default());
        config.validate().unwrap();
        assert!(!config.is_active() && config.cooldown_seconds == 0.0);
        assert_eq!(config.workers(None, 6), Ok(6));
        assert_eq!(config.workers(None, 64), Ok(64));
        assert_eq!(config.workers(Some(16), 2), Ok(16));
        let text = config.workers(Some(17), 2).unwrap_err().to_string();
        assert_eq!(text, "workers: expected 1 to 16 (max_workers), found 17");
        assert!(config.workers(Some(0), 2).is_err());
    }

    #[test]
    fn all_faults_come_at_once() {
        let config = ThrottleConfig {
            default_workers: Some(8),
            max_workers: Some(4),
            cpu_limit: Some(0.5),
            cooldown_seconds: -1.0,
            cpu_check_interval: 0,
            cpu_threshold: Some(f64::INFINITY),
            ..ThrottleConfig::default()
        };
        assert_eq!(
            config.validate().unwrap_err().to_string(),
            "default_workers: expected at most max_workers (4), found 8\n\
             cpu_limit: expected 1 to 100 %, found 0.5\n\
             cpu_threshold: expected 1 to 100 %, found inf\n\
             cooldown_seconds: expected 0 to 86400 seconds, found -1\n\
             cpu_check_interval: expected 1 to 1000000 tasks, found 0"
        );
    }
}
