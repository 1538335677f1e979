//! Indicators: what one is, how it is named, and the kernels that compute it.
//!
//! One kernel serves streaming and batch. It is fed consecutive rows in pieces of any length and
//! gives the same bits for every way to cut them.

mod bands;
mod builtin;
mod deviation;
mod donchian;
mod exact;
mod extreme;
mod extremes;
mod macd;
mod moments;
mod momentum;
mod moving_average;
mod rolling_deviation;
mod rolling_mean;
mod rsi;
mod smoother;
mod spec;
mod true_range;
mod window;

pub use bands::bbands;
pub use builtin::{PERIOD_MAX, builtin};
pub use deviation::{stddev, zscore};
pub use donchian::donchian;
pub use extremes::{highest, lowest};
pub use macd::macd;
pub use momentum::{mom, roc};
pub use moving_average::{ema, sma};
pub use rsi::rsi;
pub use spec::{IndicatorSpec, InputSpec, ParamValue, Params, PriceField};
pub use true_range::{atr, tr};

use std::sync::Arc;

/// The rows that a kernel is fed: all slices have the same length.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The chosen input (a price field or another indicator's output).
    pub x: &'a [f64],
    /// `10^decimals` when every `x` is the double nearest to a decimal of that many digits: sums may
    /// then run over exact integers ([`crate::math::to_scaled`]). `None` asks for compensated sums.
    /// The same at every update of a kernel.
    pub x_factor: Option<f64>,
    /// First prices.
    pub open: &'a [f64],
    /// Highest prices.
    pub high: &'a [f64],
    /// Lowest prices.
    pub low: &'a [f64],
    /// Last prices.
    pub close: &'a [f64],
    /// Quantities.
    pub volume: &'a [f64],
    /// `10^decimals` for the price columns, as `x_factor`.
    pub price_factor: Option<f64>,
}

/// Where a kernel writes: one slice per output, each as long as the input.
#[derive(Debug)]
pub struct Output<'a, 'b> {
    columns: &'a mut [&'b mut [f64]],
}

impl<'a, 'b> Output<'a, 'b> {
    /// Output over `columns`, in the order of [`IndicatorDef::outputs`].
    pub fn new(columns: &'a mut [&'b mut [f64]]) -> Self {
        Self { columns }
    }

    /// The slice of output `index`.
    ///
    /// # Panics
    /// When the indicator declared fewer outputs.
    pub fn column(&mut self, index: usize) -> &mut [f64] {
        self.columns[index]
    }

    /// The slices of the first `N` outputs.
    ///
    /// # Panics
    /// When the indicator declared fewer outputs.
    pub fn columns<const N: usize>(&mut self) -> [&mut [f64]; N] {
        let mut columns = self.columns.iter_mut();
        std::array::from_fn(|_| {
            &mut **columns.next().expect("an indicator writes no more outputs than it declared")
        })
    }
}

/// The running state of one indicator.
pub trait Kernel: Send {
    /// Consumes the next rows and writes one value per row and output; NaN before it is warm.
    ///
    /// Allocates nothing. A NaN or infinite input never comes.
    fn update(&mut self, input: &Input<'_>, output: &mut Output<'_, '_>);

    /// A copy of the state as it stands.
    fn snapshot(&self) -> Box<dyn Kernel>;
}

/// What a kernel reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// One column, chosen by the specification (the close by default).
    Value,
    /// Whole bars.
    Bars,
}

/// The range and default of a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ParamKind {
    /// A whole number.
    Int {
        /// Least value.
        min: i64,
        /// Greatest value.
        max: i64,
        /// Value when it is not given.
        default: i64,
    },
    /// A real number.
    Float {
        /// Least value.
        min: f64,
        /// Greatest value.
        max: f64,
        /// Value when it is not given.
        default: f64,
    },
}

/// A parameter of an indicator.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParamDef {
    /// Its name.
    pub name: &'static str,
    /// Its range and default.
    pub kind: ParamKind,
    /// What it is, in one sentence.
    pub doc: &'static str,
}

