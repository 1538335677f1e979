//! Crossing of two exponential moving averages.

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

/// Follows the trend: buys when a fast exponential average crosses above a slow one, sells when it crosses below.
///
/// The fast average is above or below the slow one; where they are equal it stays what it was last. The
/// first side that is known is no cross, so the first order waits for the first change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EmaCrossParams {
    /// Bars of the fast average; below `slow`.
    #[schemars(range(min = 1, max = 100_000))]
    pub fast: u32,
    /// Bars of the slow average.
    #[schemars(range(min = 2, max = 100_000))]
    pub slow: u32,
    /// The price that is averaged.
    pub price: PriceField,
    /// What a cross below does: `both` turns short, `long` closes the position.
    pub direction: Direction,
}

impl Default for EmaCrossParams {
    fn default() -> Self {
        Self { fast: 10, slow: 30, price: PriceField::Close, direction: Direction::Both }
    }
}

/// The strategy of [`EmaCrossParams`].
#[derive(Debug)]
pub struct EmaCross(CrossTrader);

impl EmaCross {
    /// Subscribes to the instrument's bars and two averages.
    ///
    /// # Errors
    /// Says what is wrong with the parameters.
    pub fn new(params: EmaCrossParams, setup: &mut Setup<'_>) -> Result<Self, SetupError> {
        let mut faults = Faults::of("ema_cross");
        faults.ascending(("fast", params.fast), ("slow", params.slow));
        faults.into_result()?;
        let instrument = setup.instrument();
        let bars = setup.bars(instrument);
        let average = |period: u32| IndicatorSpec::new("ema").with("period", period).on(params.price);
        let fast = setup.indicator(bars, average(params.fast))?;
        let slow = setup.indicator(bars, average(params.slow))?;
        Ok(Self(cross_trader(fast, slow, bars, params.direction)))
    }
}

impl Strategy for EmaCross {
    #[inline]
    fn on_bar(&mut self, ctx: &mut Context<'_>, bars: Bars) {
        self.0.on_bar(ctx, bars);
    }

    fn lane(&self) -> Option<Lane> {
        self.0.lane()
    }
}
