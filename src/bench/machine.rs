//! What the figures were measured on: they are worth nothing without it.

use std::{fs, thread};

use serde::Serialize;

/// A machine.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Machine {
    /// The processor's name.
    pub cpu: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// Cores that there are.
    pub cores_online: usize,
    /// The system's kernel.
    pub kernel: String,
    /// Main memory in bytes; 0 where the system does not tell.
    pub memory_bytes: u64,
    /// What else runs: the load of the last minute when this was asked for.
    pub load: f64,
}

impl Machine {
    /// This one.
    pub fn this() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let or_unknown = |text: &str| match text.trim() {
            "" => "unknown".to_owned(),
            known => known.to_owned(),
        };
        let processors = read("/proc/cpuinfo");
        let named = |name: &str| processors.lines().filter_map(|line| value(line, name)).collect::<Vec<_>>();
        let names = ["model name", "Processor", "uarch"].map(|name| named(name).first().copied());
        let memory = read("/proc/meminfo");
        let total_kb =
            memory.lines().find_map(|line| value(line, "MemTotal")?.split(' ').next()?.parse().ok());
        let load = read("/proc/loadavg");
        Self {
            cpu: or_unknown(names.into_iter().flatten().next().unwrap_or(std::env::consts::ARCH)),
            cores: thread::available_parallelism().map_or(1, usize::from),
            cores_online: named("processor").len().max(1),
            kernel: format!(
                "{} {}",
                or_unknown(&read("/proc/sys/kernel/ostype")),
                or_unknown(&read("/proc/sys/kernel/osrelease"))
            ),
            memory_bytes: total_kb.unwrap_or(0u64) << 10,
            load: load.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0),
        }
    }
}

/// `name : value`.
fn value<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let rest = line.strip_prefix(name)?.trim_start();
    rest.strip_prefix(':').map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_by_its_whole_name() {
        assert_eq!(value("model name\t: AMD EPYC", "model name"), Some("AMD EPYC"));
        assert_eq!(value("MemTotal:  10 kB", "MemTotal"), Some("10 kB"));
        assert_eq!(value("processors : 2", "processor"), None);
    }

    #[test]
    fn this_machine_has_cores() {
        let machine = Machine::this();
        assert!(machine.cores >= 1 && machine.cores_online >= 1, "{machine:?}");
        assert!(!machine.cpu.is_empty() && !machine.kernel.is_empty(), "{machine:?}");
    }
}
