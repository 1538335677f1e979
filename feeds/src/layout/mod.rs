//! How a foreign file is laid out, as a user declares it.

mod columns;
mod separator;

use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::stamp::TimeFormat;

pub(crate) use columns::Part;
pub use columns::{Column, Columns};
pub use separator::Separator;

/// Which instant of its bar a stamp names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StampedAt {
    /// The open of the bar.
    #[default]
    Open,
    /// The close of the bar.
    Close,
}

/// The order of the rows in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RowOrder {
    /// Oldest first.
    #[default]
    OldestFirst,
    /// Newest first: the file is read into memory and turned round.
    NewestFirst,
}

/// How a file is laid out. What is not declared is taken from the preset, and else guessed from the
/// file's head; every guess is reported.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Layout {
    /// A named layout to start from: barhive, barhive_quotes, binance_kline, ninjatrader and others.
    pub preset: Option<String>,
    /// What stands between two cells of a CSV row: one character, or `tab`.
    pub separator: Option<Separator>,
    /// Whether the first row holds the names of the columns.
    pub header: Option<bool>,
    /// Where each part of a bar stands.
    pub columns: Columns,
    /// How the stamps are spelled.
    pub time_format: Option<TimeFormat>,
    /// The zone of wall-clock stamps, and of the dates of daily bars: an IANA name such as
    /// America/New_York, or UTC.
    #[schemars(with = "Option<String>")]
    pub zone: Option<Tz>,
    /// Whether a stamp is the open or the close of its bar.
    pub stamped: Option<StampedAt>,
    /// The order of the rows.
    pub order: Option<RowOrder>,
}

impl Layout {
    /// This layout, and `base` where this one says nothing.
    pub(crate) fn or(self, base: Self) -> Self {
        Self {
            preset: self.preset.or(base.preset),
            separator: self.separator.or(base.separator),
            header: self.header.or(base.header),
            columns: self.columns.or(base.columns),
            time_format: self.time_format.or(base.time_format),
            zone: self.zone.or(base.zone),
            stamped: self.stamped.or(base.stamped),
            order: self.order.or(base.order),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_round_trips_and_names_or_counts_its_columns() {
        let text = r#"{"separator": "tab", "header": false, "time_format": "%Y%m%d %H%M%S",
                       "zone": "America/New_York", "columns": {"time": 1, "close": "Last"}}"#;
        let layout: Layout = serde_json::from_str(text).unwrap();
        assert_eq!(layout.columns.time, Some(Column::At(1)));
        assert_eq!(layout.columns.close, Some(Column::Name("Last".into())));
        let again: Layout = serde_json::from_str(&serde_json::to_string(&layout).unwrap()).unwrap();
        assert_eq!(again, layout);
    }

    #[test]
    fn nonsense_in_a_layout_is_refused_with_what_was_found() {
        for (text, told) in [
            (r#"{"separator": "1"}"#, "`1`"),
            (r#"{"separator": "ab"}"#, "`ab`"),
            (r#"{"columns": {"time": 0}}"#, "counted from 1"),
            (r#"{"columns": {"time": -1}}"#, "counted from 1"),
            (r#"{"columns": {"tiem": 1}}"#, "tiem"),
            (r#"{"zone": "Mars/Olympus"}"#, "Mars/Olympus"),
            (r#"{"stamped": "middle"}"#, "middle"),
        ] {
            let fault = serde_json::from_str::<Layout>(text).unwrap_err().to_string();
            assert!(fault.contains(told), "{fault}");
        }
    }
}
