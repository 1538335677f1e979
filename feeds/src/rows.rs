//! Rows as a foreign file holds them, before anything about them has been judged.

use barhive_engine::data::FeedError;
use chrono_tz::Tz;

use crate::layout::StampedAt;

/// Prices and quantity of one side of a row, as read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Side {
    pub open: f64,
    pub high: f64,
    pub low: f64,
    pub close: f64,
    pub volume: f64,
}

impl Side {
    /// One price all over.
    pub(crate) fn flat(price: f64) -> Self {
        Self { open: price, high: price, low: price, close: price, volume: 0.0 }
    }

    pub(crate) fn prices(&self) -> [f64; 4] {
        [self.open, self.high, self.low, self.close]
    }
}

/// One row, as read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RawRow {
    /// Its number among the rows of data, from 1.
    pub number: u64,
    /// Index into [`RowReader::symbols`]; 0 in a file without symbols.
    pub symbol: u32,
    /// Its stamp, in units of [`Shape::unit_ns`].
    pub stamp: i64,
    /// Its close stamp in the same units, where the file has one.
    pub close_stamp: Option<i64>,
    /// Its prices, or its bid prices.
    pub first: Side,
    /// Its ask prices, where it has two sides.
    pub ask: Side,
}

impl RawRow {
    pub(crate) const EMPTY: Self = {
        let side = Side { open: 0.0, high: 0.0, low: 0.0, close: 0.0, volume: 0.0 };
        Self { number: 0, symbol: 0, stamp: 0, close_stamp: None, first: side, ask: side }
    };
}

/// What holds for all rows of a file.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// The file, for messages.
    pub origin: String,
    /// Nanoseconds in a unit of the stamps.
    pub unit_ns: i64,
    /// Whether stamps are bare counts, whose unit may be mistaken.
    pub epoch: bool,
    /// Whether a row holds bid and ask.
    pub quotes: bool,
    /// Whether a row names its instrument.
    pub has_symbol: bool,
    /// Whether rows come newest first.
    pub newest_first: bool,
    /// Whether a stamp is the open or the close of its bar.
    pub stamped: StampedAt,
    /// The zone in which the date of a daily bar is read.
    pub date_zone: Tz,
    /// The timeframe that the stamps suggest.
    pub timeframe_ns: Option<i64>,
    /// What there is to say about the layout.
    pub remarks: Remarks,
}

/// What there is to say about a file, one sentence each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Remarks {
    /// What was not declared and therefore guessed.
    pub guesses: Vec<String>,
    /// What whoever uses the data should know.
    pub notes: Vec<String>,
}

/// What reading a row came to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// The row was filled.
    Row,
    /// The row cannot be read as a bar: why. Its number was filled.
    Unreadable(String),
    /// There is no further row.
    End,
}

/// Reads the rows of one file in its order.
pub(crate) trait RowReader: Send {
    /// What holds for all rows.
    fn shape(&self) -> &Shape;

    /// Reads the next row into `row`.
    ///
    /// # Errors
    /// When the file itself cannot be read on.
    fn next(&mut self, row: &mut RawRow) -> Result<Step, FeedError>;

    /// The symbols met so far.
    fn symbols(&self) -> &[String];

    /// What was met while reading that belongs into a report, one sentence each.
    fn notes(&self) -> Vec<String>;
}

/// Symbols in order of their appearance.
#[derive(Clone, Debug, Default)]
pub(crate) struct Symbols {
    names: Vec<String>,
    /// Names with their index, sorted.
    sorted: Vec<u32>,
    last: usize,
}

/// More distinct symbols than a file of bars has: a column of something else was named.
const SYMBOLS_MAX: usize = 100_000;

impl Symbols {
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// The index of a symbol; files in long format repeat the order of their symbols, so the one behind
    /// the last is tried first. `None` when there are absurdly many.
    pub(crate) fn index_of(&mut self, text: &[u8]) -> Option<u32> {
        for guess in [self.last, self.last + 1, 0] {
            if self.names.get(guess).is_some_and(|name| name.as_bytes() == text) {
                self.last = guess;
                return Some(guess as u32);
            }
        }
        let found = self.sorted.binary_search_by(|index| self.names[*index as usize].as_bytes().cmp(text));
        self.last = match found {
            Ok(at) => self.sorted[at] as usize,
            Err(at) => {
                let name = String::from_utf8_lossy(text).into_owned();
                if self.names.len() >= SYMBOLS_MAX {
                    return None;
                }
                // A name that is no UTF-8 is kept as its replacement, which may be known already.
                if let Some(known) = self.names.iter().position(|known| *known == name) {
                    return Some(known as u32);
                }
                self.sorted.insert(at, self.names.len() as u32);
                self.names.push(name);
                self.names.len() - 1
            }
        };
        Some(self.last as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_numbered_by_appearance_whatever_their_order() {
        let mut symbols = Symbols::default();
        let indexes: Vec<_> =
            ["B", "A", "C", "A", "B", "C", "D", "A"].iter().map(|s| symbols.index_of(s.as_bytes())).collect();
        assert_eq!(indexes, [0, 1, 2, 1, 0, 2, 3, 1].map(Some));
        assert_eq!(symbols.names(), ["B", "A", "C", "D"]);
        assert_eq!(symbols.index_of(b"\xff"), symbols.index_of(b"\xfe"), "both are unreadable");
    }
}
