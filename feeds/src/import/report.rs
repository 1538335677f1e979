//! What an import came to.

use barhive_engine::{data::SeriesKind, time::format_utc, timeframe::Timeframe};
use serde::Serialize;

use crate::quality::{FaultCount, Tally};

/// What an import came to. Rows that were rejected or dropped are not in the series; each is counted, and
/// the first of each class are listed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ImportReport {
    /// The file.
    pub origin: String,
    /// Rows of data in the file.
    pub rows_read: u64,
    /// Rows let through, mended ones counted.
    pub rows_kept: u64,
    /// Of the rows let through, those that were mended.
    pub rows_repaired: u64,
    /// Rows refused.
    pub rows_rejected: u64,
    /// Rows left out as expected.
    pub rows_dropped: u64,
    /// Flat bars put in for gaps, which are no rows of the file.
    pub bars_filled: u64,
    /// Faults by class.
    pub faults: Vec<FaultCount>,
    /// The series that came out, sorted by symbol, the bar before its sides.
    pub series: Vec<SeriesReport>,
    /// What was not declared and therefore guessed, one sentence each.
    pub guesses: Vec<String>,
    /// What whoever uses the data should know, one sentence each.
    pub notes: Vec<String>,
}

/// One series that came out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeriesReport {
    /// Whose rows.
    pub symbol: String,
    /// What they are.
    pub kind: SeriesKind,
    /// How long a row lasts.
    pub timeframe: Timeframe,
    /// How many rows.
    pub rows: u64,
    /// Close times of the first and the last row, UTC nanoseconds.
    pub span_ns: (i64, i64),
    /// Decimals of the instrument's prices.
    pub price_scale: u8,
    /// Whether every price is a decimal on that scale.
    pub prices_on_scale: bool,
}

impl ImportReport {
    pub(crate) fn new(origin: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            rows_read: 0,
            rows_kept: 0,
            rows_repaired: 0,
            rows_rejected: 0,
            rows_dropped: 0,
            bars_filled: 0,
            faults: Vec::new(),
            series: Vec::new(),
            guesses: Vec::new(),
            notes: Vec::new(),
        }
    }

    pub(crate) fn set_faults(&mut self, tally: &Tally) {
        self.faults = tally.counts().to_vec();
    }

    /// What a user of the data should know, one sentence each: faults, then notes.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings: Vec<String> = self.faults.iter().map(FaultCount::sentence).collect();
        warnings.extend(self.notes.iter().cloned());
        warnings
    }

    /// The report as lines of text: `?` marks what was guessed, `-` what should be known.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "{}: {} rows read, {} kept ({} repaired), {} rejected, {} dropped, {} bars put into gaps",
            self.origin,
            self.rows_read,
            self.rows_kept,
            self.rows_repaired,
            self.rows_rejected,
            self.rows_dropped,
            self.bars_filled
        )];
        for series in &self.series {
            lines.push(format!(
                "  {} {} {}: {} rows, {} to {}, {} decimals{}",
                series.symbol,
                series.timeframe,
                series.kind,
                series.rows,
                format_utc(series.span_ns.0),
                format_utc(series.span_ns.1),
                series.price_scale,
                if series.prices_on_scale { "" } else { " (some prices have more)" }
            ));
        }
        lines.extend(self.guesses.iter().map(|guess| format!("  ? {guess}")));
        lines.extend(self.warnings().iter().map(|warning| format!("  - {warning}")));
        lines
    }
}
