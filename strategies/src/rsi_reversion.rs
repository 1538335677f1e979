//! Reversion from extremes of RSI.

use barhive_engine::{
    indicator::{IndicatorSpec, PriceField},
    strategy::{Bars, Context, Setup, SetupError, Strategy, Value},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Direction,
    faults::Faults,
    reversion::{Levels, Reversion},
};

/// Trades the way back: buys when RSI is oversold, sells short when it is overbought, leaves in between.
///
/// A long position is closed at the first bar whose RSI is at `exit` or above, a short one at `exit` or
/// below. An extreme on the other side turns the position at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RsiReversionParams {
    /// Bars of Wilder's averages in RSI.
    #[schemars(range(min = 1, max = 100_000))]
    pub period: u32,
    /// RSI below this is bought; from 0 to 100.
    pub oversold: f64,
    /// RSI at which a position is closed; between `oversold` and `overbought`.
    pub exit: f64,
    /// RSI above this is sold short; from 0 to 100.
    pub overbought: f64,
    /// The price whose RSI is taken.
    pub price: PriceField,
    /// Which sides it takes: `long` ignores overbought markets.
    pub direction: Direction,
}

impl Default for RsiReversionParams {
    fn default() -> Self {
        Self {
            period: 14,
            oversold: 30.0,
            exit: 50.0,
            overbought: 70.0,
            price: PriceField::Close,
            direction: Direction::Both,
        }
    }
}

/// The strategy of [`RsiReversionParams`].
#[derive(Debug)]
pub struct RsiReversion {
    rsi: Value,
    levels: Levels,
    reversion: Reversion,
}

impl RsiReversion {
    /// Subscribes to the instrument's bars and RSI.
    ///
    /// # Errors
    /// Says what is wrong with the parameters.
    pub fn new(params: RsiReversionParams, setup: &mut Setup<'_>) -> Result<Self, SetupError> {
        let RsiReversionParams { oversold, exit, overbought, .. } = params;
        let mut faults = Faults::of("rsi_reversion");
        faults.bars("period", params.period, 1);
        faults.expect(
            0.0 <= oversold && oversold <= exit && exit <= overbought && overbought <= 100.0,
            "expected 0 <= oversold <= exit <= overbought <= 100",
            format_args!("oversold = {oversold}, exit = {exit}, overbought = {overbought}"),
        );
        faults.into_result()?;
        let instrument = setup.instrument();
        let bars = setup.bars(instrument);
        let spec = IndicatorSpec::new("rsi").with("period", params.period).on(params.price);
        Ok(Self {
            rsi: setup.indicator(bars, spec)?,
            levels: Levels { low: oversold, middle: exit, high: overbought },
            reversion: Reversion::new(instrument, params.direction),
        })
    }
}

impl Strategy for RsiReversion {
    fn on_bar(&mut self, ctx: &mut Context<'_>, _: Bars) {
        let rsi = ctx.value(self.rsi);
        self.reversion.step(ctx, rsi, self.levels);
    }
}
