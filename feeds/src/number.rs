//! Decimal text to the nearest double, fast where that is exact and by the standard library elsewhere.

/// Bytes that must be readable behind every place where a number is looked for.
pub(crate) const SLACK: usize = 8;

const POWERS: [f64; 20] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19,
];
const TENS: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// Reads up to eight digits at `at`: their value and how many there are.
#[inline(always)]
fn digits8(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let chunk = u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?);
    let values = chunk ^ 0x3030_3030_3030_3030;
    // The high bit of each byte that is no digit; a carry only spoils bytes behind the first of them.
    let others = (values.wrapping_add(0x7676_7676_7676_7676) | values) & 0x8080_8080_8080_8080;
    let count = (others.trailing_zeros() / 8) as usize;
    if count == 0 {
        return Some((0, 0));
    }
    // Digits move to the far end, zeros come before them, and pairs are folded three times.
    let mut v = values << (64 - 8 * count);
    v = (v & 0x0f0f_0f0f_0f0f_0f0f).wrapping_mul(2561) >> 8;
    v = (v & 0x00ff_00ff_00ff_00ff).wrapping_mul(6_553_601) >> 16;
    v = (v & 0x0000_ffff_0000_ffff).wrapping_mul(42_949_672_960_001) >> 32;
    Some((v, count))
}

/// Reads the digits at `at` and adds them to `value`: the new value and where the digits end.
#[inline(always)]
fn digits(bytes: &[u8], mut at: usize, mut value: u64) -> Option<(u64, usize)> {
    loop {
        let (part, count) = digits8(bytes, at)?;
        value = value.wrapping_mul(TENS[count]).wrapping_add(part);
        at += count;
        if count < 8 {
            return Some((value, at));
        }
    }
}

/// Reads an optionally signed integer of at most 19 digits at `at`: its value and where it ends.
#[inline(always)]
pub(crate) fn integer(bytes: &[u8], at: usize) -> Option<(i64, usize)> {
    let negative = *bytes.get(at)? == b'-';
    let start = at + usize::from(negative);
    let (value, end) = digits(bytes, start, 0)?;
    if end == start || end - start > 19 {
        return None;
    }
    let value = i64::try_from(value).ok()?;
    Some((if negative { -value } else { value }, end))
}

/// Reads a plain decimal at `at`: the nearest double and where it ends.
///
/// `None` where this short path does not apply (no digit, a mantissa of 2^53 or more, more than 19
/// digits, an exponent): the caller falls back to [`number`].
#[inline(always)]
pub(crate) fn decimal(bytes: &[u8], at: usize) -> Option<(f64, usize)> {
    let negative = *bytes.get(at)? == b'-';
    let start = at + usize::from(negative);
    let (mut mantissa, mut end) = digits(bytes, start, 0)?;
    let mut count = end - start;
    let mut decimals = 0;
    if *bytes.get(end)? == b'.' {
        let first = end + 1;
        (mantissa, end) = digits(bytes, first, mantissa)?;
        decimals = end - first;
        count += decimals;
    }
    // Both operands are exact doubles, so their quotient is the nearest double (Clinger, 1990).
    if count == 0 || count > 19 || mantissa >= 1 << 53 || (*bytes.get(end)? | 0x20) == b'e' {
        return None;
    }
    let value = mantissa as f64 / POWERS[decimals];
    Some((if negative { -value } else { value }, end))
}

/// Reads a whole field as a number. An empty field or a spelled-out gap (`null`, `NA`, `-`) is NaN: a
/// missing value. `None` for what is no number at all.
pub(crate) fn number(field: &[u8]) -> Option<f64> {
    const MISSING: [&str; 8] = ["", "-", "null", "none", "na", "n/a", "nil", "-nan"];
    let text = std::str::from_utf8(field).ok()?.trim();
    match text.parse() {
        Ok(value) => Some(value),
        Err(_) if MISSING.iter().any(|missing| missing.eq_ignore_ascii_case(text)) => Some(f64::NAN),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Option<(f64, usize)> {
        let mut bytes = text.as_bytes().to_vec();
        bytes.extend([0; SLACK]);
        decimal(&bytes, 0)
    }

    #[test]
    fn plain_decimals_end_at_the_first_other_byte() {
        assert_eq!(read("100.123457,5"), Some((100.123457, 10)));
        assert_eq!(read("-0.5"), Some((-0.5, 4)));
        assert_eq!(read(".5;"), Some((0.5, 2)));
        assert_eq!(read("7."), Some((7.0, 2)));
        assert_eq!(read("12345678901234.5"), Some((12_345_678_901_234.5, 16)));
        for text in ["", "-", ".", "abc", "1e5", "9007199254740993", "0.14550000429153442", "+1"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn integers_keep_their_sign_and_are_bounded() {
        let read = |text: &str| integer(&[text.as_bytes(), &[0; SLACK]].concat(), 0);
        assert_eq!(read("-252374400000,"), Some((-252_374_400_000, 13)));
        assert_eq!(read("9223372036854775807"), Some((i64::MAX, 19)));
        assert_eq!(read("9999999999999999999"), None);
        assert_eq!(read("x"), None);
    }

    #[test]
    fn missing_values_are_nan_and_other_text_is_none() {
        for text in ["", " ", "null", "NaN", "N/A", "-"] {
            assert!(number(text.as_bytes()).is_some_and(f64::is_nan), "{text}");
        }
        assert_eq!(number(b"1.132e-05"), Some(1.132e-5));
        assert_eq!(number(b" 12 "), Some(12.0));
        assert_eq!(number(b"-inf"), Some(f64::NEG_INFINITY));
        for text in ["1.2.3", "12a", "1,5", "0x10"] {
            assert_eq!(number(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_short_path_agrees_with_the_standard_library(
            whole in 0u64..10_000_000_000,
            decimals in 0u64..1_000_000_000,
            width in 0usize..12,
            negative in any::<bool>(),
        ) {
            let sign = if negative { "-" } else { "" };
            let text = format!("{sign}{whole}.{decimals:0width$}");
            let expected: f64 = text.parse().unwrap();
            if let Some((value, end)) = read(&text) {
                prop_assert_eq!(value.to_bits(), expected.to_bits());
                prop_assert_eq!(end, text.len());
            }
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let padded = [&bytes[..], &[0; SLACK]].concat();
            if let Some((value, end)) = decimal(&padded, 0) {
                prop_assert!(end <= bytes.len());
                let text = std::str::from_utf8(&bytes[..end]).unwrap();
                prop_assert_eq!(value, text.parse::<f64>().unwrap());
            }
            let _ = (integer(&padded, 0), number(&bytes));
        }
    }
}
