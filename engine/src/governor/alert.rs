//! How bad it is.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How bad a resource's use is. Ordered: red is the greatest.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum AlertLevel {
    /// As it should be.
    #[default]
    Green,
    /// Worth a look.
    Yellow,
    /// Nothing should be added.
    Orange,
    /// Too much.
    Red,
}

impl AlertLevel {
    /// All levels, the best first.
    pub const ALL: [Self; 4] = [Self::Green, Self::Yellow, Self::Orange, Self::Red];

    /// Its name, as in configuration and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Yellow => "yellow",
            Self::Orange => "orange",
            Self::Red => "red",
        }
    }
}

impl fmt::Display for AlertLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// No level has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an alert level (green, yellow, orange or red), found `{0}`")]
pub struct UnknownAlertLevel(pub String);

impl FromStr for AlertLevel {
    type Err = UnknownAlertLevel;

    /// Accepts the names in any case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|level| level.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownAlertLevel(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_ordered_and_read_back_from_their_names() {
        assert!(AlertLevel::ALL.is_sorted());
        for level in AlertLevel::ALL {
            assert_eq!(level.to_string().parse(), Ok(level));
            assert_eq!(serde_json::to_value(level).unwrap(), level.name());
            assert_eq!(serde_json::from_value::<AlertLevel>(level.name().into()).unwrap(), level);
        }
        assert_eq!("RED".parse(), Ok(AlertLevel::Red));
        let fault = "purple".parse::<AlertLevel>().unwrap_err();
        assert!(fault.to_string().contains("green, yellow, orange or red") && fault.0 == "purple");
    }
}
