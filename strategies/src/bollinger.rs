//! Reversion from Bollinger bands.

use barhive_engine::{
    indicator::IndicatorSpec,
    strategy::{Bars, Context, Setup, SetupError, Strategy, Value},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Direction,
    faults::Faults,
    reversion::{Levels, Reversion},
};

/// Trades the way back into the bands: buys below the lower one, sells short above the upper one.
///
/// A position is closed at the first close that is back at the middle band. A close beyond the other band
/// turns the position at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BollingerParams {
    /// Bars of the middle band and of the deviation.
    #[schemars(range(min = 2, max = 100_000))]
    pub period: u32,
    /// Standard deviations from the middle to a band; above 0, at most 100.
    pub deviations: f64,
    /// Which sides it takes: `long` ignores closes above the upper band.
    pub direction: Direction,
}

impl Default for BollingerParams {
    fn default() -> Self {
        Self { period: 20, deviations: 2.0, direction: Direction::Both }
    }
}

/// The strategy of [`BollingerParams`].
#[derive(Debug)]
pub struct Bollinger {
    middle: Value,
    upper: Value,
    lower: Value,
    reversion: Reversion,
}

impl Bollinger {
    /// Subscribes to the instrument's bars and bands.
    ///
    /// # Errors
    /// Says what is wrong with the parameters.
    pub fn new(params: BollingerParams, setup: &mut Setup<'_>) -> Result<Self, SetupError> {
        let BollingerParams { period, deviations, direction } = params;
        let mut faults = Faults::of("bollinger");
        let period_is_good = faults.bars("period", period, 2);
        faults.expect(
            deviations > 0.0 && deviations <= 100.0,
            "`deviations` must be a number above 0, at most 100",
            deviations,
        );
        // No value of n lies further from their mean.
        let reach = (f64::from(period) - 1.0).sqrt();
        faults.expect(
            !(period_is_good && deviations >= reach && deviations <= 100.0),
            format_args!("`deviations` must be below {reach:.2}: no close of {period} lies further out"),
            deviations,
        );
        faults.into_result()?;
        let instrument = setup.instrument();
        let bars = setup.bars(instrument);
        let spec = IndicatorSpec::new("bbands").with("period", period).with("deviations", deviations);
        Ok(Self {
            middle: setup.indicator_output(bars, spec.clone(), "middle")?,
            upper: setup.indicator_output(bars, spec.clone(), "upper")?,
            lower: setup.indicator_output(bars, spec, "lower")?,
            reversion: Reversion::new(instrument, direction),
        })
    }
}

impl Strategy for Bollinger {
    fn on_bar(&mut self, ctx: &mut Context<'_>, bars: Bars) {
        let levels = Levels {
            low: ctx.value(self.lower),
            middle: ctx.value(self.middle),
            high: ctx.value(self.upper),
        };
        let close = ctx.close(bars);
        self.reversion.step(ctx, close, levels);
    }
}
