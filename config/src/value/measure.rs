//! Spans of time and sizes of memory.

use std::{str::FromStr, time::Duration};

use super::read_from_text;
use crate::tree::quote;

/// A span of time in whole milliseconds: `250ms`, `2s`, `5m`, `1h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) ms: u64,
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let units = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];
        measure(text, &units)
            .map(|ms| Self { ms })
            .ok_or_else(|| format!("expected a span of time such as 250ms or 2s, found {}", quote(text)))
    }
}

read_from_text!(Span, "^[0-9]+(ms|s|m|h)$", "A span of time: 250ms, 2s, 5m, 1h", ["string"]);

/// A number of bytes: `1048576`, `64KiB`, `16MiB`, `2GB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ByteSize {
    pub(crate) bytes: u64,
}

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let units = [
            ("", 1),
            ("B", 1),
            ("KB", 1000),
            ("MB", 1_000_000),
            ("GB", 1_000_000_000),
            ("KiB", 1 << 10),
            ("MiB", 1 << 20),
            ("GiB", 1 << 30),
        ];
        measure(text, &units)
            .map(|bytes| Self { bytes })
            .ok_or_else(|| format!("expected a number of bytes such as 64MiB, found {}", quote(text)))
    }
}

read_from_text!(
    ByteSize,
    "^[0-9]+ ?(B|KB|MB|GB|KiB|MiB|GiB)?$",
    "A number of bytes: 1048576, 64KiB, 16MiB, 2GB",
    ["integer", "string"]
);

/// A span of time as a configuration writes it: `250ms`, `2s`, `5m`, `1h`.
///
/// # Errors
/// When the text is none.
pub fn time_span(text: &str) -> Result<Duration, String> {
    text.parse().map(|Span { ms }| Duration::from_millis(ms))
}

/// A number of bytes as a configuration writes it: `1048576`, `64KiB`, `16MiB`, `2GB`.
///
/// # Errors
/// When the text is none.
pub fn byte_size(text: &str) -> Result<u64, String> {
    text.parse().map(|ByteSize { bytes }| bytes)
}

fn measure(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let count: u64 = text[..digits].parse().ok()?;
    let unit = text[digits..].trim_start();
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    count.checked_mul(*factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_required_for_time_and_optional_for_bytes() {
        assert_eq!("250ms".parse(), Ok(Span { ms: 250 }));
        assert_eq!("2s".parse(), Ok(Span { ms: 2000 }));
        assert!("250".parse::<Span>().is_err());
        assert_eq!("1048576".parse(), Ok(ByteSize { bytes: 1 << 20 }));
        assert_eq!("64 KiB".parse(), Ok(ByteSize { bytes: 65_536 }));
        assert!("99999999999999999999GiB".parse::<ByteSize>().is_err());
        assert!("-1".parse::<ByteSize>().is_err());
    }
}
