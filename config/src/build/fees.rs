//! Fees: by the name of a schedule, or in place.

use barhive_engine::instrument::FeeSchedule;

use super::Scene;
use crate::{
    preset,
    read::{Located, Place, Reader, TextOrMapping},
    section::{FeesEntry, FeesSection},
    suggest,
    tree::quote,
    value::Rate,
};

/// A schedule by name or in place; `None` when there is a fault.
pub(super) fn entry(scene: &Scene<'_, '_>, entry: &FeesEntry) -> Option<FeeSchedule> {
    let place = scene.reader.place(entry.place);
    match scene.reader.open(entry)? {
        TextOrMapping::Mapping(section) => fee_schedule(scene.reader, &place, section),
        TextOrMapping::Text(name) => {
            let schedule = preset::fees(&name);
            if schedule.is_none() {
                let known: Vec<&str> = preset::fee_names().collect();
                let message = format!("unknown fee schedule {}", quote(&name));
                scene.reader.fault(&place, message, Some(suggest::hint(&name, &known)));
            }
            schedule
        }
    }
}

/// A schedule from its section; `None` when there is a fault.
pub(crate) fn fee_schedule(
    reader: &Reader<'_>,
    place: &Place<'_>,
    section: FeesSection,
) -> Option<FeeSchedule> {
    let mut schedule = FeeSchedule::default();
    let mut good = true;
    let mut refuse = |place: &Place<'_>, message: String| {
        reader.fault(place, message, None);
        good = false;
    };
    match (&section.rate, &section.rate_bps) {
        (Some(_), Some(bps)) => {
            refuse(&reader.place(bps.place), "either rate or rate_bps, not both".into());
        }
        (Some(rate), None) => schedule.rate_ppb = rate.value.ppb,
        (None, Some(bps)) => match Rate::from_bps(&bps.value) {
            Ok(rate) => schedule.rate_ppb = rate.ppb,
            Err(fault) => refuse(&reader.place(bps.place), fault.replace('`', "\"")),
        },
        (None, None) => {}
    }
    if !(0..=1_000_000_000).contains(&schedule.rate_ppb) {
        let at = place.get("rate").or_else(|| place.get("rate_bps")).unwrap_or_else(|| place.clone());
        refuse(&at, format!("expected a rate from 0% to 100%, found {}", Rate { ppb: schedule.rate_ppb }));
    }
    let mut amount = |field: &Option<Located<barhive_engine::money::Money>>| match field {
        Some(money) if money.value.0 < 0 => {
            refuse(&reader.place(money.place), format!("expected 0 or more, found {}", money.value));
            Default::default()
        }
        Some(money) => money.value,
        None => Default::default(),
    };
    schedule.fixed = amount(&section.fixed);
    schedule.minimum = amount(&section.minimum);
    good.then_some(schedule)
}
