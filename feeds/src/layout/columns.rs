//! Columns, and what of a bar they hold.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A column by its name in the header or by its position, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    /// The header's name, spelled the same but for upper and lower case.
    Name(String),
    /// Its place, from 1.
    At(usize),
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "`{name}`"),
            Self::At(place) => write!(f, "{place}"),
        }
    }
}

impl From<&str> for Column {
    fn from(text: &str) -> Self {
        match text.parse() {
            Ok(place) if place > 0 => Self::At(place),
            _ => Self::Name(text.to_owned()),
        }
    }
}

impl Serialize for Column {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Name(name) => serializer.serialize_str(name),
            Self::At(place) => serializer.serialize_u64(*place as u64),
        }
    }
}

impl<'de> Deserialize<'de> for Column {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrPlace;
        impl de::Visitor<'_> for NameOrPlace {
            type Value = Column;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a column's name, or its place counted from 1")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Column, E> {
                Ok(Column::from(text))
            }

            fn visit_u64<E: de::Error>(self, place: u64) -> Result<Column, E> {
                match usize::try_from(place) {
                    Ok(place) if place > 0 => Ok(Column::At(place)),
                    _ => Err(E::invalid_value(de::Unexpected::Unsigned(place), &self)),
                }
            }

            fn visit_i64<E: de::Error>(self, place: i64) -> Result<Column, E> {
                match u64::try_from(place) {
                    Ok(place) => self.visit_u64(place),
                    Err(_) => Err(E::invalid_value(de::Unexpected::Signed(place), &self)),
                }
            }
        }
        deserializer.deserialize_any(NameOrPlace)
    }
}

impl JsonSchema for Column {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Column".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": ["string", "integer"],
            "minimum": 1,
            "description": "A column's name in the header, or its place counted from 1"
        })
    }
}

/// Where each part of a bar stands.
///
/// A file of bars names `open`, `high`, `low` and `close`; a file of one price names `price`; a file of
/// quotes names the four `bid_` and the four `ask_` columns. Columns not named are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Columns {
    /// The stamp, or its date.
    pub time: Option<Column>,
    /// The time of day, where it stands in a column of its own; joined to `time` by a space.
    pub time_of_day: Option<Column>,
    /// The close time, where the file has one; without it the timeframe or the calendar says it.
    pub close_time: Option<Column>,
    /// The instrument, in a file of several.
    pub symbol: Option<Column>,
    /// The only price of a row: open, high, low and close are this.
    pub price: Option<Column>,
    /// First price.
    pub open: Option<Column>,
    /// Highest price.
    pub high: Option<Column>,
    /// Lowest price.
    pub low: Option<Column>,
    /// Last price.
    pub close: Option<Column>,
    /// Traded quantity; 0 where there is no such column.
    pub volume: Option<Column>,
    /// First bid.
    pub bid_open: Option<Column>,
    /// Highest bid.
    pub bid_high: Option<Column>,
    /// Lowest bid.
    pub bid_low: Option<Column>,
    /// Last bid.
    pub bid_close: Option<Column>,
    /// Quantity bid for.
    pub bid_size: Option<Column>,
    /// First ask.
    pub ask_open: Option<Column>,
    /// Highest ask.
    pub ask_high: Option<Column>,
    /// Lowest ask.
    pub ask_low: Option<Column>,
    /// Last ask.
    pub ask_close: Option<Column>,
    /// Quantity offered.
    pub ask_size: Option<Column>,
}

/// A part of a bar, and with it a column that a layout may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Time,
    TimeOfDay,
    CloseTime,
    Symbol,
    Price,
    Open,
    High,
    Low,
    Close,
    Volume,
    BidOpen,
    BidHigh,
    BidLow,
    BidClose,
    BidSize,
    AskOpen,
    AskHigh,
    AskLow,
    AskClose,
    AskSize,
}

impl Part {
    pub(crate) const BAR: [Self; 4] = [Self::Open, Self::High, Self::Low, Self::Close];
    pub(crate) const BID: [Self; 4] = [Self::BidOpen, Self::BidHigh, Self::BidLow, Self::BidClose];
    pub(crate) const ASK: [Self; 4] = [Self::AskOpen, Self::AskHigh, Self::AskLow, Self::AskClose];

