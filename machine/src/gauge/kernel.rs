//! The counters of `/proc`.

use std::{collections::BTreeMap, fs, path::Path};

use barhive_engine::governor::ResourceSample;

use super::{
    GaugeError, Role, TreeUse,
    counters::Counters,
    heat::Sensors,
    parse::{self, CpuTicks},
    tree::Trees,
};

pub(super) struct KernelSource {
    stat: Counters,
    meminfo: Counters,
    disks: Option<Flow>,
    networks: Option<Flow>,
    sensors: Sensors,
    trees: Trees,
    ticks: CpuTicks,
    last_ns: u64,
    last: ResourceSample,
    /// Samples until sensors are read again.
    heat_in: u32,
}

/// Bytes that go through devices.
struct Flow {
    counters: Counters,
    parse: fn(&str) -> Vec<(&str, u64)>,
    /// Where the devices' links are; those of the machine's own hardware do not lead to `virtual`.
    class: &'static Path,
    is_real: BTreeMap<String, bool>,
    bytes: Option<u64>,
}

impl KernelSource {
    /// Samples between two looks at the sensors: heat is slow, and some sensors are.
    const HEAT: u32 = 10;

    pub(super) fn new(now_ns: u64) -> Result<Self, GaugeError> {
        let open = |path: &str| {
            Counters::open(Path::new(path)).ok_or_else(|| GaugeError(format!("{path} cannot be opened")))
        };
        let mut source = Self {
            stat: open("/proc/stat")?,
            meminfo: open("/proc/meminfo")?,
            disks: Flow::new("/proc/diskstats", "/sys/class/block", |text| parse::disk_bytes(text).collect()),
            networks: Flow::new("/proc/net/dev", "/sys/class/net", |text| {
                parse::network_bytes(text).filter(|(name, _)| *name != "lo").collect()
            }),
            sensors: Sensors::find(Path::new("/sys")),
            trees: Trees::default(),
            ticks: CpuTicks::default(),
            last_ns: now_ns,
            last: ResourceSample::default(),
            heat_in: 0,
        };
        source.ticks = source.ticks().ok_or_else(|| GaugeError("/proc/stat has no counters".into()))?;
        source.disks.as_mut().map(Flow::gained);
        source.networks.as_mut().map(Flow::gained);
        Ok(source)
    }

    pub(super) fn follow(&mut self, watched: &[(u32, Role)]) {
        self.trees.follow(watched);
    }

    pub(super) fn uses(&self, watched: &[(u32, Role)]) -> Vec<TreeUse> {
        self.trees.uses(watched)
    }

    fn ticks(&mut self) -> Option<CpuTicks> {
        self.stat.read().and_then(parse::cpu_ticks)
    }

    pub(super) fn sample(&mut self, now_ns: u64, watched: &[(u32, Role)]) -> ResourceSample {
        let span = now_ns.saturating_sub(self.last_ns) as f64 / 1e9;
        let Some(ticks) = self.ticks() else { return ResourceSample { at_ns: now_ns, ..self.last } };
        let total = ticks.total.saturating_sub(self.ticks.total) as f64;
        if span <= 0.0 || total <= 0.0 {
            return ResourceSample { at_ns: now_ns, ..self.last };
        }
        let share = |part: u64| (100.0 * part as f64 / total).clamp(0.0, 100.0);
        let busy = ticks.busy.saturating_sub(self.ticks.busy);
        let used = self.trees.used(watched);
        let rate = |flow: &mut Option<Flow>| {
            flow.as_mut().and_then(Flow::gained).map(|bytes| bytes as f64 / 1e6 / span)
        };
        let celsius = if self.heat_in == 0 {
            self.heat_in = Self::HEAT;
            self.sensors.hottest()
        } else {
            self.last.celsius
        };
        self.heat_in -= 1;
        let memory = self.meminfo.read().and_then(parse::memory);
        let (memory_percent, memory_bytes) =
            memory.unwrap_or((self.last.memory_percent, self.last.memory_bytes));
        self.last = ResourceSample {
            at_ns: now_ns,
            cpu_percent: share(busy),
            workers_cpu_percent: share(used.workers),
            live_cpu_percent: share(used.live),
            memory_percent,
            memory_bytes,
            disk_mb_per_s: rate(&mut self.disks),
            network_mb_per_s: rate(&mut self.networks),
            live_latency_ms: None,
            celsius,
        };
        self.ticks = ticks;
        self.last_ns = now_ns;
        self.last
    }
}

impl Flow {
    fn new(file: &str, class: &'static str, parse: fn(&str) -> Vec<(&str, u64)>) -> Option<Self> {
        let counters = Counters::open(Path::new(file))?;
        Some(Self { counters, parse, class: Path::new(class), is_real: BTreeMap::new(), bytes: None })
    }

    /// Bytes since the last call; nothing at the first.
    fn gained(&mut self) -> Option<u64> {
        let devices = (self.parse)(self.counters.read()?);
        let (mut real, mut all, mut any_real) = (0u64, 0u64, false);
        for (name, bytes) in devices {
            let is_real = match self.is_real.get(name) {
                Some(known) => *known,
                None => {
                    let is_real = is_real(self.class, name);
                    self.is_real.insert(name.to_owned(), is_real);
                    is_real
                }
            };
            all = all.saturating_add(bytes);
            if is_real {
                any_real = true;
                real = real.saturating_add(bytes);
            }
        }
        // In a container every device may be virtual.
        let bytes = if any_real { real } else { all };
        let gained = self.bytes.map(|before| bytes.saturating_sub(before));
        self.bytes = Some(bytes);
        gained
    }
}

/// Whether a device is hardware, and whole: bytes through bridges, loops and partitions pass hardware, too.
fn is_real(class: &Path, name: &str) -> bool {
    let path = class.join(name.replace('/', "!"));
    let Ok(link) = fs::canonicalize(&path) else { return false };
    !link.components().any(|part| part.as_os_str() == "virtual") && !path.join("partition").exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loops_are_not_hardware() {
        if !Path::new("/sys/class/block").exists() {
            println!("skipped: nothing in /sys/class/block");
            return;
        }
        assert!(!is_real(Path::new("/sys/class/block"), "loop0"));
        assert!(!is_real(Path::new("/sys/class/net"), "lo"));
        assert!(!is_real(Path::new("/sys/class/net"), "no-such-interface"));
    }
}
