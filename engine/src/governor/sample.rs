//! What is measured, and what it means.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::AlertLevel;

/// The machine at one moment. Shares of the processor are percent of all cores together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ResourceSample {
    /// When it was taken, monotonic nanoseconds.
    pub at_ns: u64,
    /// Use of all cores since the sample before, by whatever runs, percent.
    pub cpu_percent: f64,
    /// Of it, what our own backtest workers used, percent of all cores.
    pub workers_cpu_percent: f64,
    /// Of it, what live processes used, percent of all cores.
    pub live_cpu_percent: f64,
    /// Memory of the machine in use, percent.
    pub memory_percent: f64,
    /// Memory of the machine, bytes; 0 where it is not known.
    pub memory_bytes: u64,
    /// Read from and written to disks, 1e6 bytes a second.
    pub disk_mb_per_s: Option<f64>,
    /// Received and sent over networks without the loopback, 1e6 bytes a second.
    pub network_mb_per_s: Option<f64>,
    /// From a live bar to what was decided on it, milliseconds; the longest since the sample before.
    pub live_latency_ms: Option<f64>,
    /// The hottest sensor of the processor, degrees Celsius.
    pub celsius: Option<f64>,
}

impl ResourceSample {
    /// Use of all cores by what is not our own backtest workers: other programs, live work and the
    /// manager. What counts as overload; our workers are bounded by the throttle.
    pub fn overload_cpu_percent(&self) -> f64 {
        // The two are read one after the other and may differ by a tick.
        (self.cpu_percent - self.workers_cpu_percent).clamp(0.0, 100.0)
    }
}

/// What is watched.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// The processor, without our own backtest workers.
    Cpu,
    /// The memory of the machine.
    Memory,
    /// Disks.
    Disk,
    /// Networks.
    Network,
    /// What live work waits for.
    LiveLatency,
}

impl Resource {
    /// The unit of its values.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Cpu | Self::Memory => "%",
            Self::Disk | Self::Network => "MB/s",
            Self::LiveLatency => "ms",
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Cpu => "CPU without our workers",
            Self::Memory => "memory",
            Self::Disk => "disk",
            Self::Network => "network",
            Self::LiveLatency => "live latency",
        })
    }
}

/// A value and its level.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Reading {
    /// In the resource's unit.
    pub value: f64,
    /// How bad it is.
    pub level: AlertLevel,
}

/// How bad everything is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Assessment {
    /// The processor, without our own backtest workers.
    pub cpu: Reading,
    /// The memory of the machine.
    pub memory: Reading,
    /// Disks, if measured.
    pub disk: Option<Reading>,
    /// Networks, if measured.
    pub network: Option<Reading>,
    /// What live work waits for, if there is any.
    pub live_latency: Option<Reading>,
}

impl Assessment {
    /// All that was measured.
    pub fn readings(&self) -> impl Iterator<Item = (Resource, Reading)> {
        [
            (Resource::Cpu, Some(self.cpu)),
            (Resource::Memory, Some(self.memory)),
            (Resource::Disk, self.disk),
            (Resource::Network, self.network),
            (Resource::LiveLatency, self.live_latency),
        ]
        .into_iter()
        .filter_map(|(resource, reading)| Some((resource, reading?)))
    }

    /// The resource with the highest level; of equals the first in the order of [`Resource`].
    pub fn worst(&self) -> (Resource, Reading) {
        self.readings().fold((Resource::Cpu, self.cpu), |worst, next| {
            if next.1.level > worst.1.level { next } else { worst }
        })
    }

    /// The highest level of all.
    pub fn overall(&self) -> AlertLevel {
        self.worst().1.level
    }
}

impl fmt::Display for Assessment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.overall())?;
        for (place, (resource, Reading { value, level })) in self.readings().enumerate() {
            let separator = if place == 0 { ": " } else { ", " };
            write!(f, "{separator}{resource} {value:.1} {} ({level})", resource.unit())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::governor::ResourceThresholds;

    #[test]
    fn the_worst_resource_gives_the_level_and_the_sentence_names_all() {
        let sample = ResourceSample {
            cpu_percent: 97.0,
            workers_cpu_percent: 80.0,
            memory_percent: 76.0,
            disk_mb_per_s: Some(250.0),
            live_latency_ms: Some(12.0),
            ..ResourceSample::default()
        };
        let assessment = ResourceThresholds::default().assess(&sample);
        assert_eq!(assessment.worst().0, Resource::Disk);
        assert_eq!(
            assessment.to_string(),
            "red: CPU without our workers 17.0 % (green), memory 76.0 % (yellow), disk 250.0 MB/s (red), \
             live latency 12.0 ms (green)"
        );
    }

    #[test]
    fn workers_that_seem_to_use_more_than_the_machine_leave_nothing_for_others() {
        let sample =
            ResourceSample { cpu_percent: 99.0, workers_cpu_percent: 101.0, ..ResourceSample::default() };
        assert_eq!(sample.overload_cpu_percent(), 0.0);
    }
}
