//! Fill and cost models: at which price an order fills on a bar, and what the fill costs.

use crate::{
    data::BarColumns,
    instrument::{FeeSchedule, Scales},
    money::Money,
    order::Side,
    portfolio::LedgerError,
};

/// A bar's prices at its instrument's scale, worked out as they are asked for: most fills ask for one.
#[derive(Clone, Copy, Debug)]
pub struct BarPrices<'a> {
    columns: &'a BarColumns,
    row: usize,
    scales: Scales,
}

impl<'a> BarPrices<'a> {
    /// The prices of bar `row`.
    pub fn new(columns: &'a BarColumns, row: usize, scales: Scales) -> Self {
        Self { columns, row, scales }
    }

    /// First price.
    ///
    /// # Errors
    /// When it does not fit the scale.
    pub fn open(&self) -> Result<i64, LedgerError> {
        self.scaled(self.columns.open[self.row])
    }

    /// Highest price.
    ///
    /// # Errors
    /// When it does not fit the scale.
    pub fn high(&self) -> Result<i64, LedgerError> {
        self.scaled(self.columns.high[self.row])
    }

    /// Lowest price.
    ///
    /// # Errors
    /// When it does not fit the scale.
    pub fn low(&self) -> Result<i64, LedgerError> {
        self.scaled(self.columns.low[self.row])
    }

    /// Last price.
    ///
    /// # Errors
    /// When it does not fit the scale.
    pub fn close(&self) -> Result<i64, LedgerError> {
        self.scaled(self.columns.close[self.row])
    }

    /// When the bar opened, UTC nanoseconds.
    pub fn opened_ns(&self) -> i64 {
        self.columns.ts_open_ns[self.row]
    }

    /// The instrument's scales.
    pub fn scales(&self) -> &Scales {
        &self.scales
    }

    fn scaled(&self, price: f64) -> Result<i64, LedgerError> {
        self.scales.price_from_f64(price).ok_or(LedgerError)
    }
}

/// A price at which an order fills, `None` when it does not.
pub type Meets = Result<Option<i64>, LedgerError>;

