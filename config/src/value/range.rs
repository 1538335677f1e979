//! `range(5, 50, 5)`: evenly spaced values, worked out on decimals.

use barhive_engine::money::{SCALE_MAX, format_decimal, parse_decimal};

use super::Decimal;
use crate::tree::quote;

/// Values that a range may have.
pub(crate) const VALUES_MAX: u64 = 100_000;

/// Whether a text is meant as a range.
pub(crate) fn is_range(text: &str) -> bool {
    text.trim_start().strip_prefix("range").is_some_and(|rest| rest.trim_start().starts_with('('))
}

/// The values of `range(first, last, step)`, both ends included, as decimals; the step is 1 when it is
/// left out. Where steps do not reach the last value, the range ends before it.
///
/// Values are sums of decimals, never of doubles: the third of `range(0.1, 0.9, 0.1)` is `0.3`.
///
/// # Errors
/// What is wrong with the text.
pub(crate) fn range_values(text: &str) -> Result<Vec<String>, String> {
    let text = text.trim();
    let form = || format!("expected range(first, last, step), found {}", quote(text));
    let inner = text
        .strip_prefix("range")
        .and_then(|rest| rest.trim_start().strip_prefix('('))
        .and_then(|rest| rest.strip_suffix(')'))
        .ok_or_else(form)?;
    let parts: Vec<&str> = inner.split(',').map(str::trim).collect();
    let (first, last, step) = match parts.as_slice() {
        [first, last] => (*first, *last, "1"),
        [first, last, step] => (*first, *last, *step),
        _ => return Err(form()),
    };
    let mut scale = 0;
    for part in [first, last, step] {
        let (_, needed) = part.parse::<Decimal>()?.units()?;
        scale = scale.max(needed);
    }
    debug_assert!(scale <= SCALE_MAX);
    let units = |text: &str| parse_decimal(text, scale).map_err(|fault| fault.replace('`', "\""));
    let (first, last, step) = (units(first)?, units(last)?, units(step)?);
    if step == 0 {
        return Err(format!("the step of {} is 0", quote(text)));
    }
    let too_many = || format!("{} has more than {VALUES_MAX} values", quote(text));
    let span = last.checked_sub(first).ok_or_else(too_many)?;
    if span != 0 && (span < 0) != (step < 0) {
        return Err(format!("the step of {} leads away from its end", quote(text)));
    }
    let steps = span / step;
    if steps >= i128::from(VALUES_MAX) {
        return Err(too_many());
    }
    Ok((0..=steps).map(|index| format_decimal(first + index * step, scale)).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_ends_belong_to_a_range() {
        let values = |text: &str| range_values(text).map(|values| values.join(" "));
        for (text, expected) in [
            ("range(5, 50, 5)", "5 10 15 20 25 30 35 40 45 50"),
            ("range(5, 12, 5)", "5 10"),
            ("range(3, 3, 5)", "3"),
            ("range(1, 4)", "1 2 3 4"),
            ("range( 0.5,0.9 , 0.1 )", "0.5 0.6 0.7 0.8 0.9"),
            ("range(2, -1, -1.5)", "2 0.5 -1"),
            ("range (1e-3, 0.003, 0.001)", "0.001 0.002 0.003"),
        ] {
            assert_eq!(values(text).as_deref(), Ok(expected), "{text}");
        }
        assert_eq!(range_values("range(1.0, 4.0, 0.1)").unwrap().len(), 31);
        for text in [
            "range(1)",
            "range(1, 2, 3, 4)",
            "range(1, 2",
            "range(a, 2)",
            "range(1, 5, 0)",
            "range(1, 5, -1)",
            "range(1, 1e9)",
            "range(-1e26, 1e26, 1e-12)",
            "range(1, 2, 1e-13)",
            "range(,)",
        ] {
            assert!(range_values(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn values_are_the_doubles_nearest_to_the_decimals(
            first in -1_000_000i64..1_000_000,
            step in 1i64..5_000,
            count in 1i64..200,
            scale in 0u32..6,
        ) {
            let text = |units: i64| format_decimal(i128::from(units), scale as u8);
            let last = first + step * (count - 1) + step / 2;
            let range = format!("range({}, {}, {})", text(first), text(last), text(step));
            let values = range_values(&range).unwrap();
            prop_assert_eq!(values.len() as i64, count);
            for (index, value) in values.iter().enumerate() {
                let units = first + step * index as i64;
                // A quotient of two exact doubles is rounded once: the nearest double to the decimal.
                let nearest = units as f64 / 10f64.powi(scale as i32);
                prop_assert_eq!(value.parse::<f64>().unwrap(), nearest);
            }
            let downwards = format!("range({}, {}, {})", text(-first), text(-last), text(-step));
            let negated: Vec<f64> = range_values(&downwards).unwrap().iter().map(|v| -v.parse::<f64>().unwrap()).collect();
            let plain: Vec<f64> = values.iter().map(|v| v.parse::<f64>().unwrap()).collect();
            prop_assert_eq!(negated, plain);
        }

        #[test]
        fn no_text_makes_it_panic(text in "range ?\\([-0-9a-z., ]{0,30}\\)?") {
            let _ = range_values(&text);
        }
    }
}
