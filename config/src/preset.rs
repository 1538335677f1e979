//! Calendars and fee schedules that come along, as data files beside the code.

use std::sync::Arc;

use barhive_engine::{calendar::Calendar, instrument::FeeSchedule};

use crate::{
    fault::FaultLog,
    read::{Place, Reader},
    section::FeesSection,
    tree::{Budget, Node, parse},
};

/// The name of trading around the clock, which is the absence of a calendar.
pub(crate) const AROUND_THE_CLOCK: &str = "24x7";

const CALENDARS: [(&str, &str); 3] = [
    ("cme-like", include_str!("../calendars/cme-like.yaml")),
    ("fx-24x5", include_str!("../calendars/fx-24x5.yaml")),
    ("xnys", include_str!("../calendars/xnys.yaml")),
];

const FEES: [(&str, &str); 6] = [
    ("binance-spot", include_str!("../fees/binance-spot.yaml")),
    ("coinbase", include_str!("../fees/coinbase.yaml")),
    ("ibkr-fx", include_str!("../fees/ibkr-fx.yaml")),
    ("ibkr-like", include_str!("../fees/ibkr-like.yaml")),
    ("kraken", include_str!("../fees/kraken.yaml")),
    ("zero", include_str!("../fees/zero.yaml")),
];

/// The calendars that come along, by name.
pub fn calendar_names() -> impl Iterator<Item = &'static str> {
    [AROUND_THE_CLOCK].into_iter().chain(CALENDARS.iter().map(|(name, _)| *name))
}

/// The fee schedules that come along, by name.
pub fn fee_names() -> impl Iterator<Item = &'static str> {
    FEES.iter().map(|(name, _)| *name)
}

/// A calendar that comes along: `Some(None)` trades around the clock, `None` when there is no such name.
pub fn calendar(name: &str) -> Option<Option<Arc<Calendar>>> {
    if name == AROUND_THE_CLOCK {
        return Some(None);
    }
    let text = find(&CALENDARS, name)?;
    with_document(text, |reader, root| reader.read::<Calendar>(root)).map(|calendar| Some(Arc::new(calendar)))
}

/// A fee schedule that comes along.
pub fn fees(name: &str) -> Option<FeeSchedule> {
    let text = find(&FEES, name)?;
    with_document(text, |reader, root| {
        let section = reader.read::<FeesSection>(root)?;
        crate::build::fee_schedule(reader, root, section)
    })
}

/// What the file of a calendar or fee schedule says of itself in its leading comment.
pub(crate) fn description(name: &str) -> String {
    let text = find(&CALENDARS, name).or_else(|| find(&FEES, name)).unwrap_or_default();
    let lines = text.lines().take_while(|line| line.starts_with('#'));
    lines.map(|line| line.trim_start_matches('#').trim()).collect::<Vec<_>>().join(" ")
}

fn find(files: &[(&'static str, &'static str)], name: &str) -> Option<&'static str> {
    files.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

fn with_document<T>(
    text: &str,
    read: impl for<'t> FnOnce(&Reader<'t>, &Place<'t>) -> Option<T>,
) -> Option<T> {
    let log = FaultLog::default();
    let file = log.add_source("preset".into(), text.to_owned());
    let root: Node = parse(text, file, Budget::default(), &log)?;
    let value = read(&Reader::new(&log, &|_| None), &Place::root(&root));
    debug_assert!(log.is_empty(), "{}", log.finish());
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;

    #[test]
    fn every_preset_is_read_without_a_fault() {
        for name in calendar_names() {
            assert!(calendar(name).is_some(), "{name}");
        }
        for name in fee_names() {
            assert!(fees(name).is_some(), "{name}");
            assert!(!description(name).is_empty());
        }
        assert_eq!(fees("binance-spot").unwrap().rate_ppb, 1_000_000);
        assert_eq!(fees("ibkr-fx").unwrap().rate_ppb, 20_000);
        assert!(calendar("nowhere").is_none() && fees("nowhere").is_none());
    }

    #[test]
    fn the_new_york_calendar_agrees_with_recorded_sessions() {
        let path =
            concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/calendars/xnys_sessions_1990_2023.csv");
        let Ok(text) = std::fs::read_to_string(path) else {
            println!("no recorded sessions here; skipped");
            return;
        };
        let calendar = calendar("xnys").flatten().unwrap();
        let stamp = |text: &str| barhive_engine::time::parse_utc(text).unwrap();
        let mut recorded = std::collections::BTreeMap::new();
        for line in text.lines().skip(1) {
            let fields: Vec<&str> = line.split(',').collect();
            let day: NaiveDate = fields[0][..10].parse().unwrap();
            recorded.insert(day, (stamp(fields[1]), stamp(fields[2])));
        }
        let (mut day, last) = (*recorded.first_key_value().unwrap().0, *recorded.last_key_value().unwrap().0);
        while day <= last {
            let session = calendar.session_on(day).map(|s| (s.open_ns, s.close_ns));
            assert_eq!(session, recorded.get(&day).copied(), "{day}");
            day = day.succ_opt().unwrap();
        }
        assert!(recorded.len() > 8000);
    }

    #[test]
    fn currencies_trade_from_sunday_evening_to_friday_evening() {
        let calendar = calendar("fx-24x5").flatten().unwrap();
        let session = calendar.session_on("2024-03-04".parse().unwrap()).unwrap();
        // Sunday 17:00 to Monday 17:00 in New York, in winter.
        assert_eq!(barhive_engine::time::format_utc(session.open_ns), "2024-03-03T22:00:00Z");
        assert_eq!(barhive_engine::time::format_utc(session.close_ns), "2024-03-04T22:00:00Z");
        assert!(calendar.session_on("2024-03-09".parse().unwrap()).is_none());
    }
}
