//! Equity over a run of rows during which nothing fills, several rows at a time.

use fearless_simd::{Bytes, Select, Simd, SimdBase, SimdMask, f64x8, mask64x8, u64x8};

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

/// From this row on, equity is made of something else.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    /// The row.
    pub row: usize,
    /// What equity is made of from there on.
    pub quiet: Quiet,
}

/// Equity over all rows of a frame, what it is made of changing at some of them.
///
/// `walk` is told every row whose equity is above the peak so far (with up to seven of its neighbours),
/// and the lowest of the rows before; it answers the peak from then on. The lowest equity of the rows
/// behind is answered.
#[inline(always)]
pub(super) fn scan_frame<S: Simd>(
    simd: S,
    mut quiet: Quiet,
    closes: &[f64],
    turns: &[Turn],
    sums: &mut Sums,
    mut peak: f64,
    mut walk: impl FnMut(usize, &[f64], f64) -> f64,
) -> f64 {
    let equity_of = |quiet: Quiet, closes: f64x8<S>| {
        f64x8::splat(simd, quiet.cash) + f64x8::splat(simd, quiet.exposure) * closes
    };
    let none = f64x8::splat(simd, f64::INFINITY);
    let mut low = none;
    let (mut sum, mut sum_of_sums) = (u64x8::splat(simd, 0), u64x8::splat(simd, 0));
    let mut turns = turns;
    let (groups, rest) = closes.as_chunks::<WIDTH>();
    for (group, closes) in groups.iter().enumerate() {
        let end = (group + 1) * WIDTH;
        let closes = f64x8::from_slice(simd, closes);
        let mut equity = equity_of(quiet, closes);
        while let Some((turn, later)) = turns.split_first()
            && turn.row < end
        {
            quiet = turn.quiet;
            let behind = mask64x8::from_bitmask(simd, 0xff << (turn.row + WIDTH - end));
            equity = behind.select(equity_of(quiet, closes), equity);
            turns = later;
        }
        sum += equity.bitcast::<u64x8<S>>();
        sum_of_sums += sum;
        if equity.simd_gt(peak).any_true() {
            let mut equities = [0.0; WIDTH];
            equity.store_slice(&mut equities);
            peak = walk(end - WIDTH, &equities, least(low.as_slice()));
            low = none;
        } else {
            low = low.min(equity);
        }
    }
    let rows = groups.len() * WIDTH;
    let (mut sum_array, mut sums_array) = ([0; WIDTH], [0; WIDTH]);
    sum.store_slice(&mut sum_array);
    sum_of_sums.store_slice(&mut sums_array);
    sums.add_rows(rows as u64, &sum_array, &sums_array);
    let mut lowest = least(low.as_slice());
    for (row, close) in (rows..).zip(rest) {
        while let Some((turn, later)) = turns.split_first()
            && turn.row <= row
        {
            (quiet, turns) = (turn.quiet, later);
        }
        let equity = quiet.equity(*close);
        sums.add(equity.to_bits());
        if equity > peak {
            peak = walk(row, &[equity], lowest);
            lowest = f64::INFINITY;
        } else if equity < lowest {
            lowest = equity;
        }
    }
    lowest
}

#[inline(always)]
fn least(values: &[f64]) -> f64 {
    values.iter().fold(f64::INFINITY, |least, value| if *value < least { *value } else { least })
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
