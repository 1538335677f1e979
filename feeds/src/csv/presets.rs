//! Named layouts, as data. A layout that a user declares starts from one of these, or from none.

use chrono_tz::Tz;

use crate::{
    layout::{Column, Layout, Part, RowOrder, Separator, StampedAt},
    stamp::TimeFormat,
};

/// A named layout.
#[derive(Debug)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// What kind of file it is for.
    pub summary: &'static str,
    separator: u8,
    header: bool,
    columns: &'static [(Part, &'static str)],
    time_format: &'static str,
    zone: Option<Tz>,
    stamped: StampedAt,
    /// `None` lets the head of the file tell.
    order: Option<RowOrder>,
}

/// What most of them are.
const PLAIN: Preset = Preset {
    name: "",
    summary: "",
    separator: b',',
    header: true,
    columns: &[],
    time_format: "iso",
    zone: None,
    stamped: StampedAt::Open,
    order: Some(RowOrder::OldestFirst),
};

const CAPITALISED: &[(Part, &str)] = &[
    (Part::Time, "Date"),
    (Part::Open, "Open"),
    (Part::High, "High"),
    (Part::Low, "Low"),
    (Part::Close, "Close"),
    (Part::Volume, "Volume"),
];

const SIX_PLACES: &[(Part, &str)] = &[
    (Part::Time, "1"),
    (Part::Open, "2"),
    (Part::High, "3"),
    (Part::Low, "4"),
    (Part::Close, "5"),
    (Part::Volume, "6"),
];

