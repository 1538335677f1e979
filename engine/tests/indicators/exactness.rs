//! Averages of decimals are exact: equal averages are equal doubles, at any size of price and window.

use barhive_engine::indicator::builtin;
use proptest::prelude::*;

use crate::{
    market::Market,
    run::{Case, bits},
};

/// Compares `a / b` with `c / d`.
fn compare(a: i128, b: i128, c: i128, d: i128) -> std::cmp::Ordering {
    (a * d).cmp(&(c * b))
}

fn sums(units: &[i64], n: usize) -> Vec<i128> {
    (0..units.len())
        .map(|row| units[(row + 1).saturating_sub(n)..=row].iter().map(|u| i128::from(*u)).sum())
        .collect()
}

/// At every row the averages of both lengths compare as the exact fractions do.
fn averages_compare_exactly(units: &[i64], factor: f64, fast: usize, slow: usize) -> usize {
    let market = Market::from_units(units, factor);
    let column = |n: usize| Case::periods("sma", &[n as i64]).whole(&market).remove(0);
    let (fasts, slows) = (column(fast), column(slow));
    let (fast_sums, slow_sums) = (sums(units, fast), sums(units, slow));
    let mut ties = 0;
    for row in slow.max(fast) - 1..units.len() {
        let exact = compare(fast_sums[row], fast as i128, slow_sums[row], slow as i128);
        let found = fasts[row].partial_cmp(&slows[row]).expect("both are known");
        // Different averages may round to one double, equal ones never to two.
        assert!(found == exact || found.is_eq(), "row {row}: {exact:?} became {found:?}");
        if exact.is_eq() {
            assert_eq!(fasts[row].to_bits(), slows[row].to_bits(), "row {row}");
            ties += 1;
        }
    }
    ties
}

#[test]
fn averages_of_38_and_73_rows_tie_where_they_should() {
    // The price climbs with period 38 x 73 in such a way that both windows average the same often.
    let units: Vec<i64> =
        (0..20_000i64).map(|row| 100_000_000 + (row % 38) * 1_000 * (row / 2774 % 2)).collect();
    assert!(averages_compare_exactly(&units, 1e6, 38, 73) > 1_000);
    let level: Vec<i64> = (0..400i64).map(|row| 99_123_457 + (row % 2) * 3).collect();
    assert!(averages_compare_exactly(&level, 1e6, 38, 74) > 300);
}

#[test]
fn averages_are_the_nearest_double_of_the_exact_fraction_beyond_2_to_53_units_too() {
    // 1e14 units x 5,000 rows is 5e17: far beyond what doubles hold exactly.
    let units: Vec<i64> = (0..12_000i64).map(|row| 100_000_000_000_000 + row * 7_919 % 1_000_003).collect();
    averages_compare_exactly(&units, 1e9, 5_000, 2_500);
    let flat = vec![123_456_789_012_345i64; 12_000];
    let column = Case::periods("sma", &[9_999]).whole(&Market::from_units(&flat, 1e9)).remove(0);
    assert!(column[9_998..].iter().all(|mean| *mean == 123_456_789_012_345.0 / 1e9));
}

#[test]
fn a_spike_that_forces_wider_sums_changes_no_other_average() {
    let calm: Vec<i64> = (0..3_000i64).map(|row| 50_000_000 + row * 31 % 977).collect();
    let mut spiked = calm.clone();
    spiked[1_000] = 1 << 51;
    let sma = Case::periods("sma", &[16]);
    let (calm, spiked) = (
        sma.whole(&Market::from_units(&calm, 1e6)).remove(0),
        sma.whole(&Market::from_units(&spiked, 1e6)).remove(0),
    );
    let same = |range: std::ops::Range<usize>| {
        bits(&[calm[range.clone()].to_vec()]) == bits(&[spiked[range].to_vec()])
    };
    assert!(same(0..1_000) && same(1_016..3_000));
}

#[test]
fn an_ema_starts_at_the_simple_average_and_the_middle_band_is_it() {
    let units: Vec<i64> = (0..500i64).map(|row| 100_000_000 + row * 7_919 % 10_007).collect();
    let market = Market::from_units(&units, 1e6);
    for n in [2i64, 5, 20, 73] {
        let sma = Case::periods("sma", &[n]).whole(&market).remove(0);
        let ema = Case::periods("ema", &[n]).whole(&market).remove(0);
        let middle = Case::periods("bbands", &[n]).whole(&market).remove(0);
        assert_eq!(ema[n as usize - 1].to_bits(), sma[n as usize - 1].to_bits());
        assert_eq!(bits(&[middle]), bits(&[sma]));
    }
}

#[test]
fn a_flat_stretch_has_no_deviation_and_no_score() {
    let units: Vec<i64> =
        (0..300i64).map(|row| if row < 100 { 100 + row * row % 89 } else { 5_000_001 }).collect();
    for factor in [Some(1e5), None] {
        let market = Market { factor, ..Market::from_units(&units, 1e5) };
        for name in ["stddev", "zscore"] {
            let column = Case::periods(name, &[20]).whole(&market).remove(0);
            assert!(column[119..].iter().all(|value| *value == 0.0), "{name} {factor:?}");
            assert!(column[100..118].iter().all(|value| *value != 0.0), "{name} {factor:?}");
        }
    }
}

#[test]
fn longest_windows_are_bounded() {
    for def in builtin() {
        for param in &def.params {
            if let barhive_engine::indicator::ParamKind::Int { max, .. } = param.kind {
                assert!(max <= barhive_engine::indicator::PERIOD_MAX);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn equal_averages_are_equal_doubles(
        steps in prop::collection::vec(-3i64..=3, 60..200), offset in 1_000i64..1_000_000_000_000,
        decimals in 0u32..=9, fast in 1usize..20, slow in 2usize..40,
    ) {
        let mut last = offset;
        let units: Vec<i64> = steps.iter().map(|step| { last += step; last }).collect();
        averages_compare_exactly(&units, 10f64.powi(decimals as i32), fast, slow);
    }
}