/// Decides at which price an order fills on a bar. Prices are at the instrument's scale.
pub trait FillModel: Send {
    /// The price of a market order at `reference` (the open, or where a stop was triggered).
    ///
    /// # Errors
    /// When a price does not fit the scale.
    fn market(&self, side: Side, reference: i64, bar: &BarPrices<'_>) -> Result<i64, LedgerError>;

    /// The price of a limit order that rests when the bar opens, if it fills at the open.
    ///
    /// # Errors
    /// When a price does not fit the scale.
    fn limit_at_open(&self, side: Side, limit: i64, bar: &BarPrices<'_>) -> Meets;

    /// The price of a limit order that fills within the bar.
    ///
    /// # Errors
    /// When a price does not fit the scale.
    fn limit_in_bar(&self, side: Side, limit: i64, bar: &BarPrices<'_>) -> Meets;

    /// Where a stop is triggered by the open: the open itself.
    ///
    /// # Errors
    /// When a price does not fit the scale.
    fn stop_at_open(&self, side: Side, stop: i64, bar: &BarPrices<'_>) -> Meets;

    /// Where a stop is triggered within the bar: the stop itself.
    ///
    /// # Errors
    /// When a price does not fit the scale.
    fn stop_in_bar(&self, side: Side, stop: i64, bar: &BarPrices<'_>) -> Meets;
}

/// The default model: market at the open, limits on touch, stops at the stop, both at the open on a
/// gap; slippage against the trader on market and stop orders, never out of the bar's range.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BarFills {
    /// Slippage in basis points of the price.
    pub slippage_bps: f64,
}

impl FillModel for BarFills {
    fn market(&self, side: Side, reference: i64, bar: &BarPrices<'_>) -> Result<i64, LedgerError> {
        if self.slippage_bps == 0.0 {
            return Ok(reference);
        }
        let slip = (reference as f64 * self.slippage_bps / 1e4).abs().round_ties_even() as i64;
        let slipped = reference.saturating_add(side.sign() * slip);
        // Against the trader to the tick too, and back into the range that was traded.
        let on_tick = bar.scales().to_tick(slipped, side == Side::Buy);
        Ok(on_tick.clamp(bar.low()?.min(reference), bar.high()?.max(reference)))
    }

    fn limit_at_open(&self, side: Side, limit: i64, bar: &BarPrices<'_>) -> Meets {
        let open = bar.open()?;
        Ok(match side {
            Side::Buy => (open <= limit).then_some(open),
            Side::Sell => (open >= limit).then_some(open),
        })
    }

    fn limit_in_bar(&self, side: Side, limit: i64, bar: &BarPrices<'_>) -> Meets {
        Ok(match side {
            Side::Buy => (bar.low()? <= limit).then_some(limit),
            Side::Sell => (bar.high()? >= limit).then_some(limit),
        })
    }

    fn stop_at_open(&self, side: Side, stop: i64, bar: &BarPrices<'_>) -> Meets {
        let open = bar.open()?;
        Ok(match side {
            Side::Buy => (open >= stop).then_some(open),
            Side::Sell => (open <= stop).then_some(open),
        })
    }

    fn stop_in_bar(&self, side: Side, stop: i64, bar: &BarPrices<'_>) -> Meets {
        Ok(match side {
            Side::Buy => (bar.high()? >= stop).then_some(stop),
            Side::Sell => (bar.low()? <= stop).then_some(stop),
        })
    }
}

/// Decides what a fill costs.
pub trait CostModel: Send {
    /// The commission on a notional, or `None` when it does not fit the ledger.
    fn commission(&self, notional: Money) -> Option<Money>;
}

impl CostModel for FeeSchedule {
    fn commission(&self, notional: Money) -> Option<Money> {
        FeeSchedule::commission(self, notional)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::Bar,
        instrument::{Currency, Instrument},
    };

    fn columns() -> BarColumns {
        let bar =
            Bar { ts_open_ns: 0, ts_close_ns: 1, open: 1.0, high: 1.1, low: 0.9, close: 1.05, volume: 0.0 };
        BarColumns::from_bars([&bar])
    }

    fn prices(columns: &BarColumns) -> BarPrices<'_> {
        BarPrices::new(columns, 0, Instrument::new("X", 2, Currency::new("USD").unwrap()).scales())
    }

    #[test]
    fn slippage_is_against_the_trader_and_stays_in_the_bar() {
        let (model, columns) = (BarFills { slippage_bps: 500.0 }, columns());
        let bar = prices(&columns);
        assert_eq!(model.market(Side::Buy, 100, &bar), Ok(105));
        assert_eq!(model.market(Side::Sell, 100, &bar), Ok(95));
        assert_eq!(model.market(Side::Buy, 108, &bar), Ok(110));
        assert_eq!(model.market(Side::Sell, 92, &bar), Ok(90));
    }

    #[test]
    fn limits_take_the_better_open_and_stops_the_worse() {
        let (model, columns) = (BarFills::default(), columns());
        let bar = prices(&columns);
        assert_eq!(model.limit_at_open(Side::Buy, 103, &bar), Ok(Some(100)));
        assert_eq!(model.limit_at_open(Side::Buy, 95, &bar), Ok(None));
        assert_eq!(model.limit_in_bar(Side::Buy, 90, &bar), Ok(Some(90)));
        assert_eq!(model.limit_in_bar(Side::Sell, 111, &bar), Ok(None));
        assert_eq!(model.stop_at_open(Side::Sell, 101, &bar), Ok(Some(100)));
        assert_eq!(model.stop_at_open(Side::Sell, 99, &bar), Ok(None));
        assert_eq!(model.stop_in_bar(Side::Sell, 99, &bar), Ok(Some(99)));
        assert_eq!(model.stop_in_bar(Side::Buy, 111, &bar), Ok(None));
    }
}