static PRESETS: [Preset; 15] = [
    Preset {
        name: "barhive",
        summary: "header ts_ms,open,high,low,close,volume; ts_ms is the open time in epoch milliseconds",
        columns: &[
            (Part::Time, "ts_ms"),
            (Part::Open, "open"),
            (Part::High, "high"),
            (Part::Low, "low"),
            (Part::Close, "close"),
            (Part::Volume, "volume"),
        ],
        time_format: "epoch_ms",
        ..PLAIN
    },
    Preset {
        name: "barhive_full",
        summary: "header ts_open_ns,ts_close_ns,open,high,low,close,volume; nothing is lost",
        columns: &[
            (Part::Time, "ts_open_ns"),
            (Part::CloseTime, "ts_close_ns"),
            (Part::Open, "open"),
            (Part::High, "high"),
            (Part::Low, "low"),
            (Part::Close, "close"),
            (Part::Volume, "volume"),
        ],
        time_format: "epoch_ns",
        ..PLAIN
    },
    Preset {
        name: "barhive_quotes",
        summary: "header ts_ms, then bid_ and ask_ open, high, low, close, size",
        columns: &[
            (Part::Time, "ts_ms"),
            (Part::BidOpen, "bid_open"),
            (Part::BidHigh, "bid_high"),
            (Part::BidLow, "bid_low"),
            (Part::BidClose, "bid_close"),
            (Part::BidSize, "bid_size"),
            (Part::AskOpen, "ask_open"),
            (Part::AskHigh, "ask_high"),
            (Part::AskLow, "ask_low"),
            (Part::AskClose, "ask_close"),
            (Part::AskSize, "ask_size"),
        ],
        time_format: "epoch_ms",
        ..PLAIN
    },
    Preset {
        name: "binance_kline",
        summary: "Binance public archive: no header, twelve columns, open time in epoch milliseconds",
        header: false,
        columns: SIX_PLACES,
        time_format: "epoch_ms",
        ..PLAIN
    },
    Preset {
        name: "kraken_ohlc",
        summary: "Kraken OHLCVT archive: no header, open time in epoch seconds, then a count of trades",
        header: false,
        columns: SIX_PLACES,
        time_format: "epoch_s",
        ..PLAIN
    },
    Preset {
        name: "ninjatrader",
        summary: "NinjaTrader export: no header, `yyyyMMdd HHmmss;o;h;l;c;v`, close time, UTC",
        separator: b';',
        header: false,
        columns: SIX_PLACES,
        time_format: "%Y%m%d %H%M%S",
        zone: Some(Tz::UTC),
        stamped: StampedAt::Close,
        ..PLAIN
    },
    Preset {
        name: "metatrader4",
        summary: "MetaTrader 4 history: no header, `2020.01.31,09:30,o,h,l,c,v`; declare the broker's zone",
        header: false,
        columns: &[
            (Part::Time, "1"),
            (Part::TimeOfDay, "2"),
            (Part::Open, "3"),
            (Part::High, "4"),
            (Part::Low, "5"),
            (Part::Close, "6"),
            (Part::Volume, "7"),
        ],
        time_format: "%Y.%m.%d %H:%M",
        ..PLAIN
    },
    Preset {
        name: "dukascopy",
        summary: "Dukascopy export: `Gmt time,Open,High,Low,Close,Volume`, 31.01.2020 09:30:00.000, UTC",
        columns: &[
            (Part::Time, "Gmt time"),
            (Part::Open, "Open"),
            (Part::High, "High"),
            (Part::Low, "Low"),
            (Part::Close, "Close"),
            (Part::Volume, "Volume"),
        ],
        time_format: "%d.%m.%Y %H:%M:%S%.f",
        zone: Some(Tz::UTC),
        ..PLAIN
    },
    Preset {
        name: "poloniex",
        summary: "Poloniex chart data: date in epoch seconds, high and low first, quoteVolume is the quantity",
        columns: &[
            (Part::Time, "date"),
            (Part::High, "high"),
            (Part::Low, "low"),
            (Part::Open, "open"),
            (Part::Close, "close"),
            (Part::Volume, "quoteVolume"),
        ],
        time_format: "epoch_s",
        ..PLAIN
    },
    Preset {
        name: "yahoo",
        summary: "Yahoo Finance history: Date,Open,High,Low,Close,Adj Close,Volume; prices as traded",
        columns: CAPITALISED,
        order: None,
        ..PLAIN
    },
    Preset {
        name: "stooq",
        summary: "Stooq daily history: Date,Open,High,Low,Close,Volume",
        columns: CAPITALISED,
        ..PLAIN
    },
    Preset {
        name: "wiki",
        summary: "Quandl WIKI, newest first: the raw prices (name the `Adj. ` columns for the adjusted)",
        columns: CAPITALISED,
        order: Some(RowOrder::NewestFirst),
        ..PLAIN
    },
    Preset {
        name: "gct",
        summary: "gocryptotrader candles: no header, epoch seconds, volume second, then open,high,low,close",
        header: false,
        columns: &[
            (Part::Time, "1"),
            (Part::Volume, "2"),
            (Part::Open, "3"),
            (Part::High, "4"),
            (Part::Low, "5"),
            (Part::Close, "6"),
        ],
        time_format: "epoch_s",
        ..PLAIN
    },
    Preset {
        name: "ninjabot",
        summary: "ninjabot candles: header, time in epoch seconds, open,close,low,high,volume and more",
        columns: &[
            (Part::Time, "time"),
            (Part::Open, "open"),
            (Part::Close, "close"),
            (Part::Low, "low"),
            (Part::High, "high"),
            (Part::Volume, "volume"),
        ],
        time_format: "epoch_s",
        ..PLAIN
    },
    Preset {
        name: "us_intraday",
        summary: "US dates such as 11/5/2019 9:30, New York wall clock, header Date,Open,High,Low,Close,Volume",
        columns: CAPITALISED,
        time_format: "%m/%d/%Y %H:%M",
        zone: Some(Tz::America__New_York),
        ..PLAIN
    },
];

/// All named layouts.
pub fn presets() -> &'static [Preset] {
    &PRESETS
}

impl Preset {
    /// The layout in full.
    pub fn layout(&self) -> Layout {
        let mut layout = Layout {
            preset: Some(self.name.to_owned()),
            separator: Separator::new(self.separator).ok(),
            header: Some(self.header),
            time_format: self.time_format.parse::<TimeFormat>().ok(),
            zone: self.zone,
            stamped: Some(self.stamped),
            order: self.order,
            ..Layout::default()
        };
        for (part, column) in self.columns {
            layout.columns.set(*part, Column::from(*column));
        }
        layout
    }

    /// The named layout `name`.
    ///
    /// # Errors
    /// Says which there are.
    pub fn find(name: &str) -> Result<&'static Self, String> {
        PRESETS.iter().find(|preset| preset.name == name).ok_or_else(|| {
            let known: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
            format!("there is no layout preset `{name}`; there are {}", known.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_complete_and_named_once() {
        let mut names: Vec<_> = presets().iter().map(|preset| preset.name).collect();
        for preset in presets() {
            let layout = preset.layout();
            assert!(layout.time_format.is_some() && layout.separator.is_some(), "{}", preset.name);
            assert_eq!(layout.columns.named().len(), preset.columns.len());
            assert!(!preset.summary.is_empty());
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), presets().len());
        assert!(Preset::find("binanse").unwrap_err().contains("binance_kline"));
    }
}
