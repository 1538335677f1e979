//! The spelling of a time stamp: an epoch count, ISO 8601, or a pattern such as `%m/%d/%Y %H:%M`.

use std::{fmt, str::FromStr};

use barhive_engine::time::{NS_PER_MS, NS_PER_SECOND, NS_PER_US};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::scan::{Scan, seconds};

/// How a time stamp is spelled.
///
/// Written as `epoch_s`, `epoch_ms`, `epoch_us`, `epoch_ns`, `iso` (`2020-01-31`,
/// `2020-01-31 09:30[:15[.25]]`, with `T` or a space, with or without `Z` or an offset) or a pattern of
/// `%Y %y %m %d %b %H %I %M %S %f %.f %p %z %%` and literal text, spelled as in `strftime`. Numbers may
/// lack their leading zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimeFormat {
    /// An integer count of units of so many nanoseconds since 1970-01-01 UTC.
    Epoch {
        /// Nanoseconds in a unit.
        unit_ns: i64,
    },
    /// ISO 8601 or RFC 3339.
    Iso,
    /// A pattern.
    Pattern(Pattern),
}

/// A compiled pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    tokens: Vec<Token>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Year4,
    Year2,
    Month,
    MonthName,
    Day,
    Hour,
    Minute,
    Second,
    Fraction,
    DotFraction,
    HalfDay,
    Offset,
    Literal(u8),
}

/// A time stamp as it stands in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wall {
    /// Seconds since 1970-01-01 00:00 on the wall clock.
    pub seconds: i64,
    /// Nanoseconds into the second.
    pub nanos: i64,
    /// How far the wall clock is ahead of UTC, in seconds, where the stamp says so.
    pub offset: Option<i64>,
    /// Whether the stamp is a mere date.
    pub date_only: bool,
}

impl TimeFormat {
    /// Whether stamps are counts since the epoch.
    pub fn is_epoch(&self) -> bool {
        matches!(self, Self::Epoch { .. })
    }

    /// Nanoseconds in a unit of the stamps: 1 for text.
    pub fn unit_ns(&self) -> i64 {
        match self {
            Self::Epoch { unit_ns } => *unit_ns,
            Self::Iso | Self::Pattern(_) => 1,
        }
    }

    /// Reads a stamp of a textual format; `None` when it is spelled otherwise or no such time exists.
    pub(crate) fn wall(&self, text: &[u8]) -> Option<Wall> {
        match self {
            Self::Epoch { .. } => None,
            Self::Iso => iso(text),
            Self::Pattern(pattern) => pattern.wall(text),
        }
    }
}

impl fmt::Display for TimeFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Epoch { unit_ns: NS_PER_SECOND } => "epoch_s",
            Self::Epoch { unit_ns: NS_PER_MS } => "epoch_ms",
            Self::Epoch { unit_ns: NS_PER_US } => "epoch_us",
            Self::Epoch { .. } => "epoch_ns",
            Self::Iso => "iso",
            Self::Pattern(pattern) => &pattern.text,
        })
    }
}

impl FromStr for TimeFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "epoch_s" => Ok(Self::Epoch { unit_ns: NS_PER_SECOND }),
            "epoch_ms" => Ok(Self::Epoch { unit_ns: NS_PER_MS }),
            "epoch_us" => Ok(Self::Epoch { unit_ns: NS_PER_US }),
            "epoch_ns" => Ok(Self::Epoch { unit_ns: 1 }),
            "iso" => Ok(Self::Iso),
            _ if text.contains('%') => Pattern::new(text).map(Self::Pattern),
            _ => Err(format!(
                "expected a time format: epoch_s, epoch_ms, epoch_us, epoch_ns, iso or a pattern such as \
                 `%Y-%m-%d %H:%M`, found `{text}`"
            )),
        }
    }
}

impl Serialize for TimeFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TimeFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for TimeFormat {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TimeFormat".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "epoch_s, epoch_ms, epoch_us, epoch_ns, iso, or a pattern such as %m/%d/%Y %H:%M"
        })
    }
}

