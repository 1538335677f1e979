//! Fill and cost models: at which price an order fills on a bar, and what the fill costs.

use crate::{
    instrument::{FeeSchedule, Scales},
    money::Money,
    order::Side,
};

/// A bar's prices at its instrument's scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScaledBar {
    /// First price.
    pub open: i64,
    /// Highest price.
    pub high: i64,
    /// Lowest price.
    pub low: i64,
    /// Last price.
    pub close: i64,
}

/// Decides at which price an order fills on a bar. Prices are at the instrument's scale.
pub trait FillModel: Send {
    /// The price of a market order (or of a stop that has been triggered at `reference`).
    fn market(&self, side: Side, reference: i64, bar: &ScaledBar, scales: &Scales) -> i64;

    /// The price of a limit order that rests when the bar opens, if it fills at the open.
    fn limit_at_open(&self, side: Side, limit: i64, bar: &ScaledBar) -> Option<i64>;

    /// The price of a limit order that fills within the bar.
    fn limit_in_bar(&self, side: Side, limit: i64, bar: &ScaledBar) -> Option<i64>;

    /// Where a stop is triggered by the open: the open itself.
    fn stop_at_open(&self, side: Side, stop: i64, bar: &ScaledBar) -> Option<i64>;

    /// Where a stop is triggered within the bar: the stop itself.
    fn stop_in_bar(&self, side: Side, stop: i64, bar: &ScaledBar) -> Option<i64>;
}

/// The default model: market at the open, limits on touch, stops at the stop, both at the open on a
/// gap; slippage against the trader on market and stop orders, never out of the bar's range.
#[derive(Clone, Copy, Debug, Default)]
pub struct BarFills {
    /// Slippage in basis points of the price.
    pub slippage_bps: f64,
}

impl FillModel for BarFills {
    fn market(&self, side: Side, reference: i64, bar: &ScaledBar, scales: &Scales) -> i64 {
        if self.slippage_bps == 0.0 {
            return reference;
        }
        let slip = (reference as f64 * self.slippage_bps / 1e4).abs().round_ties_even() as i64;
        let slipped = reference.saturating_add(side.sign() * slip);
        // Against the trader to the tick too, and back into the range that was traded.
        scales.to_tick(slipped, side == Side::Buy).clamp(bar.low.min(reference), bar.high.max(reference))
    }

    fn limit_at_open(&self, side: Side, limit: i64, bar: &ScaledBar) -> Option<i64> {
        match side {
            Side::Buy => (bar.open <= limit).then_some(bar.open),
            Side::Sell => (bar.open >= limit).then_some(bar.open),
        }
    }

    fn limit_in_bar(&self, side: Side, limit: i64, bar: &ScaledBar) -> Option<i64> {
        match side {
            Side::Buy => (bar.low <= limit).then_some(limit),
            Side::Sell => (bar.high >= limit).then_some(limit),
        }
    }

    fn stop_at_open(&self, side: Side, stop: i64, bar: &ScaledBar) -> Option<i64> {
        match side {
            Side::Buy => (bar.open >= stop).then_some(bar.open),
            Side::Sell => (bar.open <= stop).then_some(bar.open),
        }
    }

    fn stop_in_bar(&self, side: Side, stop: i64, bar: &ScaledBar) -> Option<i64> {
        match side {
            Side::Buy => (bar.high >= stop).then_some(stop),
            Side::Sell => (bar.low <= stop).then_some(stop),
        }
    }
}

/// Decides what a fill costs.
pub trait CostModel: Send {
    /// The commission on a notional, or `None` when it does not fit the ledger.
    fn commission(&self, notional: Money) -> Option<Money>;

    /// The most lots that `budget` pays for at `price`, commission included.
    fn lots_affordable(&self, budget: Money, price: i64, scales: &Scales) -> i64;
}

impl CostModel for FeeSchedule {
    fn commission(&self, notional: Money) -> Option<Money> {
        FeeSchedule::commission(self, notional)
    }

    fn lots_affordable(&self, budget: Money, price: i64, scales: &Scales) -> i64 {
        scales.lots_affordable(budget, price, self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instrument::{Currency, Instrument};

    const BAR: ScaledBar = ScaledBar { open: 100, high: 110, low: 90, close: 105 };

    fn scales() -> Scales {
        Instrument::new("X", 2, Currency::new("USD").unwrap()).scales()
    }

    #[test]
    fn slippage_is_against_the_trader_and_stays_in_the_bar() {
        let model = BarFills { slippage_bps: 500.0 };
        assert_eq!(model.market(Side::Buy, 100, &BAR, &scales()), 105);
        assert_eq!(model.market(Side::Sell, 100, &BAR, &scales()), 95);
        assert_eq!(model.market(Side::Buy, 108, &BAR, &scales()), 110);
        assert_eq!(model.market(Side::Sell, 92, &BAR, &scales()), 90);
    }

    #[test]
    fn limits_take_the_better_open_and_stops_the_worse() {
        let model = BarFills::default();
        assert_eq!(model.limit_at_open(Side::Buy, 103, &BAR), Some(100));
        assert_eq!(model.limit_at_open(Side::Buy, 95, &BAR), None);
        assert_eq!(model.limit_in_bar(Side::Buy, 90, &BAR), Some(90));
        assert_eq!(model.limit_in_bar(Side::Sell, 111, &BAR), None);
        assert_eq!(model.stop_at_open(Side::Sell, 101, &BAR), Some(100));
        assert_eq!(model.stop_at_open(Side::Sell, 99, &BAR), None);
        assert_eq!(model.stop_in_bar(Side::Sell, 99, &BAR), Some(99));
        assert_eq!(model.stop_in_bar(Side::Buy, 111, &BAR), None);
    }
}
