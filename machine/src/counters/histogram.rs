//! How often which value came, in cells whose width grows with the value: a percentile is at most 1/32 too high.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Cells per power of two, as a power of two.
const FINE: u32 = 5;
/// Values below this have a cell each.
const EXACT: u64 = 1 << FINE;
/// Cells for every 64-bit value.
const CELLS: usize = ((64 - FINE as usize) << FINE) + EXACT as usize;

/// Counts values in cells, from any thread, without a lock and without allocating.
#[derive(Debug)]
pub(super) struct Histogram {
    cells: Box<[AtomicU64]>,
    sum: AtomicU64,
    max: AtomicU64,
}

impl Histogram {
    pub(super) fn new() -> Self {
        let cells = std::iter::repeat_with(AtomicU64::default).take(CELLS).collect();
        Self { cells, sum: AtomicU64::new(0), max: AtomicU64::new(0) }
    }

    pub(super) fn record(&self, value: u64) {
        self.cells[cell(value)].fetch_add(1, Relaxed);
        self.sum.fetch_add(value, Relaxed);
        // Most values are not the highest: a look costs less than an exchange.
        if value > self.max.load(Relaxed) {
            self.max.fetch_max(value, Relaxed);
        }
    }

    pub(super) fn sum(&self) -> u64 {
        self.sum.load(Relaxed)
    }

    pub(super) fn max(&self) -> u64 {
        self.max.load(Relaxed)
    }

    /// How many values came, and of each share (ascending, from 0 to 1) the value that so many of them do not
    /// exceed.
    pub(super) fn percentiles<const N: usize>(&self, shares: [f64; N]) -> (u64, [u64; N]) {
        // One look at each cell: values that come meanwhile are in all answers or in none.
        let cells: Vec<u64> = self.cells.iter().map(|cell| cell.load(Relaxed)).collect();
        let count: u64 = cells.iter().sum();
        let mut values = [0; N];
        let (mut seen, mut at) = (0, 0);
        for (share, value) in shares.into_iter().zip(&mut values) {
            let rank = ((share * count as f64).ceil() as u64).clamp(1, count.max(1));
            while at < CELLS && seen + cells[at] < rank {
                seen += cells[at];
                at += 1;
            }
            *value = if count == 0 { 0 } else { last(at.min(CELLS - 1)).min(self.max()) };
        }
        (count, values)
    }
}

/// The cell of a value.
fn cell(value: u64) -> usize {
    if value < EXACT {
        return value as usize;
    }
    let power = 63 - value.leading_zeros();
    let within = (value >> (power - FINE)) - EXACT;
    (((power - FINE + 1) as usize) << FINE) + within as usize
}

/// The highest value of a cell.
fn last(cell: usize) -> u64 {
    let (row, within) = (cell >> FINE, (cell & (EXACT as usize - 1)) as u64);
    match row.checked_sub(1) {
        None => within,
        Some(shift) => ((EXACT + within) << shift) + ((1 << shift) - 1),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cells_follow_each_other_without_a_gap_up_to_the_highest_value() {
        assert_eq!(cell(u64::MAX), CELLS - 1);
        for at in 0..CELLS {
            assert_eq!(cell(last(at)), at);
            assert_eq!(last(at).checked_add(1).map_or(at + 1, cell), at + 1);
        }
    }

    proptest! {
        #[test]
        fn a_percentile_is_that_of_the_sorted_values_or_less_than_a_thirty_second_above(
            mut values in prop::collection::vec(prop_oneof![0u64..100, any::<u32>().prop_map(u64::from), any::<u64>().prop_map(|value| value >> 8)], 1..300),
        ) {
            const SHARES: [f64; 5] = [0.5, 0.9, 0.95, 0.99, 0.999];
            let histogram = Histogram::new();
            values.iter().for_each(|value| histogram.record(*value));
            values.sort_unstable();
            let (count, found) = histogram.percentiles(SHARES);
            prop_assert_eq!(count, values.len() as u64);
            prop_assert_eq!(histogram.max(), *values.last().unwrap());
            for (share, found) in SHARES.into_iter().zip(found) {
                let rank = ((share * values.len() as f64).ceil() as usize).max(1);
                let exact = values[rank - 1];
                prop_assert!(exact <= found && found - exact <= exact / 32, "{} of {:?}: {} for {}", share, values, found, exact);
            }
        }
    }
}
