//! Random markets, and a strategy whose every decision hangs on every bit that it sees.

use std::sync::Arc;

use barhive_engine::{
    data::{Bar, BarColumns, MemorySource},
    instrument::FeeSchedule,
    money::Money,
    order::{OrderKind, OrderRequest, Quantity, Side},
    registry::{StrategyFactory, factory},
    set::ContainerSpec,
    strategy::{Bars, Context, Inst, Setup, Strategy, Value},
    time::NS_PER_MINUTE,
    timeframe::Timeframe,
};
use proptest::{prelude::*, strategy::Strategy as Generates};

use crate::kit::{account, instrument, minute_bar, strategy, with_period};

pub const SYMBOLS: [&str; 3] = ["A", "B", "C"];

/// Bars of one instrument with gaps in time and price.
pub fn gappy() -> impl Generates<Value = Vec<Bar>> {
    let step = (1i64..4, -30i64..=30, 0i64..40, 0i64..40, -20i64..=20);
    prop::collection::vec(step, 20..150).prop_map(|steps| {
        let (mut minute, mut price) = (0, 2_000i64);
        let bar = |(gap, jump, up, down, drift): (i64, i64, i64, i64, i64)| {
            minute += gap;
            let open = (price + jump).max(500);
            let close = (open + drift).max(500);
            price = close;
            let cents = |price: i64| price as f64 / 100.0;
            let (high, low) = (open.max(close) + up, open.min(close) - down);
            minute_bar(minute, cents(open), cents(high), cents(low), cents(close))
        };
        steps.into_iter().map(bar).collect()
    })
}

/// Up to three instruments.
pub fn markets() -> impl Generates<Value = Vec<Vec<Bar>>> {
    prop::collection::vec(gappy(), 1..=SYMBOLS.len())
}

/// A source of one-minute bars.
pub fn source(markets: &[Vec<Bar>]) -> MemorySource {
    markets.iter().zip(SYMBOLS).fold(MemorySource::new(), |source, (bars, symbol)| {
        source.with(instrument(symbol), Timeframe::M1, BarColumns::from_bars(bars))
    })
}

pub fn five_minutes() -> Timeframe {
    Timeframe::from_ns(5 * NS_PER_MINUTE).unwrap()
}

/// Which bars a trader looks at beyond those of its first instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looks {
    /// At nothing else.
    Alone,
    /// At its second instrument, and away again.
    Aside,
    /// At all instruments, in two timeframes.
    Everywhere,
}

struct Trader {
    state: u64,
    looks: Looks,
    values: Vec<Value>,
}

/// A strategy that does all kinds of things, as `seed` and every bit of what it sees have it.
pub fn trader(seed: u64, looks: Looks) -> Arc<dyn StrategyFactory> {
    factory(seed, move |seed, setup: &mut Setup<'_>| {
        let mut values = Vec::new();
        let instruments: Vec<Inst> = setup.instruments().collect();
        for (index, instrument) in instruments.into_iter().enumerate() {
            let bars = setup.bars(instrument);
            if index > 0 && looks == Looks::Aside {
                continue;
            }
            setup.lookback(bars, 4 + seed as usize % 3);
            values.push(setup.indicator(bars, with_period("sma", 3 + seed as i64 % 4))?);
            let score = with_period("zscore", 4);
            values.push(setup.indicator(bars, with_period("ema", 3).over(score, 0))?);
            setup.lag(values[0], 2);
            if looks == Looks::Everywhere {
                let coarse = setup.bars_at(instrument, five_minutes());
                values.push(setup.indicator(coarse, with_period("highest", 2))?);
            }
        }
        Ok(Trader { state: seed, looks, values })
    })
}

impl Trader {
    fn mix(&mut self, bits: u64) {
        self.state = (self.state ^ bits).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
    }
}

impl Strategy for Trader {
    fn on_bar(&mut self, ctx: &mut Context<'_>, bars: Bars) {
        let instrument = bars.instrument();
        if self.looks == Looks::Aside && instrument != Inst(0) {
            return;
        }
        self.mix(ctx.now_ns() as u64);
        self.mix(ctx.equity().to_bits());
        ctx.closes(bars).iter().for_each(|close| self.mix(close.to_bits()));
        self.mix(ctx.values(self.values[0]).len() as u64);
        for value in self.values.clone() {
            self.mix(ctx.value(value).to_bits());
        }
        let close = ctx.close(bars);
        let cents = |offset: i64| ((close * 100.0).round() + offset as f64) / 100.0;
        let dice = self.state >> 17;
        let size = (dice >> 8) as i64 % 7 - 3;
        let near = (dice >> 16) as i64 % 40 - 20;
        let bracket = |request: OrderRequest| request.with_stop_loss(cents(-25)).with_take_profit(cents(25));
        match dice % 16 {
            0 => _ = ctx.target(instrument, size),
            1 => _ = ctx.submit(OrderRequest::limit(instrument, size, cents(near))),
            2 => _ = ctx.submit(OrderRequest::stop(instrument, size, cents(near))),
            3 => _ = ctx.submit(bracket(OrderRequest::market(instrument, size.abs()))),
            4 => _ = ctx.submit(bracket(OrderRequest::limit(instrument, size.abs(), cents(-near.abs())))),
            5 => ctx.cancel_all(instrument),
            6 => _ = ctx.exit(instrument),
            7 => {
                let side = if size > 0 { Side::Buy } else { Side::Sell };
                ctx.submit(OrderRequest::new(instrument, Quantity::AllIn(side), OrderKind::Market));
            }
            _ => {}
        }
    }

    fn on_fill(&mut self, ctx: &mut Context<'_>, fill: &barhive_engine::record::Fill) {
        self.mix(fill.price as u64 ^ fill.lots as u64);
        self.mix(ctx.equity().to_bits());
    }
}

/// An account on which two traders share the cash, with fees.
pub fn traded(name: &str, seed: u64, instruments: usize, looks: Looks) -> ContainerSpec {
    let ids: Vec<u32> = (0..instruments as u32).collect();
    let strategies = [seed, seed + 1].map(|seed| strategy(&format!("s{seed}"), trader(seed, looks), &ids));
    let fees = FeeSchedule { rate_ppb: 1_234_567, fixed: Money(7), minimum: Money(1_000_003) };
    ContainerSpec { fees: Some(fees), leverage_max: 2, ..account(name, strategies.to_vec()) }
}
