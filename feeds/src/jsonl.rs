//! JSON lines: one object a row, its fields named as the columns of a layout.

use std::{
    borrow::Cow,
    fmt,
    io::{Cursor, Read},
};

use barhive_engine::data::FeedError;
use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, IgnoredAny, MapAccess, Visitor},
};

use crate::{
    guess::{survey, time_format},
    layout::{Layout, Part, RowOrder},
    lines::Lines,
    number::number,
    resolve::{layout_error, places, with_preset, zone},
    rows::{RawRow, Remarks, RowReader, Shape, Side, Step, Symbols},
    stamp::{Stamps, WallClock},
};

/// Bytes of a file's head that are looked at before reading begins.
const HEAD_BYTES: u64 = 1 << 16;

/// Opens a stream of JSON lines.
///
/// # Errors
/// All that is wrong with the layout, or that there is nothing in the stream.
pub(crate) fn open(
    origin: &str,
    mut read: Box<dyn Read + Send>,
    layout: &Layout,
) -> Result<Box<dyn RowReader>, FeedError> {
    let io = |fault: std::io::Error| FeedError::Io { origin: origin.to_owned(), what: fault.to_string() };
    let mut head = Vec::new();
    read.by_ref().take(HEAD_BYTES).read_to_end(&mut head).map_err(io)?;
    let whole_rows = match head.iter().rposition(|byte| *byte == b'\n') {
        Some(at) if head.len() as u64 == HEAD_BYTES => &head[..=at],
        _ => &head[..],
    };
    let mut plan = plan(origin, whole_rows, layout)?;
    let seen = survey(&mut reader(origin, Box::new(Cursor::new(whole_rows.to_vec())), plan.clone()))?;
    plan.shape.timeframe_ns = seen.timeframe_ns;
    if layout.order.is_none() && seen.order == RowOrder::NewestFirst {
        plan.shape.remarks.guesses.push("rows are newest first, by the look of the file's head".into());
        plan.shape.newest_first = true;
        plan.stamps.newest_first = true;
    }
    Ok(Box::new(reader(origin, Box::new(Cursor::new(head).chain(read)), plan)))
}

#[derive(Clone, Debug)]
struct Plan {
    names: Vec<(String, Part)>,
    stamps: Stamps,
    price_only: bool,
    shape: Shape,
}

fn plan(origin: &str, head: &[u8], layout: &Layout) -> Result<Plan, FeedError> {
    let layout = with_preset(layout).map_err(|fault| layout_error(origin, &[fault]))?;
    let mut lines = Lines::unquoted(origin, Box::new(Cursor::new(head.to_vec())));
    let Some(first) = lines.next()? else {
        let what = "the file holds no row".to_owned();
        return Err(FeedError::Empty { origin: origin.to_owned(), what });
    };
    let first: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(&lines.buffer()[first.span]).map_err(|fault| FeedError::Data {
            origin: origin.to_owned(),
            row: Some(1),
            expected: "one JSON object a line".into(),
            found: fault.to_string(),
        })?;
    let names: Vec<String> = first.keys().cloned().collect();
    let mut remarks = Remarks::default();
    let places = places(&layout.columns, &names, names.len(), &mut remarks)
        .map_err(|faults| layout_error(origin, &faults))?;
    let parts: Vec<(String, Part)> =
        places.parts.iter().map(|(at, part)| (names[*at].clone(), *part)).collect();
    let name_of = |part| parts.iter().find(|(_, p)| *p == part).map(|(name, _)| name.as_str());
    let text = |name: &str| match first.get(name) {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => String::new(),
    };
    if places.has(Part::TimeOfDay) {
        return Err(layout_error(origin, &["time_of_day is for CSV: give one field as time".to_owned()]));
    }
    let stamp = name_of(Part::Time).map(text).unwrap_or_default();
    let format = match layout.time_format {
        Some(format) => format,
        None => {
            let format = time_format(name_of(Part::Time), std::slice::from_ref(&stamp));
            let format = format.map_err(|fault| layout_error(origin, &[fault]))?;
            remarks.guesses.push(format!("time format guessed: {format}"));
            format
        }
    };
    let wall = format.wall(stamp.as_bytes());
    let (offset, date_only) =
        wall.map_or((format.is_epoch(), false), |wall| (wall.offset.is_some(), wall.date_only));
    let date_zone = zone(layout.zone, &stamp, offset, date_only, places.price_only, &mut remarks)
        .map_err(|fault| layout_error(origin, &[fault]))?;
    let newest_first = layout.order == Some(RowOrder::NewestFirst);
    let clock = (layout.zone.is_some() || !offset).then(|| WallClock::new(date_zone));
    let shape = Shape {
        origin: origin.to_owned(),
        unit_ns: format.unit_ns(),
        epoch: format.is_epoch(),
        quotes: places.quotes,
        has_symbol: places.has(Part::Symbol),
        newest_first,
        stamped: layout.stamped.unwrap_or_default(),
        date_zone,
        timeframe_ns: None,
        remarks,
    };
    let stamps = Stamps::new(format, clock, newest_first);
    Ok(Plan { names: parts, stamps, price_only: places.price_only, shape })
}

