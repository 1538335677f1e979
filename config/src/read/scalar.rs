//! Scalars by the type that asks for them.

use super::error::Error;
use crate::tree::{Node, Scalar, Value, quote};

/// The scalar of a node that a type of one value asks for.
fn scalar<'t>(node: &'t Node, expected: &str) -> Result<&'t Scalar, Error> {
    match &node.value {
        Value::Scalar(scalar) if !scalar.text.is_empty() || scalar.quoted => Ok(scalar),
        _ => Err(Error::expected(expected, &node.describe())),
    }
}

/// Text, exactly as it was written.
pub(crate) fn text(node: &Node) -> Result<&str, Error> {
    let text = &scalar(node, "text")?.text;
    if text.contains("${") {
        let error = Error::new(format!("{} is not replaced here", quote(text)));
        return Err(error.with_hint("${NAME} stands for an environment variable in secrets only"));
    }
    Ok(text)
}

/// `true` or `false`, in no other spelling.
pub(crate) fn boolean(node: &Node) -> Result<bool, Error> {
    const EXPECTED: &str = "true or false";
    let scalar = scalar(node, EXPECTED)?;
    match (&*scalar.text, scalar.quoted) {
        ("true", false) => Ok(true),
        ("false", false) => Ok(false),
        (text, quoted) => {
            let error = Error::expected(EXPECTED, &quote(text));
            Err(match text.to_ascii_lowercase().as_str() {
                "true" | "false" if quoted => error.with_hint("remove the quotation marks"),
                "yes" | "on" | "y" | "true" => error.with_hint("write true"),
                "no" | "off" | "n" | "false" => error.with_hint("write false"),
                _ => error,
            })
        }
    }
}

/// A whole number within the bounds of a type.
pub(crate) fn integer(node: &Node, min: i128, max: i128) -> Result<i128, Error> {
    let scalar = scalar(node, "a whole number")?;
    let text = &*scalar.text;
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if scalar.quoted || digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        let error = Error::expected("a whole number", &quote(text));
        let bare: String = text.chars().filter(|c| !matches!(c, '_' | ',' | ' ')).collect();
        return Err(match bare.parse::<i128>() {
            Ok(number) if scalar.quoted => error.with_hint(format!("without quotation marks: {number}")),
            Ok(number) => error.with_hint(format!("write {number}")),
            Err(_) => error,
        });
    }
    match text.parse::<i128>() {
        Ok(number) if (min..=max).contains(&number) => Ok(number),
        _ => Err(Error::expected(&format!("a whole number from {min} to {max}"), text)),
    }
}

/// A finite number.
pub(crate) fn float(node: &Node) -> Result<f64, Error> {
    let scalar = scalar(node, "a number")?;
    let text = &*scalar.text;
    let fault = || {
        let error = Error::expected("a number", &quote(text));
        match text.trim_matches('"').replace('_', "").parse::<f64>() {
            Ok(number) if number.is_finite() && scalar.quoted => {
                error.with_hint("remove the quotation marks")
            }
            Ok(number) if number.is_finite() => error.with_hint(format!("write {number}")),
            Ok(_) => Error::expected("a finite number", &quote(text)),
            Err(_) => match text.strip_suffix('%').and_then(|t| t.trim().parse::<f64>().ok()) {
                Some(percent) => error.with_hint(format!("write {}", percent / 100.0)),
                None => error,
            },
        }
    };
    if scalar.quoted || !is_decimal(text) {
        return Err(fault());
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err(Error::expected("a finite number", text)),
    }
}

/// Whether text is a decimal number with an optional exponent.
fn is_decimal(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
        None => (text, None),
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|e| !e.is_empty() && digits(e))
}

/// What a scalar is when its type does not say: YAML 1.2's core schema.
pub(crate) enum Untyped<'t> {
    Null,
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Text(&'t str),
}

/// Resolves a scalar for a type that takes anything.
pub(crate) fn untyped(node: &Node) -> Result<Untyped<'_>, Error> {
    if node.is_null() {
        return Ok(Untyped::Null);
    }
    let text = text(node)?;
    let quoted = matches!(&node.value, Value::Scalar(scalar) if scalar.quoted);
    if quoted {
        return Ok(Untyped::Text(text));
    }
    if let Ok(value) = boolean(node) {
        return Ok(Untyped::Bool(value));
    }
    // A leading zero makes a code (0052), not a number.
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_code = digits.len() > 1 && digits.starts_with('0');
    if !is_code && let Ok(value) = integer(node, i128::from(i64::MIN), i128::from(u64::MAX)) {
        return Ok(match i64::try_from(value) {
            Ok(value) => Untyped::Signed(value),
            Err(_) => Untyped::Unsigned(value as u64),
        });
    }
    if text.contains(['.', 'e', 'E']) && is_decimal(text) {
        return float(node).map(Untyped::Float);
    }
    Ok(Untyped::Text(text))
}
