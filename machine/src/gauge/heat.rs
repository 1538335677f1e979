//! How hot the processor is.

use std::{fs, path::Path};

use super::counters::Counters;

/// The processor's sensors, as the kernel lists them in `/sys/class`.
#[derive(Debug, Default)]
pub(super) struct Sensors(Vec<Counters>);

impl Sensors {
    /// All sensors that are known to sit on a processor; none on most virtual machines.
    pub(super) fn find(sys: &Path) -> Self {
        let mut found = Vec::new();
        let folders = |name: &str| fs::read_dir(sys.join("class").join(name)).into_iter().flatten().flatten();
        let said = |path: &Path, file: &str| fs::read_to_string(path.join(file)).unwrap_or_default();
        for zone in folders("thermal") {
            if is_processor(&said(&zone.path(), "type")) {
                found.extend(Counters::open(&zone.path().join("temp")));
            }
        }
        for chip in folders("hwmon") {
            if is_processor(&said(&chip.path(), "name")) {
                found.extend(fs::read_dir(chip.path()).into_iter().flatten().flatten().filter_map(|entry| {
                    let name = entry.file_name();
                    let name = name.to_str()?;
                    let is_input = name.starts_with("temp") && name.ends_with("_input");
                    is_input.then(|| Counters::open(&entry.path()))?
                }));
            }
        }
        Self(found)
    }

    /// The hottest, degrees Celsius; nothing where no sensor tells.
    pub(super) fn hottest(&mut self) -> Option<f64> {
        let read = |sensor: &mut Counters| sensor.read()?.trim().parse::<f64>().ok();
        let hottest = self.0.iter_mut().filter_map(read).fold(f64::NEG_INFINITY, f64::max);
        // The kernel counts in thousandths.
        hottest.is_finite().then_some(hottest / 1_000.0)
    }
}

fn is_processor(name: &str) -> bool {
    const NAMES: [&str; 6] = ["x86_pkg_temp", "coretemp", "k10temp", "zenpower", "cpu", "soc"];
    NAMES.iter().any(|known| name.trim().to_ascii_lowercase().starts_with(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hottest_sensor_of_the_processor_counts() {
        let sys = std::env::temp_dir().join(format!("barhive-heat-{}", std::process::id()));
        let file = |path: &str, text: &str| {
            let path = sys.join("class").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        assert_eq!(Sensors::find(&sys).hottest(), None);
        file("thermal/thermal_zone0/type", "x86_pkg_temp\n");
        file("thermal/thermal_zone0/temp", "71000\n");
        file("thermal/thermal_zone1/type", "iwlwifi_1\n");
        file("thermal/thermal_zone1/temp", "99000\n");
        file("hwmon/hwmon0/name", "coretemp\n");
        file("hwmon/hwmon0/temp1_input", "72500\n");
        file("hwmon/hwmon0/temp1_max", "100000\n");
        file("hwmon/hwmon1/name", "nvme\n");
        file("hwmon/hwmon1/temp1_input", "88000\n");
        assert_eq!(Sensors::find(&sys).hottest(), Some(72.5));
        fs::remove_dir_all(&sys).unwrap();
    }
}
