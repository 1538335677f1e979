//! Deadlines: a stamp, or a time of day where this machine is.

use std::{fs, path::Path};

use barhive_engine::time::parse_utc;
use chrono::{DateTime, Days, NaiveTime, TimeZone};
use chrono_tz::Tz;

/// A deadline in UTC nanoseconds: RFC 3339, or `HH:MM`, the next time that a clock here shows it.
///
/// # Errors
/// What was expected and found.
pub(in crate::cli) fn deadline(text: &str, now_ns: i64, zone: Tz) -> Result<i64, String> {
    let fault = || {
        format!(
            "expected a stamp such as 2026-01-31T18:00:00Z or a time of day such as 18:00, found `{text}`"
        )
    };
    let Ok(time) = NaiveTime::parse_from_str(text, "%H:%M") else {
        return match DateTime::parse_from_rfc3339(text) {
            Ok(_) => parse_utc(text),
            Err(_) => Err(fault()),
        };
    };
    let today = DateTime::from_timestamp_nanos(now_ns).with_timezone(&zone).date_naive();
    // A time of day that a change of clocks leaves out is passed over, one that comes twice is its first.
    let mut days = (0..3).filter_map(|days| today.checked_add_days(Days::new(days)));
    let found = days.find_map(|day| {
        let stamp = zone.from_local_datetime(&day.and_time(time)).earliest()?;
        stamp.timestamp_nanos_opt().filter(|ns| *ns > now_ns)
    });
    found.ok_or_else(fault)
}

/// The zone of this machine: `TZ`, else what `/etc/localtime` leads to, else UTC.
pub(in crate::cli) fn local_zone() -> Tz {
    let named = std::env::var("TZ").ok().and_then(|name| name.trim_start_matches(':').parse().ok());
    named.or_else(|| zone_of(&fs::read_link(Path::new("/etc/localtime")).ok()?)).unwrap_or(Tz::UTC)
}

/// The zone that a file of the zone database is of.
fn zone_of(path: &Path) -> Option<Tz> {
    let (_, name) = path.to_str()?.split_once("zoneinfo/")?;
    name.parse().ok()
}

#[cfg(test)]
mod tests {
    use barhive_engine::time::format_utc;

    use super::*;

    #[test]
    fn a_time_of_day_is_the_next_one_here() {
        let now = parse_utc("2026-07-01T12:00:00Z").unwrap();
        let of = |text: &str, zone: Tz| deadline(text, now, zone).map(format_utc);
        assert_eq!(of("18:00", Tz::UTC).unwrap(), "2026-07-01T18:00:00Z");
        assert_eq!(of("12:00", Tz::UTC).unwrap(), "2026-07-02T12:00:00Z");
        assert_eq!(of("18:00", Tz::Europe__Berlin).unwrap(), "2026-07-01T16:00:00Z");
        assert_eq!(of("01:00", Tz::Asia__Tokyo).unwrap(), "2026-07-01T16:00:00Z");
        assert_eq!(of("2026-07-01T18:00:00+02:00", Tz::UTC).unwrap(), "2026-07-01T16:00:00Z");
        for text in ["25:00", "18", "tomorrow", "2026-07-01", ""] {
            let fault = of(text, Tz::UTC).unwrap_err();
            assert!(fault.contains(&format!("found `{text}`")), "{fault}");
        }
    }

    #[test]
    fn an_hour_that_is_left_out_is_that_of_the_next_day() {
        let now = parse_utc("2026-03-28T23:00:00Z").unwrap();
        let found = deadline("02:30", now, Tz::Europe__Berlin).map(format_utc);
        assert_eq!(found.unwrap(), "2026-03-30T00:30:00Z");
        assert_eq!(zone_of(Path::new("/usr/share/zoneinfo/America/New_York")), Some(Tz::America__New_York));
        assert_eq!(zone_of(Path::new("/etc/elsewhere")), None);
    }
}
