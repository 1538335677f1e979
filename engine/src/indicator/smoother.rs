//! Exponential smoothing, the recursion behind EMA, RSI and MACD.
//!
//! `y(t) = y(t-1) + alpha (x(t) - y(t-1))`, worked out in blocks of eight rows counted from the first row
//! after the seed. With `s` the value before a block and `f` the first input in it, row `k` of the block is
//! `s + (e(k) + w(k) (f - s))`, where `e` smooths the distances of the inputs from `f` and
//! `w(k) = 1 - (1 - alpha)^(k+1)`. Only `s` ties one block to the next, so the chain of dependent
//! operations is four a block and not three a row. An input that stays where the average is leaves it
//! there to the bit, and rows that come one at a time go through the same expressions.

use crate::math::CompensatedSum;

use super::exact::{nearest_ratio, units};

/// Rows per block: part of the definition of the values, never a matter of the machine.
const BLOCK: usize = 8;

#[derive(Clone, Debug)]
pub(super) struct Smoother {
    period: usize,
    alpha: f64,
    /// `1 - alpha`.
    rest: f64,
    /// `w(k)` of the module's documentation.
    reach: [f64; BLOCK],
    /// Leading rows to leave out before the seed.
    skip: usize,
    /// Rows that the seed still needs.
    wanted: usize,
    seed_units: i128,
    seed_sum: CompensatedSum,
    /// The value before the running block.
    start: f64,
    /// The first input of the running block.
    first: f64,
    /// `e(k)` of its newest row.
    inner: f64,
    /// How many rows of it there are; below [`BLOCK`].
    phase: usize,
}

impl Smoother {
    /// `alpha` is 2 / (period + 1) for an EMA and 1 / period for Wilder's average. The first value is
    /// the plain mean of the `period` rows that follow the first `skip`.
    fn new(period: usize, alpha: f64, skip: usize) -> Self {
        let rest = 1.0 - alpha;
        let mut reach = [alpha; BLOCK];
        for k in 1..BLOCK {
            reach[k] = rest * reach[k - 1] + alpha;
        }
        Self {
            period,
            alpha,
            rest,
            reach,
            skip,
            wanted: period,
            seed_units: 0,
            seed_sum: CompensatedSum::default(),
            start: 0.0,
            first: 0.0,
            inner: 0.0,
            phase: 0,
        }
    }

    /// An EMA over `period` rows.
    pub(super) fn ema(period: usize, skip: usize) -> Self {
        Self::new(period, 2.0 / (period as f64 + 1.0), skip)
    }

    /// Wilder's average over `period` rows.
    pub(super) fn wilder(period: usize, skip: usize) -> Self {
        Self::new(period, 1.0 / period as f64, skip)
    }

    /// Replaces each value by the average at its row; NaN before the seed is complete.
    pub(super) fn smooth(&mut self, rows: &mut [f64], factor: Option<f64>) {
        let rows = self.up_to_border(rows, factor);
        let (blocks, tail) = rows.as_chunks_mut();
        for block in blocks {
            self.start = self.block(block, self.start);
        }
        tail.iter_mut().for_each(|row| *row = self.step(*row));
    }

    /// [`Self::smooth`] for two inputs of equal length at once: their chains overlap.
    pub(super) fn smooth_both(pair: [&mut Self; 2], rows: [&mut [f64]; 2], factor: Option<f64>) {
        let ([a, b], [a_rows, b_rows]) = (pair, rows);
        let (a_rows, b_rows) = (a.up_to_border(a_rows, factor), b.up_to_border(b_rows, factor));
        if a_rows.len() != b_rows.len() {
            // Seeded at different rows: their blocks do not go side by side.
            a.smooth(a_rows, factor);
            b.smooth(b_rows, factor);
            return;
        }
        let ((a_blocks, a_tail), (b_blocks, b_tail)) = (a_rows.as_chunks_mut(), b_rows.as_chunks_mut());
        let (mut a_start, mut b_start) = (a.start, b.start);
        for (a_block, b_block) in a_blocks.iter_mut().zip(b_blocks) {
            a_start = a.block(a_block, a_start);
            b_start = b.block(b_block, b_start);
        }
        (a.start, b.start) = (a_start, b_start);
        a_tail.iter_mut().for_each(|row| *row = a.step(*row));
        b_tail.iter_mut().for_each(|row| *row = b.step(*row));
    }

