//! The gauge: measures the machine often enough for the governor, every 100 ms.
//!
//! Where the kernel tells in `/proc`, its counters are read, because sysinfo refreshes the processor's
//! use no faster than every 200 ms; elsewhere sysinfo is asked, and what it does not tell is missing.
//! Sensors, disks and networks may always be missing.

mod counters;
mod foreign;
mod heat;
mod kernel;
mod parse;
#[cfg(test)]
mod tests;
mod tree;

use std::{path::Path, time::Duration};

use barhive_engine::governor::ResourceSample;
use serde::{Deserialize, Serialize};

use foreign::ForeignSource;
use kernel::KernelSource;

/// What a watched process and its children are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A backtest worker: its use of the processor is no overload.
    #[default]
    Worker,
    /// Live work.
    Live,
}

/// What a watched process and its children have used since it is watched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TreeUse {
    /// The watched process.
    pub pid: u32,
    /// What it is.
    pub role: Role,
    /// It and its children, those that live.
    pub processes: Vec<u32>,
    /// Time on a core of all of them, nanoseconds.
    pub cpu_ns: u64,
    /// Their memory, bytes; pages that several processes map count in proportion. 0 where nobody has looked.
    pub memory_bytes: u64,
}

/// What cannot be measured at all.
#[derive(Debug, thiserror::Error)]
#[error("the use of this machine cannot be read: {0}")]
pub struct GaugeError(String);

/// Measures the machine.
///
/// ```
/// use barhive_machine::gauge::{Gauge, Role};
///
/// let mut gauge = Gauge::new(0)?;
/// gauge.watch(std::process::id(), Role::Worker);
/// # std::thread::sleep(Gauge::INTERVAL);
/// let sample = gauge.sample(100_000_000); // 100 ms later
/// assert!(sample.memory_percent > 0.0 && sample.cpu_percent <= 100.0);
/// assert!(sample.overload_cpu_percent() <= sample.cpu_percent);
/// # Ok::<(), barhive_machine::gauge::GaugeError>(())
/// ```
pub struct Gauge {
    source: Source,
    watched: Vec<(u32, Role)>,
}

enum Source {
    Kernel(Box<KernelSource>),
    Foreign(Box<ForeignSource>),
}

impl Gauge {
    /// How often samples are meant to be taken.
    pub const INTERVAL: Duration = Duration::from_millis(100);

    /// A gauge whose first interval begins now, monotonic nanoseconds.
    ///
    /// # Errors
    /// When the platform does not tell.
    pub fn new(now_ns: u64) -> Result<Self, GaugeError> {
        let source = if Path::new("/proc/stat").exists() {
            Source::Kernel(Box::new(KernelSource::new(now_ns)?))
        } else {
            Source::Foreign(Box::new(ForeignSource::new()?))
        };
        Ok(Self { source, watched: Vec::new() })
    }

    /// Counts this process and its children as `role` from now on. A child that is watched itself has its
    /// own role.
    pub fn watch(&mut self, pid: u32, role: Role) {
        self.forget(pid);
        self.watched.push((pid, role));
        if let Source::Kernel(source) = &mut self.source {
            source.follow(&self.watched);
        }
    }

    /// Does not count this process any longer; one that has ended may be left in.
    pub fn forget(&mut self, pid: u32) {
        self.watched.retain(|(watched, _)| *watched != pid);
    }

    /// What every watched process has used until the last sample. Where there is `/proc`, memory is not looked
    /// at: that takes longer than a sample may, [`smaps::of`](crate::smaps::of) does.
    pub fn uses(&self) -> Vec<TreeUse> {
        match &self.source {
            Source::Kernel(source) => source.uses(&self.watched),
            Source::Foreign(source) => source.uses(&self.watched),
        }
    }

    /// The machine now; rates and shares since the sample before. The live latency is for others to fill in.
    pub fn sample(&mut self, now_ns: u64) -> ResourceSample {
        match &mut self.source {
            Source::Kernel(source) => source.sample(now_ns, &self.watched),
            Source::Foreign(source) => source.sample(now_ns, &self.watched),
        }
    }
}
