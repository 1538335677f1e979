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

/// From this row on, equity is made of something else.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    /// The row.
    pub row: usize,
    /// What equity is made of from there on.
    pub quiet: Quiet,
}

/// Equity over all rows of a frame, what it is made of changing at some of them. `peak` is told every
/// row whose equity is above the peak so far (and of its neighbours those behind it), and answers the
/// peak from then on; the lowest equity of the other rows is answered.
#[inline(always)]
pub(super) fn scan_frame(
    mut quiet: Quiet,
    closes: &[f64],
    turns: &[Turn],
    sums: &mut Sums,
    mut peak: f64,
    mut walk: impl FnMut(usize, &[f64], f64) -> f64,
) -> f64 {
    let mut turns = turns.iter().peekable();
    let mut low = [f64::INFINITY; WIDTH];
    let (mut sum, mut sum_of_sums) = ([0u64; WIDTH], [0u64; WIDTH]);
    let (groups, rest) = closes.as_chunks::<WIDTH>();
    for (group, closes) in groups.iter().enumerate() {
        let first = group * WIDTH;
        let mut equity: [f64; WIDTH] = std::array::from_fn(|place| quiet.equity(closes[place]));
        while let Some(turn) = turns.next_if(|turn| turn.row < first + WIDTH) {
            quiet = turn.quiet;
            let from = turn.row - first;
            for place in 0..WIDTH {
                let turned = quiet.equity(closes[place]);
                equity[place] = if place >= from { turned } else { equity[place] };
            }
        }
        let mut rises = false;
        for place in 0..WIDTH {
            sum[place] = sum[place].wrapping_add(equity[place].to_bits());
            sum_of_sums[place] = sum_of_sums[place].wrapping_add(sum[place]);
            rises |= equity[place] > peak;
        }
        if rises {
            peak = walk(first, &equity, least(&low));
            low = [f64::INFINITY; WIDTH];
        } else {
            for place in 0..WIDTH {
                low[place] = if equity[place] < low[place] { equity[place] } else { low[place] };
            }
        }
    }
    let rows = groups.len() * WIDTH;
    sums.add_rows(rows as u64, &sum, &sum_of_sums);
    let mut lowest = least(&low);
    for (place, close) in rest.iter().enumerate() {
        while let Some(turn) = turns.next_if(|turn| turn.row <= rows + place) {
            quiet = turn.quiet;
        }
        let equity = quiet.equity(*close);
        sums.add(equity.to_bits());
        if equity > peak {
            peak = walk(rows + place, &[equity], lowest);
            lowest = f64::INFINITY;
        } else if equity < lowest {
            lowest = equity;
        }
    }
    lowest
}

#[inline(always)]
fn least(values: &[f64; WIDTH]) -> f64 {
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
