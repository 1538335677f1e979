//! The instruments of a set: what the feed offers, chosen and refined.

use std::{collections::BTreeMap, sync::Arc};

use barhive_engine::{
    calendar::Calendar,
    data::{SeriesInfo, SeriesKind, Source},
    instrument::{FeeSchedule, Instrument, InstrumentId},
    plan::serving,
    timeframe::Timeframe,
};

use super::{Scene, fees};
use crate::{
    preset,
    read::{Captured, Located, Place, TextOrMapping},
    section::{InstrumentEntry, InstrumentSection},
    suggest,
    tree::{Value, quote},
};

/// Calendars that a set declares.
pub(super) type Calendars = BTreeMap<String, Arc<Calendar>>;

/// The instruments of a set.
pub(super) struct Universe {
    /// Sorted by symbol.
    pub(super) instruments: Arc<[Instrument]>,
    /// In the order in which the set lists them.
    pub(super) order: Vec<InstrumentId>,
    /// What the feed offers of each.
    series: Vec<Vec<SeriesInfo>>,
}

impl Universe {
    pub(super) fn get(&self, id: InstrumentId) -> &Instrument {
        &self.instruments[id.index()]
    }

    /// The instruments that a symbol or wildcard names, in the set's order.
    pub(super) fn matching<'a>(&'a self, pattern: &'a str) -> impl Iterator<Item = InstrumentId> + 'a {
        self.order.iter().copied().filter(move |id| matches(pattern, &self.get(*id).symbol))
    }

    /// Whether bars of a timeframe are offered or can be aggregated; otherwise what there is.
    pub(super) fn check_timeframe(&self, id: InstrumentId, timeframe: Timeframe) -> Result<(), String> {
        let bars = || self.series[id.index()].iter().filter(|series| series.kind == SeriesKind::BAR);
        if serving(&self.series[id.index()], SeriesKind::BAR, timeframe).is_some() {
            return Ok(());
        }
        let offered: Vec<String> = bars().map(|series| series.timeframe.to_string()).collect();
        let symbol = &self.get(id).symbol;
        let finest = bars().map(|series| series.timeframe).min();
        Err(match finest {
            Some(finest) if finest > timeframe => {
                format!(
                    "{timeframe} is finer than the data of {symbol}, whose bars last {}",
                    offered.join(", ")
                )
            }
            Some(_) => {
                format!(
                    "{timeframe} is not a multiple of the data of {symbol}, whose bars last {}",
                    offered.join(", ")
                )
            }
            None => format!("the feed has no bars of {symbol}"),
        })
    }
}

