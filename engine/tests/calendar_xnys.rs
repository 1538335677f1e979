//! The calendar against 34 years of New York sessions as an independent library lists them: clock
//! changes, holidays, half days.

use std::collections::{BTreeMap, BTreeSet};

use barhive_engine::{
    calendar::{Calendar, Session},
    time::{NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE, parse_utc},
};
use chrono::{NaiveDate, NaiveTime, TimeZone, Weekday};

const WORKING_DAYS: [Weekday; 5] = [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri];

fn hm(hour: u32, minute: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, minute, 0).unwrap()
}

fn calendar(zone: chrono_tz::Tz, open: NaiveTime, close: NaiveTime) -> Calendar {
    Calendar {
        name: "test".into(),
        zone,
        open,
        close,
        days: WORKING_DAYS.to_vec(),
        holidays: Vec::new(),
        early_closes: BTreeMap::new(),
    }
}

fn listed_sessions() -> Option<BTreeMap<NaiveDate, Session>> {
    let path =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/calendars/xnys_sessions_1990_2023.csv");
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("skipped: {path} is not there");
        return None;
    };
    let sessions = text.lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        let date = cells[0][..10].parse().unwrap();
        (date, Session { open_ns: parse_utc(cells[1]).unwrap(), close_ns: parse_utc(cells[2]).unwrap() })
    });
    Some(sessions.collect())
}

#[test]
fn every_new_york_session_of_34_years_opens_and_closes_as_listed() {
    let Some(listed) = listed_sessions() else { return };
    assert_eq!(listed.len(), 8_324);
    let zone = chrono_tz::America::New_York;
    let mut calendar = calendar(zone, hm(9, 30), hm(16, 0));
    let (first, last) = (*listed.keys().next().unwrap(), *listed.keys().next_back().unwrap());
    let dates: Vec<NaiveDate> = first.iter_days().take_while(|date| *date <= last).collect();
    calendar.holidays = dates.iter().copied().filter(|date| !listed.contains_key(date)).collect();
    calendar.early_closes = listed
        .iter()
        .map(|(&date, session)| (date, zone.timestamp_nanos(session.close_ns).time()))
        .filter(|(_, close)| *close != hm(16, 0))
        .collect();
    assert!(calendar.early_closes.len() > 50, "half days are in the list");

    let late_opens: BTreeSet<NaiveDate> = listed
        .iter()
        .filter(|(_, session)| zone.timestamp_nanos(session.open_ns).time() != hm(9, 30))
        .map(|(&date, _)| date)
        .collect();
    assert!(late_opens.len() < 10, "a calendar has no late opens; the list has {}", late_opens.len());

    for date in dates {
        let expected = listed.get(&date).copied();
        let found = calendar.session_on(date);
        if late_opens.contains(&date) {
            assert_eq!(found.map(|s| s.close_ns), expected.map(|s| s.close_ns), "{date}");
            continue;
        }
        assert_eq!(found, expected, "{date}");
        let Some(session) = found else { continue };
        assert_eq!(calendar.session_at(session.open_ns), found);
        assert_eq!(calendar.session_at(session.close_ns - 1), found);
        assert_eq!(calendar.session_at(session.close_ns), None, "the close is not inside");
        assert_eq!(calendar.session_at(session.open_ns - 1), None);
        assert_eq!(calendar.next_session(session.close_ns - 1), found);
    }
}

#[test]
fn the_next_session_skips_weekends_and_holidays() {
    let mut calendar = calendar(chrono_tz::America::New_York, hm(9, 30), hm(16, 0));
    calendar.holidays.push("2024-07-04".parse().unwrap());
    let after = |text: &str| calendar.next_session(parse_utc(text).unwrap()).unwrap().open_ns;
    assert_eq!(after("2024-07-03T20:00:00Z"), parse_utc("2024-07-05T13:30:00Z").unwrap());
    assert_eq!(after("2024-07-05T20:00:00Z"), parse_utc("2024-07-08T13:30:00Z").unwrap());
}

#[test]
fn a_session_over_midnight_belongs_to_the_day_on_which_it_closes() {
    let calendar = calendar(chrono_tz::America::Chicago, hm(17, 0), hm(16, 0));
    let monday = calendar.session_on("2024-01-08".parse().unwrap()).unwrap();
    assert_eq!(monday.open_ns, parse_utc("2024-01-07T23:00:00Z").unwrap(), "it opened on Sunday evening");
    assert_eq!(monday.close_ns - monday.open_ns, 23 * NS_PER_HOUR);
    let sunday_night = parse_utc("2024-01-08T03:00:00Z").unwrap();
    assert_eq!(calendar.session_at(sunday_night), Some(monday));
}

#[test]
fn a_skipped_local_time_opens_an_hour_later_and_a_repeated_one_the_first_time() {
    let berlin = |open, close| Calendar {
        days: vec![Weekday::Sun],
        ..calendar(chrono_tz::Europe::Berlin, open, close)
    };
    let spring = berlin(hm(2, 30), hm(9, 0)).session_on("2024-03-31".parse().unwrap()).unwrap();
    assert_eq!(spring.open_ns, parse_utc("2024-03-31T01:30:00Z").unwrap());
    let autumn = berlin(hm(2, 30), hm(9, 0)).session_on("2024-10-27".parse().unwrap()).unwrap();
    assert_eq!(autumn.open_ns, parse_utc("2024-10-27T00:30:00Z").unwrap());
    assert_eq!(autumn.close_ns - autumn.open_ns, 7 * NS_PER_HOUR + 30 * NS_PER_MINUTE);
}

#[test]
fn a_calendar_round_trips_through_its_text_form_and_refuses_nonsense() {
    let mut calendar = calendar(chrono_tz::America::New_York, hm(9, 30), hm(16, 0));
    calendar.early_closes.insert("2024-11-29".parse().unwrap(), hm(13, 0));
    let text = serde_json::to_string(&calendar).unwrap();
    assert_eq!(serde_json::from_str::<Calendar>(&text).unwrap(), calendar);
    for (from, to, told) in [
        ("09:30", "9.30 am", "expected a time such as 09:30"),
        ("\"mon\"", "\"moonday\"", "expected a weekday such as mon"),
        ("America/New_York", "America/Gotham", "Gotham"),
    ] {
        let fault = serde_json::from_str::<Calendar>(&text.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(fault.contains(told), "{fault}");
    }
}

#[test]
fn stamps_at_both_ends_of_time_are_no_panic() {
    let calendar = calendar(chrono_tz::America::New_York, hm(9, 30), hm(16, 0));
    for ts_ns in [i64::MIN, i64::MIN + NS_PER_DAY, -1, 0, i64::MAX - NS_PER_DAY, i64::MAX] {
        let _ = (calendar.session_at(ts_ns), calendar.next_session(ts_ns), calendar.local_date(ts_ns));
    }
}
