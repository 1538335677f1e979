//! From a declared layout and the names of a file's columns to the places that are read.

use barhive_engine::data::FeedError;
use chrono_tz::Tz;

use crate::{
    csv::Preset,
    guess::columns_of_names,
    layout::{Column, Columns, Layout, Part},
    rows::Remarks,
};

/// Which columns are read, by place from 0, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Places {
    pub parts: Vec<(usize, Part)>,
    /// Whether rows have a bid and an ask side.
    pub quotes: bool,
    /// Whether rows have one price only.
    pub price_only: bool,
}

impl Places {
    pub(crate) fn has(&self, part: Part) -> bool {
        self.place(part).is_some()
    }

    pub(crate) fn place(&self, part: Part) -> Option<usize> {
        self.parts.iter().find(|(_, p)| *p == part).map(|(at, _)| *at)
    }
}

/// The layout with its preset filled in.
pub(crate) fn with_preset(layout: &Layout) -> Result<Layout, String> {
    let mut layout = layout.clone();
    if let Some(name) = layout.preset.clone() {
        let preset = Preset::find(&name)?.layout();
        // A file of one price or of quotes shares no column with a preset of bars.
        let other_kind = layout.columns.price.is_some() || layout.columns.bid_close.is_some();
        layout =
            layout.or(if other_kind { Layout { columns: Columns::default(), ..preset } } else { preset });
    }
    Ok(layout)
}

/// Finds the places of the declared columns, or of those that the names suggest where none is declared.
///
/// `names` are the file's columns, empty in a file without a header; `width` is how many there are.
/// All faults are told at once.
pub(crate) fn places(
    columns: &Columns,
    names: &[String],
    width: usize,
    remarks: &mut Remarks,
) -> Result<Places, Vec<String>> {
    let guessed = columns.is_empty();
    if guessed && names.is_empty() {
        return Err(vec![format!(
            "the file has no header and {width} columns: declare what they are, such as \
             columns: {{time: 1, open: 2, high: 3, low: 4, close: 5, volume: 6}}, or a preset such as \
             binance_kline"
        )]);
    }
    let columns = if guessed { columns_of_names(names) } else { columns.clone() };
    let mut faults = Vec::new();
    let mut parts = Vec::new();
    for (part, column) in columns.named() {
        match place(column, names, width) {
            Ok(at) => parts.push((at, part)),
            Err(fault) => faults.push(format!("column `{}`: {fault}", part.name())),
        }
    }
    parts.sort_unstable();
    for pair in parts.windows(2) {
        if let [(at, one), (other_at, other)] = pair
            && at == other_at
        {
            faults.push(format!(
                "column {} is named both as `{}` and as `{}`; a file of one price names `price`",
                at + 1,
                one.name(),
                other.name()
            ));
        }
    }
    let found = Places { quotes: false, price_only: false, parts };
    let missing = |wanted: &[Part]| -> Vec<&str> {
        wanted.iter().filter(|part| !found.has(**part)).map(|part| part.name()).collect()
    };
    let any = |wanted: &[Part]| wanted.iter().any(|part| found.has(*part));
    if faults.is_empty() {
        let sides = [&Part::BID[..], &Part::ASK].concat();
        let told =
            if names.is_empty() { String::new() } else { format!("; the file has {}", names.join(", ")) };
        if !found.has(Part::Time) {
            faults.push(format!("no column is known to be the time stamp: declare columns.time{told}"));
        }
        let quotes = any(&sides);
        let price_only = found.has(Part::Price);
        let wanted: &[Part] = if quotes {
            &sides
        } else if price_only {
            &[]
        } else {
            &Part::BAR
        };
        let absent = missing(wanted);
        if !absent.is_empty() {
            faults.push(format!(
                "no column is known to be {}: declare it under columns{told}",
                absent.join(", ")
            ));
        }
        if price_only && (quotes || any(&Part::BAR)) {
            faults.push("`price` stands alone: a row is either one price, a bar or quotes".into());
        }
        if quotes && (any(&Part::BAR) || found.has(Part::Volume)) {
            faults.push("a row is either a bar or quotes: name the bid_ and ask_ columns only".into());
        }
        if faults.is_empty() {
            if guessed {
                let told: Vec<String> = found
                    .parts
                    .iter()
                    .map(|(at, part)| {
                        let name = names.get(*at).cloned().unwrap_or_else(|| (at + 1).to_string());
                        format!("{} = `{name}`", part.name())
                    })
                    .collect();
                remarks.guesses.push(format!("columns guessed from the header: {}", told.join(", ")));
            }
            let sized = if quotes { Part::BidSize } else { Part::Volume };
            if !found.has(sized) {
                remarks.notes.push("there is no volume column: volumes are 0".into());
            }
            if price_only {
                remarks.notes.push("one price per row: open, high, low and close are all it".into());
            }
            return Ok(Places { quotes, price_only, ..found });
        }
    }
    Err(faults)
}

