//! Buy and hold.

use barhive_engine::{
    order::Side,
    strategy::{Bars, Context, Setup, SetupError, Strategy},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Buys at the first bar and never sells: what other strategies are measured against.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BuyAndHoldParams {}

/// The strategy of [`BuyAndHoldParams`].
#[derive(Debug)]
pub struct BuyAndHold {
    bought: bool,
}

impl BuyAndHold {
    /// Subscribes to the instrument's bars.
    ///
    /// # Errors
    /// None.
    pub fn new(_: BuyAndHoldParams, setup: &mut Setup<'_>) -> Result<Self, SetupError> {
        setup.bars(setup.instrument());
        Ok(Self { bought: false })
    }
}

impl Strategy for BuyAndHold {
    fn on_bar(&mut self, ctx: &mut Context<'_>, bars: Bars) {
        if !self.bought {
            self.bought = true;
            ctx.enter(bars.instrument(), Side::Buy);
        }
    }
}
