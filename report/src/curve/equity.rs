//! Equity and drawdown of one account, thinned to a bounded number of buckets.

use barhive_engine::record::EquityPoint;

use super::buckets::{Bucket, Buckets};

/// Consecutive equity samples in one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurveBucket {
    /// First and last sample's time, UTC nanoseconds.
    pub span_ns: (i64, i64),
    /// Equity at the first sample.
    pub first: f64,
    /// Equity at the last sample.
    pub last: f64,
    /// Lowest equity and when it was first reached.
    pub min: (f64, i64),
    /// Highest equity and when it was first reached.
    pub max: (f64, i64),
    /// Greatest fall from the highest equity of the run so far, as a fraction of it.
    pub drawdown: f64,
}

impl Bucket for CurveBucket {
    fn absorb(&mut self, later: &Self) {
        self.span_ns.1 = later.span_ns.1;
        self.last = later.last;
        if later.min.0 < self.min.0 {
            self.min = later.min;
        }
        if later.max.0 > self.max.0 {
            self.max = later.max;
        }
        self.drawdown = self.drawdown.max(later.drawdown);
    }
}

/// The equity curve of one account in at most a fixed number of buckets.
#[derive(Clone, Debug)]
pub struct Curve {
    buckets: Buckets<CurveBucket>,
    start: f64,
    peak: f64,
}

impl Default for Curve {
    fn default() -> Self {
        Self::new(Self::BUCKETS, 0.0)
    }
}

impl Curve {
    /// Buckets of an account's curve when there are few accounts: a lowest and a highest point each
    /// give 2,000 points.
    pub const BUCKETS: usize = 1000;

    /// A curve of at most `buckets` buckets (at least 2). `start` is the equity before the first
    /// sample, and the first peak.
    pub fn new(buckets: usize, start: f64) -> Self {
        Self { buckets: Buckets::new(buckets), start, peak: start }
    }

    /// Adds samples in order of time. Amortised O(1) each.
    pub fn extend(&mut self, points: &[EquityPoint]) {
        let peak = &mut self.peak;
        self.buckets.extend(points.len(), |from, to| summarise(&points[from..to], peak));
    }

    /// Forgets every sample.
    pub fn clear(&mut self) {
        self.buckets.clear();
        self.peak = self.start;
    }

    /// Equity before the first sample.
    pub fn start(&self) -> f64 {
        self.start
    }

    /// The buckets, in order of time.
    pub fn buckets(&self) -> &[CurveBucket] {
        self.buckets.list()
    }

    /// The curve in at most `limit` buckets.
    pub fn coarser(&self, limit: usize) -> Vec<CurveBucket> {
        self.buckets.coarser(limit)
    }
}

/// Summarises at least one sample, and raises `peak`.
fn summarise(points: &[EquityPoint], peak: &mut f64) -> CurveBucket {
    let (first, last) = (points[0], points[points.len() - 1]);
    let (mut min, mut max) = (first, first);
    let mut drawdown = 0.0f64;
    for point in points {
        if point.equity < min.equity {
            min = *point;
        }
        if point.equity > max.equity {
            max = *point;
        }
        if point.equity > *peak {
            *peak = point.equity;
        } else if *peak > 0.0 {
            drawdown = drawdown.max(1.0 - point.equity / *peak);
        }
    }
    CurveBucket {
        span_ns: (first.ts_ns, last.ts_ns),
        first: first.equity,
        last: last.equity,
        min: (min.equity, min.ts_ns),
        max: (max.equity, max.ts_ns),
        drawdown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn points(values: &[f64]) -> Vec<EquityPoint> {
        values.iter().zip(1i64..).map(|(&equity, ts_ns)| EquityPoint { ts_ns, equity }).collect()
    }

    #[test]
    fn starting_equity_is_the_first_peak() {
        let mut curve = Curve::new(10, 200.0);
        curve.extend(&points(&[150.0]));
        assert_eq!(curve.buckets()[0].drawdown, 0.25);
    }

    #[test]
    fn a_curve_with_room_keeps_every_point() {
        let mut curve = Curve::new(10, 0.0);
        curve.extend(&points(&[100.0, 90.0, 110.0]));
        let lows: Vec<_> = curve.buckets().iter().map(|b| (b.min.0, b.drawdown)).collect();
        assert_eq!(lows, [(100.0, 0.0), (90.0, 1.0 - 90.0 / 100.0), (110.0, 0.0)]);
    }

    proptest! {
        #[test]
        fn no_extreme_is_lost_and_no_cut_matters(
            values in prop::collection::vec(1.0f64..1e6, 1..600),
            cut in 1usize..50,
            limit in 2usize..40,
        ) {
            let points = points(&values);
            let mut whole = Curve::new(limit, 0.0);
            whole.extend(&points);
            let mut pieces = Curve::new(limit, 0.0);
            points.chunks(cut).for_each(|piece| pieces.extend(piece));
            prop_assert_eq!(whole.buckets(), pieces.buckets());

            let buckets = whole.buckets();
            prop_assert!(buckets.len() <= limit + 1);
            let (mut peak, mut worst) = (f64::MIN, 0.0f64);
            for value in &values {
                peak = peak.max(*value);
                worst = worst.max(1.0 - value / peak);
            }
            let low = values.iter().copied().fold(f64::INFINITY, f64::min);
            prop_assert_eq!(buckets.iter().map(|b| b.max.0).fold(f64::MIN, f64::max), peak);
            prop_assert_eq!(buckets.iter().map(|b| b.min.0).fold(f64::INFINITY, f64::min), low);
            prop_assert_eq!(buckets.iter().map(|b| b.drawdown).fold(0.0, f64::max), worst);
            prop_assert_eq!(buckets[buckets.len() - 1].last, values[values.len() - 1]);
        }
    }
}