    /// Works off rows up to the border of a block, answers the rest.
    fn up_to_border<'r>(&mut self, rows: &'r mut [f64], factor: Option<f64>) -> &'r mut [f64] {
        let mut rows = rows;
        if self.skip > 0 {
            let (skipped, rest) = rows.split_at_mut(self.skip.min(rows.len()));
            skipped.fill(f64::NAN);
            self.skip -= skipped.len();
            rows = rest;
        }
        if self.wanted > 0 {
            let (seeding, rest) = rows.split_at_mut(self.wanted.min(rows.len()));
            seeding.iter_mut().for_each(|row| *row = self.seed(*row, factor));
            rows = rest;
        }
        let to_border = (BLOCK - self.phase) % BLOCK;
        let (head, rest) = rows.split_at_mut(to_border.min(rows.len()));
        head.iter_mut().for_each(|row| *row = self.step(*row));
        rest
    }

    fn seed(&mut self, x: f64, factor: Option<f64>) -> f64 {
        match factor {
            Some(factor) => self.seed_units += units(x, factor),
            None => self.seed_sum.add(x),
        }
        self.wanted -= 1;
        if self.wanted > 0 {
            return f64::NAN;
        }
        self.start = match factor {
            Some(factor) => nearest_ratio(self.seed_units, self.period as i128 * units(factor, 1.0)),
            None => self.seed_sum.value() / self.period as f64,
        };
        self.start
    }

    /// A whole block after `start`, by the same expressions as [`Self::step`]; answers its last value.
    #[inline(always)]
    fn block(&self, rows: &mut [f64; BLOCK], start: f64) -> f64 {
        let first = rows[0];
        let mut inner = [0.0; BLOCK];
        for k in 1..BLOCK {
            inner[k] = self.rest * inner[k - 1] + self.alpha * (rows[k] - first);
        }
        let gap = first - start;
        for k in 0..BLOCK {
            rows[k] = start + (inner[k] + self.reach[k] * gap);
        }
        rows[BLOCK - 1]
    }

    fn step(&mut self, x: f64) -> f64 {
        if self.phase == 0 {
            (self.first, self.inner) = (x, 0.0);
        } else {
            self.inner = self.rest * self.inner + self.alpha * (x - self.first);
        }
        let value = self.start + (self.inner + self.reach[self.phase] * (self.first - self.start));
        self.phase += 1;
        if self.phase == BLOCK {
            self.phase = 0;
            self.start = value;
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_input_keeps_the_average_where_it_is_to_the_bit() {
        let mut rows = vec![0.1 + 0.2; 1000];
        Smoother::ema(17, 0).smooth(&mut rows, None);
        assert!(rows[16..].iter().all(|value| value.to_bits() == rows[16].to_bits()));
        assert!(rows[..16].iter().all(|value| value.is_nan()));
    }

    #[test]
    fn a_steady_input_above_the_average_never_lets_it_fall() {
        let mut rows = vec![1.0; 30];
        rows.resize(3000, 1.7);
        Smoother::wilder(30, 0).smooth(&mut rows, Some(10.0));
        assert!(rows[29..].windows(2).all(|pair| pair[1] >= pair[0] && pair[1] <= 1.7));
    }

    #[test]
    fn blocks_agree_with_the_plain_recursion() {
        let x: Vec<f64> = (0..500).map(|i| 100.0 + f64::from(i * 7919 % 101) / 10.0).collect();
        for period in [1usize, 2, 3, 10, 100] {
            let mut rows = x.clone();
            Smoother::ema(period, 0).smooth(&mut rows, Some(10.0));
            let alpha = 2.0 / (period as f64 + 1.0);
            let mut plain = x[..period].iter().sum::<f64>() / period as f64;
            assert!((rows[period - 1] - plain).abs() < 1e-12);
            for row in period..x.len() {
                plain += alpha * (x[row] - plain);
                assert!((rows[row] - plain).abs() < 1e-12, "{period} {row}");
            }
        }
    }

    #[test]
    fn two_at_once_are_the_same_as_one_after_the_other() {
        let x: Vec<f64> = (0..300).map(|i| f64::from(i * 7919 % 101)).collect();
        for (fast, slow, skip) in [(5, 12, 7), (5, 12, 0), (9, 9, 0)] {
            let smoothers = (Smoother::ema(fast, skip), Smoother::ema(slow, 0));
            let (mut a, mut b) = smoothers.clone();
            let (mut apart, mut together) = ([x.clone(), x.clone()], [x.clone(), x.clone()]);
            a.smooth(&mut apart[0], None);
            b.smooth(&mut apart[1], None);
            let (mut a, mut b) = smoothers;
            let [first, second] = &mut together;
            Smoother::smooth_both([&mut a, &mut b], [first, second], None);
            let bits = |x: &[Vec<f64>; 2]| x.concat().iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&together), bits(&apart));
        }
    }
}
