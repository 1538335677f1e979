//! Matching: the resting orders of one market against one bar.

use super::{
    Execution, ScaledBar,
    resting::{Live, Resting, Trigger},
};
use crate::{order::OrderState, portfolio::LedgerError};

impl Execution {
    /// A bar's prices at the market's scale.
    pub(crate) fn scale_bar(
        &self,
        market: usize,
        open: f64,
        high: f64,
        low: f64,
        close: f64,
    ) -> Result<ScaledBar, LedgerError> {
        let scales = &self.markets[market].scales;
        let scale = |price: f64| scales.price_from_f64(price).ok_or(LedgerError);
        Ok(ScaledBar { open: scale(open)?, high: scale(high)?, low: scale(low)?, close: scale(close)? })
    }

    /// Matches what rests on a market against a bar that opened at `opened_ns`; fills are posted at
    /// the step `ts_ns`.
    ///
    /// The path of prices within a bar is not known, so it is assumed to be the worse one: what fills
    /// at the open comes first, then stops, then limits; what is attached to an entry within the bar
    /// comes last, and its target only counts when the close has reached it.
    pub(crate) fn match_bar(
        &mut self,
        market: usize,
        bar: &ScaledBar,
        opened_ns: i64,
        ts_ns: i64,
    ) -> Result<(), LedgerError> {
        self.match_open(market, bar, opened_ns, ts_ns)?;
        self.match_in_bar(market, bar, opened_ns, ts_ns, true)?;
        self.match_in_bar(market, bar, opened_ns, ts_ns, false)?;
        self.match_after_entry(market, bar, ts_ns)?;
        // What is attached rests like everything else from the next bar on.
        for order in &mut self.markets[market].resting {
            order.live = Live::FromDecision;
        }
        self.sweep(market);
        Ok(())
    }

    fn match_open(
        &mut self,
        market: usize,
        bar: &ScaledBar,
        opened_ns: i64,
        ts_ns: i64,
    ) -> Result<(), LedgerError> {
        let resting = self.markets[market].resting.len();
        for index in 0..resting {
            let order = self.markets[market].resting[index];
            if order.state.is_final() || !is_live(&order, opened_ns) {
                continue;
            }
            if let Some(price) = self.price_at_open(market, &order, bar) {
                self.execute(market, index, price, Live::FromOpen, ts_ns)?;
            }
        }
        Ok(())
    }

    /// Stops, or limits, that the bar reaches after its open.
    fn match_in_bar(
        &mut self,
        market: usize,
        bar: &ScaledBar,
        opened_ns: i64,
        ts_ns: i64,
        stops: bool,
    ) -> Result<(), LedgerError> {
        let resting = self.markets[market].resting.len();
        for index in 0..resting {
            let order = self.markets[market].resting[index];
            if order.state.is_final() || !is_live(&order, opened_ns) {
                continue;
            }
            // An exit attached at the open has not met the open yet.
            let at_open =
                if order.live == Live::FromOpen { self.price_at_open(market, &order, bar) } else { None };
            let side = order.side(self.held(&order));
            let price = match order.trigger {
                Trigger::Stop(stop) if stops => at_open.or_else(|| {
                    let reference = self.fill_model.stop_in_bar(side, stop, bar)?;
                    Some(self.fill_model.market(side, reference, bar, &self.markets[market].scales))
                }),
                Trigger::Limit(limit) if !stops => {
                    at_open.or_else(|| self.fill_model.limit_in_bar(side, limit, bar))
                }
                _ => None,
            };
            if let Some(price) = price {
                let live = if at_open.is_some() { Live::FromOpen } else { Live::FromEntry(price) };
                self.execute(market, index, price, live, ts_ns)?;
            }
        }
        Ok(())
    }

    /// Exits of entries that filled within this bar.
    fn match_after_entry(&mut self, market: usize, bar: &ScaledBar, ts_ns: i64) -> Result<(), LedgerError> {
        for stops in [true, false] {
            let resting = self.markets[market].resting.len();
            for index in 0..resting {
                let order = self.markets[market].resting[index];
                let Live::FromEntry(entry) = order.live else { continue };
                if order.state.is_final() {
                    continue;
                }
                let side = order.side(self.held(&order));
                let price = match order.trigger {
                    Trigger::Stop(stop) if stops => {
                        self.fill_model.stop_in_bar(side, stop, bar).map(|reference| {
                            // The price was at the entry a moment ago: no better than that, nor than the stop.
                            let reference =
                                if side.sign() < 0 { reference.min(entry) } else { reference.max(entry) };
                            self.fill_model.market(side, reference, bar, &self.markets[market].scales)
                        })
                    }
                    Trigger::Limit(limit) if !stops => {
                        let closed = ScaledBar { open: bar.close, high: bar.close, low: bar.close, ..*bar };
                        self.fill_model.limit_in_bar(side, limit, &closed)
                    }
                    _ => None,
                };
                if let Some(price) = price {
                    self.execute(market, index, price, Live::FromEntry(price), ts_ns)?;
                }
            }
        }
        Ok(())
    }

    fn price_at_open(&self, market: usize, order: &Resting, bar: &ScaledBar) -> Option<i64> {
        let side = order.side(self.held(order));
        let scales = &self.markets[market].scales;
        match order.trigger {
            Trigger::Market => Some(self.fill_model.market(side, bar.open, bar, scales)),
            Trigger::Limit(limit) => self.fill_model.limit_at_open(side, limit, bar),
            Trigger::Stop(stop) => self
                .fill_model
                .stop_at_open(side, stop, bar)
                .map(|reference| self.fill_model.market(side, reference, bar, scales)),
        }
    }

    /// Where a market order fills when it may take the close that decided it.
    pub(super) fn deciding_close(&self, market: usize, index: usize, bar: &ScaledBar) -> i64 {
        let order = &self.markets[market].resting[index];
        let side = order.side(self.held(order));
        self.fill_model.market(side, bar.close, bar, &self.markets[market].scales)
    }

    fn held(&self, order: &Resting) -> i64 {
        self.view.positions[order.position as usize].lots
    }
}

/// Whether an order may meet a bar that opened at `opened_ns`, from its open.
fn is_live(order: &Resting, opened_ns: i64) -> bool {
    debug_assert!(order.state != OrderState::Submitted);
    match order.live {
        Live::FromDecision => order.decided_ts_ns <= opened_ns || order.is_attached(),
        Live::FromOpen => true,
        Live::FromEntry(_) => false,
    }
}
