//! Exact numbers: prices, quantities and money as integers.
//!
//! A price is an `i64` at its instrument's price scale, a quantity an `i64` count of lots, money an
//! `i128` at 1e-9 of its currency. Products are formed in `i128` and rounded half-even once.

use std::{
    fmt,
    iter::Sum,
    ops::{Add, AddAssign, Neg, Sub, SubAssign},
    str::FromStr,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Decimals that money keeps.
pub const MONEY_SCALE: u8 = 9;
/// The most decimals a price, a lot or a multiplier may have.
pub const SCALE_MAX: u8 = 12;

/// Money in 1e-9 of its currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(pub i128);

impl Money {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// Whole units of a currency.
    pub fn from_units(units: i64) -> Self {
        Self(i128::from(units) * 1_000_000_000)
    }

    /// The nearest double; for statistics and charts, never for decisions about money.
    pub fn to_f64(self) -> f64 {
        // Two exact parts and one rounding each: an i128 may exceed 2^53.
        match i64::try_from(self.0) {
            Ok(small) if small.unsigned_abs() < (1 << 53) => small as f64 / 1e9,
            _ => {
                let (units, rest) = (self.0.div_euclid(1_000_000_000), self.0.rem_euclid(1_000_000_000));
                units as f64 + rest as f64 / 1e9
            }
        }
    }

    /// The sum, or `None` when it leaves `i128`.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, or `None` when it leaves `i128`.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// Its magnitude.
    pub fn abs(self) -> Self {
        Self(self.0.abs())
    }
}

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Neg for Money {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl SubAssign for Money {
    fn sub_assign(&mut self, other: Self) {
        self.0 -= other.0;
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format_decimal(self.0, MONEY_SCALE))
    }
}

impl FromStr for Money {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        parse_decimal(text, MONEY_SCALE).map(Self)
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Money {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Money".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": ["string", "number"],
            "description": "An amount with at most nine decimals, kept exactly"
        })
    }
}

/// `10^exponent`; exponents above 38 do not fit and are the caller's mistake.
pub const fn pow10(exponent: u8) -> i128 {
    10i128.pow(exponent as u32)
}

/// `numerator / denominator`, rounded to the nearest integer, ties to even. `denominator > 0`.
#[inline]
pub fn div_half_even(numerator: i128, denominator: i128) -> i128 {
    // Almost every posting fits 64 bits, where a division is several times cheaper.
    if let (Ok(n), Ok(d)) = (i64::try_from(numerator), i64::try_from(denominator)) {
        let (quotient, rest) = (n.div_euclid(d), n.rem_euclid(d));
        let twice = (rest as u64) * 2;
        let up = twice > d as u64 || (twice == d as u64 && quotient & 1 == 1);
        return i128::from(quotient) + i128::from(up);
    }
    let (quotient, rest) = (numerator.div_euclid(denominator), numerator.rem_euclid(denominator));
    let up = rest > denominator - rest || (rest == denominator - rest && quotient & 1 == 1);
    quotient + i128::from(up)
}

/// Writes `value / 10^scale` as a decimal without trailing zeros: `995064.166171607`, `-0.5`, `12`.
pub fn format_decimal(value: i128, scale: u8) -> String {
    let base = 10u128.pow(u32::from(scale));
    let (whole, rest) = (value.unsigned_abs() / base, value.unsigned_abs() % base);
    let sign = if value < 0 { "-" } else { "" };
    if rest == 0 {
        return format!("{sign}{whole}");
    }
    let digits = format!("{rest:0width$}", width = usize::from(scale));
    format!("{sign}{whole}.{}", digits.trim_end_matches('0'))
}

/// Reads a plain decimal (`-12.5`, `1000`, `1e-8`) into an integer at `10^-scale`, exactly.
///
/// # Errors
/// When the text is not a decimal, has more decimals than `scale`, or does not fit.
pub fn parse_decimal(text: &str, scale: u8) -> Result<i128, String> {
    let fault = || format!("expected a decimal number, found `{text}`");
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], text[at + 1..].parse::<i32>().map_err(|_| fault())?),
        None => (text, 0),
    };
    let (negative, mantissa) = match mantissa.as_bytes().first() {
        Some(b'-') => (true, &mantissa[1..]),
        Some(b'+') => (false, &mantissa[1..]),
        _ => (false, mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return Err(fault());
    }
    let mut value: i128 = 0;
    for digit in whole.bytes().chain(fraction.bytes()) {
        if !digit.is_ascii_digit() {
            return Err(fault());
        }
        value = value
            .checked_mul(10)
            .and_then(|v| v.checked_add(i128::from(digit - b'0')))
            .ok_or_else(|| format!("`{text}` is too large"))?;
    }
    if value == 0 {
        return Ok(0);
    }
    let mut shift = i64::from(scale) + i64::from(exponent) - fraction.len() as i64;
    while shift < 0 {
        if value % 10 != 0 {
            return Err(format!("`{text}` has more than {scale} decimals"));
        }
        value /= 10;
        shift += 1;
    }
    let factor = u32::try_from(shift).ok().and_then(|s| 10i128.checked_pow(s));
    let value = factor.and_then(|f| value.checked_mul(f)).ok_or_else(|| format!("`{text}` is too large"))?;
    Ok(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ties_go_to_the_even_neighbour() {
        let cases =
            [(5, 10, 0), (15, 10, 2), (25, 10, 2), (-5, 10, 0), (-15, 10, -2), (14, 10, 1), (-16, 10, -2)];
        for (n, d, expected) in cases {
            assert_eq!(div_half_even(n, d), expected, "{n}/{d}");
            let wide = 1i128 << 80;
            assert_eq!(div_half_even(n * wide, d * wide), expected, "wide {n}/{d}");
        }
    }

    #[test]
    fn decimals_are_read_exactly_or_refused() {
        assert_eq!(parse_decimal("995064.166171607", 9), Ok(995_064_166_171_607));
        assert_eq!(parse_decimal("1.132e-05", 8), Ok(1132));
        assert_eq!(parse_decimal("-.5", 1), Ok(-5));
        assert_eq!(parse_decimal("1.50", 1), Ok(15));
        assert!(parse_decimal("1.55", 1).unwrap_err().contains("more than 1 decimals"));
        for text in ["", "-", ".", "1.2.3", "NaN", "inf", "1e", "0x10", "1_000"] {
            assert!(parse_decimal(text, 9).is_err(), "{text}");
        }
        assert!(parse_decimal("1e400000000", 9).unwrap_err().contains("too large"));
    }

    proptest! {
        #[test]
        fn text_round_trips(value in any::<i64>(), scale in 0u8..=SCALE_MAX) {
            let value = i128::from(value);
            prop_assert_eq!(parse_decimal(&format_decimal(value, scale), scale), Ok(value));
        }

        #[test]
        fn both_division_paths_agree(n in any::<i64>(), d in 1i64..) {
            let wide = 1i128 << 63;
            prop_assert_eq!(
                div_half_even(i128::from(n), i128::from(d)),
                div_half_even(i128::from(n) * wide, i128::from(d) * wide)
            );
        }
    }
}
