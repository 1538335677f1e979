//! Decimals as whole numbers, and their ratios as the nearest double.

/// 2^53: whole numbers up to here are exact doubles.
pub(super) const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// 2^51: [`crate::math::to_scaled`] is exact below.
pub(super) const SCALED_MAX: f64 = 2_251_799_813_685_248.0;

/// Far beyond any price in any unit, and small enough that 10^6 of them still add up in an `i128`.
const UNITS_MAX: f64 = 1e30;

/// `x` in units of `1 / factor`, for any size of `x`.
///
/// Agrees with [`crate::math::to_scaled`] where that is exact. A value that is too large for a double
/// to hold all its decimals is taken as the whole number nearest to the product.
pub(super) fn units(x: f64, factor: f64) -> i128 {
    (x * factor).round_ties_even().clamp(-UNITS_MAX, UNITS_MAX) as i128
}

/// The double nearest to `numerator / denominator`, ties to even: equal ratios are equal doubles.
///
/// `denominator` is positive and below 2^70.
pub(super) fn nearest_ratio(numerator: i128, denominator: i128) -> f64 {
    let bits = |x: u128| 128 - x.leading_zeros() as i32;
    let (magnitude, divisor) = (numerator.unsigned_abs(), denominator.unsigned_abs());
    // At least 56 bits of quotient: the last one then lies below the rounding position, where it can
    // stand for everything that the division leaves over.
    let shift = (56 + bits(divisor) - bits(magnitude)).max(0) as u32;
    let (quotient, rest) = ((magnitude << shift) / divisor, (magnitude << shift) % divisor);
    let rounded = (quotient | u128::from(rest != 0)) as f64;
    let power = f64::from_bits(u64::from(1023 - shift) << 52);
    if numerator < 0 { -(rounded * power) } else { rounded * power }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_ratio_of_zero_is_zero() {
        assert_eq!(nearest_ratio(0, 7).to_bits(), 0);
    }

    proptest! {
        #[test]
        fn a_ratio_is_one_division_where_both_numbers_are_exact(
            numerator in -(1i64 << 53)..1 << 53, denominator in 1i64..1 << 53,
        ) {
            let expected = numerator as f64 / denominator as f64;
            let found = nearest_ratio(i128::from(numerator), i128::from(denominator));
            prop_assert_eq!(found.to_bits(), expected.to_bits());
        }

        #[test]
        fn equal_ratios_are_equal_doubles_at_any_size(
            numerator in any::<i64>(), denominator in 1i64..1 << 40, scale in 1i64..1 << 20,
        ) {
            let (numerator, denominator) = (i128::from(numerator), i128::from(denominator));
            let scale = i128::from(scale);
            prop_assert_eq!(
                nearest_ratio(numerator, denominator).to_bits(),
                nearest_ratio(numerator * scale, denominator * scale).to_bits()
            );
        }

        #[test]
        fn large_decimals_keep_their_units(units_in in -(1i64 << 50)..1 << 50, scale in 0u32..9) {
            let factor = 10f64.powi(scale as i32);
            prop_assert_eq!(units(units_in as f64 / factor, factor), i128::from(units_in));
        }
    }
}
