//! One instrument's bars: a multiplicative random walk with clustered volatility.
//!
//! Only +, -, x, /, square roots and comparisons are used: each is exactly rounded by IEEE 754, so the
//! bits are the same on every machine. Normal deviates are sums of four uniform ones (Irwin-Hall).
//! Volatility follows a GARCH(1,1)-like recursion (T. Bollerslev, 1986) whose mean variance is 1.

use barhive_engine::{
    data::Bar,
    math::{pow_factor, round_half_even},
    time::{NS_PER_DAY, NS_PER_HOUR},
};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

use super::{SyntheticParams, grid::Span};

/// Sub-steps of a bar; the bar opens after the first and closes after the last.
const STEPS: usize = 4;
/// Mean of the sum of four 16-bit uniforms.
const SUM_MEAN: i64 = 2 * 65_535;
/// One over its standard deviation, 65536 / sqrt(3).
const SUM_SCALE: f64 = 2.642_876_064_928_195e-5;
/// A year of 365.25 days, in nanoseconds.
const YEAR_NS: f64 = 365.25 * NS_PER_DAY as f64;
/// Variance may grow to so many times its mean.
const VARIANCE_MAX: f64 = 36.0;
/// Prices stay at or above so many units of their scale, and below 2^50 units.
const UNITS_MIN: f64 = 10.0;
const UNITS_MAX: f64 = 1_125_899_906_842_624.0;

/// The state of one instrument's price.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    rng: ChaCha8Rng,
    factor: f64,
    price_min: f64,
    price_max: f64,
    price: f64,
    /// Last close, in units of the price scale.
    close_units: f64,
    drift: f64,
    sigma: f64,
    /// Variance of the next bar over its mean.
    variance: f64,
    clustering: f64,
    /// A bar is missing where 32 random bits are below this.
    missing: u64,
    /// Volumes are counts of 1/100.
    volume: f64,
    timeframe_ns: f64,
}

impl Walk {
    pub(super) fn new(params: &SyntheticParams, index: u64) -> Self {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&params.seed.to_le_bytes());
        seed[8..16].copy_from_slice(b"barhive1");
        let mut rng = ChaCha8Rng::from_seed(seed);
        rng.set_stream(index);
        let factor = pow_factor(params.price_scale());
        let timeframe_ns = params.timeframe.ns() as f64;
        let years = timeframe_ns / YEAR_NS;
        let steps = STEPS as f64;
        Self {
            rng,
            factor,
            price_min: UNITS_MIN / factor,
            price_max: UNITS_MAX / factor,
            price: params.price,
            close_units: round_half_even(params.price * factor),
            drift: params.drift / 100.0 * years / steps,
            sigma: params.volatility / 100.0 * (years / steps).sqrt(),
            variance: 1.0,
            clustering: params.clustering,
            missing: (params.missing / 100.0 * 4_294_967_296.0) as u64,
            volume: params.volume * 100.0,
            timeframe_ns,
        }
    }

    /// Moves the price by `spread` standard deviations of a sub-step and answers it in units.
    #[inline(always)]
    fn step(&mut self, sigma: f64) -> (f64, f64) {
        let deviate = normal(self.rng.next_u64());
        // A price cannot lose more than half, or more than double, in one sub-step.
        let change = (self.drift + sigma * deviate).clamp(-0.5, 1.0);
        self.price = (self.price * (1.0 + change)).clamp(self.price_min, self.price_max);
        (round_half_even(self.price * self.factor), deviate)
    }

    /// The bar of the next span; `None` where it is missing from the data, though the price has moved.
    #[inline]
    pub(super) fn next(&mut self, span: Span) -> Option<Bar> {
        let mut sigma = self.sigma * self.variance.sqrt();
        if span.closed_ns > 0 {
            // Closed hours move prices too, half as much as open ones, and at most like a week of them.
            let closed = (span.closed_ns.min(7 * 24 * NS_PER_HOUR)) as f64;
            let jump = 0.5 * self.sigma * (STEPS as f64 * closed / self.timeframe_ns).sqrt();
            self.step(jump.min(0.2));
        }
        sigma = sigma.min(0.25);
        let (mut open, mut energy) = self.step(sigma);
        energy *= energy;
        let (mut high, mut low, mut close) = (open, open, open);
        for _ in 1..STEPS {
            let (units, deviate) = self.step(sigma);
            high = if units > high { units } else { high };
            low = if units < low { units } else { low };
            close = units;
            energy += deviate * deviate;
        }
        let bits = self.rng.next_u64();
        if open == self.close_units {
            // A fill in the wrong bar must show, so no bar opens where the one before closed.
            open += if bits & 1 == 0 || open <= UNITS_MIN { 1.0 } else { -1.0 };
            high = if open > high { open } else { high };
            low = if open < low { open } else { low };
        }
        self.close_units = close;
        let shock = self.variance * (energy / STEPS as f64);
        let carried = 0.85 * self.variance + 0.15 * shock;
        let variance = (1.0 - self.clustering) + self.clustering * carried;
        self.variance = if variance < VARIANCE_MAX { variance } else { VARIANCE_MAX };
        if (bits >> 32) < self.missing {
            return None;
        }
        // The square of a uniform is skewed as volumes are; three times it has mean 1.
        let uniform = ((bits >> 8) & 0xffff) as f64 / 65_536.0;
        let activity = 3.0 * uniform * uniform * (0.5 + 0.5 * energy / STEPS as f64) * self.variance.sqrt();
        let volume = (self.volume * activity).min(1e14);
        Some(Bar {
            ts_open_ns: span.open_ns,
            ts_close_ns: span.close_ns,
            open: open / self.factor,
            high: high / self.factor,
            low: low / self.factor,
            close: close / self.factor,
            volume: round_half_even(volume) / 100.0,
        })
    }
}

