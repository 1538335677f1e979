//! How long jobs wait and run, in buckets.

/// Upper bounds of the buckets, in seconds.
pub(super) const BOUNDS_S: [f64; 9] = [0.01, 0.1, 0.5, 1.0, 10.0, 60.0, 600.0, 3_600.0, 21_600.0];

/// Counts by duration.
#[derive(Clone, Debug, Default)]
pub(super) struct Histogram {
    /// How many lie within each bound and not within the one before; the last are beyond all.
    counts: [u64; BOUNDS_S.len() + 1],
    sum_s: f64,
}

impl Histogram {
    pub(super) fn record(&mut self, ns: i64) {
        let seconds = ns.max(0) as f64 / 1e9;
        let place = BOUNDS_S.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS_S.len());
        self.counts[place] += 1;
        self.sum_s += seconds;
    }

    /// How many lie within each bound, all lower ones counted.
    pub(super) fn within(&self) -> impl Iterator<Item = (f64, u64)> {
        let sums = self.counts.iter().scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        });
        BOUNDS_S.into_iter().chain([f64::INFINITY]).zip(sums)
    }

    pub(super) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    pub(super) fn sum_s(&self) -> f64 {
        self.sum_s
    }
}

/// What is counted over all jobs since the server began.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// How long jobs had waited when they started for the first time.
    pub(super) waits: Histogram,
    /// How long jobs had run when they ended, over all attempts.
    pub(super) runs: Histogram,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_counted_in_their_bucket_and_all_above() {
        let mut histogram = Histogram::default();
        for ns in [-5, 0, 10_000_000, 10_000_001, 2_000_000_000, 90_000 * 1_000_000_000] {
            histogram.record(ns);
        }
        let within: Vec<u64> = histogram.within().map(|(_, count)| count).collect();
        assert_eq!(within, [3, 4, 4, 4, 5, 5, 5, 5, 5, 6]);
        assert_eq!(histogram.count(), 6);
        assert!((histogram.sum_s() - 90_002.020_000_001).abs() < 1e-6);
    }
}
