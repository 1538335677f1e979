//! Amounts and rates, read from decimal text without passing through a float.

use std::{fmt, str::FromStr};

use barhive_engine::{
    instrument::Currency,
    money::{Money, SCALE_MAX, format_decimal, parse_decimal},
};

use super::read_from_text;
use crate::tree::quote;

/// A decimal number, kept as it was written until a scale is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    text: String,
}

impl Decimal {
    /// The number in units of `10^-scale`.
    ///
    /// # Errors
    /// When it has more decimals, or does not fit.
    pub(crate) fn at_scale(&self, scale: u8) -> Result<i128, String> {
        parse_decimal(&self.text, scale)
    }

    /// The number as units and the least scale that holds it.
    pub(crate) fn units(&self) -> Result<(i128, u8), String> {
        (0..=SCALE_MAX)
            .find_map(|scale| self.at_scale(scale).ok().map(|units| (units, scale)))
            .ok_or_else(|| format!("{} does not fit {SCALE_MAX} decimals", quote(&self.text)))
    }

    /// The nearest double.
    pub(crate) fn to_f64(&self) -> f64 {
        self.text.parse().unwrap_or(f64::NAN)
    }
}

impl FromStr for Decimal {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match parse_decimal(text, SCALE_MAX) {
            Ok(_) => Ok(Self { text: text.to_owned() }),
            Err(fault) => Err(fault.replace('`', "\"")),
        }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

read_from_text!(
    Decimal,
    r"^[-+]?[0-9]*\.?[0-9]*([eE][-+]?[0-9]+)?$",
    "A decimal number, kept exactly",
    ["number", "string"]
);

/// An amount with its currency: `100000 USDT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cash {
    pub(crate) amount: Money,
    pub(crate) currency: Currency,
}

impl FromStr for Cash {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fault =
            || format!("expected an amount and its currency such as 100000 USDT, found {}", quote(text));
        let (amount, currency) = text.trim().split_once(' ').ok_or_else(fault)?;
        Ok(Self {
            amount: amount.parse().map_err(|_| fault())?,
            currency: Currency::new(currency.trim()).map_err(|_| fault())?,
        })
    }
}

read_from_text!(
    Cash,
    r"^[0-9]+(\.[0-9]+)? +[A-Z0-9]{1,12}$",
    "An amount and its currency: 100000 USDT",
    ["string"]
);

/// A share of something in parts per billion: `0.1%` or `0.001`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) ppb: i64,
}

impl Rate {
    /// A rate from basis points.
    ///
    /// # Errors
    /// When it has more decimals than parts per billion hold, or does not fit.
    pub(crate) fn from_bps(bps: &Decimal) -> Result<Self, String> {
        Self::from_units(bps.at_scale(5)?)
    }

    fn from_units(units: i128) -> Result<Self, String> {
        i64::try_from(units).map(|ppb| Self { ppb }).map_err(|_| "the rate is too large".into())
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fault = |_| format!("expected a rate such as 0.1% or 0.001, found {}", quote(text));
        let units = match text.strip_suffix('%') {
            Some(percent) => parse_decimal(percent.trim_end(), 7),
            None => parse_decimal(text, 9),
        };
        Self::from_units(units.map_err(fault)?)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", format_decimal(i128::from(self.ppb), 7))
    }
}

read_from_text!(
    Rate,
    r"^[0-9]*\.?[0-9]*([eE][-+]?[0-9]+)?%?$",
    "A rate: 0.1% or 0.001",
    ["number", "string"]
);

/// A fraction: `0.25` or `25%`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fraction(pub(crate) f64);

impl FromStr for Fraction {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fault = |_| format!("expected a fraction such as 0.25 or 25%, found {}", quote(text));
        // Read as an integer first: 25% and 0.25 must be the same double.
        let units = match text.strip_suffix('%') {
            Some(percent) => parse_decimal(percent.trim_end(), 10),
            None => parse_decimal(text, 12),
        };
        let exact = format_decimal(units.map_err(fault)?, 12);
        exact.parse().map(Self).map_err(|_| fault(String::new()))
    }
}

read_from_text!(
    Fraction,
    r"^[0-9]*\.?[0-9]*([eE][-+]?[0-9]+)?%?$",
    "A fraction: 0.25 or 25%",
    ["number", "string"]
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_and_fraction_are_the_same_number() {
        assert_eq!("0.1%".parse::<Rate>().unwrap(), "0.001".parse().unwrap());
        assert_eq!("0.1%".parse::<Rate>().unwrap().ppb, 1_000_000);
        assert_eq!(Rate::from_bps(&"10".parse().unwrap()).unwrap().ppb, 1_000_000);
        assert_eq!("12.5%".parse::<Fraction>(), "0.125".parse());
        assert_eq!("33%".parse::<Fraction>().unwrap(), Fraction(0.33));
    }

    #[test]
    fn cash_needs_its_currency() {
        let cash: Cash = "100000.5 USDT".parse().unwrap();
        assert_eq!((cash.amount.to_string().as_str(), cash.currency.as_str()), ("100000.5", "USDT"));
        for text in ["100000", "USDT", "1e400 USD", "10 usd", "ten USD", ""] {
            assert!(text.parse::<Cash>().unwrap_err().contains("100000 USDT"), "{text}");
        }
    }

    #[test]
    fn a_decimal_finds_its_least_scale() {
        assert_eq!("0.0010".parse::<Decimal>().unwrap().units(), Ok((1, 3)));
        assert_eq!("25".parse::<Decimal>().unwrap().units(), Ok((25, 0)));
        assert!("NaN".parse::<Decimal>().is_err());
        assert!("1e-13".parse::<Decimal>().is_err());
    }
}
