//! Matching: the resting orders of one market against one bar.

use super::{
    BarPrices, Execution,
    model::Meets,
    resting::{Live, Resting, Trigger},
};
use crate::{data::BarColumns, order::OrderState, order::Side, portfolio::LedgerError};

impl Execution {
    /// A bar's prices at a market's scale.
    pub(crate) fn bar_prices<'a>(&self, market: usize, columns: &'a BarColumns, row: usize) -> BarPrices<'a> {
        BarPrices::new(columns, row, self.markets[market].scales)
    }

    /// Matches what rests on a market against a bar; fills are posted at the step `ts_ns`.
    ///
    /// The path of prices within a bar is not known, so it is assumed to be the worse one: what fills
    /// at the open comes first, then stops, then limits; what is attached to an entry within the bar
    /// comes last, and its target only counts when the close has reached it.
    pub(crate) fn match_bar(
        &mut self,
        market: usize,
        bar: &BarPrices<'_>,
        ts_ns: i64,
    ) -> Result<(), LedgerError> {
        self.match_open(market, bar, ts_ns)?;
        if self.markets[market].resting.iter().any(|order| !order.state.is_final()) {
            self.match_in_bar(market, bar, ts_ns, true)?;
            self.match_in_bar(market, bar, ts_ns, false)?;
            self.match_after_entry(market, bar, ts_ns)?;
            // What is attached rests like everything else from the next bar on.
            for order in &mut self.markets[market].resting {
                order.live = Live::WhileResting;
            }
        }
        self.sweep(market);
        Ok(())
    }

    fn match_open(&mut self, market: usize, bar: &BarPrices<'_>, ts_ns: i64) -> Result<(), LedgerError> {
        let resting = self.markets[market].resting.len();
        for index in 0..resting {
            let order = &self.markets[market].resting[index];
            if order.state.is_final() || !is_live(order, bar.opened_ns()) {
                continue;
            }
            if let Some(price) = self.price_at_open(order, bar)? {
                self.execute(market, index, price, Live::AtOpen, ts_ns)?;
            }
        }
        Ok(())
    }

    /// Stops, or limits, that the bar reaches after its open.
    fn match_in_bar(
        &mut self,
        market: usize,
        bar: &BarPrices<'_>,
        ts_ns: i64,
        stops: bool,
    ) -> Result<(), LedgerError> {
        let resting = self.markets[market].resting.len();
        for index in 0..resting {
            let order = self.markets[market].resting[index];
            if order.state.is_final() || !is_live(&order, bar.opened_ns()) {
                continue;
            }
            // An exit attached at the open has not met the open yet.
            let at_open = if order.live == Live::AtOpen && stops == matches!(order.trigger, Trigger::Stop(_))
            {
                self.price_at_open(&order, bar)?
            } else {
                None
            };
            let side = order.side(self.held(&order));
            let price = match (at_open, order.trigger) {
                (Some(price), _) => Some(price),
                (None, Trigger::Stop(stop)) if stops => {
                    self.slipped(side, self.fill_model.stop_in_bar(side, stop, bar), bar)?
                }
                (None, Trigger::Limit(limit)) if !stops => self.fill_model.limit_in_bar(side, limit, bar)?,
                _ => None,
            };
            if let Some(price) = price {
                let live = if at_open.is_some() { Live::AtOpen } else { Live::AfterEntry(price) };
                self.execute(market, index, price, live, ts_ns)?;
            }
        }
        Ok(())
    }

    /// Exits of entries that filled within this bar.
    fn match_after_entry(
        &mut self,
        market: usize,
        bar: &BarPrices<'_>,
        ts_ns: i64,
    ) -> Result<(), LedgerError> {
        for stops in [true, false] {
            let resting = self.markets[market].resting.len();
            for index in 0..resting {
                let order = self.markets[market].resting[index];
                let Live::AfterEntry(entry) = order.live else { continue };
                if order.state.is_final() {
                    continue;
                }
                let side = order.side(self.held(&order));
                let price = match order.trigger {
                    Trigger::Stop(stop) if stops => {
                        let reference = self.fill_model.stop_in_bar(side, stop, bar)?;
                        // The price was at the entry a moment ago: no better than that, nor than the stop.
                        let reference = reference
                            .map(|stop| if side == Side::Sell { stop.min(entry) } else { stop.max(entry) });
                        self.slipped(side, Ok(reference), bar)?
                    }
                    Trigger::Limit(limit) if !stops => {
                        let close = bar.close()?;
                        let reached = if side == Side::Sell { close >= limit } else { close <= limit };
                        reached.then_some(limit)
                    }
                    _ => None,
                };
                if let Some(price) = price {
                    self.execute(market, index, price, Live::AfterEntry(price), ts_ns)?;
                }
            }
        }
        Ok(())
    }

    fn price_at_open(&self, order: &Resting, bar: &BarPrices<'_>) -> Meets {
        let side = order.side(self.held(order));
        match order.trigger {
            Trigger::Market => self.fill_model.market(side, bar.open()?, bar).map(Some),
            Trigger::Limit(limit) => self.fill_model.limit_at_open(side, limit, bar),
            Trigger::Stop(stop) => self.slipped(side, self.fill_model.stop_at_open(side, stop, bar), bar),
        }
    }

    /// The fill of a stop that was triggered at a reference price.
    fn slipped(&self, side: Side, reference: Meets, bar: &BarPrices<'_>) -> Meets {
        match reference? {
            Some(reference) => self.fill_model.market(side, reference, bar).map(Some),
            None => Ok(None),
        }
    }

    /// Where a market order fills when it may take the close that decided it.
    pub(super) fn deciding_close(
        &self,
        market: usize,
        index: usize,
        bar: &BarPrices<'_>,
    ) -> Result<i64, LedgerError> {
        let order = &self.markets[market].resting[index];
        let side = order.side(self.held(order));
        self.fill_model.market(side, bar.close()?, bar)
    }

    fn held(&self, order: &Resting) -> i64 {
        self.view.positions[order.position as usize].lots
    }
}

/// Whether an order may meet a bar that opened at `opened_ns`, from its open.
fn is_live(order: &Resting, opened_ns: i64) -> bool {
    debug_assert!(order.state != OrderState::Submitted);
    match order.live {
        Live::WhileResting => order.decided_ts_ns <= opened_ns || order.is_attached(),
        Live::AtOpen => true,
        Live::AfterEntry(_) => false,
    }
}
