//! MACD crossing its signal.

use barhive_engine::{
    indicator::{IndicatorSpec, PriceField},
    lanes::Lane,
    strategy::{Bars, Context, Setup, SetupError, Strategy},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Direction,
    crossing::{CrossTrader, cross_trader},
    faults::Faults,
};

/// Follows momentum: buys when MACD crosses above its signal, sells when it crosses below.
///
/// Ties and the first side are treated as by `sma_cross`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MacdParams {
    /// Bars of the fast average; below `slow`.
    #[schemars(range(min = 1, max = 100_000))]
    pub fast: u32,
    /// Bars of the slow average.
    #[schemars(range(min = 2, max = 100_000))]
    pub slow: u32,
    /// Bars of the average of MACD that is its signal.
    #[schemars(range(min = 1, max = 100_000))]
    pub signal: u32,
    /// The price that is averaged.
    pub price: PriceField,
    /// What a cross below does: `both` turns short, `long` closes the position.
    pub direction: Direction,
}

impl Default for MacdParams {
    fn default() -> Self {
        Self { fast: 12, slow: 26, signal: 9, price: PriceField::Close, direction: Direction::Both }
    }
}

/// The strategy of [`MacdParams`].
#[derive(Debug)]
pub struct Macd(CrossTrader);

impl Macd {
    /// Subscribes to the instrument's bars, MACD and its signal.
    ///
    /// # Errors
    /// Says what is wrong with the parameters.
    pub fn new(params: MacdParams, setup: &mut Setup<'_>) -> Result<Self, SetupError> {
        let mut faults = Faults::of("macd");
        faults.ascending(("fast", params.fast), ("slow", params.slow));
        faults.bars("signal", params.signal, 1);
        faults.into_result()?;
        let instrument = setup.instrument();
        let bars = setup.bars(instrument);
        let spec = IndicatorSpec::new("macd")
            .with("fast", params.fast)
            .with("slow", params.slow)
            .with("signal", params.signal)
            .on(params.price);
        let line = setup.indicator_output(bars, spec.clone(), "macd")?;
        let signal = setup.indicator_output(bars, spec, "signal")?;
        Ok(Self(cross_trader(line, signal, bars, params.direction)))
    }
}

impl Strategy for Macd {
    #[inline]
    fn on_bar(&mut self, ctx: &mut Context<'_>, bars: Bars) {
        self.0.on_bar(ctx, bars);
    }

    fn lane(&self) -> Option<Lane> {
        self.0.lane()
    }
}
