//! Following big bars.

use barhive_engine::{
    data::Bar,
    indicator::IndicatorSpec,
    order::{Quantity, Side},
    strategy::{Bars, Context, Inst, Setup, SetupError, Strategy, Value},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::faults::Faults;

/// Bars at either end of a week in which nothing is opened, and what is open is closed.
const WEEK_EDGE_BARS: u32 = 6;
/// Earlier bars whose moves are weighed.
const BARS_BEFORE: usize = 3;
/// Bars from the first average range to the first that may decide.
const BARS_AFTER_WARM_UP: usize = 4;
/// Distance of the stop below a confirmed entry bar, in sizes of it.
const CONFIRMED_BUFFER: f64 = 0.01;

/// Follows bars that are big for their time: enters at the close of one, leaves unless the next bar goes
/// further the same way, then trails a stop below the last two bars.
///
/// A bar's size is its high less its low, its body the distance of close and open. It goes long where the
/// bar closes above its open, is at least `k_atr` average true ranges in size (this bar included), closes
/// less than `up_tail` sizes below its high, and the three bars before went the same way: their moves from
/// open to close, weighed 1, 2 and 3 with the newest heaviest, are together at least `prev_weight` bodies.
/// Short mirrored. It never opens among the first or last six bars of a week (UTC), closes what is open
/// there, and decides nothing before bar `atr_period` + 4, counted from 0. The rules are those of closes
/// that fill at once: set `fill: {market: deciding_close}`, and size it with `{equity_fraction: 100%}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BigBarParams {
    /// Bars of the average true range.
    #[schemars(range(min = 1, max = 100_000))]
    pub atr_period: u32,
    /// Average true ranges that a bar must have in size; above 0.
    #[schemars(range(min = 0.0))]
    pub k_atr: f64,
    /// Bar sizes from the close to the high (of a falling bar: the low) that it must stay below; above 0,
    /// at most 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub up_tail: f64,
    /// Bodies that the moves of the three bars before, weighed 1, 2 and 3, must come to; at least 0.
    #[schemars(range(min = 0.0))]
    pub prev_weight: f64,
    /// Bar sizes from the low (of a falling bar: the high) to the first stop; at least 0.
    #[schemars(range(min = 0.0))]
    pub buffer: f64,
}

impl Default for BigBarParams {
    fn default() -> Self {
        Self { atr_period: 20, k_atr: 1.5, up_tail: 0.7, prev_weight: 0.3, buffer: 0.01 }
    }
}

/// The strategy of [`BigBarParams`].
#[derive(Debug)]
pub struct BigBar {
    params: BigBarParams,
    instrument: Inst,
    atr: Value,
    week_edges: Value,
    /// What it entered last; counts while there is a position.
    held: Option<Held>,
}

/// A position, as its own side sees prices ([`Shape`]).
#[derive(Clone, Copy, Debug)]
struct Held {
    side: Side,
    /// High and size of the entry bar.
    high: f64,
    size: f64,
    stop: f64,
    /// Whether the bar after the entry is past.
    is_confirmed: bool,
}

/// A bar as one side sees it: for a short position prices are negative, so that what is good for it is up.
///
/// Negating is exact and rounding symmetric, so the doubles are those of the rule written out for each side.
#[derive(Clone, Copy, Debug)]
struct Shape {
    open: f64,
    high: f64,
    low: f64,
    close: f64,
}

impl Shape {
    fn of(bar: &Bar, side: Side) -> Self {
        let Bar { open, high, low, close, .. } = *bar;
        match side {
            Side::Buy => Self { open, high, low, close },
            Side::Sell => Self { open: -open, high: -low, low: -high, close: -close },
        }
    }
}

impl BigBar {
    /// Subscribes to the instrument's bars, their average true range and the edges of its weeks.
    ///
    /// # Errors
    /// Says what is wrong with the parameters.
    pub fn new(params: BigBarParams, setup: &mut Setup<'_>) -> Result<Self, SetupError> {
        let BigBarParams { atr_period, k_atr, up_tail, prev_weight, buffer } = params;
        let mut faults = Faults::of("bigbar");
        faults.bars("atr_period", atr_period, 1);
        faults.positive("k_atr", k_atr);
        faults.expect(
            up_tail > 0.0 && up_tail <= 1.0,
            "`up_tail` must be a number above 0, at most 1",
            up_tail,
        );
        for (name, value) in [("prev_weight", prev_weight), ("buffer", buffer)] {
            let is_good = value >= 0.0 && value.is_finite();
            faults.expect(is_good, format_args!("`{name}` must be a number from 0 on"), value);
        }
        faults.into_result()?;
        let instrument = setup.instrument();
        let bars = setup.bars(instrument);
        setup.lookback(bars, BARS_BEFORE);
        let atr = setup.indicator(bars, IndicatorSpec::new("atr").with("period", atr_period))?;
        setup.lag(atr, BARS_AFTER_WARM_UP);
        let week_edges = setup.week_edges(bars, WEEK_EDGE_BARS)?;
        Ok(Self { params, instrument, atr, week_edges, held: None })
    }

