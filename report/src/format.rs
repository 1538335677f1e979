//! How numbers are spelled for people. JSON and record files never use these.

use barhive_engine::{
    money::{MONEY_SCALE, Money, div_half_even, pow10},
    time::{NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE, NS_PER_SECOND, format_utc},
};

/// What stands for a value that is not defined.
pub const NOTHING: &str = "\u{2013}";

/// A whole number with thousands set apart: `38,897`.
pub fn count(value: u64) -> String {
    grouped(&value.to_string())
}

/// Money to `decimals` places (at most nine), rounded half-even: `995,064.17`.
pub fn money(value: Money, decimals: u8) -> String {
    let decimals = decimals.min(MONEY_SCALE);
    let scaled = div_half_even(value.0, pow10(MONEY_SCALE - decimals));
    let base = 10u128.pow(u32::from(decimals));
    let (whole, rest) = (scaled.unsigned_abs() / base, scaled.unsigned_abs() % base);
    let sign = if scaled < 0 { "-" } else { "" };
    let whole = grouped(&whole.to_string());
    match decimals {
        0 => format!("{sign}{whole}"),
        _ => format!("{sign}{whole}.{rest:0width$}", width = usize::from(decimals)),
    }
}

/// A number to `decimals` places with thousands set apart: `-1,234.50`.
pub fn number(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return NOTHING.into();
    }
    let text = format!("{:.decimals$}", value.abs());
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    // What rounds to nothing has no sign.
    let negative = value < 0.0 && text.bytes().any(|b| b.is_ascii_digit() && b != b'0');
    format!("{}{}{rest}", if negative { "-" } else { "" }, grouped(whole))
}

/// A fraction as a percentage: 0.0123 is `1.23 %`.
pub fn percent(fraction: f64) -> String {
    if fraction.is_finite() { format!("{} %", number(fraction * 100.0, 2)) } else { NOTHING.into() }
}

/// A length of time in its two largest units: `41 d 7 h`.
pub fn duration(ns: i64) -> String {
    let units = [(NS_PER_DAY, "d"), (NS_PER_HOUR, "h"), (NS_PER_MINUTE, "min"), (NS_PER_SECOND, "s")];
    let Some(first) = units.iter().position(|(length, _)| ns >= *length) else {
        return if ns <= 0 { "0 s".into() } else { format!("{} ms", ns / 1_000_000) };
    };
    let (length, unit) = units[first];
    let whole = format!("{} {unit}", grouped(&(ns / length).to_string()));
    match units.get(first + 1) {
        Some((length_next, unit_next)) if ns % length >= *length_next => {
            format!("{whole} {} {unit_next}", ns % length / length_next)
        }
        _ => whole,
    }
}

/// A number of milliseconds: `8.3 ms`, `1.42 s`, `3 min 12 s`.
pub fn milliseconds(ms: f64) -> String {
    match ms {
        ms if ms < 1000.0 => format!("{} ms", number(ms, if ms < 10.0 { 1 } else { 0 })),
        ms if ms < 60_000.0 => format!("{} s", number(ms / 1e3, 2)),
        ms => duration((ms * 1e6) as i64),
    }
}

/// A number of bytes: `11.4 MB` (of 10^6).
pub fn bytes(value: u64) -> String {
    let value = value as f64;
    match value {
        v if v < 1e3 => format!("{v} B"),
        v if v < 1e6 => format!("{} kB", number(v / 1e3, 1)),
        v if v < 1e9 => format!("{} MB", number(v / 1e6, 1)),
        v => format!("{} GB", number(v / 1e9, 2)),
    }
}

/// A large rate in short: `71.3 M`, `950 k`.
pub fn short(value: f64) -> String {
    match value {
        v if v >= 1e9 => format!("{} G", number(v / 1e9, 2)),
        v if v >= 1e6 => format!("{} M", number(v / 1e6, 1)),
        v if v >= 1e4 => format!("{} k", number(v / 1e3, 0)),
        v => number(v, 0),
    }
}

/// A stamp to the minute (or the second, where it has some): `2023-01-02 09:31`.
pub fn stamp(ts_ns: i64) -> String {
    let text = format_utc(ts_ns);
    let end = if ts_ns % NS_PER_MINUTE == 0 { 16 } else { 19 };
    text.get(..end).unwrap_or(&text).replace('T', " ")
}

/// Two stamps, without times of day where both are midnight: `2023-01-02 to 2024-01-02`.
pub fn span(span_ns: (i64, i64)) -> String {
    let (from, to) = span_ns;
    if from % NS_PER_DAY == 0 && to % NS_PER_DAY == 0 {
        format!("{} to {}", &stamp(from)[..10], &stamp(to)[..10])
    } else {
        format!("{} to {}", stamp(from), stamp(to))
    }
}

fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_spelled_for_people() {
        assert_eq!(count(1_038_897), "1,038,897");
        assert_eq!(money("995064.166171607".parse().unwrap(), 2), "995,064.17");
        assert_eq!(money("-0.005".parse().unwrap(), 2), "0.00");
        assert_eq!(money("-1234.5".parse().unwrap(), 0), "-1,234");
        assert_eq!(number(-0.001, 2), "0.00");
        assert_eq!(number(-1234.5, 2), "-1,234.50");
        assert_eq!(number(f64::NAN, 2), NOTHING);
        assert_eq!(percent(-0.012_34), "-1.23 %");
        assert_eq!(duration(41 * NS_PER_DAY + 7 * NS_PER_HOUR + 5), "41 d 7 h");
        assert_eq!(duration(3 * NS_PER_DAY + 5 * NS_PER_MINUTE), "3 d");
        assert_eq!(duration(61 * NS_PER_SECOND), "1 min 1 s");
        assert_eq!((duration(0), duration(2_500_000)), ("0 s".into(), "2 ms".into()));
        assert_eq!((milliseconds(8.31), milliseconds(1420.0)), ("8.3 ms".into(), "1.42 s".into()));
        assert_eq!((bytes(999), bytes(11_400_000)), ("999 B".into(), "11.4 MB".into()));
        assert_eq!(stamp(1_672_651_860_000_000_000), "2023-01-02 09:31");
        assert_eq!(span((0, NS_PER_DAY)), "1970-01-01 to 1970-01-02");
    }
}