    /// Its name in a layout.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::TimeOfDay => "time_of_day",
            Self::CloseTime => "close_time",
            Self::Symbol => "symbol",
            Self::Price => "price",
            Self::Open => "open",
            Self::High => "high",
            Self::Low => "low",
            Self::Close => "close",
            Self::Volume => "volume",
            Self::BidOpen => "bid_open",
            Self::BidHigh => "bid_high",
            Self::BidLow => "bid_low",
            Self::BidClose => "bid_close",
            Self::BidSize => "bid_size",
            Self::AskOpen => "ask_open",
            Self::AskHigh => "ask_high",
            Self::AskLow => "ask_low",
            Self::AskClose => "ask_close",
            Self::AskSize => "ask_size",
        }
    }

    /// Where its number goes among the ten of a row; `None` for what is no price or quantity.
    pub(crate) fn slot(self) -> Option<usize> {
        match self {
            Self::Price | Self::Open | Self::BidOpen => Some(0),
            Self::High | Self::BidHigh => Some(1),
            Self::Low | Self::BidLow => Some(2),
            Self::Close | Self::BidClose => Some(3),
            Self::Volume | Self::BidSize => Some(4),
            Self::AskOpen => Some(5),
            Self::AskHigh => Some(6),
            Self::AskLow => Some(7),
            Self::AskClose => Some(8),
            Self::AskSize => Some(9),
            Self::Time | Self::TimeOfDay | Self::CloseTime | Self::Symbol => None,
        }
    }
}

impl Columns {
    /// Every part with the column named for it.
    pub(crate) fn named(&self) -> Vec<(Part, &Column)> {
        let all = [
            (Part::Time, &self.time),
            (Part::TimeOfDay, &self.time_of_day),
            (Part::CloseTime, &self.close_time),
            (Part::Symbol, &self.symbol),
            (Part::Price, &self.price),
            (Part::Open, &self.open),
            (Part::High, &self.high),
            (Part::Low, &self.low),
            (Part::Close, &self.close),
            (Part::Volume, &self.volume),
            (Part::BidOpen, &self.bid_open),
            (Part::BidHigh, &self.bid_high),
            (Part::BidLow, &self.bid_low),
            (Part::BidClose, &self.bid_close),
            (Part::BidSize, &self.bid_size),
            (Part::AskOpen, &self.ask_open),
            (Part::AskHigh, &self.ask_high),
            (Part::AskLow, &self.ask_low),
            (Part::AskClose, &self.ask_close),
            (Part::AskSize, &self.ask_size),
        ];
        all.into_iter().filter_map(|(part, column)| Some((part, column.as_ref()?))).collect()
    }

    /// Whether no column is named at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.named().is_empty()
    }

    /// These columns, and those of `base` where these name none.
    pub(crate) fn or(self, base: Self) -> Self {
        Self {
            time: self.time.or(base.time),
            time_of_day: self.time_of_day.or(base.time_of_day),
            close_time: self.close_time.or(base.close_time),
            symbol: self.symbol.or(base.symbol),
            price: self.price.or(base.price),
            open: self.open.or(base.open),
            high: self.high.or(base.high),
            low: self.low.or(base.low),
            close: self.close.or(base.close),
            volume: self.volume.or(base.volume),
            bid_open: self.bid_open.or(base.bid_open),
            bid_high: self.bid_high.or(base.bid_high),
            bid_low: self.bid_low.or(base.bid_low),
            bid_close: self.bid_close.or(base.bid_close),
            bid_size: self.bid_size.or(base.bid_size),
            ask_open: self.ask_open.or(base.ask_open),
            ask_high: self.ask_high.or(base.ask_high),
            ask_low: self.ask_low.or(base.ask_low),
            ask_close: self.ask_close.or(base.ask_close),
            ask_size: self.ask_size.or(base.ask_size),
        }
    }

    /// Sets the column of a part.
    pub(crate) fn set(&mut self, part: Part, column: Column) {
        let place = match part {
            Part::Time => &mut self.time,
            Part::TimeOfDay => &mut self.time_of_day,
            Part::CloseTime => &mut self.close_time,
            Part::Symbol => &mut self.symbol,
            Part::Price => &mut self.price,
            Part::Open => &mut self.open,
            Part::High => &mut self.high,
            Part::Low => &mut self.low,
            Part::Close => &mut self.close,
            Part::Volume => &mut self.volume,
            Part::BidOpen => &mut self.bid_open,
            Part::BidHigh => &mut self.bid_high,
            Part::BidLow => &mut self.bid_low,
            Part::BidClose => &mut self.bid_close,
            Part::BidSize => &mut self.bid_size,
            Part::AskOpen => &mut self.ask_open,
            Part::AskHigh => &mut self.ask_high,
            Part::AskLow => &mut self.ask_low,
            Part::AskClose => &mut self.ask_close,
            Part::AskSize => &mut self.ask_size,
        };
        *place = Some(column);
    }
}