/// The fixed headings under which every indicator is documented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IndicatorDoc {
    /// What it is, in one sentence.
    pub summary: &'static str,
    /// How it is computed.
    pub formula: &'static str,
    /// What it reads.
    pub inputs: &'static str,
    /// What it writes, in which units.
    pub output: &'static str,
    /// When its first value comes.
    pub warm_up: &'static str,
    /// How its first value is found.
    pub seeding: &'static str,
    /// Author and year, or the function it agrees with.
    pub source: &'static str,
}

/// Builds a kernel from complete, checked parameters.
pub type BuildKernel = Arc<dyn Fn(&Params) -> Box<dyn Kernel> + Send + Sync>;

/// An indicator as the registry knows it.
#[derive(Clone)]
pub struct IndicatorDef {
    /// Its name, lower case: `sma`.
    pub name: &'static str,
    /// Its documentation.
    pub doc: IndicatorDoc,
    /// What it reads.
    pub input: InputKind,
    /// Its parameters, in canonical order.
    pub params: Vec<ParamDef>,
    /// Names of its outputs, the main one first.
    pub outputs: Vec<&'static str>,
    /// Rows until the first value of the main output: the value exists at row `warm_up - 1`.
    pub warm_up: fn(&Params) -> usize,
    /// Checks what ranges cannot say (`fast < slow`).
    pub check: fn(&Params) -> Result<(), String>,
    /// Builds its kernel.
    pub build: BuildKernel,
}

impl std::fmt::Debug for IndicatorDef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IndicatorDef").field("name", &self.name).finish_non_exhaustive()
    }
}

impl IndicatorDef {
    /// Completes `given` with defaults and puts it in canonical order.
    ///
    /// # Errors
    /// All that is unknown, of the wrong type or out of range, one sentence each.
    pub fn complete(&self, given: &Params) -> Result<Params, Vec<String>> {
        let mut faults = Vec::new();
        for (name, _) in given.iter() {
            if !self.params.iter().any(|p| p.name == name) {
                let known: Vec<_> = self.params.iter().map(|p| p.name).collect();
                faults.push(format!(
                    "indicator {}: unknown parameter `{name}`; it has: {}",
                    self.name,
                    if known.is_empty() { "none".to_owned() } else { known.join(", ") }
                ));
            }
        }
        let mut complete = Params::default();
        for param in &self.params {
            match param.resolve(given.get(param.name)) {
                Ok(value) => complete.set(param.name, value),
                Err(fault) => faults.push(format!("indicator {}: {fault}", self.name)),
            }
        }
        if faults.is_empty() {
            match (self.check)(&complete) {
                Ok(()) => return Ok(complete),
                Err(fault) => faults.push(format!("indicator {}: {fault}", self.name)),
            }
        }
        Err(faults)
    }
}

impl ParamDef {
    fn resolve(&self, given: Option<ParamValue>) -> Result<ParamValue, String> {
        let name = self.name;
        match (self.kind, given) {
            (ParamKind::Int { default, .. }, None) => Ok(ParamValue::Int(default)),
            (ParamKind::Float { default, .. }, None) => Ok(ParamValue::Float(default)),
            (ParamKind::Int { min, max, .. }, Some(ParamValue::Int(value)))
                if (min..=max).contains(&value) =>
            {
                Ok(ParamValue::Int(value))
            }
            (ParamKind::Int { min, max, .. }, Some(found)) => {
                Err(format!("`{name}` must be a whole number from {min} to {max}, found {found}"))
            }
            (ParamKind::Float { min, max, .. }, Some(found)) => {
                let value = found.as_f64();
                if value >= min && value <= max {
                    Ok(ParamValue::Float(value))
                } else {
                    Err(format!("`{name}` must be a number from {min} to {max}, found {found}"))
                }
            }
        }
    }
}
