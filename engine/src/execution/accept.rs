//! From a strategy's wish to a resting order: checks, replacement, cancellation.

use super::{
    BarPrices, Execution,
    resting::{Live, Resting, Trigger},
};
use crate::{
    order::{Cause, OrderId, OrderKind, OrderRequest, OrderState, Quantity},
    portfolio::LedgerError,
    record::OrderEvent,
    set::MarketFill,
};

impl Execution {
    /// Checks a strategy's order and lets it rest. `bar` is the market's newest bar.
    pub(crate) fn submit(
        &mut self,
        order: OrderId,
        position: usize,
        request: &OrderRequest,
        ts_ns: i64,
        bar: Option<BarPrices<'_>>,
    ) -> Result<(), LedgerError> {
        let of = self.positions[position];
        let market = of.market as usize;
        let (trigger, exits) = self.scale_prices(market, request);
        let mut resting = Resting {
            id: order,
            parent: None,
            strategy: of.strategy,
            position: position as u32,
            quantity: request.quantity,
            trigger: trigger.unwrap_or(Trigger::Market),
            stop_loss: exits.and_then(|(stop_loss, _)| stop_loss),
            take_profit: exits.and_then(|(_, take_profit)| take_profit),
            decided_ts_ns: ts_ns,
            live: Live::WhileResting,
            state: OrderState::Submitted,
        };
        self.counts.submitted += 1;
        let instrument = self.markets[market].id;
        self.appear(resting.event(ts_ns, instrument));
        // A newer target speaks for the older one, whatever becomes of it.
        if resting.is_target() {
            self.cancel_where(market, Cause::Replaced, ts_ns, |old| {
                old.position == position as u32 && old.is_target()
            });
        }
        let refusal = if self.view.halted {
            Some(Cause::Halted)
        } else if trigger.is_none() || exits.is_none() {
            Some(Cause::OffTick)
        } else {
            self.refusal(position, &resting)
        };
        if let Some(cause) = refusal {
            resting.state = OrderState::Rejected;
            self.transition(OrderEvent { cause, ..resting.event(ts_ns, instrument) });
            return Ok(());
        }
        resting.state = OrderState::Working;
        self.transition(OrderEvent { cause: Cause::Accepted, ..resting.event(ts_ns, instrument) });
        self.rest(market, resting);
        if let (MarketFill::DecidingClose, Trigger::Market, Some(bar)) =
            (self.market_fill, resting.trigger, bar)
        {
            let index = self.markets[market].resting.len() - 1;
            let price = self.deciding_close(market, index, &bar)?;
            self.execute(market, index, price, Live::WhileResting, ts_ns)?;
            self.sweep(market);
        }
        Ok(())
    }

    /// Takes back one order of a strategy.
    pub(crate) fn cancel(&mut self, order: OrderId, strategy: u32, ts_ns: i64) {
        for market in 0..self.markets.len() {
            self.cancel_where(market, Cause::Strategy, ts_ns, |old| {
                old.id == order && old.strategy == strategy && !old.is_forced()
            });
        }
    }

    /// Takes back all orders on a position, attached ones excepted.
    pub(crate) fn cancel_all(&mut self, position: usize, ts_ns: i64) {
        let market = self.positions[position].market as usize;
        self.cancel_where(market, Cause::Strategy, ts_ns, |old| {
            old.position == position as u32 && !old.is_attached() && !old.is_forced()
        });
    }

    /// Stops trading: takes everything back and closes every position at the next price.
    pub(super) fn halt(&mut self, ts_ns: i64) -> Result<(), LedgerError> {
        self.halted_ts_ns = Some(ts_ns);
        for market in 0..self.markets.len() {
            self.cancel_where(market, Cause::Halted, ts_ns, |_| true);
        }
        for position in 0..self.positions.len() {
            if self.view.positions[position].lots != 0 {
                self.rest_own(
                    position,
                    None,
                    Quantity::Target(0),
                    Trigger::Market,
                    Live::WhileResting,
                    ts_ns,
                    Cause::Halted,
                );
            }
        }
        self.view.halted = true;
        Ok(())
    }

