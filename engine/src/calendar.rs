//! Trading calendars: when a venue is open, in its own zone.

use chrono::{Datelike, Duration, LocalResult, NaiveDate, NaiveTime, TimeZone, Weekday};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One trading session: opens at and closes before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// When it opens, UTC nanoseconds.
    pub open_ns: i64,
    /// When it closes, UTC nanoseconds.
    pub close_ns: i64,
}

/// A venue's sessions.
///
/// A session belongs to the local date on which it closes; one that opens at or after its close time
/// opened on the day before (as futures do).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// Its name, as instruments refer to it.
    pub name: String,
    /// The venue's zone, such as `America/New_York`.
    #[schemars(with = "String")]
    pub zone: Tz,
    /// Local opening time, `09:30`.
    #[serde(with = "hhmm")]
    #[schemars(with = "String")]
    pub open: NaiveTime,
    /// Local closing time, `16:00`.
    #[serde(with = "hhmm")]
    #[schemars(with = "String")]
    pub close: NaiveTime,
    /// Days of the week with a session.
    #[serde(with = "weekdays")]
    #[schemars(with = "Vec<String>")]
    pub days: Vec<Weekday>,
    /// Dates without a session.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub holidays: Vec<NaiveDate>,
    /// Dates that close early, and when.
    #[serde(default, with = "early_closes")]
    #[schemars(with = "BTreeMap<String, String>")]
    pub early_closes: BTreeMap<NaiveDate, NaiveTime>,
}

impl Calendar {
    /// The session that closes on a local date, if there is one.
    pub fn session_on(&self, date: NaiveDate) -> Option<Session> {
        if !self.days.contains(&date.weekday()) || self.holidays.contains(&date) {
            return None;
        }
        let close = self.early_closes.get(&date).copied().unwrap_or(self.close);
        let opened = if self.open >= self.close { date.pred_opt()? } else { date };
        Some(Session { open_ns: self.to_utc_ns(opened, self.open)?, close_ns: self.to_utc_ns(date, close)? })
    }

    /// The local date of a UTC stamp.
    pub fn local_date(&self, ts_ns: i64) -> NaiveDate {
        self.zone.timestamp_nanos(ts_ns).date_naive()
    }

    /// The session in which `ts_ns` lies (open included, close not).
    pub fn session_at(&self, ts_ns: i64) -> Option<Session> {
        let date = self.local_date(ts_ns);
        [date, date.succ_opt()?]
            .into_iter()
            .filter_map(|date| self.session_on(date))
            .find(|session| session.open_ns <= ts_ns && ts_ns < session.close_ns)
    }

    /// The first session that closes after `ts_ns`, within the next four weeks.
    pub fn next_session(&self, ts_ns: i64) -> Option<Session> {
        let date = self.local_date(ts_ns);
        (0..28)
            .filter_map(|days| self.session_on(date.checked_add_signed(Duration::days(days))?))
            .find(|session| session.close_ns > ts_ns)
    }

    fn to_utc_ns(&self, date: NaiveDate, time: NaiveTime) -> Option<i64> {
        let local = date.and_time(time);
        let stamp = match self.zone.from_local_datetime(&local) {
            LocalResult::Single(stamp) => stamp,
            LocalResult::Ambiguous(first, _) => first,
            // A clock put forward skipped this time: the venue opens when the clock comes back.
            LocalResult::None => self.zone.from_local_datetime(&(local + Duration::hours(1))).earliest()?,
        };
        stamp.timestamp_nanos_opt()
    }
}

mod hhmm {
    use super::*;
    use serde::{Deserializer, Serializer, de::Error};

    pub(super) fn parse(text: &str) -> Result<NaiveTime, String> {
        NaiveTime::parse_from_str(text, "%H:%M")
            .map_err(|_| format!("expected a time such as 09:30, found `{text}`"))
    }

    pub fn serialize<S: Serializer>(time: &NaiveTime, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&time.format("%H:%M"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveTime, D::Error> {
        parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

mod weekdays {
    use super::*;
    use serde::{Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(days: &[Weekday], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(days.iter().map(|day| day.to_string().to_lowercase()))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Weekday>, D::Error> {
        Vec::<String>::deserialize(deserializer)?
            .into_iter()
            .map(|day| {
                day.parse()
                    .map_err(|_| D::Error::custom(format!("expected a weekday such as mon, found `{day}`")))
            })
            .collect()
    }
}

mod early_closes {
    use super::*;
    use serde::{Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(
        closes: &BTreeMap<NaiveDate, NaiveTime>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(closes.iter().map(|(date, time)| (date, time.format("%H:%M").to_string())))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<NaiveDate, NaiveTime>, D::Error> {
        BTreeMap::<NaiveDate, String>::deserialize(deserializer)?
            .into_iter()
            .map(|(date, time)| hhmm::parse(&time).map(|time| (date, time)).map_err(D::Error::custom))
            .collect()
    }
}
