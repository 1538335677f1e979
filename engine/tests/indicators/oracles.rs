//! Every indicator against the plainest possible computation of it.

use barhive_engine::indicator::ParamValue;
use proptest::prelude::*;

use crate::{
    market::{Market, markets},
    run::Case,
};

/// The window of `n` values that ends at each row, from the first full one on.
fn windows(x: &[f64], n: usize) -> impl Iterator<Item = &[f64]> {
    x.windows(n)
}

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

/// Two passes over the window, the second around the mean of the first.
fn deviation(x: &[f64]) -> f64 {
    let centre = mean(x);
    let rest: f64 = x.iter().map(|value| value - centre).sum::<f64>() / x.len() as f64;
    let squares: f64 = x.iter().map(|value| (value - centre - rest).powi(2)).sum();
    (squares / x.len() as f64).sqrt()
}

fn smooth(x: &[f64], n: usize, alpha: f64) -> Vec<f64> {
    let mut y = mean(&x[..n]);
    let mut out = vec![y];
    for value in &x[n..] {
        y = alpha * value + (1.0 - alpha) * y;
        out.push(y);
    }
    out
}

fn ema(x: &[f64], n: usize) -> Vec<f64> {
    smooth(x, n, 2.0 / (n as f64 + 1.0))
}

/// Compares the warm part of a column; `size` is what a relative tolerance refers to.
fn close(found: &[f64], expected: &[f64], size: f64, tolerance: f64) -> Result<(), TestCaseError> {
    let warm = &found[found.len() - expected.len()..];
    for (row, (found, expected)) in warm.iter().zip(expected).enumerate() {
        prop_assert!(
            (found - expected).abs() <= tolerance * size,
            "warm row {}: found {}, expected {}",
            row,
            found,
            expected
        );
    }
    Ok(())
}

fn largest(x: &[f64]) -> f64 {
    x.iter().fold(0.0, |a, b| a.max(b.abs()))
}

fn column(market: &Market, name: &str, periods: &[i64], output: usize) -> Vec<f64> {
    Case::periods(name, periods).whole(market).swap_remove(output)
}