    /// Lets an order that execution makes itself rest.
    #[allow(clippy::too_many_arguments, reason = "an order has that many parts; both callers name them all")]
    pub(super) fn rest_own(
        &mut self,
        position: usize,
        parent: Option<OrderId>,
        quantity: Quantity,
        trigger: Trigger,
        live: Live,
        ts_ns: i64,
        cause: Cause,
    ) {
        let of = self.positions[position];
        let market = of.market as usize;
        let order = Resting {
            id: self.next_own_order(),
            parent,
            strategy: of.strategy,
            position: position as u32,
            quantity,
            trigger,
            stop_loss: None,
            take_profit: None,
            decided_ts_ns: ts_ns,
            live,
            state: OrderState::Working,
        };
        self.counts.submitted += 1;
        let instrument = self.markets[market].id;
        self.appear(OrderEvent { cause, ..order.event(ts_ns, instrument) });
        self.rest(market, order);
    }

    fn rest(&mut self, market: usize, order: Resting) {
        self.markets[market].resting.push(order);
        self.resting += 1;
    }

    /// Cancels the resting orders of a market that `which` picks.
    pub(super) fn cancel_where(
        &mut self,
        market: usize,
        cause: Cause,
        ts_ns: i64,
        which: impl Fn(&Resting) -> bool,
    ) {
        self.cancel_marked(market, cause, ts_ns, which);
        self.sweep(market);
    }

    /// Cancels orders and leaves them in their places, for callers that are walking over them.
    pub(super) fn cancel_marked(
        &mut self,
        market: usize,
        cause: Cause,
        ts_ns: i64,
        which: impl Fn(&Resting) -> bool,
    ) {
        let instrument = self.markets[market].id;
        for index in 0..self.markets[market].resting.len() {
            let order = &mut self.markets[market].resting[index];
            if !order.state.is_final() && which(order) {
                order.state = OrderState::Cancelled;
                let event = OrderEvent { cause, ..order.event(ts_ns, instrument) };
                self.transition(event);
            }
        }
    }

    /// Takes finished orders off a market.
    pub(super) fn sweep(&mut self, market: usize) {
        let resting = &mut self.markets[market].resting;
        let before = resting.len();
        resting.retain(|order| !order.state.is_final());
        self.resting -= before - resting.len();
    }

    /// The order's prices at the instrument's scale; `None` for those that are not on the tick.
    #[allow(clippy::type_complexity, reason = "an outer None says that an attached price is off the tick")]
    fn scale_prices(
        &self,
        market: usize,
        request: &OrderRequest,
    ) -> (Option<Trigger>, Option<(Option<i64>, Option<i64>)>) {
        let scales = &self.markets[market].scales;
        let on_tick = |price: f64| {
            let scaled = scales.price_from_f64(price)?;
            // A computed price may miss its decimal by an ulp or two; a wrong tick it misses by far.
            let near = (scales.price_to_f64(scaled) - price).abs() <= price.abs() * 1e-12;
            (near && scales.to_tick(scaled, false) == scaled).then_some(scaled)
        };
        let trigger = match request.kind {
            OrderKind::Market => Some(Trigger::Market),
            OrderKind::Limit(price) => on_tick(price).map(Trigger::Limit),
            OrderKind::Stop(price) => on_tick(price).map(Trigger::Stop),
        };
        let exit = |price: Option<f64>| match price {
            None => Some(None),
            Some(price) => on_tick(price).map(Some),
        };
        (trigger, exit(request.stop_loss).zip(exit(request.take_profit)))
    }

    /// Why an order may not rest.
    fn refusal(&self, position: usize, order: &Resting) -> Option<Cause> {
        let of = self.positions[position];
        let held = self.view.positions[position].lots;
        let lots = order.lots(held);
        match order.quantity {
            Quantity::Lots(0 | i64::MIN) | Quantity::Target(i64::MIN) => return Some(Cause::BadQuantity),
            Quantity::Target(_) if lots == 0 && order.trigger == Trigger::Market => {
                return Some(Cause::NothingToDo);
            }
            // All-in is sized when it fills, and bounded there.
            Quantity::AllIn(_) => return None,
            _ => {}
        }
        let Some(after) = held.checked_add(lots) else { return Some(Cause::BadQuantity) };
        let grows = after.unsigned_abs() > held.unsigned_abs();
        let too_many =
            |max: Option<i64>, lots: i64| max.is_some_and(|max| lots.unsigned_abs() > max.unsigned_abs());
        if too_many(of.limits.order_lots_max, lots) || (grows && too_many(of.limits.position_lots_max, after))
        {
            return Some(Cause::Limit);
        }
        let market = of.market as usize;
        let notional = self.markets[market].scales.exposure(lots).abs() * self.closes[market];
        match of.limits.order_notional_max {
            Some(max) if grows && notional > max => Some(Cause::Limit),
            _ => None,
        }
    }
}