fn reader(origin: &str, read: Box<dyn Read + Send>, plan: Plan) -> JsonReader {
    let lines = Lines::unquoted(origin, read);
    JsonReader { lines, plan, number: 0, symbols: Symbols::default(), slots: [0.0; 10] }
}

struct JsonReader {
    lines: Lines,
    plan: Plan,
    number: u64,
    symbols: Symbols,
    slots: [f64; 10],
}

impl RowReader for JsonReader {
    fn shape(&self) -> &Shape {
        &self.plan.shape
    }

    fn next(&mut self, row: &mut RawRow) -> Result<Step, FeedError> {
        let Some(record) = self.lines.next()? else {
            return Ok(Step::End);
        };
        self.number += 1;
        row.number = self.number;
        let line = &self.lines.buffer()[record.span];
        let mut json = serde_json::Deserializer::from_slice(line);
        let mut fields =
            Fields { names: &self.plan.names, slots: &mut self.slots, texts: [None, None, None], seen: 0 };
        let read = fields.deserialize(&mut json).and_then(|()| json.end());
        if let Err(fault) = read {
            return Ok(Step::Unreadable(format!("{fault} (line {})", self.lines.line())));
        }
        let (seen, [time, close, symbol]) = (fields.seen, fields.texts);
        if seen.count_ones() as usize != self.plan.names.len() {
            let missing = self.plan.names.iter().enumerate().find(|(at, _)| seen & (1 << at) == 0);
            let name = missing.map_or("", |(_, (name, _))| name);
            return Ok(Step::Unreadable(format!("no field `{name}` (line {})", self.lines.line())));
        }
        row.symbol = match symbol.map(|symbol| self.symbols.index_of(symbol.as_bytes())) {
            None => 0,
            Some(Some(symbol)) => symbol,
            Some(None) => return Ok(Step::Unreadable("more different symbols than bars have".into())),
        };
        let text = time.unwrap_or_default();
        row.stamp = match self.plan.stamps.read(text.as_bytes(), Some(row.symbol)) {
            Ok(stamp) => stamp,
            Err(fault) => return Ok(Step::Unreadable(fault)),
        };
        row.close_stamp = match close.map(|close| self.plan.stamps.read(close.as_bytes(), None)).transpose() {
            Ok(stamp) => stamp,
            Err(fault) => return Ok(Step::Unreadable(fault)),
        };
        let s = &self.slots;
        row.first = Side { open: s[0], high: s[1], low: s[2], close: s[3], volume: s[4] };
        if self.plan.price_only {
            row.first = Side { volume: s[4], ..Side::flat(s[0]) };
        }
        row.ask = Side { open: s[5], high: s[6], low: s[7], close: s[8], volume: s[9] };
        Ok(Step::Row)
    }

    fn symbols(&self) -> &[String] {
        self.symbols.names()
    }

    fn notes(&self) -> Vec<String> {
        self.plan.stamps.notes()
    }
}

/// Takes the wanted fields of an object straight out of the text.
struct Fields<'a, 'de> {
    names: &'a [(String, Part)],
    slots: &'a mut [f64; 10],
    /// Stamp, close stamp, symbol.
    texts: [Option<Cow<'de, str>>; 3],
    /// Bits of the names met.
    seen: u32,
}

impl<'de> DeserializeSeed<'de> for &mut Fields<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Fields<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one JSON object a line")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            let Some((at, (_, part))) = self.names.iter().enumerate().find(|(_, (name, _))| *name == key)
            else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let cell: Cell<'de> = map.next_value()?;
            self.seen |= 1 << at;
            match part.slot() {
                Some(slot) => {
                    let value = match &cell {
                        Cell::Number(value) => Some(*value),
                        Cell::Whole(value) => Some(*value as f64),
                        Cell::Text(text) => number(text.as_bytes()),
                    };
                    self.slots[slot] =
                        value.ok_or_else(|| de::Error::custom(format!("field `{key}` holds no number")))?;
                }
                None => {
                    let text = match cell {
                        Cell::Text(text) => text,
                        Cell::Whole(value) => value.to_string().into(),
                        Cell::Number(value) => value.to_string().into(),
                    };
                    let place = match part {
                        Part::Time => 0,
                        Part::CloseTime => 1,
                        _ => 2,
                    };
                    self.texts[place] = Some(text);
                }
            }
        }
        Ok(())
    }
}

/// A value as JSON has it; `null` is a missing number.
enum Cell<'de> {
    Number(f64),
    Whole(i64),
    Text(Cow<'de, str>),
}

impl<'de> Deserialize<'de> for Cell<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyCell;
        impl<'de> Visitor<'de> for AnyCell {
            type Value = Cell<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, a text or null")
            }

            fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
                Ok(Cell::Number(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
                Ok(Cell::Whole(value))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
                Ok(i64::try_from(value).map_or(Cell::Number(value as f64), Cell::Whole))
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Cell::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Cell::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Cell::Number(f64::NAN))
            }
        }
        deserializer.deserialize_any(AnyCell)
    }
}
