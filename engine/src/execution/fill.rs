//! A fill: how much, may it be paid for, and what follows from it.

use super::{
    Execution,
    resting::{Live, Resting, Trigger},
};
use crate::{
    money::Money,
    order::{Cause, OrderState, Quantity, Side},
    portfolio::{Closed, LedgerError, Posting},
    record::{Fill, OrderEvent, Trade},
};

impl Execution {
    /// Fills the order at `index` at `price`; `live` says where in the bar that is.
    pub(super) fn execute(
        &mut self,
        market: usize,
        index: usize,
        price: i64,
        live: Live,
        ts_ns: i64,
    ) -> Result<(), LedgerError> {
        let order = self.markets[market].resting[index];
        let held = self.view.positions[order.position as usize].lots;
        match order.quantity {
            Quantity::AllIn(side) => self.execute_all_in(market, index, side, price, live, ts_ns),
            Quantity::Lots(lots) if order.is_attached() => {
                // An exit never closes more than is open, and never opens anything.
                let open =
                    if (held > 0) == (lots < 0) { held.unsigned_abs().min(lots.unsigned_abs()) } else { 0 };
                match open {
                    0 => self.finish(market, index, OrderState::Cancelled, Cause::PositionClosed, ts_ns),
                    open => {
                        self.fill_order(market, index, lots.signum() * open as i64, price, live, ts_ns)?
                    }
                }
                Ok(())
            }
            Quantity::Lots(_) | Quantity::Target(_) => match order.lots(held) {
                0 => {
                    self.finish(market, index, OrderState::Cancelled, Cause::NothingToDo, ts_ns);
                    Ok(())
                }
                lots => self.fill_order(market, index, lots, price, live, ts_ns),
            },
        }
    }

    /// Closes what is open, then takes what the buying power pays for.
    fn execute_all_in(
        &mut self,
        market: usize,
        index: usize,
        side: Side,
        price: i64,
        live: Live,
        ts_ns: i64,
    ) -> Result<(), LedgerError> {
        let order = self.markets[market].resting[index];
        let position = order.position as usize;
        let held = self.view.positions[position].lots;
        if held != 0 && (held > 0) == (side == Side::Buy) {
            self.finish(market, index, OrderState::Cancelled, Cause::NothingToDo, ts_ns);
            return Ok(());
        }
        if held != 0 {
            self.post(&order, market, -held, false, price, ts_ns)?;
            self.after_reduction(market, index, held, ts_ns);
        }
        let budget = self.ledger.book_equity().0.checked_mul(self.leverage_max).ok_or(LedgerError)?;
        let budget = Money(budget).checked_sub(self.ledger.gross()).ok_or(LedgerError)?;
        let market_of = &self.markets[market];
        // A fee takes from the book, on which the buying power is a multiple.
        let leverage = self.leverage_max;
        let mut lots = market_of.scales.lots_affordable(budget, price, |notional| {
            Some(Money(market_of.costs.commission(notional)?.0.checked_mul(leverage)?))
        });
        let limits = self.positions[position].limits;
        if let Some(max) = limits.position_lots_max {
            lots = lots.min(max);
        }
        if let Some(max) = limits.order_lots_max {
            // What closed was part of the order.
            lots = lots.min(max.saturating_sub(held.saturating_abs()));
        }
        if let Some(max) = limits.order_notional_max {
            let max = Money((max * 1e9) as i128);
            lots = lots.min(market_of.scales.lots_affordable(max, price, |_| Some(Money::ZERO)));
        }
        if lots <= 0 {
            let cause = if held == 0 { Cause::BuyingPower } else { Cause::NothingToDo };
            self.finish(market, index, OrderState::Cancelled, cause, ts_ns);
            return Ok(());
        }
        self.fill_order(market, index, side.sign() * lots, price, live, ts_ns)
    }

    /// Fills `lots` of an order, as far as limits and buying power allow, and finishes it.
    fn fill_order(
        &mut self,
        market: usize,
        index: usize,
        lots: i64,
        price: i64,
        live: Live,
        ts_ns: i64,
    ) -> Result<(), LedgerError> {
        let order = self.markets[market].resting[index];
        let held = self.view.positions[order.position as usize].lots;
        let closing = if held != 0 && (held > 0) != (lots > 0) {
            -held.signum() * lots.unsigned_abs().min(held.unsigned_abs()) as i64
        } else {
            0
        };
        let opening = lots - closing;
        let refusal = self.post(&order, market, lots, opening != 0, price, ts_ns)?;
        if refusal.is_some() && closing != 0 {
            // What opens may not, but what closes may.
            self.post(&order, market, closing, false, price, ts_ns)?;
        }
        if closing != 0 {
            self.after_reduction(market, index, held, ts_ns);
        }
        match refusal {
            Some(cause) => self.finish(market, index, OrderState::Rejected, cause, ts_ns),
            None => {
                self.finish(market, index, OrderState::Filled, Cause::Matched, ts_ns);
                self.attach_exits(&order, opening, live, ts_ns);
            }
        }
        Ok(())
    }

    fn posting(
        &self,
        market: usize,
        position: usize,
        lots: i64,
        price: i64,
        ts_ns: i64,
    ) -> Result<Posting, LedgerError> {
        let market = &self.markets[market];
        let notional = market.scales.notional(price, lots).ok_or(LedgerError)?;
        let fee = market.costs.commission(notional).ok_or(LedgerError)?;
        Ok(Posting { position, lots, notional, fee, ts_ns })
    }

