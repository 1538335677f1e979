//! Strategies of the tests: one that uses every kind of order, and one that panics where it is told.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use barhive::prelude::*;

/// Trades breakouts with attached exits, re-enters by limit and stop orders, and cancels what is stale.
pub struct Everything {
    instrument: Inst,
    bars: Bars,
    high: Value,
    low: Value,
    resting: Option<OrderId>,
    seen: u64,
}

impl Everything {
    pub fn new(window: u32, setup: &mut Setup<'_>) -> Result<Self, SetupError> {
        let instrument = setup.instrument();
        let bars = setup.bars(instrument);
        setup.lookback(bars, 3);
        let high = IndicatorSpec::new("highest").with("period", window).on(PriceField::High);
        let low = IndicatorSpec::new("lowest").with("period", window).on(PriceField::Low);
        let (high, low) = (setup.indicator(bars, high)?, setup.indicator(bars, low)?);
        setup.lag(high, 1);
        setup.lag(low, 1);
        Ok(Self { instrument, bars, high, low, resting: None, seen: 0 })
    }
}

impl Strategy for Everything {
    fn on_bar(&mut self, ctx: &mut Context<'_>, _: Bars) {
        self.seen += 1;
        let close = ctx.close(self.bars);
        if let Some(order) = self.resting.take() {
            ctx.cancel(order);
        }
        let before = |values: &[f64]| if values.len() > 1 { values[0] } else { f64::NAN };
        let (high, low) = (before(ctx.values(self.high)), before(ctx.values(self.low)));
        if ctx.position(self.instrument) != 0 {
            if self.seen.is_multiple_of(17) {
                ctx.exit(self.instrument);
            }
            return;
        }
        let tick = |price: f64| (price * 100.0).round() / 100.0;
        let falling = ctx.closes(self.bars).windows(2).all(|pair| pair[1] <= pair[0]);
        if close >= high {
            let entry = ctx.entry(self.instrument, Side::Buy);
            ctx.submit(entry.with_stop_loss(tick(close * 0.997)).with_take_profit(tick(close * 1.004)));
        } else if close <= low {
            let entry = ctx.entry(self.instrument, Side::Sell);
            ctx.submit(entry.with_stop_loss(tick(close * 1.003)).with_take_profit(tick(close * 0.996)));
        } else if falling {
            let order = OrderRequest::limit(self.instrument, 3, tick(close - 0.1));
            self.resting = Some(ctx.submit(order.with_stop_loss(tick(close - 0.6))));
        } else if self.seen.is_multiple_of(5) {
            self.resting = Some(ctx.submit(OrderRequest::stop(self.instrument, -2, tick(close - 0.15))));
        }
    }

    fn on_fill(&mut self, ctx: &mut Context<'_>, fill: &Fill) {
        if fill.lots == 3 {
            ctx.submit(OrderRequest::limit(
                self.instrument,
                -3,
                ctx.entry_price(self.instrument).map_or(1.0, |p| (p * 101.0).round() / 100.0),
            ));
        }
    }
}

/// A [`Everything`] that panics at one of its bars, as often as its fuse says.
pub struct Fragile {
    inner: Everything,
    at: u64,
    fuse: Arc<AtomicU32>,
}

impl Fragile {
    /// A builder of strategies that panic `fuse` times in all, each time at bar `at`.
    pub fn builder(
        at: u64,
        fuse: u32,
    ) -> impl Fn(u32, &mut Setup<'_>) -> Result<Self, SetupError> + Send + Sync + 'static {
        let fuse = Arc::new(AtomicU32::new(fuse));
        move |window, setup| Ok(Self { inner: Everything::new(window, setup)?, at, fuse: Arc::clone(&fuse) })
    }
}

impl Strategy for Fragile {
    fn on_bar(&mut self, ctx: &mut Context<'_>, bars: Bars) {
        if self.inner.seen + 1 == self.at {
            let burn = |left: u32| left.checked_sub(1);
            let burns = self.fuse.fetch_update(Ordering::Relaxed, Ordering::Relaxed, burn).is_ok();
            assert!(!burns, "the fuse of this test burns at bar {}", self.at);
        }
        self.inner.on_bar(ctx, bars);
    }

    fn on_fill(&mut self, ctx: &mut Context<'_>, fill: &Fill) {
        self.inner.on_fill(ctx, fill);
    }
}

/// Holds the instrument that rose most, looking across all of them once per step.
pub struct Strongest {
    legs: Vec<(Inst, Bars)>,
    steps: u64,
}

impl Strongest {
    pub fn new(window: u32, setup: &mut Setup<'_>) -> Result<Self, SetupError> {
        let legs: Vec<_> = setup.instruments().collect::<Vec<_>>();
        let legs = legs
            .into_iter()
            .map(|inst| {
                let bars = setup.bars_at(inst, "5m".parse().expect("a timeframe"));
                setup.lookback(bars, window as usize);
                (inst, bars)
            })
            .collect();
        setup.every_step();
        Ok(Self { legs, steps: 0 })
    }
}

impl Strategy for Strongest {
    fn on_bar(&mut self, _: &mut Context<'_>, _: Bars) {}

    fn on_step(&mut self, ctx: &mut Context<'_>) {
        self.steps += 1;
        if !self.steps.is_multiple_of(20) {
            return;
        }
        let gain = |bars: Bars, ctx: &Context<'_>| match ctx.closes(bars) {
            [first, .., last] => last / first,
            _ => 0.0,
        };
        let gains: Vec<_> = self.legs.iter().map(|(_, bars)| gain(*bars, ctx)).collect();
        let best = (0..gains.len()).fold(0, |best, at| if gains[at] > gains[best] { at } else { best });
        for (at, (inst, _)) in self.legs.iter().enumerate() {
            let lots = if at == best && gains[at] > 1.0 { 4 } else { 0 };
            if ctx.position(*inst) != lots {
                ctx.target(*inst, lots);
            }
        }
    }
}
