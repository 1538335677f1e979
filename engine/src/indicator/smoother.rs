//! Exponential smoothing, the recursion behind EMA, RSI, ATR and MACD.
//!
//! `y(t) = y(t-1) + alpha (x(t) - y(t-1))`, worked out in blocks of four rows counted from the first
//! row after the seed: with `d(i) = x(i) - y(block start)`, each value of a block is the start plus a
//! weighted sum of the `d` so far. The chain of dependent operations is then one per block and not one
//! per row, an input that stays where the average is leaves it there to the bit, and rows that come one
//! at a time go through the same expressions.

use crate::math::CompensatedSum;

use super::exact::{nearest_ratio, units};

/// Rows per block: part of the definition of the values, never a matter of the machine.
const BLOCK: usize = 4;

#[derive(Clone, Debug)]
pub(super) struct Smoother {
    period: usize,
    /// `alpha (1 - alpha)^k` for k = 0 to 3.
    weights: [f64; BLOCK],
    /// Leading rows to leave out before the seed.
    skip: usize,
    /// Rows that the seed still needs.
    wanted: usize,
    seed_units: i128,
    seed_sum: CompensatedSum,
    /// The value before the running block.
    start: f64,
    /// Inputs of the running block, less `start`.
    moves: [f64; BLOCK],
    /// How many of `moves` are known; below [`BLOCK`].
    phase: usize,
}

impl Smoother {
    /// `alpha` is 2 / (period + 1) for an EMA and 1 / period for Wilder's average. The first value is
    /// the plain mean of the `period` rows that follow the first `skip`.
    pub(super) fn new(period: usize, alpha: f64, skip: usize) -> Self {
        let rest = 1.0 - alpha;
        let mut weights = [alpha; BLOCK];
        for k in 1..BLOCK {
            weights[k] = weights[k - 1] * rest;
        }
        Self {
            period,
            weights,
            skip,
            wanted: period,
            seed_units: 0,
            seed_sum: CompensatedSum::default(),
            start: 0.0,
            moves: [0.0; BLOCK],
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
        if self.period == 1 {
            return;
        }
        let to_border = (BLOCK - self.phase) % BLOCK;
        let (head, rest) = rows.split_at_mut(to_border.min(rows.len()));
        let (blocks, tail) = rest.as_chunks_mut::<BLOCK>();
        head.iter_mut().for_each(|row| *row = self.step(*row));
        let mut start = self.start;
        for block in blocks {
            let moves = block.map(|x| x - start);
            *block = std::array::from_fn(|lane| start + reach(&self.weights, &moves, lane));
            start = block[BLOCK - 1];
        }
        self.start = start;
        tail.iter_mut().for_each(|row| *row = self.step(*row));
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

    fn step(&mut self, x: f64) -> f64 {
        self.moves[self.phase] = x - self.start;
        let value = self.start + reach(&self.weights, &self.moves, self.phase);
        self.phase += 1;
        if self.phase == BLOCK {
            self.phase = 0;
            self.start = value;
        }
        value
    }
}

/// How far row `lane` of a block lies from the value before the block.
#[inline(always)]
fn reach(w: &[f64; BLOCK], d: &[f64; BLOCK], lane: usize) -> f64 {
    match lane {
        0 => w[0] * d[0],
        1 => w[1] * d[0] + w[0] * d[1],
        2 => (w[2] * d[0] + w[1] * d[1]) + w[0] * d[2],
        _ => (w[3] * d[0] + w[2] * d[1]) + (w[1] * d[2] + w[0] * d[3]),
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
    fn an_input_above_the_average_never_lets_it_fall() {
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
}
