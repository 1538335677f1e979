//! The whole command line with a strategy and a feed of one's own in it: a YAML file may name them.
//!
//! ```text
//! cargo run --release --example custom_cli -- run examples/custom_set.yaml
//! cargo run --release --example custom_cli -- list strategies weekday
//! ```

use std::process::ExitCode;

use barhive::{
    feeds::{SyntheticParams, SyntheticSource},
    prelude::*,
};

/// Holds from one day of the week to another.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, crate = "barhive::serde")]
#[schemars(crate = "barhive::schemars")]
struct WeekdayParams {
    /// The day to buy on, 0 (Monday) to 6 (Sunday), UTC.
    #[schemars(range(min = 0, max = 6))]
    buy: i64,
    /// The day to sell on.
    #[schemars(range(min = 0, max = 6))]
    sell: i64,
}

struct Weekday {
    instrument: Inst,
    params: WeekdayParams,
}

impl Weekday {
    fn new(params: WeekdayParams, setup: &mut Setup<'_>) -> Result<Self, SetupError> {
        let days = 0..=6;
        if !days.contains(&params.buy) || !days.contains(&params.sell) || params.buy == params.sell {
            return Err(SetupError::new("buy and sell must be different days from 0 to 6"));
        }
        let instrument = setup.instrument();
        setup.bars(instrument);
        Ok(Self { instrument, params })
    }
}

impl Strategy for Weekday {
    fn on_bar(&mut self, ctx: &mut Context<'_>, _: Bars) {
        // The first of January 1970 was a Thursday.
        let day = (ctx.now_ns().div_euclid(86_400_000_000_000) + 3).rem_euclid(7);
        let position = ctx.position(self.instrument);
        if day == self.params.buy && position == 0 {
            ctx.enter(self.instrument, Side::Buy);
        } else if day == self.params.sell && position != 0 {
            ctx.exit(self.instrument);
        }
    }
}

/// A market that only says how wild it is.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, crate = "barhive::serde")]
#[schemars(crate = "barhive::schemars")]
struct WildParams {
    /// Yearly volatility in percent.
    volatility: f64,
}

fn wild(params: WildParams, _: &FeedContext) -> Result<SyntheticSource, FeedError> {
    SyntheticSource::new(SyntheticParams {
        symbols: vec!["WILD".to_owned()],
        bars: 9_000,
        timeframe: Timeframe::H1,
        volatility: params.volatility,
        ..SyntheticParams::default()
    })
}

/// Everything built in, and the two parts above.
pub fn registry() -> Registry {
    Registry::builtin().strategy("weekday", Weekday::new).feed("wild", wild)
}

/// The program.
pub fn main() -> ExitCode {
    barhive::cli::run(registry())
}
