//! Names of indicators: name, parameters and input, in one canonical spelling.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A column of a bar series that an indicator may read.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum PriceField {
    /// First price.
    Open,
    /// Highest price.
    High,
    /// Lowest price.
    Low,
    /// Last price.
    #[default]
    Close,
    /// Traded quantity.
    Volume,
    /// (high + low) / 2.
    Hl2,
    /// (high + low + close) / 3.
    Hlc3,
    /// (open + high + low + close) / 4.
    Ohlc4,
}

impl fmt::Display for PriceField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::High => "high",
            Self::Low => "low",
            Self::Close => "close",
            Self::Volume => "volume",
            Self::Hl2 => "hl2",
            Self::Hlc3 => "hlc3",
            Self::Ohlc4 => "ohlc4",
        })
    }
}

/// A parameter's value.
#[derive(Clone, Copy, Debug)]
pub enum ParamValue {
    /// A whole number.
    Int(i64),
    /// A real number; compared and hashed by its bits.
    Float(f64),
}

impl ParamValue {
    /// The value as a double.
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Float(value) => value,
        }
    }

    fn key(self) -> (u8, u64) {
        match self {
            Self::Int(value) => (0, value as u64),
            Self::Float(value) => (1, value.to_bits()),
        }
    }
}

impl PartialEq for ParamValue {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for ParamValue {}

impl std::hash::Hash for ParamValue {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl fmt::Display for ParamValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value}"),
        }
    }
}

impl From<i64> for ParamValue {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u32> for ParamValue {
    fn from(value: u32) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<f64> for ParamValue {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

/// Named parameter values, in the order in which they were set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Params(Vec<(String, ParamValue)>);

impl Params {
    /// The value of `name`.
    pub fn get(&self, name: &str) -> Option<ParamValue> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| *value)
    }

    /// A whole number from complete parameters.
    ///
    /// # Panics
    /// When it is missing: parameters are completed before a kernel sees them.
    pub fn int(&self, name: &str) -> usize {
        match self.get(name) {
            Some(ParamValue::Int(value)) => value as usize,
            other => panic!("parameter {name} was not completed: {other:?}"),
        }
    }

    /// A real number from complete parameters.
    ///
    /// # Panics
    /// When it is missing: parameters are completed before a kernel sees them.
    pub fn float(&self, name: &str) -> f64 {
        self.get(name).unwrap_or_else(|| panic!("parameter {name} was not completed")).as_f64()
    }

    /// Sets or replaces a value.
    pub fn set(&mut self, name: &str, value: ParamValue) {
        match self.0.iter_mut().find(|(n, _)| n == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, ParamValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }
}

/// What an indicator reads.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum InputSpec {
    /// A column of the bars.
    Price(PriceField),
    /// An output of another indicator on the same series.
    Indicator(Box<IndicatorSpec>, usize),
    /// When the bars of the series open, from its first to its last. No indicator reads it, but the
    /// column of [`crate::strategy::Setup::week_edges`] is made of it.
    Timetable,
}

/// An indicator with its parameters and its input: `sma(period=10)@close`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IndicatorSpec {
    /// Its registered name.
    pub name: String,
    /// Its parameters; what is left out takes the default.
    pub params: Params,
    /// What it reads; ignored by indicators on whole bars.
    pub input: InputSpec,
}

impl IndicatorSpec {
    /// The indicator `name` on the close, with default parameters.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), params: Params::default(), input: InputSpec::Price(PriceField::Close) }
    }

    /// Sets a parameter.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<ParamValue>) -> Self {
        self.params.set(name, value.into());
        self
    }

    /// The column of [`crate::strategy::Setup::week_edges`].
    pub(crate) fn week_edges(bars: u32) -> Self {
        Self { input: InputSpec::Timetable, ..Self::new("week_edges").with("bars", bars) }
    }

    /// Whether it is made of time stamps, and no indicator that the hub computes from prices.
    pub fn is_of_timetable(&self) -> bool {
        self.input == InputSpec::Timetable
    }

    /// Reads another column of the bars.
    #[must_use]
    pub fn on(mut self, field: PriceField) -> Self {
        self.input = InputSpec::Price(field);
        self
    }

    /// Reads an output of another indicator.
    #[must_use]
    pub fn over(mut self, inner: IndicatorSpec, output: usize) -> Self {
        self.input = InputSpec::Indicator(Box::new(inner), output);
        self
    }
}

impl fmt::Display for IndicatorSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.name)?;
        for (index, (name, value)) in self.params.iter().enumerate() {
            write!(f, "{}{name}={value}", if index == 0 { "" } else { "," })?;
        }
        match &self.input {
            InputSpec::Price(field) => write!(f, ")@{field}"),
            InputSpec::Timetable => f.write_str(")@timetable"),
            InputSpec::Indicator(inner, output) => write!(f, ")@{inner}[{output}]"),
        }
    }
}
