//! One instrument's series while a file is read.

use barhive_engine::data::{BarColumns, FeedError, PriceSide, SeriesKind};

use crate::{
    quality::{Judge, Place, Rows, Standing, Tally},
    rows::RawRow,
    scale::ScaleWatch,
};

/// Judged bars of one instrument; bid and ask are empty where the rows are no quotes.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub bar: BarColumns,
    pub bid: BarColumns,
    pub ask: BarColumns,
}

impl Chunk {
    /// The columns of a kind.
    pub(crate) fn of(&self, kind: SeriesKind) -> &BarColumns {
        match kind {
            SeriesKind::Bar(PriceSide::Mid) => &self.bar,
            SeriesKind::Bar(PriceSide::Bid) => &self.bid,
            SeriesKind::Bar(PriceSide::Ask) => &self.ask,
        }
    }
}

/// One instrument's series while a file is read.
pub(super) struct Line {
    pub symbol: String,
    pub judge: Judge,
    pub scale: ScaleWatch,
    pub rows: Rows,
    pub kept: u64,
    pub span_ns: Option<(i64, i64)>,
    /// Rows that wait to be sorted.
    pub waiting: Vec<(RawRow, Place)>,
}

impl Line {
    /// Judges a row, and looks at the prices of what is let through.
    #[inline]
    pub(super) fn take(
        &mut self,
        row: &RawRow,
        place: Place,
        tally: &mut Tally,
    ) -> Result<Standing, FeedError> {
        let before = self.rows.bar.len();
        let standing = self.judge.judge_at(row, place, tally, &mut self.rows)?;
        if standing <= Standing::Repaired {
            // Flat bars put into a gap repeat a price that was seen.
            let at = self.rows.bar.len() - 1;
            if self.rows.bid.len() > at {
                for side in [&self.rows.bid, &self.rows.ask] {
                    self.scale.see([side.open[at], side.high[at], side.low[at], side.close[at]]);
                }
            } else {
                let bar = &self.rows.bar;
                self.scale.see([bar.open[at], bar.high[at], bar.low[at], bar.close[at]]);
            }
            self.kept += (self.rows.bar.len() - before) as u64;
            let first_ns = self.rows.bar.ts_close_ns[before];
            let last_ns = self.rows.bar.ts_close_ns[at];
            self.span_ns = Some((self.span_ns.map_or(first_ns, |span| span.0), last_ns));
        }
        Ok(standing)
    }
}