fn place(column: &Column, names: &[String], width: usize) -> Result<usize, String> {
    match column {
        Column::At(place) if *place <= width => Ok(place - 1),
        Column::At(place) => Err(format!("column {place} is declared, but the file has {width} columns")),
        Column::Name(name) if names.is_empty() => {
            Err(format!("`{name}` is declared by name, but the file has no header; give its place, from 1"))
        }
        Column::Name(name) => names
            .iter()
            .position(|known| known == name)
            .or_else(|| names.iter().position(|known| known.trim().eq_ignore_ascii_case(name.trim())))
            .ok_or_else(|| format!("`{name}` is declared, but the file has {}", names.join(", "))),
    }
}

/// The zone of wall-clock stamps and of the dates of daily bars.
///
/// `sample` is a stamp of the file; `offset` says whether such stamps name their distance to UTC, and
/// `date_only` whether they are mere dates.
pub(crate) fn zone(
    declared: Option<Tz>,
    sample: &str,
    offset: bool,
    date_only: bool,
    price_only: bool,
    remarks: &mut Remarks,
) -> Result<Tz, String> {
    match declared {
        Some(zone) => Ok(zone),
        None if offset => Ok(Tz::UTC),
        None if date_only && !price_only => {
            remarks.notes.push("dates are taken as UTC days: no zone is declared".into());
            Ok(Tz::UTC)
        }
        None => Err(format!(
            "stamps such as `{sample}` are wall-clock times, and neither the file nor the layout says of which \
             zone; declare it: zone: UTC, or zone: America/New_York"
        )),
    }
}

/// One error of all that is wrong with a layout.
pub(crate) fn layout_error(origin: &str, faults: &[String]) -> FeedError {
    FeedError::Io { origin: origin.to_owned(), what: faults.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        text.split(',').map(str::to_owned).collect()
    }

    #[test]
    fn all_faults_of_a_layout_are_told_at_once() {
        let columns = Columns {
            time: Some("when".into()),
            open: Some(Column::At(9)),
            high: Some(Column::At(2)),
            low: Some(Column::At(2)),
            ..Columns::default()
        };
        let faults = places(&columns, &names("a,b,c"), 3, &mut Remarks::default()).unwrap_err();
        assert_eq!(faults.len(), 3, "{faults:?}");
        assert!(faults[0].contains("`when`") && faults[0].contains("a, b, c"));
        assert!(faults[1].contains("column 9"));
        assert!(faults[2].contains("both as `high` and as `low`"));
    }

    #[test]
    fn half_a_bar_or_a_mixture_is_refused() {
        let mut remarks = Remarks::default();
        let faults = places(&Columns::default(), &names("ts,open,high,low,volume"), 5, &mut remarks);
        assert!(faults.unwrap_err()[0].contains("declare"), "no close and no price");
        let columns = Columns {
            time: Some(Column::At(1)),
            price: Some(Column::At(2)),
            open: Some(Column::At(3)),
            ..Columns::default()
        };
        let faults = places(&columns, &[], 3, &mut remarks).unwrap_err();
        assert!(faults[0].contains("stands alone"), "{faults:?}");
        let faults = places(&Columns::default(), &[], 6, &mut remarks).unwrap_err();
        assert!(faults[0].contains("binance_kline"));
    }

    #[test]
    fn guesses_and_gaps_are_noted() {
        let mut remarks = Remarks::default();
        let found = places(&Columns::default(), &names("DATE,OPEN,HIGH,LOW,CLOSE"), 5, &mut remarks).unwrap();
        assert!(!found.quotes && !found.price_only);
        assert!(remarks.guesses[0].contains("open = `OPEN`"), "{remarks:?}");
        assert!(remarks.notes[0].contains("volumes are 0"), "{remarks:?}");
    }
}
