//! Breakout from a Donchian channel, protected by average true ranges.

use barhive_engine::{
    indicator::IndicatorSpec,
    order::Side,
    strategy::{Bars, Context, Inst, Setup, SetupError, Strategy, Value},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Direction, faults::Faults};

/// Follows breakouts: enters when the close leaves the channel of the bars before, with stop and target.
///
/// The channel is the highest high and the lowest low of the `entry` bars before this one. The entry
/// carries a stop-loss and a take-profit, both so many average true ranges from the deciding close and
/// moved away from it to the next tick; one that would not be above 0 is left out. A position is also
/// closed when the close leaves the channel of the `exit` bars before, on its far side, and turned by a
/// breakout on the other side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DonchianBreakoutParams {
    /// Bars of the channel whose breakout opens a position.
    #[schemars(range(min = 1, max = 100_000))]
    pub entry: u32,
    /// Bars of the channel whose breakout closes it; at most `entry`.
    #[schemars(range(min = 1, max = 100_000))]
    pub exit: u32,
    /// Bars of the average true range.
    #[schemars(range(min = 1, max = 100_000))]
    pub atr: u32,
    /// Average true ranges from the deciding close to the stop-loss; above 0.
    pub stop_atr: f64,
    /// Average true ranges from the deciding close to the take-profit; above 0.
    pub target_atr: f64,
    /// Which sides it takes: `long` only closes on a breakout below.
    pub direction: Direction,
}

impl Default for DonchianBreakoutParams {
    fn default() -> Self {
        Self { entry: 20, exit: 10, atr: 14, stop_atr: 2.0, target_atr: 4.0, direction: Direction::Both }
    }
}

/// The strategy of [`DonchianBreakoutParams`].
#[derive(Debug)]
pub struct DonchianBreakout {
    params: DonchianBreakoutParams,
    instrument: Inst,
    entry_upper: Value,
    entry_lower: Value,
    exit_upper: Value,
    exit_lower: Value,
    atr: Value,
}

impl DonchianBreakout {
    /// Subscribes to the instrument's bars, both channels and the average true range.
    ///
    /// # Errors
    /// Says what is wrong with the parameters.
    pub fn new(params: DonchianBreakoutParams, setup: &mut Setup<'_>) -> Result<Self, SetupError> {
        let mut faults = Faults::of("donchian_breakout");
        let channels = faults.bars("entry", params.entry, 1) & faults.bars("exit", params.exit, 1);
        faults.expect(
            !channels || params.exit <= params.entry,
            "`exit` must be at most `entry`",
            format_args!("exit = {}, entry = {}", params.exit, params.entry),
        );
        faults.bars("atr", params.atr, 1);
        faults.positive("stop_atr", params.stop_atr);
        faults.positive("target_atr", params.target_atr);
        faults.into_result()?;
        let instrument = setup.instrument();
        let bars = setup.bars(instrument);
        // A close never leaves a channel that contains it: compare with the one a bar ago.
        let mut before = |period: u32, output: &str| {
            let spec = IndicatorSpec::new("donchian").with("period", period);
            let value = setup.indicator_output(bars, spec, output)?;
            setup.lag(value, 1);
            Ok::<_, SetupError>(value)
        };
        Ok(Self {
            entry_upper: before(params.entry, "upper")?,
            entry_lower: before(params.entry, "lower")?,
            exit_upper: before(params.exit, "upper")?,
            exit_lower: before(params.exit, "lower")?,
            atr: setup.indicator(bars, IndicatorSpec::new("atr").with("period", params.atr))?,
            instrument,
            params,
        })
    }

    fn enter(&self, ctx: &mut Context<'_>, side: Side, close: f64, atr: f64) {
        let mut order = ctx.entry(self.instrument, side);
        let up = side == Side::Buy;
        let (stop, target) = (self.params.stop_atr * atr, self.params.target_atr * atr);
        let (stop, target) = if up { (close - stop, close + target) } else { (close + stop, close - target) };
        let price = |price: f64, up: bool| Some(ctx.to_tick(self.instrument, price, up)).filter(|p| *p > 0.0);
        order.stop_loss = price(stop, !up);
        order.take_profit = price(target, up);
        ctx.submit(order);
    }
}

/// An indicator's value one bar ago; NaN where there is none.
fn a_bar_ago(ctx: &Context<'_>, value: Value) -> f64 {
    match ctx.values(value) {
        [.., before, _] => *before,
        _ => f64::NAN,
    }
}

impl Strategy for DonchianBreakout {
    fn on_bar(&mut self, ctx: &mut Context<'_>, bars: Bars) {
        let (close, atr) = (ctx.close(bars), ctx.value(self.atr));
        // Stops fill without being asked, so what counts is what is held.
        let held = ctx.position(self.instrument);
        let short_too = self.params.direction == Direction::Both;
        if held <= 0 && atr > 0.0 && close > a_bar_ago(ctx, self.entry_upper) {
            self.enter(ctx, Side::Buy, close, atr);
        } else if held >= 0 && short_too && atr > 0.0 && close < a_bar_ago(ctx, self.entry_lower) {
            self.enter(ctx, Side::Sell, close, atr);
        } else if (held > 0 && close < a_bar_ago(ctx, self.exit_lower))
            || (held < 0 && close > a_bar_ago(ctx, self.exit_upper))
        {
            ctx.exit(self.instrument);
        }
    }
}