impl Pattern {
    fn new(text: &str) -> Result<Self, String> {
        let mut tokens = Vec::new();
        let mut bytes = text.bytes();
        while let Some(byte) = bytes.next() {
            if byte != b'%' {
                tokens.push(Token::Literal(byte));
                continue;
            }
            let spelled = match bytes.next() {
                Some(b'.') => bytes.next().filter(|b| *b == b'f').map(|_| b'.'),
                other => other,
            };
            match spelled {
                Some(b'Y') => tokens.push(Token::Year4),
                Some(b'y') => tokens.push(Token::Year2),
                Some(b'm') => tokens.push(Token::Month),
                Some(b'b' | b'B') => tokens.push(Token::MonthName),
                Some(b'd' | b'e') => tokens.push(Token::Day),
                Some(b'H' | b'I') => tokens.push(Token::Hour),
                Some(b'M') => tokens.push(Token::Minute),
                Some(b'S') => tokens.push(Token::Second),
                Some(b'f') => tokens.push(Token::Fraction),
                Some(b'.') => tokens.push(Token::DotFraction),
                Some(b'p' | b'P') => tokens.push(Token::HalfDay),
                Some(b'z') => tokens.push(Token::Offset),
                Some(b'%') => tokens.push(Token::Literal(b'%')),
                Some(b'F') => tokens.extend(DATE),
                Some(b'T') => tokens.extend(TIME),
                _ => {
                    return Err(format!(
                        "the time format `{text}` holds a sign that is not known: the known are %Y %y %m %b \
                         %d %H %I %p %M %S %f %.f %z %F %T and %%"
                    ));
                }
            }
        }
        let has = |token| tokens.contains(&token);
        if !(has(Token::Year4) || has(Token::Year2))
            || !(has(Token::Month) || has(Token::MonthName))
            || !has(Token::Day)
        {
            return Err(format!("the time format `{text}` names no full date: it needs year, month and day"));
        }
        Ok(Self { text: text.to_owned(), tokens })
    }

    fn wall(&self, text: &[u8]) -> Option<Wall> {
        let mut scan = Scan { text, at: 0 };
        let (mut year, mut month, mut day) = (1970, 1, 1);
        let (mut hour, mut minute, mut second, mut nanos) = (0, 0, 0, 0);
        let (mut offset, mut afternoon, mut date_only) = (None, None, true);
        for token in &self.tokens {
            match token {
                Token::Year4 => year = scan.digits(4, 4)?,
                Token::Year2 => {
                    let short = scan.digits(2, 2)?;
                    year = if short < 70 { 2000 + short } else { 1900 + short };
                }
                Token::Month => month = scan.digits(1, 2)?,
                Token::MonthName => month = scan.month_name()?,
                Token::Day => day = scan.digits(1, 2)?,
                Token::Hour => (hour, date_only) = (scan.digits(1, 2)?, false),
                Token::Minute => minute = scan.digits(1, 2)?,
                Token::Second => second = scan.digits(1, 2)?,
                Token::Fraction => nanos = scan.fraction()?,
                Token::DotFraction => {
                    if scan.skip(b'.') {
                        nanos = scan.fraction()?;
                    }
                }
                Token::HalfDay => afternoon = Some(scan.half_day()?),
                Token::Offset => offset = Some(scan.offset()?),
                Token::Literal(byte) => scan.literal(*byte)?,
            }
        }
        if let Some(afternoon) = afternoon {
            if !(1..=12).contains(&hour) {
                return None;
            }
            hour = hour % 12 + if afternoon { 12 } else { 0 };
        }
        if scan.at != text.len() {
            return None;
        }
        Some(Wall { seconds: seconds(year, month, day, hour, minute, second)?, nanos, offset, date_only })
    }
}

const DATE: [Token; 5] = [Token::Year4, Token::Literal(b'-'), Token::Month, Token::Literal(b'-'), Token::Day];
const TIME: [Token; 5] =
    [Token::Hour, Token::Literal(b':'), Token::Minute, Token::Literal(b':'), Token::Second];

fn iso(text: &[u8]) -> Option<Wall> {
    let mut scan = Scan { text, at: 0 };
    let year = scan.digits(4, 4)?;
    scan.literal(b'-')?;
    let month = scan.digits(2, 2)?;
    scan.literal(b'-')?;
    let day = scan.digits(2, 2)?;
    let mut wall =
        Wall { seconds: seconds(year, month, day, 0, 0, 0)?, nanos: 0, offset: None, date_only: true };
    if scan.at == text.len() {
        return Some(wall);
    }
    if !scan.skip(b'T') && !scan.skip(b't') {
        scan.literal(b' ')?;
    }
    let hour = scan.digits(2, 2)?;
    scan.literal(b':')?;
    let minute = scan.digits(2, 2)?;
    let second = if scan.skip(b':') { scan.digits(2, 2)? } else { 0 };
    if scan.skip(b'.') || scan.skip(b',') {
        wall.nanos = scan.fraction()?;
    }
    wall.seconds = seconds(year, month, day, hour, minute, second)?;
    wall.date_only = false;
    if scan.at < text.len() {
        scan.skip(b' ');
        wall.offset = Some(scan.offset()?);
    }
    (scan.at == text.len()).then_some(wall)
}

