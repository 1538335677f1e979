//! What a user says about a file: its layout, whose rows they are, and what is to be done with bad ones.

use std::sync::Arc;

use barhive_engine::{
    calendar::Calendar,
    data::PriceSide,
    instrument::{Currency, Instrument},
    money::parse_decimal,
    timeframe::Timeframe,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Format;
use crate::{layout::Layout, quality::Policies};

/// How a file is to be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ImportSpec {
    /// What kind of file it is; by default its extension tells.
    pub format: Option<Format>,
    /// The instrument, in a file of one; by default the file's name.
    pub symbol: Option<String>,
    /// The instruments that a file of several may hold; a row of another is a fault. Empty allows all.
    pub symbols: Vec<String>,
    /// How long a bar lasts; by default the step that most rows are apart.
    pub timeframe: Option<Timeframe>,
    /// How the file is laid out.
    pub layout: Layout,
    /// The side that bid and ask bars show as the bar; by default their middle.
    pub side: PriceSide,
    /// What is done with faulty rows.
    pub quality: Policies,
    /// The present, UTC nanoseconds: a bar that closes after it is a fault. Without it none is.
    pub now_ns: Option<i64>,
    /// What is known of the instruments.
    pub instrument: InstrumentSpec,
    /// How many rows of each class of faults are listed; counts are exact in any case.
    pub rows_listed: usize,
}

impl Default for ImportSpec {
    fn default() -> Self {
        Self {
            format: None,
            symbol: None,
            symbols: Vec::new(),
            timeframe: None,
            layout: Layout::default(),
            side: PriceSide::Mid,
            quality: Policies::default(),
            now_ns: None,
            instrument: InstrumentSpec::default(),
            rows_listed: 20,
        }
    }
}

/// What is known of the instruments of a file. Decimal numbers are text, so that they stay exact.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct InstrumentSpec {
    /// Decimals of its prices; by default the most that the file shows. What has more is noted.
    pub price_scale: Option<u8>,
    /// Smallest price step of an order, such as `0.01`; by default one unit of the price scale.
    pub tick: Option<String>,
    /// Smallest quantity step, such as `0.00001`; by default 1.
    pub lot: Option<String>,
    /// Money per unit of price and quantity; by default 1.
    pub multiplier: Option<u32>,
    /// The currency of its prices; by default USD.
    #[schemars(with = "Option<String>")]
    pub currency: Option<Currency>,
    /// Where it trades.
    pub venue: Option<String>,
    /// Its sessions: daily bars open and close with them, and gaps are measured inside them.
    pub calendar: Option<Calendar>,
}

impl InstrumentSpec {
    /// The instrument, with prices to `price_scale` decimals unless a scale is declared.
    ///
    /// # Errors
    /// All that is wrong with the numbers.
    pub fn instrument(&self, symbol: &str, price_scale: u8) -> Result<Instrument, Vec<String>> {
        let mut faults = Vec::new();
        let currency = match &self.currency {
            Some(currency) => Ok(currency.clone()),
            None => Currency::new("USD"),
        };
        let currency = currency.map_err(|fault| vec![fault])?;
        let mut instrument = Instrument::new(symbol, self.price_scale.unwrap_or(price_scale), currency);
        if let Some(tick) = &self.tick {
            match parse_decimal(tick, instrument.price_scale).map(i64::try_from) {
                Ok(Ok(units)) if units < 1 => {
                    faults.push(format!("instrument.tick: expected more than 0, found `{tick}`"));
                }
                Ok(Ok(units)) => instrument.tick = units,
                Ok(Err(_)) => faults.push(format!("instrument.tick: `{tick}` is too large")),
                Err(fault) => faults.push(format!("instrument.tick: {fault}, which is its price scale")),
            }
        }
        if let Some(lot) = &self.lot {
            let plain = lot.trim_end_matches('0');
            let decimals = plain.split_once('.').map_or(0, |(_, decimals)| decimals.len());
            let scale = u8::try_from(decimals).unwrap_or(u8::MAX).min(barhive_engine::money::SCALE_MAX);
            match parse_decimal(lot, scale).map(i64::try_from) {
                Ok(Ok(units)) if units < 1 => {
                    faults.push(format!("instrument.lot: expected more than 0, found `{lot}`"));
                }
                Ok(Ok(units)) => (instrument.lot, instrument.lot_scale) = (units, scale),
                Ok(Err(_)) => faults.push(format!("instrument.lot: `{lot}` is too large")),
                Err(fault) => faults.push(format!("instrument.lot: {fault}")),
            }
        }
        instrument.multiplier = self.multiplier.unwrap_or(1);
        instrument.venue = self.venue.clone().unwrap_or_default();
        instrument.calendar = self.calendar.clone().map(Arc::new);
        faults.extend(instrument.faults());
        if faults.is_empty() { Ok(instrument) } else { Err(faults) }
    }
}

impl ImportSpec {
    /// All that is wrong with it apart from the file, one sentence each.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = self.quality.faults();
        // A tick finer than the scale shows only once the scale is known, so the finest is tried here.
        let scale = barhive_engine::money::SCALE_MAX;
        faults.extend(self.instrument.instrument("any", scale).err().unwrap_or_default());
        if self.symbol.is_some() && !self.symbols.is_empty() {
            faults
                .push("symbol names the one instrument of a file, symbols those of a file of several".into());
        }
        if self.symbol.as_ref().is_some_and(String::is_empty) || self.symbols.iter().any(String::is_empty) {
            faults.push("a symbol is empty".into());
        }
        faults
    }

    pub(crate) fn calendar(&self) -> Option<Arc<Calendar>> {
        self.instrument.calendar.clone().map(Arc::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instruments_take_their_exact_decimals_from_text() {
        let spec = InstrumentSpec {
            tick: Some("0.25".into()),
            lot: Some("0.00100".into()),
            multiplier: Some(50),
            ..InstrumentSpec::default()
        };
        let instrument = spec.instrument("ES", 2).unwrap();
        assert_eq!((instrument.tick, instrument.lot, instrument.lot_scale), (25, 1, 3));
        let faults = InstrumentSpec { price_scale: Some(1), ..spec }.instrument("ES", 2).unwrap_err();
        assert!(faults[0].contains("more than 1 decimals"), "{faults:?}");
    }

    #[test]
    fn all_faults_of_a_spec_are_told_at_once() {
        let text = r#"{"symbol": "A", "symbols": ["B", ""], "quality": {"nan": "count"},
                       "instrument": {"price_scale": 13, "multiplier": 0, "lot": "x"}}"#;
        let spec: ImportSpec = serde_json::from_str(text).unwrap();
        assert_eq!(spec.faults().len(), 6, "{:#?}", spec.faults());
        assert!(ImportSpec::default().faults().is_empty());
    }
}
