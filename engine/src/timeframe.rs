//! Timeframes: how long a bar lasts.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::time::{NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE, NS_PER_SECOND};

/// The nominal length of a bar, as `15s`, `1m`, `4h`, `1d` or `1w`.
///
/// Equal lengths are equal timeframes: `60s` is `1m`. Days and weeks are nominal: with a calendar,
/// a daily bar closes with its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timeframe {
    ns: i64,
}

impl Timeframe {
    /// One minute.
    pub const M1: Self = Self { ns: NS_PER_MINUTE };
    /// One hour.
    pub const H1: Self = Self { ns: NS_PER_HOUR };
    /// One day.
    pub const D1: Self = Self { ns: NS_PER_DAY };

    /// A timeframe of `ns` nanoseconds; `None` unless it is a positive number of whole milliseconds
    /// of at most 366 days.
    pub fn from_ns(ns: i64) -> Option<Self> {
        (ns > 0 && ns % 1_000_000 == 0 && ns <= 366 * NS_PER_DAY).then_some(Self { ns })
    }

    /// Its nominal length.
    pub fn ns(self) -> i64 {
        self.ns
    }

    /// Whether it is made of whole days, so that its buckets follow sessions where a calendar is set.
    pub fn is_daily(self) -> bool {
        self.ns % NS_PER_DAY == 0
    }

    /// The start of the bucket that `ts_ns` lies in, aligned to the UTC epoch.
    pub fn bucket_start(self, ts_ns: i64) -> i64 {
        ts_ns.div_euclid(self.ns) * self.ns
    }
}

impl fmt::Display for Timeframe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [
            (7 * NS_PER_DAY, "w"),
            (NS_PER_DAY, "d"),
            (NS_PER_HOUR, "h"),
            (NS_PER_MINUTE, "m"),
            (NS_PER_SECOND, "s"),
            (1_000_000, "ms"),
        ];
        let (length, unit) =
            units.into_iter().find(|(length, _)| self.ns % length == 0).unwrap_or((1_000_000, "ms"));
        write!(f, "{}{unit}", self.ns / length)
    }
}

impl FromStr for Timeframe {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fault = || format!("expected a timeframe such as 15s, 1m, 4h, 1d or 1w, found `{text}`");
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let count: i64 = text[..digits].parse().map_err(|_| fault())?;
        let unit = match &text[digits..] {
            "ms" => 1_000_000,
            "s" => NS_PER_SECOND,
            "m" => NS_PER_MINUTE,
            "h" => NS_PER_HOUR,
            "d" => NS_PER_DAY,
            "w" => 7 * NS_PER_DAY,
            _ => return Err(fault()),
        };
        count.checked_mul(unit).and_then(Self::from_ns).ok_or_else(fault)
    }
}

impl Serialize for Timeframe {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timeframe {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Timeframe {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timeframe".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[1-9][0-9]*(ms|s|m|h|d|w)$",
            "description": "How long a bar lasts: 15s, 1m, 4h, 1d, 1w"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_lengths_are_one_timeframe() {
        assert_eq!("60s".parse::<Timeframe>(), Ok(Timeframe::M1));
        assert_eq!("90m".parse::<Timeframe>().unwrap().to_string(), "90m");
        assert_eq!("7d".parse::<Timeframe>().unwrap().to_string(), "1w");
    }

    #[test]
    fn nonsense_is_refused_with_what_was_found() {
        for text in ["", "m", "0m", "-1m", "1", "1y", "1 m", "99999999999999999999m", "400d"] {
            assert!(text.parse::<Timeframe>().unwrap_err().contains(&format!("`{text}`")));
        }
    }

    #[test]
    fn buckets_align_to_the_epoch_before_and_after_it() {
        assert_eq!(Timeframe::M1.bucket_start(61 * NS_PER_SECOND), NS_PER_MINUTE);
        assert_eq!(Timeframe::M1.bucket_start(-1), -NS_PER_MINUTE);
    }
}
