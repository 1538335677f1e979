//! How long a resource lasts if it goes on like this.

use super::{nanoseconds, seconds};

/// Points of a window.
const POINTS: usize = 64;
/// Pairs of points.
const PAIRS: usize = POINTS * (POINTS - 1) / 2;
/// Samples of a point at most.
const SAMPLES: usize = 15;
/// Points without which there is no forecast.
const POINTS_MIN: usize = 8;
/// How clear a trend must be: standard deviations of Mann and Kendall's statistic without one.
const CLEAR: f64 = 3.3;

/// A straight line through what was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trend {
    /// The value that the line has at the newest sample.
    pub value: f64,
    /// What it gains in a second; negative when it falls.
    pub per_second: f64,
}

/// The time to a limit, from a robust trend over a bounded window.
///
/// The window is cut into 64 points; each is the mean of the middle half of up to 15
/// samples. The trend is the median of the
/// slopes of all pairs (H. Theil, 1950; P. K. Sen, 1968): up to 29 % of the points may be arbitrarily wrong.
/// Whether there is one at all is what Mann and Kendall's test says of the same pairs (M. G. Kendall, 1975).
/// Memory is 18 kB, taken once; a sample costs no allocation, a forecast one pass over 2,016 pairs.
///
/// ```
/// use barhive_engine::governor::Forecast;
///
/// let mut memory = Forecast::new(60.0);
/// for tenth in 0..600u64 {
///     let noise = [0.0, 0.4, -0.3, 0.1, -0.2][tenth as usize % 5];
///     memory.record(tenth * 100_000_000, 40.0 + 0.05 * tenth as f64 + noise); // 0.5 % a second
/// }
/// let left = memory.seconds_to(90.0).unwrap(); // from 70 %
/// assert!((left - 40.0).abs() < 2.0, "{left}");
/// assert_eq!(memory.seconds_to(30.0), Some(0.0)); // passed already
/// ```
#[derive(Clone, Debug)]
pub struct Forecast {
    step_ns: u64,
    /// (time, value), the oldest at `head` once the window is full.
    points: Vec<(u64, f64)>,
    head: usize,
    /// When the present point began.
    from_ns: u64,
    /// (time, value) of the present point.
    samples: [(u64, f64); SAMPLES],
    filled: usize,
    last_ns: Option<u64>,
    /// Where slopes are sorted.
    slopes: Vec<f64>,
}

impl Forecast {
    /// A forecast that looks back so many seconds, at least one.
    pub fn new(window_seconds: f64) -> Self {
        Self {
            step_ns: nanoseconds(window_seconds.max(1.0)) / POINTS as u64,
            points: Vec::with_capacity(POINTS),
            head: 0,
            from_ns: 0,
            samples: [(0, 0.0); SAMPLES],
            filled: 0,
            last_ns: None,
            slopes: Vec::with_capacity(PAIRS),
        }
    }

    /// Takes a value in; one that is not newer than the last, or no number, is left out.
    pub fn record(&mut self, at_ns: u64, value: f64) {
        if !value.is_finite() || self.last_ns.is_some_and(|last_ns| at_ns <= last_ns) {
            return;
        }
        self.last_ns = Some(at_ns);
        if self.filled > 0 && at_ns - self.from_ns >= self.step_ns {
            self.close_point();
        }
        if self.filled == 0 {
            self.from_ns = at_ns;
        }
        // Of many samples those are taken that lie evenly in the point.
        let due_ns = self.from_ns + self.step_ns / SAMPLES as u64 * self.filled as u64;
        if self.filled < SAMPLES && at_ns >= due_ns {
            self.samples[self.filled] = (at_ns, value);
            self.filled += 1;
        }
    }

    fn close_point(&mut self) {
        let samples = &mut self.samples[..self.filled];
        samples.sort_unstable_by(|a, b| a.1.total_cmp(&b.1));
        let inner = &samples[samples.len() / 4..samples.len() - samples.len() / 4];
        let value = inner.iter().map(|(_, value)| value).sum::<f64>() / inner.len() as f64;
        let middle_ns = {
            let (first, last) = samples
                .iter()
                .fold((u64::MAX, 0), |(first, last), (at_ns, _)| (first.min(*at_ns), last.max(*at_ns)));
            first + (last - first) / 2
        };
        if self.points.len() < POINTS {
            self.points.push((middle_ns, value));
        } else {
            self.points[self.head] = (middle_ns, value);
            self.head = (self.head + 1) % POINTS;
        }
        self.filled = 0;
    }

