//! The order that rows of one feed must have.

use crate::{
    data::{BarColumns, FeedError},
    time::format_utc,
};

/// Checks that the rows of a feed follow each other.
pub(super) struct Sequence {
    name: String,
    last_ns: i64,
    rows: u64,
}

impl Sequence {
    /// Nothing seen yet of the series `name`.
    pub(super) fn new(name: String) -> Self {
        Self { name, last_ns: i64::MIN, rows: 0 }
    }

    /// Takes the rows behind the `lead` leading ones.
    pub(super) fn check(&mut self, columns: &BarColumns, lead: usize) -> Result<(), FeedError> {
        let (open, close) = (&columns.ts_open_ns[lead..], &columns.ts_close_ns[lead..]);
        let Some((first, last)) = close.first().zip(close.last()) else { return Ok(()) };
        let is_ordered = *first > self.last_ns && close.windows(2).all(|w| w[0] < w[1]);
        if is_ordered && open.iter().zip(close).all(|(open, close)| open < close) {
            self.last_ns = *last;
            self.rows += close.len() as u64;
            return Ok(());
        }
        let is_bad = |row: &usize| {
            let before = if *row == 0 { self.last_ns } else { close[row - 1] };
            close[*row] <= before || open[*row] >= close[*row]
        };
        let bad = (0..close.len()).find(is_bad).unwrap_or(0);
        Err(FeedError::Data {
            origin: self.name.clone(),
            row: Some(self.rows + bad as u64 + 1),
            expected: "close times that increase and lie after the open times".into(),
            found: format!("a bar from {} to {}", format_utc(open[bad]), format_utc(close[bad])),
        })
    }
}
