//! Prices of one series: the whole span in buckets, and the newest bars as they are.

use std::collections::VecDeque;

use barhive_engine::data::{Bar, BarColumns};

use super::buckets::{Bucket, Buckets};

/// Consecutive bars in one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PriceBucket {
    /// Close times of the first and the last bar, UTC nanoseconds.
    pub span_ns: (i64, i64),
    /// First open.
    pub open: f64,
    /// Highest high.
    pub high: f64,
    /// Lowest low.
    pub low: f64,
    /// Last close.
    pub close: f64,
}

impl Bucket for PriceBucket {
    fn absorb(&mut self, later: &Self) {
        self.span_ns.1 = later.span_ns.1;
        self.high = self.high.max(later.high);
        self.low = self.low.min(later.low);
        self.close = later.close;
    }
}

/// The prices of one series in bounded memory.
#[derive(Clone, Debug)]
pub struct PriceCurve {
    buckets: Buckets<PriceBucket>,
    newest: VecDeque<Bar>,
}

impl Default for PriceCurve {
    fn default() -> Self {
        Self::new()
    }
}

impl PriceCurve {
    /// Buckets over the whole span.
    pub const BUCKETS: usize = 600;
    /// Newest bars kept as they are.
    pub const NEWEST: usize = 240;

    /// No bars yet.
    pub fn new() -> Self {
        Self { buckets: Buckets::new(Self::BUCKETS), newest: VecDeque::new() }
    }

    /// Adds the bars from row `from` on. Amortised O(1) each.
    pub fn extend(&mut self, bars: &BarColumns, from: usize) {
        let count = bars.len().saturating_sub(from);
        self.buckets.extend(count, |start, end| summarise(bars, from + start, from + end));
        for row in bars.len() - count.min(Self::NEWEST)..bars.len() {
            if self.newest.len() == Self::NEWEST {
                self.newest.pop_front();
            }
            self.newest.push_back(bars.bar(row));
        }
    }

    /// The buckets, in order of time.
    pub fn buckets(&self) -> &[PriceBucket] {
        self.buckets.list()
    }

    /// The span in at most `limit` buckets.
    pub fn coarser(&self, limit: usize) -> Vec<PriceBucket> {
        self.buckets.coarser(limit)
    }

    /// The newest bars, oldest first.
    pub fn newest(&self) -> &VecDeque<Bar> {
        &self.newest
    }
}

fn summarise(bars: &BarColumns, from: usize, to: usize) -> PriceBucket {
    PriceBucket {
        span_ns: (bars.ts_close_ns[from], bars.ts_close_ns[to - 1]),
        open: bars.open[from],
        high: bars.high[from..to].iter().copied().fold(f64::NEG_INFINITY, f64::max),
        low: bars.low[from..to].iter().copied().fold(f64::INFINITY, f64::min),
        close: bars.close[to - 1],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bars(count: i64) -> BarColumns {
        let bars: Vec<_> = (0..count)
            .map(|row| Bar {
                ts_open_ns: row,
                ts_close_ns: row + 1,
                open: row as f64,
                high: row as f64 + 2.0,
                low: row as f64 - 2.0,
                close: row as f64 + 1.0,
                volume: 0.0,
            })
            .collect();
        BarColumns::from_bars(&bars)
    }

    #[test]
    fn prices_are_bounded_exact_and_free_of_batch_borders() {
        let columns = bars(5000);
        let mut whole = PriceCurve::new();
        whole.extend(&columns, 0);
        let mut pieces = PriceCurve::new();
        for start in (0..5000).step_by(7) {
            let lead = start.min(3);
            pieces.extend(&columns.slice(start - lead, (lead + 7).min(5000 - start + lead)), lead);
        }
        assert_eq!(whole.buckets(), pieces.buckets());
        assert_eq!(whole.newest(), pieces.newest());
        assert!(whole.buckets().len() <= PriceCurve::BUCKETS);
        let all = whole.coarser(1)[0];
        assert_eq!(
            (all.span_ns, all.open, all.high, all.low, all.close),
            ((1, 5000), 0.0, 5001.0, -2.0, 5000.0)
        );
        assert_eq!(whole.newest().len(), PriceCurve::NEWEST);
        assert_eq!(whole.newest().back().map(|bar| bar.ts_close_ns), Some(5000));
    }
}
