//! The last rows of an input, for sums that run over a sliding window.

use std::ops::Range;

/// The last `n` values of an input; zeros stand before its first.
#[derive(Clone, Debug)]
pub(super) struct Window {
    ring: Box<[f64]>,
    /// Where the oldest value stands.
    oldest: usize,
    /// Values seen, at most `n`.
    filled: usize,
}

impl Window {
    pub(super) fn new(n: usize) -> Self {
        Self { ring: vec![0.0; n].into(), oldest: 0, filled: 0 }
    }

    /// How many values it spans.
    pub(super) fn span(&self) -> usize {
        self.ring.len()
    }

    /// Whether as many values came as it spans.
    pub(super) fn is_full(&self) -> bool {
        self.filled == self.span()
    }

    /// Rows of the next input that still have no full window.
    pub(super) fn missing(&self) -> usize {
        self.span() - 1 - self.filled.min(self.span() - 1)
    }

    /// The values so far, oldest first.
    pub(super) fn values(&self) -> impl Iterator<Item = f64> + '_ {
        self.newest(self.span())
    }

    /// All places of the window, the newer ones first, as two unbroken parts.
    pub(super) fn parts(&self) -> (&[f64], &[f64]) {
        self.ring.split_at(self.oldest)
    }

    /// The newest `count` values, or as many as there are, oldest first.
    pub(super) fn newest(&self, count: usize) -> impl Iterator<Item = f64> + '_ {
        let (newer, older) = self.parts();
        older.iter().chain(newer).skip(self.span() - count.min(self.filled)).copied()
    }

    /// Walks the rows of `x` in runs and hands each run the values that leave the window with it.
    ///
    /// Only the first `n` rows take them from the ring; after that they come from `x` itself.
    pub(super) fn for_each_run(&self, x: &[f64], mut run: impl FnMut(Range<usize>, &[f64])) {
        let from_ring = x.len().min(self.span());
        let (newer, older) = self.parts();
        let first = from_ring.min(older.len());
        run(0..first, &older[..first]);
        if first < from_ring {
            run(first..from_ring, &newer[..from_ring - first]);
        }
        if from_ring < x.len() {
            run(from_ring..x.len(), &x[..x.len() - from_ring]);
        }
    }

    /// Takes in the rows of `x`.
    pub(super) fn push(&mut self, x: &[f64]) {
        let n = self.span();
        self.filled = n.min(self.filled + x.len());
        if x.len() >= n {
            self.ring.copy_from_slice(&x[x.len() - n..]);
            self.oldest = 0;
            return;
        }
        let first = x.len().min(n - self.oldest);
        self.ring[self.oldest..self.oldest + first].copy_from_slice(&x[..first]);
        self.ring[..x.len() - first].copy_from_slice(&x[first..]);
        self.oldest = (self.oldest + x.len()) % n;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_row_meets_the_value_that_came_n_rows_before(
            n in 1usize..9, batches in prop::collection::vec(0usize..20, 1..8),
        ) {
            let total: usize = batches.iter().sum();
            let x: Vec<f64> = (1..=total).map(|i| i as f64).collect();
            let (mut window, mut start) = (Window::new(n), 0);
            for rows in batches {
                let batch = &x[start..start + rows];
                let mut left = Vec::new();
                window.for_each_run(batch, |rows, leaving| {
                    assert_eq!(rows.len(), leaving.len());
                    left.extend_from_slice(leaving);
                });
                let expected: Vec<f64> =
                    (start..start + rows).map(|row| if row < n { 0.0 } else { x[row - n] }).collect();
                prop_assert_eq!(left, expected);
                prop_assert_eq!(window.missing(), (n - 1).saturating_sub(start));
                window.push(batch);
                start += rows;
                let kept: Vec<f64> = x[start.saturating_sub(n)..start].to_vec();
                prop_assert_eq!(window.values().collect::<Vec<_>>(), kept);
            }
        }
    }
}