    /// Posts a fill and records it, or says why it may not be: a fill that opens is posted on trial.
    fn post(
        &mut self,
        order: &Resting,
        market: usize,
        lots: i64,
        opens: bool,
        price: i64,
        ts_ns: i64,
    ) -> Result<Option<Cause>, LedgerError> {
        let position = order.position as usize;
        let posting = self.posting(market, position, lots, price, ts_ns)?;
        let before = self.view.positions[position];
        let closed = if opens {
            let after = before.lots.checked_add(lots).ok_or(LedgerError)?;
            let limit = self.positions[position].limits.position_lots_max;
            if limit.is_some_and(|max| after.unsigned_abs() > max.unsigned_abs()) {
                return Ok(Some(Cause::Limit));
            }
            let mark = self.ledger.mark(position);
            let closed = self.ledger.post(&posting, &mut self.view.positions[position])?;
            let allowed = self.ledger.book_equity().0.checked_mul(self.leverage_max).ok_or(LedgerError)?;
            if self.ledger.gross().0 > allowed {
                self.ledger.restore(mark);
                self.view.positions[position] = before;
                return Ok(Some(Cause::BuyingPower));
            }
            closed
        } else {
            self.ledger.post(&posting, &mut self.view.positions[position])?
        };
        self.settle(position, before.lots, lots, market)?;
        let instrument = self.markets[market].id;
        let fill = Fill {
            ts_ns,
            order: order.id,
            strategy: order.strategy,
            instrument,
            lots,
            price,
            fee: posting.fee,
        };
        self.record_fill(fill, closed)?;
        Ok(None)
    }

    /// Brings everything that is derived from the ledger up to date.
    fn settle(&mut self, position: usize, held: i64, lots: i64, market: usize) -> Result<(), LedgerError> {
        self.view.cash = self.ledger.cash;
        self.cash_f64 = self.ledger.cash.to_f64();
        self.digest.set_cash(self.ledger.cash);
        self.digest.move_position(position, lots);
        match (held, self.view.positions[position].lots) {
            (0, _) => self.open_positions += 1,
            (_, 0) => self.open_positions -= 1,
            _ => {}
        }
        self.curve.set_exposed(self.open_positions > 0);
        let market_of = &mut self.markets[market];
        market_of.lots = market_of.lots.checked_add(lots).ok_or(LedgerError)?;
        self.exposures[market] = market_of.scales.exposure(market_of.lots);
        Ok(())
    }

    fn record_fill(&mut self, fill: Fill, closed: Option<Closed>) -> Result<(), LedgerError> {
        self.counts.fills += 1;
        self.canonical.fill(&fill, self.ledger.cash);
        let tally = &mut self.tallies[fill.strategy as usize];
        tally.fills += 1;
        tally.fees = tally.fees.checked_add(fill.fee).ok_or(LedgerError)?;
        if let Some(closed) = closed {
            let trade = Trade {
                strategy: fill.strategy,
                instrument: fill.instrument,
                side: closed.side,
                lots: closed.lots,
                entry_ts_ns: closed.entry_ts_ns,
                exit_ts_ns: fill.ts_ns,
                entry_value: closed.entry_value,
                exit_value: closed.exit_value,
                fees: closed.fees,
                pnl: closed.pnl,
            };
            tally.trades.add(&trade)?;
            self.trades.add(&trade)?;
            if self.wants.trades {
                self.records.trades.push(trade);
            }
        }
        if self.wants.fills {
            self.records.fills.push(fill);
        }
        self.step_fills.push(fill);
        Ok(())
    }

    /// A position that stood at `held` was reduced: exits whose position is gone go too, and so does
    /// the partner of an exit that filled.
    fn after_reduction(&mut self, market: usize, index: usize, held: i64, ts_ns: i64) {
        let order = self.markets[market].resting[index];
        let now = self.view.positions[order.position as usize].lots;
        if now == 0 || (now > 0) != (held > 0) {
            self.cancel_marked(market, Cause::PositionClosed, ts_ns, |other| {
                other.position == order.position && other.is_attached() && other.id != order.id
            });
        } else if let Some(parent) = order.parent {
            self.cancel_marked(market, Cause::Partner, ts_ns, |other| {
                other.parent == Some(parent) && other.id != order.id
            });
        }
    }

    fn attach_exits(&mut self, order: &Resting, opened: i64, live: Live, ts_ns: i64) {
        if opened == 0 {
            return;
        }
        let exits = [order.stop_loss.map(Trigger::Stop), order.take_profit.map(Trigger::Limit)];
        for trigger in exits.into_iter().flatten() {
            let quantity = Quantity::Lots(-opened);
            self.rest_own(
                order.position as usize,
                Some(order.id),
                quantity,
                trigger,
                live,
                ts_ns,
                Cause::Attached,
            );
        }
    }

    fn finish(&mut self, market: usize, index: usize, state: OrderState, cause: Cause, ts_ns: i64) {
        let instrument = self.markets[market].id;
        let order = &mut self.markets[market].resting[index];
        debug_assert!(order.state.may_become(state));
        order.state = state;
        let event = OrderEvent { cause, ..order.event(ts_ns, instrument) };
        self.transition(event);
    }
}
