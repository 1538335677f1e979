//! Feeds: where rows come from. A source is what a configuration names; a feed is one opened series of it.

use std::fmt;

use super::{Batch, SeriesKind};
use crate::{instrument::Instrument, timeframe::Timeframe};

/// What a feed answers when it is asked for rows.
#[derive(Clone, Debug)]
pub enum Pull {
    /// New rows, in order of close time, none of them delivered before.
    Rows(Batch),
    /// No row up to and including this close time will come that has not come yet.
    Watermark(i64),
    /// Nothing at present; ask again later.
    Pending,
    /// No row will come any more.
    End,
}

/// One open series: a synchronous pull.
pub trait Feed: Send {
    /// Answers up to `rows_max` new rows (at least 1 is asked for), or where the feed stands.
    ///
    /// A feed that holds the `lead` rows before the new ones in the same buffers may hand them along
    /// as leading rows, which saves a copy; it never has to.
    ///
    /// # Errors
    /// When the data cannot be read or break a rule that halts; the feed is then at its end.
    fn pull(&mut self, rows_max: usize, lead: usize) -> Result<Pull, FeedError>;

    /// Whether its rows are known to be in strictly increasing order of close time, so that nobody
    /// need check them again.
    fn is_ordered(&self) -> bool {
        false
    }
}

/// A series that a source offers.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesInfo {
    /// Whose rows.
    pub symbol: String,
    /// What the rows are.
    pub kind: SeriesKind,
    /// How long a row lasts.
    pub timeframe: Timeframe,
    /// How many rows, where it is known without reading them.
    pub rows: Option<u64>,
    /// Close times of the first and the last row, where known.
    pub span_ns: Option<(i64, i64)>,
    /// Whether every price is a decimal on the instrument's price scale: exact sums may be used.
    pub prices_on_scale: bool,
    /// A hash of the rows, where the source keeps one.
    pub data_hash: Option<String>,
    /// What is known to be wrong with the rows, one sentence each, for the report.
    pub notes: Vec<String>,
}

/// Asks a source to open a series.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesRequest {
    /// Whose rows.
    pub symbol: String,
    /// What the rows are.
    pub kind: SeriesKind,
    /// How long a row lasts.
    pub timeframe: Timeframe,
    /// Only rows that open at or after this time.
    pub from_ns: Option<i64>,
    /// Only rows that close at or before this time.
    pub to_ns: Option<i64>,
}

/// A configured data source. Opening it twice gives the same rows.
pub trait Source: Send + Sync {
    /// The instruments it offers, sorted by symbol.
    ///
    /// # Errors
    /// When the source cannot be read, or is empty.
    fn instruments(&self) -> Result<Vec<Instrument>, FeedError>;

    /// The series it offers of `symbol`, finest timeframe first.
    ///
    /// # Errors
    /// When the source cannot be read.
    fn series(&self, symbol: &str) -> Result<Vec<SeriesInfo>, FeedError>;

    /// Opens one of its series.
    ///
    /// # Errors
    /// When there is no such series, or it cannot be read, or no row lies in the asked span.
    fn open(&self, request: &SeriesRequest) -> Result<Box<dyn Feed>, FeedError>;
}

/// Why a source or a feed could not go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// A file or connection failed.
    #[error("{origin}: {what}")]
    Io {
        /// The file or address.
        origin: String,
        /// What went wrong and what to do.
        what: String,
    },
    /// Data break a rule.
    #[error("{origin}{}: expected {expected}, found {found}", Row(*row))]
    Data {
        /// The file or series.
        origin: String,
        /// 1-based row of data, where one is to blame.
        row: Option<u64>,
        /// What was expected.
        expected: String,
        /// What was found.
        found: String,
    },
    /// There is nothing to run on.
    #[error("{origin}: no data: {what}")]
    Empty {
        /// The file, catalog or series.
        origin: String,
        /// What was looked for and what to do.
        what: String,
    },
    /// There is no such instrument or series.
    #[error("{origin}: unknown {what}")]
    Unknown {
        /// The source.
        origin: String,
        /// What was asked for, and what there is.
        what: String,
    },
}

struct Row(Option<u64>);

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(row) => write!(f, ", row {row}"),
            None => Ok(()),
        }
    }
}
