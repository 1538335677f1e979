//! The mean of a sliding window.
//!
//! With a factor, the mean is the double nearest to the exact average of the decimals, whatever the
//! window, the split or the size: sums are whole units, in doubles as long as none can reach 2^53 and in
//! `i128` from then on, divided once. Both ways give the same bits, so the change cannot be seen.
//!
//! Without a factor, a compensated sum takes values in and out and starts afresh from the window every
//! `n` rows, counted from the origin. Its error therefore does not grow with time: it is below 2 ulp of
//! the sum plus `9 n^2 x 2^-106` of the magnitudes of at most `3 n` terms.

use fearless_simd::{Level, Simd, dispatch};

use crate::math::{CompensatedSum, to_scaled};

use super::{
    exact::{EXACT_MAX, nearest_ratio, units},
    window::Window,
};

/// 2^49 units.
const DIFFERENCE_MAX: f64 = 562_949_953_421_312.0;

/// Rows whose sums are worked out together.
const WIDTH: usize = 8;

#[derive(Clone, Debug)]
pub(super) struct RollingMean {
    window: Window,
    factor: Option<f64>,
    sum: Sum,
}

#[derive(Clone, Copy, Debug)]
enum Sum {
    /// Whole units in a double, exact while no value is above `limit`.
    Narrow { total: f64, divisor: f64, limit: f64 },
    /// Whole units of any size.
    Wide { total: i128, divisor: i128 },
    /// No units known.
    Float { sum: CompensatedSum, fresh_in: usize },
}

impl RollingMean {
    pub(super) fn new(n: usize) -> Self {
        let sum = Sum::Float { sum: CompensatedSum::default(), fresh_in: n };
        Self { window: Window::new(n), factor: None, sum }
    }

    /// Writes the mean of the last `n` values at each row; NaN while there are fewer.
    pub(super) fn update(&mut self, x: &[f64], factor: Option<f64>, out: &mut [f64]) {
        if factor != self.factor {
            self.restart(factor);
        }
        let level = Level::new();
        if let (Sum::Narrow { limit, .. }, Some(factor)) = (self.sum, factor)
            && reach_from(0.0, x) * factor > limit
        {
            self.widen(factor);
        }
        match (&mut self.sum, factor) {
            (Sum::Narrow { total, divisor, .. }, Some(factor)) => {
                let divisor = *divisor;
                self.window.for_each_run(x, |rows, leaving| {
                    let (entering, out) = (&x[rows.clone()], &mut out[rows]);
                    *total = dispatch!(level, simd => narrow_run(simd, *total, factor, divisor, entering, leaving, out));
                });
            }
            (Sum::Wide { total, divisor }, Some(factor)) => {
                self.window.for_each_run(x, |rows, leaving| {
                    for (row, leaving) in rows.zip(leaving) {
                        *total += units(x[row], factor) - units(*leaving, factor);
                        out[row] = nearest_ratio(*total, *divisor);
                    }
                });
            }
            (Sum::Float { sum, fresh_in }, _) => {
                let n = self.window.span();
                self.window.for_each_run(x, |rows, leaving| {
                    for (row, leaving) in rows.zip(leaving) {
                        *fresh_in -= 1;
                        if *fresh_in == 0 {
                            *fresh_in = n;
                            *sum = CompensatedSum::default();
                            let here = n.min(row + 1);
                            self.window.newest(n - here).for_each(|value| sum.add(value));
                            x[row + 1 - here..=row].iter().for_each(|value| sum.add(*value));
                        } else {
                            sum.add(x[row]);
                            sum.add(-leaving);
                        }
                        out[row] = sum.value() / n as f64;
                    }
                });
            }
            (Sum::Narrow { .. } | Sum::Wide { .. }, None) => {
                unreachable!("whole units are only summed when their factor is known")
            }
        }
        let unknown = self.window.missing().min(x.len());
        out[..unknown].fill(f64::NAN);
        self.window.push(x);
    }

    fn restart(&mut self, factor: Option<f64>) {
        self.factor = factor;
        let n = self.window.span();
        let Some(factor) = factor else {
            let mut sum = CompensatedSum::default();
            self.window.values().for_each(|value| sum.add(value));
            self.sum = Sum::Float { sum, fresh_in: n };
            return;
        };
        let divisor = n as f64 * factor;
        // Partial sums over WIDTH rows reach twice as far as their values.
        let limit = if divisor < EXACT_MAX {
            (EXACT_MAX / n.max(2 * WIDTH) as f64).min(DIFFERENCE_MAX) - 1.0
        } else {
            -1.0
        };
        self.sum = Sum::Narrow { total: 0.0, divisor, limit };
        if self.window.values().any(|value| (value * factor).abs() > limit) {
            self.widen(factor);
        } else {
            let total = self.window.values().map(|value| to_scaled(value, factor)).sum();
            self.sum = Sum::Narrow { total, divisor, limit };
        }
    }

    fn widen(&mut self, factor: f64) {
        let total = self.window.values().map(|value| units(value, factor)).sum();
        let divisor = self.window.span() as i128 * units(factor, 1.0);
        self.sum = Sum::Wide { total, divisor };
    }
}

/// How far the values of `x` reach from `origin`, in lanes so that it costs next to nothing.
pub(super) fn reach_from(origin: f64, x: &[f64]) -> f64 {
    dispatch!(Level::new(), simd => reach(simd, origin, x))
}

#[inline(always)]
fn reach<S: Simd>(_: S, origin: f64, x: &[f64]) -> f64 {
    let larger = |a: f64, b: f64| if a > b { a } else { b };
    let (blocks, tail) = x.as_chunks::<WIDTH>();
    let mut lanes = [0.0f64; WIDTH];
    for block in blocks {
        for lane in 0..WIDTH {
            lanes[lane] = larger((block[lane] - origin).abs(), lanes[lane]);
        }
    }
    lanes.into_iter().chain(tail.iter().map(|value| (value - origin).abs())).fold(0.0, larger)
}

/// Every number but the quotient is whole and below 2^53, so any order of additions gives the same sums.
/// A difference of prices below 2^49 units is less than half a unit off, so it rounds to the whole number
/// that it stands for.
#[inline(always)]
fn narrow_run<S: Simd>(
    _: S,
    mut total: f64,
    factor: f64,
    divisor: f64,
    entering: &[f64],
    leaving: &[f64],
    out: &mut [f64],
) -> f64 {
    let (entering, entering_tail) = entering.as_chunks::<WIDTH>();
    let (leaving, leaving_tail) = leaving.as_chunks::<WIDTH>();
    let (out, out_tail) = out.as_chunks_mut::<WIDTH>();
    for ((entering, leaving), out) in entering.iter().zip(leaving).zip(out) {
        let mut change = [0.0; WIDTH];
        for lane in 0..WIDTH {
            change[lane] = to_scaled(entering[lane] - leaving[lane], factor);
        }
        // Sums over 2, 4 and 8 neighbours: fewer steps after one another than one by one.
        for step in [1, 2, 4] {
            let before = change;
            for lane in step..WIDTH {
                change[lane] += before[lane - step];
            }
        }
        for lane in 0..WIDTH {
            out[lane] = (total + change[lane]) / divisor;
        }
        total += change[WIDTH - 1];
    }
    for ((entering, leaving), out) in entering_tail.iter().zip(leaving_tail).zip(out_tail) {
        total += to_scaled(entering - leaving, factor);
        *out = total / divisor;
    }
    total
}
