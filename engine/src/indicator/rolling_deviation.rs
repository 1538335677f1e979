//! The standard deviation of a sliding window (population), and the newest value measured in it.
//!
//! With a factor, `n sum(u^2) - sum(u)^2` over whole units `u` is exact in 128 bits, so the deviation is
//! right to a few units in the last place at any offset of the prices, and exactly 0 for a flat window.
//! When a value is so large that those sums could leave 128 bits (`n x units` of 2^63, or a value of 2^51
//! units), and without a factor, aggregates are merged instead ([`SlidingMoments`]). The change happens
//! at that row and is final, so it is the same for every split.

use crate::math::to_scaled;

use super::{exact::SCALED_MAX, moments::SlidingMoments, rolling_mean::highest_magnitude, window::Window};

/// What to write of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    /// Its standard deviation.
    Deviation,
    /// The newest value's distance from the mean in standard deviations; 0 in a flat window.
    Score,
}

#[derive(Clone, Debug)]
pub(super) struct RollingDeviation {
    measure: Measure,
    window: Window,
    factor: Option<f64>,
    /// Sum and sum of squares of the window's units; `None` once merging has begun.
    units: Option<(i64, u128)>,
    moments: SlidingMoments,
}

impl RollingDeviation {
    pub(super) fn new(n: usize, measure: Measure) -> Self {
        Self { measure, window: Window::new(n), factor: None, units: None, moments: SlidingMoments::new(n) }
    }

    /// Writes the measure at each row; NaN while there are fewer than `n` values.
    pub(super) fn update(&mut self, x: &[f64], factor: Option<f64>, out: &mut [f64]) {
        if factor != self.factor {
            self.factor = factor;
            self.units = factor.and(Some((0, 0)));
            debug_assert!(self.window.values().next().is_none(), "a series keeps its factor");
        }
        let unknown = self.window.missing().min(x.len());
        let exact_rows = self.exact_rows(x);
        let (exact, merged) = x.split_at(exact_rows);
        let (exact_out, merged_out) = out.split_at_mut(exact_rows);
        if let (Some((sum, squares)), Some(factor)) = (&mut self.units, factor) {
            let n = self.window.span() as i64;
            let divisor = n as f64 * factor;
            let measure = self.measure;
            self.window.for_each_run(exact, |rows, leaving| {
                let out = &mut exact_out[rows.clone()];
                for ((x, leaving), out) in exact[rows].iter().zip(leaving).zip(&mut *out) {
                    let (enter, leave) = (to_scaled(*x, factor) as i64, to_scaled(*leaving, factor) as i64);
                    *sum += enter - leave;
                    let gained = i128::from(enter - leave) * i128::from(enter + leave);
                    *squares = squares.wrapping_add(gained as u128);
                    let spread =
                        (*squares * n as u128).wrapping_sub((i128::from(*sum) * i128::from(*sum)) as u128);
                    *out = match measure {
                        Measure::Deviation => nearest(spread),
                        Measure::Score if spread == 0 => 0.0,
                        Measure::Score => {
                            let distance = i128::from(enter) * i128::from(n) - i128::from(*sum);
                            distance as f64 / nearest(spread).sqrt()
                        }
                    };
                }
                if measure == Measure::Deviation {
                    // On its own, because square roots and divisions then run in vectors.
                    out.iter_mut().for_each(|value| *value = value.sqrt() / divisor);
                }
            });
        }
        self.window.push(exact);
        if !merged.is_empty() {
            if self.units.take().is_some() {
                for value in self.window.values() {
                    self.moments.step(value);
                }
            }
            for (x, out) in merged.iter().zip(merged_out) {
                let (distance, variance) = self.moments.step(*x);
                *out = match self.measure {
                    Measure::Deviation => variance.sqrt(),
                    Measure::Score if variance == 0.0 => 0.0,
                    Measure::Score => distance / variance.sqrt(),
                };
            }
            self.window.push(merged);
        }
        out[..unknown].fill(f64::NAN);
    }

    /// How many of the next rows can be summed exactly.
    fn exact_rows(&self, x: &[f64]) -> usize {
        let (Some(_), Some(factor)) = (self.units, self.factor) else { return 0 };
        let limit = (9.2e18 / self.window.span() as f64).min(SCALED_MAX - 1.0);
        if highest_magnitude(x) * factor <= limit {
            return x.len();
        }
        x.iter().position(|value| value.abs() * factor > limit).unwrap_or(x.len())
    }
}

/// The double nearest to a sum of squares.
#[inline]
fn nearest(spread: u128) -> f64 {
    // Conversions from 128 bits are slow, and from 64 bits without a sign nearly so.
    i64::try_from(spread).map_or_else(|_| spread as f64, |spread| spread as f64)
}
