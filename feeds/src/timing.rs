//! When a bar opens and closes, from its stamp.

use std::sync::Arc;

use barhive_engine::{calendar::Calendar, time::NS_PER_DAY, time::NS_PER_SECOND, timeframe::Timeframe};
use chrono::{DateTime, TimeZone};
use chrono_tz::Tz;

use crate::{layout::StampedAt, stamp::WallClock};

/// Turns stamps into open and close times.
///
/// A bar lasts its timeframe. A bar of one day whose date has a session in the calendar opens and closes
/// with that session. Other bars of whole days close the same number of days later on the wall clock of
/// the zone of their dates: 24 hours after their open, but for days on which that clock changes.
#[derive(Clone, Debug)]
pub(crate) struct Timing {
    timeframe: Timeframe,
    stamped: StampedAt,
    date_zone: Tz,
    calendar: Option<Arc<Calendar>>,
    clock: WallClock,
    /// Daily bars on dates without a session.
    pub without_session: u64,
}

impl Timing {
    pub(crate) fn new(
        timeframe: Timeframe,
        stamped: StampedAt,
        date_zone: Tz,
        calendar: Option<Arc<Calendar>>,
    ) -> Self {
        let calendar = calendar.filter(|_| timeframe == Timeframe::D1);
        Self { timeframe, stamped, date_zone, calendar, clock: WallClock::new(date_zone), without_session: 0 }
    }

    pub(crate) fn timeframe(&self) -> Timeframe {
        self.timeframe
    }

    /// Open and close of the bar stamped `ts_ns`; `None` beyond the years that nanoseconds can tell.
    #[inline]
    pub(crate) fn span(&mut self, ts_ns: i64) -> Option<(i64, i64)> {
        if self.timeframe.is_daily() && (self.calendar.is_some() || self.date_zone != Tz::UTC) {
            return self.days(ts_ns);
        }
        let length = self.timeframe.ns();
        match self.stamped {
            StampedAt::Open => Some((ts_ns, ts_ns.checked_add(length)?)),
            StampedAt::Close => Some((ts_ns.checked_sub(length)?, ts_ns)),
        }
    }

    #[cold]
    fn days(&mut self, ts_ns: i64) -> Option<(i64, i64)> {
        // The last instant of a bar tells its date, where its close is what is stamped.
        let inside = match self.stamped {
            StampedAt::Open => ts_ns,
            StampedAt::Close => ts_ns.checked_sub(1)?,
        };
        if let Some(calendar) = &self.calendar {
            let date = self.date_zone.timestamp_nanos(inside).date_naive();
            if let Some(session) = calendar.session_on(date) {
                return Some((session.open_ns, session.close_ns));
            }
            self.without_session += 1;
        }
        let days = self.timeframe.ns() / NS_PER_DAY;
        let other = match self.stamped {
            StampedAt::Open => self.days_on(ts_ns, days)?,
            StampedAt::Close => self.days_on(ts_ns, -days)?,
        };
        Some((ts_ns.min(other), ts_ns.max(other)))
    }

    /// The time at which the wall clock shows the same, `days` later.
    fn days_on(&mut self, ts_ns: i64, days: i64) -> Option<i64> {
        let (seconds, nanos) = (ts_ns.div_euclid(NS_PER_SECOND), ts_ns.rem_euclid(NS_PER_SECOND));
        let wall = self.date_zone.from_utc_datetime(&DateTime::from_timestamp(seconds, 0)?.naive_utc());
        let there = wall.naive_local().and_utc().timestamp() + days * (NS_PER_DAY / NS_PER_SECOND);
        let seconds = self.clock.utc_of(there, None, false)?;
        seconds.checked_mul(NS_PER_SECOND)?.checked_add(nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use barhive_engine::time::{format_utc, parse_utc};
    use chrono::{NaiveTime, Weekday};

    fn span(timing: &mut Timing, text: &str) -> (String, String) {
        let (open, close) = timing.span(parse_utc(text).unwrap()).unwrap();
        (format_utc(open), format_utc(close))
    }

    fn texts(open: &str, close: &str) -> (String, String) {
        (open.to_owned(), close.to_owned())
    }

    fn new_york() -> Arc<Calendar> {
        let time = |h, m| NaiveTime::from_hms_opt(h, m, 0).unwrap();
        Arc::new(Calendar {
            name: "xnys".into(),
            zone: Tz::America__New_York,
            open: time(9, 30),
            close: time(16, 0),
            days: vec![Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri],
            holidays: vec!["2024-12-25".parse().unwrap()],
            early_closes: [("2024-12-24".parse().unwrap(), time(13, 0))].into(),
        })
    }

    #[test]
    fn a_minute_lasts_a_minute_from_or_to_its_stamp() {
        let mut open = Timing::new(Timeframe::M1, StampedAt::Open, Tz::UTC, Some(new_york()));
        let mut close = Timing::new(Timeframe::M1, StampedAt::Close, Tz::UTC, None);
        let stamp = "2024-01-02T15:00:00Z";
        assert_eq!(span(&mut open, stamp), texts(stamp, "2024-01-02T15:01:00Z"));
        assert_eq!(span(&mut close, stamp), texts("2024-01-02T14:59:00Z", stamp));
        assert_eq!(open.span(i64::MAX), None);
    }

    #[test]
    fn a_daily_bar_closes_with_its_session_where_a_calendar_is_set() {
        let mut timing = Timing::new(Timeframe::D1, StampedAt::Open, Tz::UTC, Some(new_york()));
        let winter = texts("2024-01-02T14:30:00Z", "2024-01-02T21:00:00Z");
        assert_eq!(span(&mut timing, "2024-01-02"), winter);
        assert_eq!(span(&mut timing, "2024-07-02"), texts("2024-07-02T13:30:00Z", "2024-07-02T20:00:00Z"));
        assert_eq!(span(&mut timing, "2024-12-24"), texts("2024-12-24T14:30:00Z", "2024-12-24T18:00:00Z"));
        assert_eq!(span(&mut timing, "2024-12-25"), texts("2024-12-25T00:00:00Z", "2024-12-26T00:00:00Z"));
        assert_eq!(timing.without_session, 1);
        // Stamped at local midnight, or at the close of the day.
        let zone = Tz::America__New_York;
        let mut timing = Timing::new(Timeframe::D1, StampedAt::Open, zone, Some(new_york()));
        assert_eq!(span(&mut timing, "2024-01-02T05:00:00Z"), winter);
        let mut timing = Timing::new(Timeframe::D1, StampedAt::Close, Tz::UTC, Some(new_york()));
        assert_eq!(span(&mut timing, "2024-01-03"), winter);
    }

    #[test]
    fn a_daily_bar_lasts_24_hours_otherwise_or_one_day_of_its_zone() {
        let mut timing = Timing::new(Timeframe::D1, StampedAt::Open, Tz::UTC, None);
        assert_eq!(span(&mut timing, "2024-03-10"), texts("2024-03-10T00:00:00Z", "2024-03-11T00:00:00Z"));
        let mut timing = Timing::new(Timeframe::D1, StampedAt::Open, Tz::America__New_York, None);
        let day_of_23_hours = texts("2024-03-10T05:00:00Z", "2024-03-11T04:00:00Z");
        assert_eq!(span(&mut timing, "2024-03-10T05:00:00Z"), day_of_23_hours);
    }
}
