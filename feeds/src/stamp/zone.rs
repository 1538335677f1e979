//! Wall-clock times of a zone to UTC, with the hours that a clock change repeats or skips.

use chrono::{DateTime, NaiveDateTime, Offset, TimeZone};
use chrono_tz::Tz;

const DAY: i64 = 86_400;
/// The years that nanoseconds can tell, and a margin; every offset can be added.
const SECONDS: std::ops::Range<i64> = -10_000_000_000..10_000_000_000;

/// Turns wall-clock times into UTC.
///
/// A time that the clock shows twice is the first one, unless that would not move on from the stamp
/// before: then it is the second. A time that the clock skips is read as if the clock had not been put
/// forward. Both are counted.
#[derive(Clone, Debug)]
pub(crate) struct WallClock {
    zone: Tz,
    /// The wall-clock day whose offset is known, as days since 1970-01-01.
    day: i64,
    offset: i64,
    /// Times that occurred twice.
    repeated: u64,
    /// Times that did not occur.
    skipped: u64,
}

impl WallClock {
    pub(crate) fn new(zone: Tz) -> Self {
        Self { zone, day: i64::MIN, offset: 0, repeated: 0, skipped: 0 }
    }

    /// What a report should say about clock changes.
    pub(crate) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let zone = self.zone;
        if self.repeated > 0 {
            notes.push(format!(
                "{} stamps lie in an hour that the clock of {zone} shows twice: each is the first that moves on \
                 from the stamp before",
                self.repeated
            ));
        }
        if self.skipped > 0 {
            notes.push(format!(
                "{} stamps lie in an hour that the clock of {zone} skips: they are read by the clock before the \
                 change",
                self.skipped
            ));
        }
        notes
    }

    /// The UTC second of a wall-clock second. `before` is the UTC second of the stamp before, and
    /// `backwards` says that stamps descend. `None` outside the years that a clock can tell.
    #[inline]
    pub(crate) fn utc_of(&mut self, seconds: i64, before: Option<i64>, backwards: bool) -> Option<i64> {
        if self.zone == Tz::UTC {
            return Some(seconds);
        }
        if !SECONDS.contains(&seconds) {
            return None;
        }
        if seconds.div_euclid(DAY) == self.day {
            return Some(seconds - self.offset);
        }
        self.look_up(seconds, before, backwards)
    }

    #[cold]
    fn look_up(&mut self, seconds: i64, before: Option<i64>, backwards: bool) -> Option<i64> {
        let day = seconds.div_euclid(DAY);
        let ends = (self.single(day * DAY), self.single(day * DAY + DAY - 1));
        if let (Some(first), Some(last)) = ends
            && first == last
        {
            (self.day, self.offset) = (day, first);
            return Some(seconds - first);
        }
        let local = wall(seconds)?;
        let ahead = |offset: <Tz as TimeZone>::Offset| i64::from(offset.fix().local_minus_utc());
        match self.zone.offset_from_local_datetime(&local).map(ahead) {
            chrono::LocalResult::Single(offset) => Some(seconds - offset),
            chrono::LocalResult::Ambiguous(one, other) => {
                self.repeated += 1;
                let (first, second) = (seconds - one.max(other), seconds - one.min(other));
                Some(match before {
                    Some(before) if backwards => {
                        if second < before {
                            second
                        } else {
                            first
                        }
                    }
                    None if backwards => second,
                    Some(before) if first <= before => second,
                    _ => first,
                })
            }
            chrono::LocalResult::None => {
                self.skipped += 1;
                // The offset that held before the clock was put forward: that of a day earlier.
                let earlier = self.zone.offset_from_local_datetime(&wall(seconds - DAY)?).map(ahead);
                Some(seconds - earlier.earliest()?)
            }
        }
    }

    fn single(&self, seconds: i64) -> Option<i64> {
        let offset = self.zone.offset_from_local_datetime(&wall(seconds)?).single()?;
        Some(i64::from(offset.fix().local_minus_utc()))
    }
}

fn wall(seconds: i64) -> Option<NaiveDateTime> {
    DateTime::from_timestamp(seconds, 0).map(|stamp| stamp.naive_utc())
}

#[cfg(test)]
mod tests {
    use super::*;
    use barhive_engine::time::{NS_PER_SECOND, format_utc, parse_utc};

    fn wall_of(text: &str) -> i64 {
        parse_utc(text).unwrap() / NS_PER_SECOND
    }

    fn read(clock: &mut WallClock, texts: &[&str], backwards: bool) -> Vec<String> {
        let mut before = None;
        texts
            .iter()
            .map(|text| {
                before = clock.utc_of(wall_of(text), before, backwards);
                format_utc(before.unwrap() * NS_PER_SECOND)
            })
            .collect()
    }

    #[test]
    fn the_repeated_hour_runs_twice_forwards_and_backwards() {
        let walls = [
            "2024-11-03 00:30",
            "2024-11-03 01:00",
            "2024-11-03 01:30",
            "2024-11-03 01:00",
            "2024-11-03 01:30",
            "2024-11-03 02:00",
        ];
        let mut clock = WallClock::new(chrono_tz::America::New_York);
        let forwards = read(&mut clock, &walls, false);
        let expected = ["04:30", "05:00", "05:30", "06:00", "06:30", "07:00"];
        assert_eq!(forwards, expected.map(|time| format!("2024-11-03T{time}:00Z")));
        assert_eq!((clock.repeated, clock.skipped), (4, 0));

        let reversed: Vec<&str> = walls.iter().rev().copied().collect();
        let mut backwards = read(&mut clock, &reversed, true);
        backwards.reverse();
        assert_eq!(backwards, forwards);
    }

    #[test]
    fn a_skipped_time_is_read_by_the_old_clock() {
        let mut clock = WallClock::new(chrono_tz::America::New_York);
        let stamps = read(&mut clock, &["2011-03-13 01:59", "2011-03-13 02:30", "2011-03-13 04:00"], false);
        assert_eq!(stamps, ["2011-03-13T06:59:00Z", "2011-03-13T07:30:00Z", "2011-03-13T08:00:00Z"]);
        assert_eq!(clock.skipped, 1);
    }

    #[test]
    fn a_known_day_is_not_looked_up_again_and_days_differ() {
        let mut clock = WallClock::new(chrono_tz::America::New_York);
        let stamps = read(&mut clock, &["2019-01-05 09:30", "2019-01-05 09:31", "2019-07-05 09:30"], false);
        assert_eq!(stamps, ["2019-01-05T14:30:00Z", "2019-01-05T14:31:00Z", "2019-07-05T13:30:00Z"]);
    }

    #[test]
    fn a_day_that_a_zone_skipped_altogether_is_no_panic() {
        let mut clock = WallClock::new(chrono_tz::Pacific::Apia);
        assert!(clock.utc_of(wall_of("2011-12-30 12:00"), None, false).is_some());
        assert_eq!(clock.utc_of(i64::MAX, None, false), None);
    }
}
