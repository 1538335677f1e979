//! What a catalog file says about its series, as JSON in the Arrow metadata.

use std::sync::Arc;

use barhive_engine::{
    calendar::Calendar,
    data::SeriesKind,
    instrument::{Currency, FeeSchedule, Instrument},
    money::Money,
    timeframe::Timeframe,
};
use serde::{Deserialize, Serialize};

use super::name::{parse_kind, series_label};

/// The version of the file format; a reader refuses others.
pub(crate) const FORMAT: u32 = 1;
/// The longest metadata text that is read, so that a crafted file cannot claim memory.
pub(crate) const META_BYTES_MAX: usize = 1 << 20;

/// Whose rows a file holds: known before the first row is written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Identity {
    pub symbol: String,
    pub kind: SeriesKind,
    pub timeframe: Timeframe,
}

impl Identity {
    pub(crate) fn label(&self) -> String {
        series_label(&self.symbol, self.kind, self.timeframe)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct IdentityRecord {
    format: u32,
    symbol: String,
    kind: String,
    timeframe: Timeframe,
}

impl Identity {
    pub(crate) fn to_json(&self) -> Result<String, String> {
        to_json(&IdentityRecord {
            format: FORMAT,
            symbol: self.symbol.clone(),
            kind: self.kind.to_string(),
            timeframe: self.timeframe,
        })
    }

    pub(crate) fn from_json(text: &str) -> Result<Self, String> {
        let record: IdentityRecord = from_json(text)?;
        check_format(record.format)?;
        let kind = parse_kind(&record.kind).ok_or_else(|| format!("series kind `{}`", record.kind))?;
        Ok(Self { symbol: record.symbol, kind, timeframe: record.timeframe })
    }
}

/// What is known about a series besides its rows, by whoever imports it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeriesFacts {
    /// Whether every price is a decimal on the instrument's price scale.
    pub prices_on_scale: bool,
    /// What is known to be wrong with the rows, one sentence each.
    pub notes: Vec<String>,
    /// How the rows were imported: source, layout, policy and counters, as the importer puts it.
    pub import: serde_json::Value,
}

/// Everything that is known only when the last row has been written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeriesMeta {
    pub format: u32,
    pub rows: u64,
    pub segment_rows: u64,
    pub block_rows: u64,
    pub first_close_ns: i64,
    pub last_close_ns: i64,
    pub data_hash: String,
    pub facts: SeriesFacts,
    pub instrument: InstrumentRecord,
}

impl SeriesMeta {
    pub(crate) fn to_json(&self) -> Result<String, String> {
        to_json(self)
    }

    pub(crate) fn from_json(text: &str) -> Result<Self, String> {
        let meta: Self = from_json(text)?;
        check_format(meta.format)?;
        Ok(meta)
    }
}

/// An instrument as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InstrumentRecord {
    symbol: String,
    venue: String,
    price_scale: u8,
    tick: i64,
    lot_scale: u8,
    lot: i64,
    multiplier: u32,
    currency: Currency,
    fees: FeeRecord,
    calendar: Option<Calendar>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FeeRecord {
    rate_ppb: i64,
    fixed: Money,
    minimum: Money,
}

impl From<&Instrument> for InstrumentRecord {
    fn from(instrument: &Instrument) -> Self {
        Self {
            symbol: instrument.symbol.clone(),
            venue: instrument.venue.clone(),
            price_scale: instrument.price_scale,
            tick: instrument.tick,
            lot_scale: instrument.lot_scale,
            lot: instrument.lot,
            multiplier: instrument.multiplier,
            currency: instrument.currency.clone(),
            fees: FeeRecord {
                rate_ppb: instrument.fees.rate_ppb,
                fixed: instrument.fees.fixed,
                minimum: instrument.fees.minimum,
            },
            calendar: instrument.calendar.as_deref().cloned(),
        }
    }
}

impl InstrumentRecord {
    pub(crate) fn to_instrument(&self) -> Result<Instrument, String> {
        let instrument = Instrument {
            symbol: self.symbol.clone(),
            venue: self.venue.clone(),
            price_scale: self.price_scale,
            tick: self.tick,
            lot_scale: self.lot_scale,
            lot: self.lot,
            multiplier: self.multiplier,
            currency: self.currency.clone(),
            fees: FeeSchedule {
                rate_ppb: self.fees.rate_ppb,
                fixed: self.fees.fixed,
                minimum: self.fees.minimum,
            },
            calendar: self.calendar.clone().map(Arc::new),
        };
        let faults = instrument.faults();
        if faults.is_empty() { Ok(instrument) } else { Err(faults.join("; ")) }
    }
}

pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<String, String> {
    let text = serde_json::to_string(value).map_err(|error| error.to_string())?;
    if text.len() > META_BYTES_MAX {
        return Err(format!(
            "{} bytes of metadata exceed {META_BYTES_MAX}; shorten notes or import facts",
            text.len()
        ));
    }
    Ok(text)
}

pub(crate) fn from_json<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, String> {
    if text.len() > META_BYTES_MAX {
        return Err(format!("{} bytes of metadata, above {META_BYTES_MAX}", text.len()));
    }
    serde_json::from_str(text).map_err(|error| format!("unreadable metadata ({error})"))
}

fn check_format(format: u32) -> Result<(), String> {
    if format == FORMAT { Ok(()) } else { Err(format!("format {format}, where this program reads {FORMAT}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instrument_with_fees_and_sessions_survives_its_record() {
        let calendar: Calendar = serde_json::from_value(serde_json::json!({
            "name": "nyse", "zone": "America/New_York", "open": "09:30", "close": "16:00",
            "days": ["mon", "tue"], "holidays": ["2025-12-25"], "early_closes": {"2025-12-24": "13:00"},
        }))
        .unwrap();
        let instrument = Instrument {
            venue: "XNYS".into(),
            tick: 5,
            fees: FeeSchedule { rate_ppb: 1_000_000, fixed: Money(1), minimum: Money::from_units(1) },
            calendar: Some(Arc::new(calendar)),
            ..Instrument::new("BRK.B", 2, Currency::new("USD").unwrap())
        };
        let text = to_json(&InstrumentRecord::from(&instrument)).unwrap();
        let record: InstrumentRecord = from_json(&text).unwrap();
        assert_eq!(record.to_instrument().unwrap(), instrument);
    }

    #[test]
    fn other_formats_and_kinds_are_refused_by_name() {
        let text = r#"{"format":2,"symbol":"X","kind":"bar","timeframe":"1m"}"#;
        assert!(Identity::from_json(text).unwrap_err().contains("format 2"));
        let text = r#"{"format":1,"symbol":"X","kind":"tea","timeframe":"1m"}"#;
        assert!(Identity::from_json(text).unwrap_err().contains("`tea`"));
    }
}
