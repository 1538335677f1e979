//! Simulated and wall time: UTC nanoseconds everywhere, clocks behind a trait.
//!
//! The engine never reads a clock by itself; whoever runs it hands one in.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat};

/// Nanoseconds in a microsecond.
pub const NS_PER_US: i64 = 1_000;
/// Nanoseconds in a millisecond.
pub const NS_PER_MS: i64 = 1_000_000;
/// Nanoseconds in a second.
pub const NS_PER_SECOND: i64 = 1_000_000_000;
/// Nanoseconds in a minute.
pub const NS_PER_MINUTE: i64 = 60 * NS_PER_SECOND;
/// Nanoseconds in an hour.
pub const NS_PER_HOUR: i64 = 60 * NS_PER_MINUTE;
/// Nanoseconds in a UTC day (UTC here has no leap seconds, as in POSIX time).
pub const NS_PER_DAY: i64 = 24 * NS_PER_HOUR;

/// Formats UTC nanoseconds as RFC 3339 with as many sub-second digits as are needed.
///
/// `2020-01-01T00:00:00Z`, `2020-01-01T00:00:00.250Z`.
pub fn format_utc(ts_ns: i64) -> String {
    let format = if ts_ns % NS_PER_SECOND == 0 { SecondsFormat::Secs } else { SecondsFormat::AutoSi };
    DateTime::from_timestamp_nanos(ts_ns).to_rfc3339_opts(format, true)
}

/// Parses a UTC date (`2020-01-31`), date-time (`2020-01-31 09:30[:15[.25]]`) or RFC 3339 stamp.
///
/// # Errors
/// Says what was found and which spellings are accepted.
pub fn parse_utc(text: &str) -> Result<i64, String> {
    let fault = || {
        format!("expected a UTC date or date-time such as 2020-01-31 or 2020-01-31T09:30:00Z, found `{text}`")
    };
    let out_of_range = || format!("`{text}` is outside the years 1677 to 2262 that fit 64-bit nanoseconds");
    if let Ok(stamp) = DateTime::parse_from_rfc3339(text) {
        return stamp.timestamp_nanos_opt().ok_or_else(out_of_range);
    }
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        let midnight = date.and_hms_opt(0, 0, 0).ok_or_else(fault)?;
        return midnight.and_utc().timestamp_nanos_opt().ok_or_else(out_of_range);
    }
    for layout in ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"] {
        if let Ok(stamp) = NaiveDateTime::parse_from_str(text, layout) {
            return stamp.and_utc().timestamp_nanos_opt().ok_or_else(out_of_range);
        }
    }
    Err(fault())
}

/// The UTC day that a stamp lies in, counted from 1970-01-01 (negative before).
pub fn utc_day(ts_ns: i64) -> i64 {
    ts_ns.div_euclid(NS_PER_DAY)
}

/// A source of the present time.
///
/// Backtests use [`SimClock`]; the runtime crate supplies the wall clock. Nothing in the engine
/// asks a clock of its own accord.
pub trait Clock: Send + Sync {
    /// The present, UTC nanoseconds.
    fn now_ns(&self) -> i64;
}

/// A clock that stands where it was put.
#[derive(Debug, Default)]
pub struct SimClock(AtomicI64);

impl SimClock {
    /// A clock that stands at `ts_ns`.
    pub fn at(ts_ns: i64) -> Self {
        Self(AtomicI64::new(ts_ns))
    }

    /// Moves the clock forward to `ts_ns`; a stamp in its past leaves it where it is.
    pub fn advance_to(&self, ts_ns: i64) {
        self.0.fetch_max(ts_ns, Ordering::Relaxed);
    }
}

impl Clock for SimClock {
    fn now_ns(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_round_trip_through_text() {
        for ts_ns in [0, -1, 1_577_836_800_000_000_000, 1_577_836_800_250_000_000, -250_000_000] {
            assert_eq!(parse_utc(&format_utc(ts_ns)), Ok(ts_ns));
        }
        assert_eq!(parse_utc("1970-01-02"), Ok(NS_PER_DAY));
        assert_eq!(parse_utc("1970-01-01 00:01"), Ok(NS_PER_MINUTE));
        assert!(parse_utc("tomorrow").unwrap_err().contains("`tomorrow`"));
        assert!(parse_utc("9999-01-01").unwrap_err().contains("1677"));
    }

    #[test]
    fn a_simulated_clock_never_runs_backwards() {
        let clock = SimClock::at(10);
        clock.advance_to(5);
        assert_eq!(clock.now_ns(), 10);
        clock.advance_to(11);
        assert_eq!(clock.now_ns(), 11);
    }
}
