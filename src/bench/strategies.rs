//! Strategies that only measurements need: one that fails, one that takes as long as it is told to, one that trades
//! at every bar.

use std::hint::black_box;

use barhive_engine::{
    order::Side,
    registry::Registry as Parts,
    strategy::{Bars, Context, Inst, Setup, SetupError, Strategy},
};
use serde::{Deserialize, Serialize};

/// Adds them to the parts that there are.
#[must_use]
pub fn register(parts: Parts) -> Parts {
    parts
        .strategy("bench_fails", |params: FailsParams, setup: &mut Setup<'_>| {
            setup.bars(setup.instrument());
            Ok::<_, SetupError>(Fails { left: params.at })
        })
        .strategy("bench_works", |params: WorksParams, setup: &mut Setup<'_>| {
            setup.bars(setup.instrument());
            Ok::<_, SetupError>(Works { rounds: params.rounds, state: 1 })
        })
        .strategy("bench_orders", |_: OrdersParams, setup: &mut Setup<'_>| {
            let instrument = setup.instrument();
            setup.bars(instrument);
            Ok::<_, SetupError>(Orders { instrument })
        })
}

/// Panics at a bar.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct FailsParams {
    /// At which.
    at: u32,
}

struct Fails {
    left: u32,
}

impl Strategy for Fails {
    fn on_bar(&mut self, _: &mut Context<'_>, _: Bars) {
        self.left = self.left.saturating_sub(1);
        assert!(self.left > 0, "made to fail");
    }
}

/// Reckons at every bar, and never trades.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct WorksParams {
    /// How long: rounds of about a nanosecond.
    rounds: u32,
}

struct Works {
    rounds: u32,
    state: u64,
}

impl Strategy for Works {
    fn on_bar(&mut self, _: &mut Context<'_>, _: Bars) {
        for _ in 0..self.rounds {
            self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        }
        black_box(self.state);
    }
}

/// Turns its position at every bar.
#[derive(Clone, Debug, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct OrdersParams {}

struct Orders {
    instrument: Inst,
}

impl Strategy for Orders {
    fn on_bar(&mut self, ctx: &mut Context<'_>, _: Bars) {
        let side = if ctx.position(self.instrument) > 0 { Side::Sell } else { Side::Buy };
        ctx.enter(self.instrument, side);
    }
}
