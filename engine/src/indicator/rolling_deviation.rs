//! The standard deviation of a sliding window (population), and the newest value measured in it.
//!
//! With a factor, `n sum(u^2) - sum(u)^2` over whole units `u` is exact, so the deviation is right to a few
//! units in the last place at any offset of the prices, and exactly 0 for a flat window. The sums are kept
//! in 64 and 128 bits; within a batch they run in doubles, as distances from one of its values, wherever
//! those stay below 2^53. Both ways give the same whole numbers.
//!
//! When a value is so large that the sums could leave 128 bits (`n x units` of 2^63, or a value of 2^51
//! units), and without a factor, aggregates are merged instead ([`SlidingMoments`]). That change happens
//! at the row of the value and is final, so it is the same for every split.

use crate::math::to_scaled;

use super::{exact::SCALED_MAX, moments::SlidingMoments, rolling_mean::reach_from, window::Window};

/// Rows that are worked out together.
const WIDTH: usize = 8;

/// Below so many rows it does not pay to set up sums in doubles.
const NARROW_ROWS_MIN: usize = 64;

/// The square root of 2^53.
const NARROW_REACH: f64 = 94_906_265.0;

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
    /// `None` once merging has begun.
    sums: Option<Sums>,
    moments: SlidingMoments,
}

/// Sum and sum of squares of a window's units.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    units: i64,
    squares: i128,
}

impl RollingDeviation {
    pub(super) fn new(n: usize, measure: Measure) -> Self {
        Self { measure, window: Window::new(n), factor: None, sums: None, moments: SlidingMoments::new(n) }
    }