    /// The trend; nothing with fewer than 8 points, or where the values do not clearly rise or fall.
    pub fn trend(&mut self) -> Option<Trend> {
        let points = self.points.len();
        let newest_ns = self.last_ns?;
        if points < POINTS_MIN {
            return None;
        }
        let at = |place: usize| self.points[(self.head + place) % points];
        self.slopes.clear();
        let mut rises = 0i64;
        for late in 1..points {
            let (late_ns, late_value) = at(late);
            for early in 0..late {
                let (early_ns, early_value) = at(early);
                let gain = late_value - early_value;
                rises += i64::from(gain > 0.0) - i64::from(gain < 0.0);
                self.slopes.push(gain / seconds(late_ns - early_ns));
            }
        }
        let n = points as f64;
        let deviation = (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt();
        if (rises.unsigned_abs() as f64) < CLEAR * deviation {
            return None;
        }
        let per_second = median(&mut self.slopes);
        self.slopes.clear();
        for (at_ns, value) in &self.points {
            self.slopes.push(value + per_second * seconds(newest_ns - at_ns));
        }
        Some(Trend { value: median(&mut self.slopes), per_second })
    }

    /// Seconds from the newest sample until the trend reaches `limit` from below: 0 where it has, nothing
    /// where there is no trend or it does not rise.
    pub fn seconds_to(&mut self, limit: f64) -> Option<f64> {
        let trend = self.trend()?;
        if trend.value >= limit {
            return Some(0.0);
        }
        (trend.per_second > 0.0).then(|| (limit - trend.value) / trend.per_second)
    }
}

/// The median; of an even number the mean of the middle two. Never called with nothing.
fn median(values: &mut [f64]) -> f64 {
    let even = values.len().is_multiple_of(2);
    let middle = values.len() / 2;
    let (below, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    if even {
        let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        f64::midpoint(lower, *upper)
    } else {
        *upper
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STEP_NS: u64 = 100_000_000;

    /// A minute of samples every 100 ms.
    fn minute(value: impl Fn(u64) -> f64) -> Forecast {
        let mut forecast = Forecast::new(60.0);
        for step in 0..600 {
            forecast.record(step * STEP_NS, value(step));
        }
        forecast
    }

    /// Uniform in -1 to 1, from a step and a seed (splitmix64).
    fn dice(step: u64, seed: u64) -> f64 {
        let mut x = seed.wrapping_add(step.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    #[test]
    fn a_straight_ramp_is_exact() {
        let mut forecast = minute(|step| 10.0 + 0.1 * step as f64);
        let trend = forecast.trend().unwrap();
        assert!((trend.per_second - 1.0).abs() < 1e-9, "{trend:?}");
        assert!((trend.value - 69.9).abs() < 0.1, "{trend:?}");
        assert!((forecast.seconds_to(90.0).unwrap() - 20.1).abs() < 0.1);
    }

    #[test]
    fn what_falls_or_stands_still_has_no_time_to_a_limit() {
        let mut falling = minute(|step| 80.0 - 0.05 * step as f64);
        assert!(falling.trend().unwrap().per_second < 0.0);
        assert_eq!(falling.seconds_to(90.0), None);
        assert_eq!(minute(|_| 50.0).trend(), None);
    }

    #[test]
    fn too_little_is_no_trend() {
        let mut forecast = Forecast::new(60.0);
        assert_eq!(forecast.seconds_to(90.0), None);
        for step in 0..70 {
            forecast.record(step * STEP_NS, step as f64);
        }
        assert_eq!(forecast.trend(), None, "seven points");
        for step in 70..100 {
            forecast.record(step * STEP_NS, step as f64);
        }
        assert!(forecast.trend().is_some());
    }

    #[test]
    fn a_burst_of_many_seconds_does_not_bend_the_trend() {
        let burst = |step: u64| if (480..570).contains(&step) { 500.0 } else { 0.0 };
        let mut forecast = minute(|step| 10.0 + 0.1 * step as f64 + burst(step));
        let trend = forecast.trend().unwrap();
        assert!((trend.per_second - 1.0).abs() < 0.05 && (trend.value - 69.9).abs() < 1.0, "{trend:?}");
    }

    #[test]
    fn only_the_window_counts() {
        let mut forecast = Forecast::new(60.0);
        for step in 0..36_000u64 {
            let value =
                if step < 35_000 { step as f64 / 500.0 } else { 70.0 - (step - 35_000) as f64 / 50.0 };
            forecast.record(step * STEP_NS, value);
        }
        assert!((forecast.trend().unwrap().per_second + 0.2).abs() < 0.01);
    }

    #[test]
    fn samples_that_are_old_or_no_numbers_are_left_out() {
        let mut clean = minute(|step| step as f64);
        let mut dirty = Forecast::new(60.0);
        for step in 0..600u64 {
            dirty.record(step * STEP_NS, step as f64);
            dirty.record(step * STEP_NS, 1e9);
            dirty.record(step * STEP_NS + 1, f64::NAN);
        }
        assert_eq!(clean.trend(), dirty.trend());
    }

    #[test]
    fn a_sample_takes_no_memory() {
        let mut forecast = minute(|step| step as f64);
        forecast.trend();
        let room = (forecast.points.capacity(), forecast.slopes.capacity());
        for step in 600..10_000 {
            forecast.record(step * STEP_NS, dice(step, 1));
            forecast.trend();
        }
        assert_eq!((forecast.points.capacity(), forecast.slopes.capacity()), room);
    }

    proptest! {
        #[test]
        fn a_ramp_with_noise_and_outliers_is_forecast_within_ten_percent(
            per_second in 0.2..1.0f64,
            noise_part in 0.0..0.15f64,
            outliers in 0.0..0.15f64,
            seed in any::<u64>(),
        ) {
            // Of what it gains in the window.
            let noise = noise_part * 60.0 * per_second;
            let mut forecast = minute(|step| {
                let wild = (dice(step, seed ^ 1) + 1.0) / 2.0 < outliers;
                let spike = if wild { 60.0 * dice(step, seed ^ 2) } else { 0.0 };
                20.0 + per_second * step as f64 / 10.0 + noise * dice(step, seed) + spike
            });
            // From where it is, five minutes ahead.
            let limit = 20.0 + per_second * (59.9 + 300.0);
            let left = forecast.seconds_to(limit).unwrap();
            prop_assert!((left - 300.0).abs() <= 30.0, "{left:.1} s in place of 300");
        }
    }

    #[test]
    fn noise_alone_is_no_trend() {
        let found =
            (0..1_000).filter(|seed| minute(|step| 50.0 + 10.0 * dice(step, *seed)).trend().is_some());
        // 3.3 standard deviations: one in a thousand.
        assert!(found.count() <= 4);
    }
}
