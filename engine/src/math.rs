//! The few numeric primitives on which equal answers everywhere depend.
//!
//! Containers and lanes call these same expressions. No fused multiply-add, no reciprocal, no
//! reassociation: each function is one fixed sequence of IEEE 754 operations.

/// Rounds to the nearest integer, ties to even, for |x| < 2^51.
///
/// Adding and taking away 1.5 x 2^52 is exact on every processor and vectorises without SSE4.1.
#[inline(always)]
pub fn round_half_even(x: f64) -> f64 {
    const MAGIC: f64 = 6_755_399_441_055_744.0;
    (x + MAGIC) - MAGIC
}

/// The integer nearest to `price x 10^scale`, as a double: exact wherever the price is the double
/// nearest to a decimal of at most `scale` digits and the integer is below 2^51.
#[inline(always)]
pub fn to_scaled(price: f64, factor: f64) -> f64 {
    round_half_even(price * factor)
}

/// `10^scale` as an exact double (`scale` up to 22).
pub fn pow_factor(scale: u8) -> f64 {
    crate::money::pow10(scale) as f64
}

/// Neumaier's compensated sum (A. Neumaier, 1974): the error is below 2 ulp of the result plus
/// `n^2 x 2^-106` of the sum of magnitudes, whatever the order of the terms.
#[derive(Clone, Copy, Debug, Default)]
pub struct CompensatedSum {
    sum: f64,
    rest: f64,
}

impl CompensatedSum {
    /// Adds a term; a term is taken away by adding its negative.
    #[inline]
    pub fn add(&mut self, x: f64) {
        let total = self.sum + x;
        self.rest += if self.sum.abs() >= x.abs() { (self.sum - total) + x } else { (x - total) + self.sum };
        self.sum = total;
    }

    /// The sum so far.
    #[inline]
    pub fn value(&self) -> f64 {
        self.sum + self.rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_compensated_sum_keeps_what_a_plain_sum_loses() {
        let mut sum = CompensatedSum::default();
        for x in [1.0, 1e100, 1.0, -1e100] {
            sum.add(x);
        }
        assert_eq!(sum.value(), 2.0);
    }

    proptest! {
        #[test]
        fn rounding_agrees_with_the_standard_library(x in -1e15f64..1e15) {
            prop_assert_eq!(round_half_even(x), x.round_ties_even());
        }

        #[test]
        fn decimals_scale_to_their_integer(units in 0i64..2_000_000_000_000) {
            let price = units as f64 / 1e6;
            prop_assert_eq!(to_scaled(price, 1e6), units as f64);
        }
    }
}
