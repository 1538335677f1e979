//! Points in time.

use std::str::FromStr;

use barhive_engine::time::parse_utc;

use super::read_from_text;

/// A UTC date or date-time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) ts_ns: i64,
}

impl FromStr for Stamp {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse_utc(text).map(|ts_ns| Self { ts_ns }).map_err(|fault| fault.replace('`', "\""))
    }
}

read_from_text!(
    Stamp,
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "A UTC date or date-time: 2020-01-31, 2020-01-31T09:30:00Z",
    ["string"]
);
