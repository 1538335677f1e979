//! The changes of side of a rule over a frame's rows.

use std::fmt;

use fearless_simd::{Level, dispatch};

use super::follower::{Direction, SideRule, sign};
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

    /// Rows that are looked at together.
    const WIDTH: usize = 16;

    #[inline(always)]
    fn scan<S: fearless_simd::Simd>(
        &self,
        _: S,
        columns: [&[f64]; N],
        (from, to): (usize, usize),
        side: &mut i8,
        changes: &mut Vec<Change>,
    ) {
        let columns = columns.map(|column| &column[from..to]);
        let rows = to - from;
        let mut row = 0;
        while row + Self::WIDTH <= rows {
            let blocks: [&[f64; 16]; N] =
                std::array::from_fn(|n| columns[n][row..].first_chunk().unwrap_or(&[0.0; 16]));
            let (up, down) = (*side <= 0, *side >= 0);
            let mut any = 0u64;
            for place in 0..Self::WIDTH {
                let at = self.0.side(std::array::from_fn(|n| blocks[n][place]));
                any |= u64::from(((at > 0.0) & up) | ((at < 0.0) & down));
            }
            if any != 0 {
                for place in row..row + Self::WIDTH {
                    self.step(&columns, place, from, side, changes);
                }
            }
            row += Self::WIDTH;
        }
        for place in row..rows {
            self.step(&columns, place, from, side, changes);
        }
    }

    #[inline(always)]
    fn step(
        &self,
        columns: &[&[f64]; N],
        place: usize,
        from: usize,
        side: &mut i8,
        changes: &mut Vec<Change>,
    ) {
        let at = sign(self.0.side(std::array::from_fn(|n| columns[n][place])));
        if at != 0 && at != *side {
            if std::mem::replace(side, at) != 0 {
                changes.push(Change { row: (from + place) as u32, side: at });
            }
        }
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
    use crate::simd::Simd;

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
