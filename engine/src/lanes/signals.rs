//! The changes of side of a rule over a frame's rows.

use std::fmt;

use fearless_simd::{Level, SimdBase, SimdMask, dispatch, f64x8};

use super::follower::{Direction, SideRule};
use crate::strategy::Value;

/// What a strategy that can run as a lane is made of.
pub struct Lane {
    pub(super) signals: Box<dyn Signals>,
    pub(super) values: Vec<Value>,
    pub(super) direction: Direction,
}

impl Lane {
    pub(super) fn new(signals: impl Signals + 'static, values: &[Value], direction: Direction) -> Self {
        Self { signals: Box::new(signals), values: values.to_vec(), direction }
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").field("values", &self.values).finish_non_exhaustive()
    }
}

/// A change of side at a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) row: u32,
    pub(super) side: i8,
}

/// Finds changes of side.
pub(super) trait Signals: Send {
    /// Appends the changes among rows `from..to` of `columns`. `side` is where the rule stands, and is
    /// left where it stands then; the first side that is known is no change.
    fn changes(
        &self,
        level: Level,
        columns: &[&[f64]],
        rows: (usize, usize),
        side: &mut i8,
        changes: &mut Vec<Change>,
    );
}

/// The signals of a rule.
#[derive(Clone, Copy)]
pub(super) struct RuleSignals<R, const N: usize>(R);

impl<R: SideRule<N>, const N: usize> RuleSignals<R, N> {
    pub(super) fn new(rule: R) -> Self {
        Self(rule)
    }

    #[inline(always)]
    fn scan<S: fearless_simd::Simd>(
        &self,
        simd: S,
        columns: [&[f64]; N],
        (from, to): (usize, usize),
        side: &mut i8,
        changes: &mut Vec<Change>,
    ) {
        let columns = columns.map(|column| &column[from..to]);
        let mut row = 0;
        while row < to - from {
            let rows = (to - from - row).min(BLOCK);
            let (mut up, mut down) = (0u64, 0u64);
            let mut place = 0;
            while place + WIDTH <= rows {
                let values: [&[f64]; N] = columns.map(|column| &column[row + place..row + place + WIDTH]);
                let sides: [f64; WIDTH] =
                    std::array::from_fn(|at| self.0.side(std::array::from_fn(|n| values[n][at])));
                let sides = f64x8::from_slice(simd, &sides);
                up |= sides.simd_gt(0.0).to_bitmask() << place;
                down |= sides.simd_lt(0.0).to_bitmask() << place;
                place += WIDTH;
            }
            for place in place..rows {
                let at = self.0.side(std::array::from_fn(|n| columns[n][row + place]));
                up |= u64::from(at > 0.0) << place;
                down |= u64::from(at < 0.0) << place;
            }
            turns(up, down, from + row, side, changes);
            row += rows;
        }
    }
}

/// Rows that are looked at together: a bit each.
const BLOCK: usize = 64;
/// Rows side by side.
const WIDTH: usize = 8;

/// Appends the changes among rows of which bits say that they are up or down.
#[inline(always)]
fn turns(up: u64, down: u64, first_row: usize, side: &mut i8, changes: &mut Vec<Change>) {
    let mut ahead = u64::MAX;
    loop {
        let turning = ahead
            & match *side {
                1 => down,
                -1 => up,
                _ => up | down,
            };
        if turning == 0 {
            return;
        }
        let bit = turning.trailing_zeros();
        let at = if up >> bit & 1 == 1 { 1 } else { -1 };
        if std::mem::replace(side, at) != 0 {
            changes.push(Change { row: (first_row + bit as usize) as u32, side: at });
        }
        ahead = u64::MAX.checked_shl(bit + 1).unwrap_or(0);
    }
}

impl<R: SideRule<N>, const N: usize> Signals for RuleSignals<R, N> {
    fn changes(
        &self,
        level: Level,
        columns: &[&[f64]],
        rows: (usize, usize),
        side: &mut i8,
        changes: &mut Vec<Change>,
    ) {
        let columns: [&[f64]; N] = std::array::from_fn(|n| columns[n]);
        dispatch!(level, simd => self.scan(simd, columns, rows, side, changes));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{lanes::follower::sign, simd::Simd};

    #[derive(Clone, Copy)]
    struct Leads;

    impl SideRule<2> for Leads {
        fn side(&self, [fast, slow]: [f64; 2]) -> f64 {
            fast - slow
        }
    }

    proptest! {
        #[test]
        fn many_rows_at_a_time_are_rows_one_by_one(
            differences in proptest::collection::vec(
                prop_oneof![Just(f64::NAN), Just(0.0), Just(1.0), Just(-1.0), Just(2.0)], 0..200),
            quiet in 0usize..60,
            from in 0usize..20,
        ) {
            let mut fast: Vec<f64> = vec![f64::NAN; from];
            fast.extend(&differences);
            fast.extend(vec![3.0; quiet]);
            let slow = vec![0.0; fast.len()];
            let (mut expected, mut last) = (Vec::new(), 0);
            for (row, value) in fast.iter().enumerate().skip(from) {
                let side = sign(*value);
                if side != 0 && side != last {
                    if last != 0 {
                        expected.push(Change { row: row as u32, side });
                    }
                    last = side;
                }
            }
            for simd in [Simd::Sse2, Simd::Avx2, Simd::Avx512] {
                let (mut side, mut changes) = (0, Vec::new());
                let signals = RuleSignals::new(Leads);
                signals.changes(simd.level(), &[&fast, &slow], (from, fast.len()), &mut side, &mut changes);
                prop_assert_eq!(&changes, &expected);
                prop_assert_eq!(side, last);
            }
        }
    }
}