    /// Writes the measure at each row; NaN while there are fewer than `n` values.
    pub(super) fn update(&mut self, x: &[f64], factor: Option<f64>, out: &mut [f64]) {
        if factor != self.factor {
            self.factor = factor;
            self.sums = factor.and(Some(Sums::default()));
            debug_assert!(self.window.values().next().is_none(), "a series keeps its factor");
        }
        let unknown = self.window.missing().min(x.len());
        let (exact, merged) = x.split_at(self.exact_rows(x));
        let (exact_out, merged_out) = out.split_at_mut(exact.len());
        if let (Some(sums), Some(factor)) = (&mut self.sums, factor) {
            match narrow_reference(&self.window, exact, factor) {
                Some(reference) => {
                    let mut narrow = sums.around(reference, self.window.span());
                    self.window.for_each_run(exact, |rows, leaving| {
                        narrow.run(self.measure, factor, &exact[rows.clone()], leaving, &mut exact_out[rows]);
                    });
                    *sums = narrow.sums();
                }
                None => self.window.for_each_run(exact, |rows, leaving| {
                    for (row, leaving) in rows.zip(leaving) {
                        let n = self.window.span() as i64;
                        exact_out[row] = sums.step(self.measure, factor, n, exact[row], *leaving);
                    }
                }),
            }
        }
        self.window.push(exact);
        if !merged.is_empty() {
            if self.sums.take().is_some() {
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
        let (Some(_), Some(factor)) = (self.sums, self.factor) else { return 0 };
        let limit = (9.2e18 / self.window.span() as f64).min(SCALED_MAX - 1.0);
        if reach_from(0.0, x) * factor <= limit {
            return x.len();
        }
        x.iter().position(|value| value.abs() * factor > limit).unwrap_or(x.len())
    }
}

/// The units of a value around which all sums of a batch stay exact in doubles.
fn narrow_reference(window: &Window, x: &[f64], factor: f64) -> Option<f64> {
    if x.len() < NARROW_ROWS_MIN.max(window.span()) || !window.is_full() {
        return None;
    }
    let (newer, older) = window.parts();
    let reach = [x, newer, older].map(|part| reach_from(x[0], part));
    let far = reach[0].max(reach[1]).max(reach[2]);
    let rows = window.span().max(2 * WIDTH) as f64;
    // Two units more, for what rounding the prices may hide.
    ((far * factor + 2.0) * rows < NARROW_REACH).then(|| to_scaled(x[0], factor))
}

impl Sums {
    fn step(&mut self, measure: Measure, factor: f64, n: i64, entering: f64, leaving: f64) -> f64 {
        let (enter, leave) = (to_scaled(entering, factor) as i64, to_scaled(leaving, factor) as i64);
        self.units += enter - leave;
        self.squares += i128::from(enter - leave) * i128::from(enter + leave);
        let spread = self.squares * i128::from(n) - i128::from(self.units) * i128::from(self.units);
        match measure {
            Measure::Deviation => (spread as f64).sqrt() / (n as f64 * factor),
            Measure::Score if spread == 0 => 0.0,
            Measure::Score => {
                let distance = i128::from(enter) * i128::from(n) - i128::from(self.units);
                distance as f64 / (spread as f64).sqrt()
            }
        }
    }

    /// The same sums over distances from `reference`.
    fn around(&self, reference: f64, n: usize) -> Narrow {
        let (n, shift, units) = (n as i128, reference as i128, i128::from(self.units));
        Narrow {
            reference,
            n: n as f64,
            units: (units - n * shift) as f64,
            squares: (self.squares - 2 * shift * units + n * shift * shift) as f64,
        }
    }
}

/// [`Sums`] in doubles, around a reference.
struct Narrow {
    reference: f64,
    n: f64,
    units: f64,
    squares: f64,
}

impl Narrow {
    fn sums(&self) -> Sums {
        let (n, shift, units) = (self.n as i128, self.reference as i128, self.units as i128);
        let units_from_zero = units + n * shift;
        Sums {
            units: units_from_zero as i64,
            squares: self.squares as i128 + 2 * shift * units + n * shift * shift,
        }
    }

    fn run(&mut self, measure: Measure, factor: f64, entering: &[f64], leaving: &[f64], out: &mut [f64]) {
        let (entering, entering_tail) = entering.as_chunks::<WIDTH>();
        let (leaving, leaving_tail) = leaving.as_chunks::<WIDTH>();
        let (out, out_tail) = out.as_chunks_mut::<WIDTH>();
        for ((entering, leaving), out) in entering.iter().zip(leaving).zip(out) {
            self.rows(measure, factor, entering, leaving, out);
        }
        for ((entering, leaving), out) in entering_tail.iter().zip(leaving_tail).zip(out_tail) {
            self.rows(measure, factor, &[*entering], &[*leaving], std::array::from_mut(out));
        }
    }

    /// All numbers but the result are whole and below 2^53, so any order of additions is exact.
    #[inline(always)]
    fn rows<const N: usize>(
        &mut self,
        measure: Measure,
        factor: f64,
        entering: &[f64; N],
        leaving: &[f64; N],
        out: &mut [f64; N],
    ) {
        let enter = entering.map(|x| to_scaled(x, factor) - self.reference);
        let leave = leaving.map(|x| to_scaled(x, factor) - self.reference);
        let (mut units, mut squares) = ([0.0; N], [0.0; N]);
        for lane in 0..N {
            units[lane] = enter[lane] - leave[lane];
            squares[lane] = units[lane] * (enter[lane] + leave[lane]);
        }
        for lane in 1..N {
            units[lane] += units[lane - 1];
            squares[lane] += squares[lane - 1];
        }
        for lane in 0..N {
            let (units, squares) = (self.units + units[lane], self.squares + squares[lane]);
            let root = (self.n * squares - units * units).sqrt();
            out[lane] = match measure {
                Measure::Deviation => root / (self.n * factor),
                Measure::Score if root == 0.0 => 0.0,
                Measure::Score => (self.n * enter[lane] - units) / root,
            };
        }
        self.units += units[N - 1];
        self.squares += squares[N - 1];
    }
}
