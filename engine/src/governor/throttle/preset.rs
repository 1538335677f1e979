//! Settings with a name.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ThrottleConfig;

/// Settings for a kind of machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// A virtual machine: 4 workers, 80 %, 5 s after each pass, nice.
    Vm,
    /// The most of a machine of one's own: 8 workers, 95 %, no cool-down.
    Local,
    /// A server that is shared with others: 2 workers, 50 %, 10 s after each pass, nice.
    Shared,
}

impl Preset {
    /// All presets.
    pub const ALL: [Self; 3] = [Self::Vm, Self::Local, Self::Shared];

    /// Its name, as on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vm => "vm",
            Self::Local => "local",
            Self::Shared => "shared",
        }
    }

    /// What it stands for.
    pub fn config(self) -> ThrottleConfig {
        let (workers, cpu_limit, cooldown_seconds, nice_priority) = match self {
            Self::Vm => (4, 80.0, 5.0, true),
            Self::Local => (8, 95.0, 0.0, false),
            Self::Shared => (2, 50.0, 10.0, true),
        };
        ThrottleConfig {
            default_workers: Some(workers),
            cpu_limit: Some(cpu_limit),
            cooldown_seconds,
            nice_priority,
            ..ThrottleConfig::default()
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// No preset has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a preset (vm, local or shared), found `{0}`")]
pub struct UnknownPreset(pub String);

impl FromStr for Preset {
    type Err = UnknownPreset;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|preset| preset.name() == text)
            .ok_or_else(|| UnknownPreset(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_valid_and_read_back_from_their_names() {
        for preset in Preset::ALL {
            preset.config().validate().unwrap();
            assert_eq!(preset.to_string().parse(), Ok(preset));
        }
        assert!("cloud".parse::<Preset>().unwrap_err().to_string().contains("vm, local or shared"));
        let of = |preset: Preset| {
            let c = preset.config();
            (c.default_workers, c.cpu_limit, c.cooldown_seconds, c.nice_priority, c.adaptive_throttling)
        };
        assert_eq!(of(Preset::Vm), (Some(4), Some(80.0), 5.0, true, true));
        assert_eq!(of(Preset::Local), (Some(8), Some(95.0), 0.0, false, true));
        assert_eq!(of(Preset::Shared), (Some(2), Some(50.0), 10.0, true, true));
    }
}