#[cfg(test)]
mod tests {
    use super::*;
    use barhive_engine::time::parse_utc;
    use proptest::prelude::*;

    fn utc_ns(format: &str, text: &str) -> Option<i64> {
        let format: TimeFormat = format.parse().unwrap();
        let wall = format.wall(text.as_bytes())?;
        Some((wall.seconds - wall.offset.unwrap_or(0)) * NS_PER_SECOND + wall.nanos)
    }

    #[test]
    fn the_spellings_of_real_files_are_read() {
        for (format, text, expected) in [
            ("%m/%d/%Y %H:%M", "11/5/2019 9:30", "2019-11-05T09:30:00Z"),
            ("%Y%m%d %H%M%S", "20110301 090100", "2011-03-01T09:01:00Z"),
            ("%Y-%m-%d %H:%M", "2018-06-01 00:04", "2018-06-01T00:04:00Z"),
            ("%d-%b-%y", "3-Mar-21", "2021-03-03T00:00:00Z"),
            ("%d %B %Y %I:%M:%S %p", "03 march 1999 12:00:01 AM", "1999-03-03T00:00:01Z"),
            ("%Y.%m.%d %H:%M:%S%.f", "2020.02.29 23:59:59.250", "2020-02-29T23:59:59.250Z"),
            ("%Y-%m-%dT%H:%M:%S%z", "2020-01-01T00:00:00-0500", "2020-01-01T05:00:00Z"),
            ("iso", "2022-06-06 00:00:00+01:00", "2022-06-05T23:00:00Z"),
            ("iso", "1962-01-23", "1962-01-23T00:00:00Z"),
            ("iso", "2020-01-01T00:00:00.000001Z", "2020-01-01T00:00:00.000001Z"),
            ("iso", "2020-01-01 09:30 UTC", "2020-01-01T09:30:00Z"),
        ] {
            assert_eq!(utc_ns(format, text), parse_utc(expected).ok(), "{format} {text}");
        }
    }

    #[test]
    fn times_that_do_not_exist_are_refused() {
        for (format, text) in [
            ("iso", "2021-02-29"),
            ("iso", "2021-13-01"),
            ("iso", "2021-01-01T24:00"),
            ("iso", "2021-01-01T00:00:00x"),
            ("iso", "2021-1-1"),
            ("%m/%d/%Y", "31/12/2020"),
            ("%m/%d/%Y", "12/31/2020 "),
            ("%H:%M %p %F", "13:00 PM 2020-01-01"),
        ] {
            assert_eq!(utc_ns(format, text), None, "{format} {text}");
        }
    }

    #[test]
    fn formats_round_trip_and_faults_say_what_is_known() {
        for text in ["epoch_s", "epoch_ms", "epoch_us", "epoch_ns", "iso", "%Y-%m-%d"] {
            assert_eq!(text.parse::<TimeFormat>().unwrap().to_string(), text);
        }
        assert!("%Q".parse::<TimeFormat>().unwrap_err().contains("%Y"));
        assert!("%H:%M".parse::<TimeFormat>().unwrap_err().contains("full date"));
        assert!("yesterday".parse::<TimeFormat>().unwrap_err().contains("`yesterday`"));
    }

    proptest! {
        #[test]
        fn calendar_arithmetic_agrees_with_chrono(seconds in -9_000_000_000i64..9_000_000_000) {
            let text = chrono::DateTime::from_timestamp(seconds, 0).unwrap();
            let text = text.format("%Y-%m-%d %H:%M:%S").to_string();
            prop_assert_eq!(utc_ns("iso", &text), Some(seconds * NS_PER_SECOND));
            prop_assert_eq!(utc_ns("%Y-%m-%d %H:%M:%S", &text), Some(seconds * NS_PER_SECOND));
        }

        #[test]
        fn any_text_is_read_without_panic(text in prop::collection::vec(any::<u8>(), 0..40)) {
            for format in ["iso", "%d %B %y %I:%M:%S%.f %p %z", "%Y%m%d%H%M%S%f"] {
                let _ = format.parse::<TimeFormat>().unwrap().wall(&text);
            }
        }
    }
}
