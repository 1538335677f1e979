//! A seeded sample of bounded size from a stream of unknown length (algorithm R: Vitter 1985).

/// The sample so far.
pub(super) struct Sample {
    keep: usize,
    seen: u64,
    state: u64,
    kept: Vec<(u64, Vec<Option<f64>>)>,
}

impl Sample {
    /// Keeps so many; the same seed and the same stream give the same sample.
    pub(super) fn new(keep: usize, seed: u64) -> Self {
        Self { keep, seen: 0, state: seed, kept: Vec::new() }
    }

    /// Looks at a row.
    pub(super) fn offer(&mut self, index: u64, row: Vec<Option<f64>>) {
        self.seen += 1;
        if self.kept.len() < self.keep {
            self.kept.push((index, row));
            return;
        }
        let place = self.below(self.seen);
        if let Some(kept) = usize::try_from(place).ok().and_then(|place| self.kept.get_mut(place)) {
            *kept = (index, row);
        }
    }

    /// How many rows went by.
    pub(super) fn seen(&self) -> u64 {
        self.seen
    }

    /// At most `most` rows in grid order, without those of `others`.
    pub(super) fn rows(mut self, others: &[u64], most: usize) -> Vec<(u64, Vec<Option<f64>>)> {
        // What is left out is as random as what was taken: places in the sample are.
        self.kept.retain(|(index, _)| !others.contains(index));
        self.kept.truncate(most);
        self.kept.sort_by_key(|(index, _)| *index);
        self.kept
    }

    /// A number below `bound` (splitmix64: Steele, Lea and Flood 2014; the product's upper half).
    fn below(&mut self, bound: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        ((u128::from(z) * u128::from(bound)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(rows: u64, keep: usize, seed: u64) -> Vec<u64> {
        let mut sample = Sample::new(keep, seed);
        (0..rows).for_each(|index| sample.offer(index, Vec::new()));
        sample.rows(&[3], keep).into_iter().map(|(index, _)| index).collect()
    }

    #[test]
    fn a_short_stream_is_kept_whole_and_a_long_one_evenly() {
        assert_eq!(sample(6, 10, 1), [0, 1, 2, 4, 5]);
        let kept = sample(100_000, 5_000, 7);
        assert_eq!(kept, sample(100_000, 5_000, 7));
        assert_ne!(kept, sample(100_000, 5_000, 8));
        let first_half = kept.iter().filter(|index| **index < 50_000).count();
        assert!(kept.is_sorted() && (2_350..2_650).contains(&first_half), "{first_half}");
    }
}
