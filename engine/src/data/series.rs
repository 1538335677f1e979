//! Series: one kind of row of one instrument at one timeframe, and batches of its rows.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::BarColumns;
use crate::{instrument::InstrumentId, timeframe::Timeframe};

/// Which price of a quoted market a bar series shows.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum PriceSide {
    /// Traded prices, or the mean of bid and ask where only quotes exist.
    #[default]
    Mid,
    /// Bid prices.
    Bid,
    /// Ask prices.
    Ask,
}

/// What the rows of a series are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeriesKind {
    /// Bars of one price.
    Bar(PriceSide),
}

impl SeriesKind {
    /// Bars of traded or mid prices.
    pub const BAR: Self = Self::Bar(PriceSide::Mid);
}

impl fmt::Display for SeriesKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bar(PriceSide::Mid) => "bar",
            Self::Bar(PriceSide::Bid) => "bid",
            Self::Bar(PriceSide::Ask) => "ask",
        })
    }
}

/// A series of a run. The order of keys is the order of rows within a step: finer timeframe first,
/// then instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesKey {
    /// How long a row lasts.
    pub timeframe: Timeframe,
    /// Whose rows.
    pub instrument: InstrumentId,
    /// What the rows are.
    pub kind: SeriesKind,
}

/// Up to some thousand consecutive rows of one series.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The rows, preceded by `lead` rows that were delivered before.
    pub columns: BarColumns,
    /// How many leading rows of `columns` only serve looking back.
    pub lead: usize,
}

impl Batch {
    /// A batch without leading rows.
    pub fn new(columns: BarColumns) -> Self {
        Self { columns, lead: 0 }
    }

    /// How many new rows.
    pub fn len(&self) -> usize {
        self.columns.len() - self.lead
    }

    /// Whether there is no new row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