    fn is_restricted(&self, ctx: &Context<'_>) -> bool {
        ctx.value(self.week_edges) != 0.0
    }

    /// Whether the average range was known so many bars ago that decisions may begin.
    fn may_decide(&self, ctx: &Context<'_>) -> bool {
        let ranges = ctx.values(self.atr);
        ranges.len() > BARS_AFTER_WARM_UP && !ranges[0].is_nan()
    }

    /// Flat: opens a position where the bar asks for one.
    #[inline]
    fn look(&mut self, ctx: &mut Context<'_>, bars: Bars) {
        let bar = ctx.bar(bars);
        let size = bar.high - bar.low;
        // Rare, so it is asked first; not before the average is known, which compares false.
        if size >= self.params.k_atr * ctx.value(self.atr) && !self.is_restricted(ctx) {
            self.judge(ctx, bars, &bar, size);
        }
    }

    #[cold]
    fn judge(&mut self, ctx: &mut Context<'_>, bars: Bars, bar: &Bar, size: f64) {
        let side = match bar.close.partial_cmp(&bar.open) {
            Some(std::cmp::Ordering::Greater) => Side::Buy,
            Some(std::cmp::Ordering::Less) => Side::Sell,
            _ => return,
        };
        let Shape { open, high, low, close } = Shape::of(bar, side);
        let is_wanted = self.may_decide(ctx)
            && moves_before(ctx, bars, side) / (close - open) >= self.params.prev_weight
            && high - close < self.params.up_tail * size;
        if !is_wanted {
            return;
        }
        let order = ctx.entry(self.instrument, side);
        if order.quantity != Quantity::Target(0) {
            ctx.submit(order);
            let stop = low - self.params.buffer * size;
            self.held = Some(Held { side, high, size, stop, is_confirmed: false });
        }
    }

    /// In a position: whether to leave.
    fn is_over(&mut self, ctx: &Context<'_>, bars: Bars) -> bool {
        let is_restricted = self.is_restricted(ctx);
        let Some(held) = self.held.as_mut().filter(|_| !is_restricted) else { return true };
        let bar = Shape::of(&ctx.bar(bars), held.side);
        if !held.is_confirmed {
            held.is_confirmed = true;
            held.stop = higher(held.stop, bar.low - CONFIRMED_BUFFER * held.size);
            return !(bar.close > bar.open && bar.high > held.high);
        }
        let before = low_before(ctx, bars, held.side);
        held.stop = higher(held.stop, if before < bar.low { before } else { bar.low });
        bar.low <= held.stop
    }
}

fn higher(stop: f64, raised: f64) -> f64 {
    if raised > stop { raised } else { stop }
}

/// The moves of the three bars before this one, the newest weighing most, as `side` sees them.
fn moves_before(ctx: &Context<'_>, bars: Bars, side: Side) -> f64 {
    let (opens, closes) = (ctx.opens(bars), ctx.closes(bars));
    let weighed = match (opens, closes) {
        ([o3, o2, o1, _], [c3, c2, c1, _]) => (c3 - o3) + 2.0 * (c2 - o2) + 3.0 * (c1 - o1),
        _ => f64::NAN,
    };
    if side == Side::Buy { weighed } else { -weighed }
}

/// The low of the bar before this one, as `side` sees it.
fn low_before(ctx: &Context<'_>, bars: Bars, side: Side) -> f64 {
    let (prices, sign) = match side {
        Side::Buy => (ctx.lows(bars), 1.0),
        Side::Sell => (ctx.highs(bars), -1.0),
    };
    match prices {
        [.., before, _] => sign * before,
        _ => f64::NAN,
    }
}

impl Strategy for BigBar {
    #[inline]
    fn on_bar(&mut self, ctx: &mut Context<'_>, bars: Bars) {
        if ctx.position(self.instrument) == 0 {
            self.look(ctx, bars);
        } else if self.is_over(ctx, bars) {
            ctx.exit(self.instrument);
        }
    }
}
