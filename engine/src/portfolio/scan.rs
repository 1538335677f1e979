//! Equity over a run of rows during which nothing fills, several rows at a time.

use super::sums::Sums;
use crate::container::Quiet;

/// Rows that are scanned together; a new peak among them has them walked one by one.
pub(super) const SCAN_ROWS: usize = 64;

/// Rows side by side.
const WIDTH: usize = 8;

/// Adds the bits of every equity to `sums` and answers the lowest and the highest.
///
/// Rows are taken side by side only for operations whose order changes nothing: wrapping sums of bits,
/// least and greatest.
#[inline(always)]
pub(super) fn scan_rows(quiet: Quiet, closes: &[f64], sums: &mut Sums) -> (f64, f64) {
    let (mut lowest, mut highest) = (f64::INFINITY, f64::NEG_INFINITY);
    let chunks = closes.chunks_exact(WIDTH);
    let rest = chunks.remainder();
    let rows = (closes.len() - rest.len()) as u64;
    if rows > 0 {
        let (mut low, mut high) = ([f64::INFINITY; WIDTH], [f64::NEG_INFINITY; WIDTH]);
        let (mut sum, mut sum_of_sums) = ([0u64; WIDTH], [0u64; WIDTH]);
        for chunk in chunks {
            for place in 0..WIDTH {
                let equity = quiet.equity(chunk[place]);
                low[place] = if equity < low[place] { equity } else { low[place] };
                high[place] = if equity > high[place] { equity } else { high[place] };
                sum[place] = sum[place].wrapping_add(equity.to_bits());
                sum_of_sums[place] = sum_of_sums[place].wrapping_add(sum[place]);
            }
        }
        sums.add_rows(rows, &sum, &sum_of_sums);
        for place in 0..WIDTH {
            lowest = if low[place] < lowest { low[place] } else { lowest };
            highest = if high[place] > highest { high[place] } else { highest };
        }
    }
    for close in rest {
        let equity = quiet.equity(*close);
        lowest = if equity < lowest { equity } else { lowest };
        highest = if equity > highest { equity } else { highest };
        sums.add(equity.to_bits());
    }
    (lowest, highest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_side_by_side_are_rows_one_by_one(
            closes in proptest::collection::vec(-1e6f64..1e6, 0..200),
            cash in -1e9f64..1e9,
            exposure in -1e3f64..1e3,
            before in any::<[u64; 2]>(),
        ) {
            let quiet = Quiet { cash, exposure };
            let (mut sums, mut one_by_one) = (Sums::of(before), Sums::of(before));
            let (lowest, highest) = scan_rows(quiet, &closes, &mut sums);
            let equities: Vec<f64> = closes.iter().map(|close| quiet.equity(*close)).collect();
            equities.iter().for_each(|equity| one_by_one.add(equity.to_bits()));
            prop_assert_eq!(sums, one_by_one);
            prop_assert_eq!(lowest, equities.iter().copied().fold(f64::INFINITY, f64::min));
            prop_assert_eq!(highest, equities.iter().copied().fold(f64::NEG_INFINITY, f64::max));
        }
    }
}