fn true_ranges(market: &Market) -> Vec<f64> {
    (1..market.len())
        .map(|row| {
            let (high, low, before) = (market.high[row], market.low[row], market.close[row - 1]);
            (high - low).max((high - before).abs()).max((low - before).abs())
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn averages_agree(market in markets(60..200), n in 1usize..40) {
        let (x, period) = (&market.close, n as i64);
        let size = largest(x);
        let means: Vec<f64> = windows(x, n).map(mean).collect();
        close(&column(&market, "sma", &[period], 0), &means, size, 1e-14)?;
        close(&column(&market, "ema", &[period], 0), &ema(x, n), size, 1e-14)?;
    }

    #[test]
    fn deviations_agree_at_any_offset(market in markets(60..200), n in 2usize..40) {
        let (x, period) = (&market.close, n as i64);
        let size = largest(x);
        let expected: Vec<f64> = windows(x, n).map(deviation).collect();
        // The oracle itself sees rounded inputs: an input is off by up to size x 2^-53.
        close(&column(&market, "stddev", &[period], 0), &expected, size, 3e-16)?;
        let scores: Vec<f64> = windows(x, n)
            .zip(&expected)
            .map(|(w, s)| if *s <= size * 1e-13 { f64::NAN } else { (w[n - 1] - mean(w)) / s })
            .collect();
        let found = column(&market, "zscore", &[period], 0);
        for (row, (found, expected)) in found[n - 1..].iter().zip(&scores).enumerate() {
            prop_assert!(expected.is_nan() || (found - expected).abs() < 1e-2, "{} {} {}", row, found, expected);
            prop_assert!(found.abs() <= (n as f64 - 1.0).sqrt() * (1.0 + 1e-12));
        }
        let case = Case::new("bbands", &[("period", ParamValue::Int(period)), ("deviations", ParamValue::Float(1.5))]);
        let bands = case.whole(&market);
        for row in n - 1..x.len() {
            let (w, s) = (&x[row + 1 - n..=row], expected[row + 1 - n]);
            prop_assert!((bands[0][row] - mean(w)).abs() <= size * 1e-14);
            prop_assert!((bands[1][row] - (mean(w) + 1.5 * s)).abs() <= size * 1e-14);
            prop_assert!((bands[2][row] - (mean(w) - 1.5 * s)).abs() <= size * 1e-14);
        }
    }

    #[test]
    fn oscillators_agree(market in markets(60..200), n in 1usize..20, slow in 2usize..20) {
        let x = &market.close;
        let changes: Vec<f64> = x.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let part = |sign: f64| -> Vec<f64> { changes.iter().map(|change| (sign * change).max(0.0)).collect() };
        let alpha = 1.0 / n as f64;
        let (gains, losses) = (smooth(&part(1.0), n, alpha), smooth(&part(-1.0), n, alpha));
        let expected: Vec<f64> = gains
            .iter()
            .zip(&losses)
            .map(|(gain, loss)| if gain + loss == 0.0 { 50.0 } else { 100.0 * gain / (gain + loss) })
            .collect();
        close(&column(&market, "rsi", &[n as i64], 0), &expected, 100.0, 1e-9)?;

        let (fast, signal) = (1 + n % (slow - 1).max(1), 1 + n % 9);
        let fast = fast.min(slow - 1);
        let fasts = ema(&x[slow - fast..], fast);
        let macd: Vec<f64> = fasts.iter().zip(ema(x, slow)).map(|(fast, slow)| fast - slow).collect();
        let signals = ema(&macd, signal);
        let macd = &macd[signal - 1..];
        let histogram: Vec<f64> = macd.iter().zip(&signals).map(|(macd, signal)| macd - signal).collect();
        let periods = [fast as i64, slow as i64, signal as i64];
        for (output, expected) in [macd, &signals, &histogram].into_iter().enumerate() {
            close(&column(&market, "macd", &periods, output), expected, largest(x), 1e-14)?;
        }
    }

    #[test]
    fn ranges_and_changes_agree(market in markets(60..200), n in 1usize..40) {
        let (x, period) = (&market.close, n as i64);
        let ranges = true_ranges(&market);
        close(&column(&market, "tr", &[], 0), &ranges, 1.0, 0.0)?;
        // To the bit: strategies compare with it, without tolerance.
        let mut averages = vec![mean(&ranges[..n])];
        for range in &ranges[n..] {
            averages.push((averages[averages.len() - 1] * (n as f64 - 1.0) + range) / n as f64);
        }
        close(&column(&market, "atr", &[period], 0), &averages, 1.0, 0.0)?;
        let moves: Vec<f64> = x.windows(n + 1).map(|w| w[n] - w[0]).collect();
        close(&column(&market, "mom", &[period], 0), &moves, 1.0, 0.0)?;
        let rates: Vec<f64> = x.windows(n + 1).map(|w| (w[n] / w[0] - 1.0) * 100.0).collect();
        close(&column(&market, "roc", &[period], 0), &rates, 100.0, 1e-14)?;
    }

    #[test]
    fn extremes_agree(market in markets(60..200), n in 1usize..40) {
        let (period, first) = (n as i64, |w: &[f64]| w.iter().copied().fold(f64::MIN, f64::max));
        let last = |w: &[f64]| w.iter().copied().fold(f64::MAX, f64::min);
        let highs: Vec<f64> = windows(&market.high, n).map(first).collect();
        let lows: Vec<f64> = windows(&market.low, n).map(last).collect();
        let middles: Vec<f64> = highs.iter().zip(&lows).map(|(high, low)| (high + low) / 2.0).collect();
        for (output, expected) in [&highs, &lows, &middles].into_iter().enumerate() {
            close(&column(&market, "donchian", &[period], output), expected, 1.0, 0.0)?;
        }
        let closes: Vec<f64> = windows(&market.close, n).map(first).collect();
        close(&column(&market, "highest", &[period], 0), &closes, 1.0, 0.0)?;
        let closes: Vec<f64> = windows(&market.close, n).map(last).collect();
        close(&column(&market, "lowest", &[period], 0), &closes, 1.0, 0.0)?;
    }
}

#[test]
fn deviations_keep_their_digits_at_large_offsets() {
    // Noise of a few units on 4e12 units: a plain sum of squares in doubles would lose everything.
    let noise: Vec<i64> = (0..5_000i64).map(|row| row * 7_919 % 11).collect();
    let high: Vec<i64> = noise.iter().map(|units| units + 4_000_000_000_000).collect();
    let (low, high) = (Market::from_units(&noise, 1.0), Market::from_units(&high, 1.0));
    for name in ["stddev", "zscore"] {
        for n in [2i64, 20, 777] {
            // With units the offset cannot be seen at all; without, it may cost the last digits.
            assert_eq!(column(&low, name, &[n], 0)[776..], column(&high, name, &[n], 0)[776..]);
            let unknown = Market { factor: None, ..high.clone() };
            let (found, expected) = (column(&unknown, name, &[n], 0), column(&high, name, &[n], 0));
            for (found, expected) in found[776..].iter().zip(&expected[776..]) {
                assert!((found - expected).abs() < 1e-12, "{name} {n}: {found} {expected}");
            }
        }
    }
}

#[test]
fn sums_without_units_do_not_drift() {
    // A million rows after values a million times larger: what is left of them must not show.
    let x: Vec<f64> = (0..1_000_000u64)
        .map(|row| if row < 100 { 1e9 + 1.0 / 3.0 } else { (row * 7_919 % 1_009) as f64 / 997.0 })
        .collect();
    let market = Market {
        factor: None,
        open: x.clone(),
        high: x.clone(),
        low: x.clone(),
        volume: x.clone(),
        close: x,
    };
    let found = column(&market, "sma", &[50], 0);
    for row in (150..1_000_000).step_by(997) {
        let expected = mean(&market.close[row - 49..=row]);
        assert!((found[row] - expected).abs() < 1e-15, "{row}");
    }
}