#[inline(always)]
fn normal(bits: u64) -> f64 {
    let sum = (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48);
    (sum as i64 - SUM_MEAN) as f64 * SUM_SCALE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deviates_have_mean_0_and_variance_1() {
        let mut rng = ChaCha8Rng::from_seed([7; 32]);
        let (mut sum, mut squares) = (0.0, 0.0);
        let count = 200_000;
        for _ in 0..count {
            let z = normal(rng.next_u64());
            sum += z;
            squares += z * z;
        }
        let mean: f64 = sum / f64::from(count);
        let variance: f64 = squares / f64::from(count) - mean * mean;
        assert!(mean.abs() < 0.01 && (variance - 1.0).abs() < 0.01, "{mean} {variance}");
    }

    #[test]
    fn volatility_is_what_was_asked_for_and_clusters() {
        let params = SyntheticParams { clustering: 0.95, ..SyntheticParams::default() };
        let mut walk = Walk::new(&params, 0);
        let span = Span { open_ns: 0, close_ns: 1, closed_ns: 0 };
        let mut closes = Vec::new();
        for _ in 0..100_000 {
            closes.push(walk.next(span).unwrap().close);
        }
        let returns: Vec<f64> = closes.windows(2).map(|w| w[1] / w[0] - 1.0).collect();
        let squares: Vec<f64> = returns.iter().map(|r| r * r).collect();
        let mean = squares.iter().sum::<f64>() / squares.len() as f64;
        let yearly = (mean * YEAR_NS / walk.timeframe_ns).sqrt() * 100.0;
        assert!((yearly - 40.0).abs() < 3.0, "{yearly} percent a year");
        let cov = squares.windows(2).map(|w| (w[0] - mean) * (w[1] - mean)).sum::<f64>();
        let var = squares.iter().map(|s| (s - mean) * (s - mean)).sum::<f64>();
        assert!(cov / var > 0.02, "squared returns are correlated: {}", cov / var);
    }
}