/// Whether a symbol fits a pattern in which `*` stands for any text and `?` for any character.
pub(super) fn matches(pattern: &str, symbol: &str) -> bool {
    let (pattern, symbol): (Vec<char>, Vec<char>) = (pattern.chars().collect(), symbol.chars().collect());
    let (mut p, mut s, mut star) = (0, 0, None);
    while s < symbol.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, s));
                p += 1;
            }
            Some(c) if *c == '?' || *c == symbol[s] => {
                p += 1;
                s += 1;
            }
            _ => match &mut star {
                Some((at, taken)) => {
                    *taken += 1;
                    (p, s) = (*at + 1, *taken);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// The calendars that a set declares, by name.
pub(super) fn own_calendars(scene: &Scene<'_, '_>, captured: Option<&Captured<Vec<Calendar>>>) -> Calendars {
    let mut calendars = Calendars::new();
    for place in captured.map(|captured| scene.reader.items(captured)).unwrap_or_default() {
        let Some(calendar) = scene.reader.read::<Calendar>(&place) else { continue };
        if preset::calendar_names().any(|name| name == calendar.name) {
            let message = format!("{} is the name of a calendar that comes along", quote(&calendar.name));
            scene.reader.fault(&place, message, Some("choose another name".into()));
        } else if let Some(twice) = calendars.insert(calendar.name.clone(), Arc::new(calendar)) {
            scene.reader.fault(&place, format!("the calendar {} is given twice", quote(&twice.name)), None);
        }
    }
    calendars
}

/// One entry of the set's list.
struct Choice<'t> {
    place: Place<'t>,
    pattern: String,
    section: Option<InstrumentSection>,
}

/// Chooses instruments of a source; `None` when none is left.
pub(super) fn universe(
    scene: &Scene<'_, '_>,
    source: &dyn Source,
    captured: Option<&Captured<Vec<InstrumentEntry>>>,
    fees: Option<FeeSchedule>,
    calendars: &Calendars,
) -> Option<Universe> {
    let feed = scene.root.get("feed").unwrap_or_else(|| scene.root.clone());
    let offered = match source.instruments() {
        Ok(offered) if !offered.is_empty() => offered,
        Ok(_) => {
            scene.reader.fault(&feed, "the feed offers no instruments", None);
            return None;
        }
        Err(error) => {
            scene.reader.fault(&feed, error.to_string(), None);
            return None;
        }
    };
    let choices = choices(scene, captured);
    if choices.is_empty()
        && let Some(place) = scene.root.get("instruments")
        && matches!(&place.node.value, Value::Sequence(items) if items.is_empty())
    {
        let hint = "leave the key out for all that the feed offers";
        scene.reader.fault(&place, "the list names no instrument", Some(hint.into()));
        return None;
    }
    let mut chosen: BTreeMap<usize, (Instrument, Place<'_>)> = BTreeMap::new();
    let mut order = Vec::new();
    for choice in &choices {
        let mut found = false;
        for (index, instrument) in offered.iter().enumerate() {
            if !matches(&choice.pattern, &instrument.symbol) {
                continue;
            }
            found = true;
            let (instrument, _) = chosen.entry(index).or_insert_with(|| {
                order.push(index);
                let mut instrument = instrument.clone();
                instrument.fees = fees.unwrap_or(instrument.fees);
                (instrument, choice.place.clone())
            });
            if let Some(section) = &choice.section {
                refine(scene, instrument, &offered[index], section, calendars);
            }
        }
        if !found {
            let known: Vec<&str> = offered.iter().map(|instrument| instrument.symbol.as_str()).collect();
            let message = format!("the feed has no instrument {}", quote(&choice.pattern));
            scene.reader.fault(&choice.place, message, Some(suggest::hint(&choice.pattern, &known)));
        }
    }
    let mut series = Vec::with_capacity(chosen.len());
    for (instrument, place) in chosen.values() {
        for fault in instrument.faults() {
            scene.reader.fault(place, fault, None);
        }
        series.push(source.series(&instrument.symbol).unwrap_or_else(|error| {
            scene.reader.fault(place, error.to_string(), None);
            Vec::new()
        }));
    }
    let positions: Vec<usize> = chosen.keys().copied().collect();
    let id_of = |index: &usize| positions.binary_search(index).ok().map(|at| InstrumentId(at as u32));
    let order = order.iter().filter_map(id_of).collect();
    let instruments: Arc<[Instrument]> = chosen.into_values().map(|(instrument, _)| instrument).collect();
    (!instruments.is_empty()).then_some(Universe { instruments, order, series })
}

/// The entries of the list; everything when there is no list.
fn choices<'t>(scene: &Scene<'_, 't>, captured: Option<&Captured<Vec<InstrumentEntry>>>) -> Vec<Choice<'t>> {
    let Some(captured) = captured else {
        let place = scene.root.get("instruments").unwrap_or_else(|| scene.root.clone());
        return vec![Choice { place, pattern: "*".into(), section: None }];
    };
    let mut choices: Vec<Choice<'t>> = Vec::new();
    for place in scene.reader.items(captured) {
        let choice = match scene.reader.read::<InstrumentEntry>(&place) {
            Some(TextOrMapping::Text(pattern)) => Choice { place, pattern, section: None },
            Some(TextOrMapping::Mapping(section)) => match &section.symbol {
                Some(symbol) => Choice { pattern: symbol.value.clone(), place, section: Some(section) },
                None => {
                    scene.reader.missing(&place, "symbol", "name an instrument of the feed, or a wildcard");
                    continue;
                }
            },
            None => continue,
        };
        if choices.iter().any(|known| known.pattern == choice.pattern) {
            scene.reader.fault(&choice.place, format!("{} is listed twice", quote(&choice.pattern)), None);
            continue;
        }
        choices.push(choice);
    }
    choices
}

/// Puts what a set says of an instrument over what the feed says.
fn refine(
    scene: &Scene<'_, '_>,
    instrument: &mut Instrument,
    offered: &Instrument,
    section: &InstrumentSection,
    calendars: &Calendars,
) {
    if let Some(venue) = &section.venue {
        instrument.venue.clone_from(venue);
    }
    if let Some(currency) = &section.currency {
        instrument.currency = currency.value.clone();
    }
    if let Some(multiplier) = &section.multiplier {
        instrument.multiplier = multiplier.value;
    }
    if let Some(scale) = &section.price_scale {
        if scale.value < offered.price_scale {
            let message = format!(
                "prices of {} have {} decimals, more than a price_scale of {} holds",
                offered.symbol, offered.price_scale, scale.value
            );
            scene.fault_at(scale, message, None);
        }
        // The tick stays the same step of price.
        let shift = scale.value.saturating_sub(instrument.price_scale).min(12);
        instrument.tick = instrument.tick.saturating_mul(10i64.pow(u32::from(shift)));
        instrument.price_scale = scale.value;
    }
    if let Some(tick) = &section.tick {
        match tick.value.at_scale(instrument.price_scale.min(12)).map(i64::try_from) {
            Ok(Ok(units)) if units > 0 => instrument.tick = units,
            Ok(_) => scene.fault_at(tick, format!("expected a step above 0, found {}", tick.value), None),
            Err(_) => {
                let message = format!(
                    "{} is not a price of {}, which has {} decimals",
                    tick.value, instrument.symbol, instrument.price_scale
                );
                scene.fault_at(tick, message, Some("raise price_scale".into()));
            }
        }
    }
    if let Some(lot) = &section.lot {
        match lot.value.units() {
            Ok((units, scale)) if units > 0 && i64::try_from(units).is_ok() => {
                (instrument.lot, instrument.lot_scale) = (units as i64, scale);
            }
            _ => {
                let message =
                    format!("expected a quantity above 0 with at most 12 decimals, found {}", lot.value);
                scene.fault_at(lot, message, None);
            }
        }
    }
    if let Some(schedule) = section.fees.as_ref().and_then(|entry| fees::entry(scene, entry)) {
        instrument.fees = schedule;
    }
    if let Some(calendar) = section.calendar.as_ref().and_then(|name| calendar(scene, name, calendars)) {
        instrument.calendar = calendar;
    }
}

fn calendar(scene: &Scene<'_, '_>, name: &Located<String>, own: &Calendars) -> Option<Option<Arc<Calendar>>> {
    if let Some(calendar) = own.get(&name.value) {
        return Some(Some(Arc::clone(calendar)));
    }
    let found = preset::calendar(&name.value);
    if found.is_none() {
        let presets: Vec<&str> = preset::calendar_names().collect();
        let known: Vec<&str> = own.keys().map(String::as_str).chain(presets).collect();
        scene.unknown(name, "calendar", &name.value, &known);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn wildcards_stand_for_any_text() {
        for (pattern, symbol, fits) in [
            ("*", "BTCUSDT", true),
            ("BTC*", "BTCUSDT", true),
            ("*USDT", "BTCUSDT", true),
            ("B*U*T", "BTCUSDT", true),
            ("BTC?SDT", "BTCUSDT", true),
            ("BTC*", "ETHUSDT", false),
            ("BTCUSDT", "BTCUSD", false),
            ("", "X", false),
            ("**", "", true),
        ] {
            assert_eq!(matches(pattern, symbol), fits, "{pattern} {symbol}");
        }
    }
}
