//! The built-in strategies, one file each.
//!
//! Every one is a pure function of the rows it was shown: rebuilt and replayed, it decides the same.
//! Each is also an example of how a strategy is written: parameters that refuse what contradicts itself,
//! a constructor that declares what the strategy looks at, and a few lines that decide.

mod bigbar;
mod bollinger;
mod buy_and_hold;
mod crossing;
mod direction;
mod donchian_breakout;
mod ema_cross;
mod faults;
mod macd;
mod momentum_rotation;
mod pair_zscore;
mod reversion;
mod rsi_reversion;
mod sma_cross;

use barhive_engine::Registry;

pub use bigbar::{BigBar, BigBarParams};
pub use bollinger::{Bollinger, BollingerParams};
pub use buy_and_hold::{BuyAndHold, BuyAndHoldParams};
pub use direction::Direction;
pub use donchian_breakout::{DonchianBreakout, DonchianBreakoutParams};
pub use ema_cross::{EmaCross, EmaCrossParams};
pub use macd::{Macd, MacdParams};
pub use momentum_rotation::{MomentumRotation, MomentumRotationParams};
pub use pair_zscore::{PairZscore, PairZscoreParams};
pub use rsi_reversion::{RsiReversion, RsiReversionParams};
pub use sma_cross::{SmaCross, SmaCrossParams};

/// Adds all built-in strategies to a registry.
#[must_use]
pub fn register(registry: Registry) -> Registry {
    registry
        .strategy("buy_and_hold", BuyAndHold::new)
        .strategy("sma_cross", SmaCross::new)
        .strategy("ema_cross", EmaCross::new)
        .strategy("rsi_reversion", RsiReversion::new)
        .strategy("macd", Macd::new)
        .strategy("bollinger", Bollinger::new)
        .strategy("donchian_breakout", DonchianBreakout::new)
        .strategy("bigbar", BigBar::new)
        .strategy_across("momentum_rotation", MomentumRotation::new)
        .strategy_across("pair_zscore", PairZscore::new)
}
