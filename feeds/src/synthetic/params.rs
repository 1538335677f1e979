//! What a synthetic market is like.

use barhive_engine::{
    data::FeedError, math::pow_factor, money::SCALE_MAX, time::parse_utc, timeframe::Timeframe,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{import::InstrumentSpec, resolve::layout_error};

/// A seeded random market: bars generated as they are asked for, the same for the same seed on every
/// machine.
///
/// Each instrument draws from a stream of its own, so that its bars do not depend on how many others there
/// are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SyntheticParams {
    /// Root of all randomness.
    pub seed: u64,
    /// How many instruments, named SYN000, SYN001 and so on, where no symbols are given.
    pub instruments: u32,
    /// The instruments' symbols.
    pub symbols: Vec<String>,
    /// Bars of each instrument.
    pub bars: u64,
    /// How long a bar lasts.
    pub timeframe: Timeframe,
    /// When the first bar may open: a UTC date or date-time.
    pub start: String,
    /// The price that every instrument starts from.
    pub price: f64,
    /// Yearly drift in percent.
    pub drift: f64,
    /// Yearly volatility in percent.
    pub volatility: f64,
    /// How much of a bar's volatility is carried into the next, from 0 (none: every bar is alike) to 0.99.
    pub clustering: f64,
    /// Percentage of bars that are missing.
    pub missing: f64,
    /// Quantity traded in an average bar.
    pub volume: f64,
    /// What is known of the instruments; prices have 2 decimals by default. With a calendar, bars lie
    /// inside its sessions, and prices jump from one to the next.
    pub instrument: InstrumentSpec,
}

impl Default for SyntheticParams {
    fn default() -> Self {
        Self {
            seed: 42,
            instruments: 1,
            symbols: Vec::new(),
            bars: 100_000,
            timeframe: Timeframe::M1,
            start: "2020-01-01".into(),
            price: 100.0,
            drift: 5.0,
            volatility: 40.0,
            clustering: 0.9,
            missing: 0.0,
            volume: 1_000.0,
            instrument: InstrumentSpec::default(),
        }
    }
}

/// The most instruments of one market.
const INSTRUMENTS_MAX: u32 = 100_000;

impl SyntheticParams {
    pub(super) fn price_scale(&self) -> u8 {
        self.instrument.price_scale.unwrap_or(2)
    }

    /// The instruments' symbols, in the order of their streams.
    pub(super) fn names(&self) -> Vec<String> {
        if !self.symbols.is_empty() {
            return self.symbols.clone();
        }
        let width = (self.instruments.max(1) - 1).to_string().len().max(3);
        (0..self.instruments).map(|index| format!("SYN{index:0width$}")).collect()
    }

    /// When the first bar may open.
    ///
    /// # Errors
    /// All that is wrong with the parameters.
    pub(super) fn check(&self) -> Result<i64, FeedError> {
        let mut faults = Vec::new();
        let mut require = |holds: bool, what: &str, found: &dyn std::fmt::Display| {
            if !holds {
                faults.push(format!("{what}, found {found}"));
            }
        };
        let within = |value: f64, low: f64, high: f64| value >= low && value <= high;
        require(self.bars >= 1, "bars: expected 1 or more", &self.bars);
        require(
            !self.symbols.is_empty() || (1..=INSTRUMENTS_MAX).contains(&self.instruments),
            "instruments: expected 1 to 100000",
            &self.instruments,
        );
        let mut sorted = self.symbols.clone();
        sorted.sort();
        let repeated = sorted.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0].clone());
        require(repeated.is_none(), "symbols: expected each once", &repeated.unwrap_or_default());
        require(sorted.iter().all(|symbol| !symbol.is_empty()), "symbols: expected names", &"an empty one");
        require(within(self.drift, -1_000.0, 1_000.0), "drift: expected -1000 to 1000 percent", &self.drift);
        require(
            within(self.volatility, 0.0, 10_000.0),
            "volatility: expected 0 to 10000 percent",
            &self.volatility,
        );
        require(within(self.clustering, 0.0, 0.99), "clustering: expected 0 to 0.99", &self.clustering);
        require(within(self.missing, 0.0, 99.0), "missing: expected 0 to 99 percent", &self.missing);
        require(within(self.volume, 0.0, 1e12), "volume: expected 0 to 1e12", &self.volume);
        let scale = self.price_scale().min(SCALE_MAX);
        let units = self.price * pow_factor(scale);
        require(
            within(units, 100.0, 1e12),
            &format!("price: expected 100 units to 1e12 units of {scale} decimals"),
            &self.price,
        );
        if let Err(more) = self.instrument.instrument("any", 2) {
            faults.extend(more);
        }
        let start = parse_utc(&self.start).map_err(|fault| faults.push(format!("start: {fault}")));
        if let Ok(start_ns) = start {
            // Sessions and missing bars only make the span longer.
            let bars_max = (i64::MAX - start_ns.max(0)) / self.timeframe.ns();
            if self.bars > bars_max.unsigned_abs() {
                faults.push(format!(
                    "bars: expected at most {bars_max}, which reach the year 2262, found {}",
                    self.bars
                ));
            }
        }
        match start {
            Ok(start_ns) if faults.is_empty() => Ok(start_ns),
            _ => Err(layout_error("synthetic", &faults)),
        }
    }
}
