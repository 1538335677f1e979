//! An order that rests on a market.

use crate::{
    order::{OrderId, OrderState, Quantity, Side},
    record::OrderEvent,
};

/// When a resting order meets a price; prices at the instrument's scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trigger {
    Market,
    Limit(i64),
    Stop(i64),
}

impl Trigger {
    pub(super) fn price(self) -> i64 {
        match self {
            Self::Market => 0,
            Self::Limit(price) | Self::Stop(price) => price,
        }
    }
}

/// Which part of the bar at hand an order may meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Live {
    /// Every bar that opens at or after the decision.
    WhileResting,
    /// The bar at hand from its open: attached to an entry that filled there.
    AtOpen,
    /// What is left of the bar at hand after its entry filled at this price.
    AfterEntry(i64),
}

/// An order that rests.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resting {
    pub(super) id: OrderId,
    pub(super) parent: Option<OrderId>,
    pub(super) strategy: u32,
    pub(super) position: u32,
    pub(super) quantity: Quantity,
    pub(super) trigger: Trigger,
    /// Attached exits, at the instrument's scale.
    pub(super) stop_loss: Option<i64>,
    pub(super) take_profit: Option<i64>,
    pub(super) decided_ts_ns: i64,
    pub(super) live: Live,
    pub(super) state: OrderState,
}

impl Resting {
    /// Whether the order only closes: it is a stop-loss or take-profit.
    pub(super) fn is_attached(&self) -> bool {
        self.parent.is_some()
    }

    /// Whether the account itself ordered it (to close after a halt): no strategy's business.
    pub(super) fn is_forced(&self) -> bool {
        self.id.0 > super::OWN_ORDERS && !self.is_attached()
    }

    /// Whether a newer target takes its place.
    pub(super) fn is_target(&self) -> bool {
        matches!(self.quantity, Quantity::Target(_) | Quantity::AllIn(_)) && !self.is_forced()
    }

    /// Lots that the order is for when the position stands at `held`, as far as they are known.
    pub(super) fn lots(&self, held: i64) -> i64 {
        match self.quantity {
            Quantity::Lots(lots) => lots,
            Quantity::Target(target) => target.saturating_sub(held),
            Quantity::AllIn(side) => side.sign(),
        }
    }

    /// The side it trades on when the position stands at `held`.
    pub(super) fn side(&self, held: i64) -> Side {
        Side::of(self.lots(held))
    }

    pub(super) fn event(&self, ts_ns: i64, instrument: crate::instrument::InstrumentId) -> OrderEvent {
        OrderEvent {
            ts_ns,
            order: self.id,
            parent: self.parent,
            strategy: self.strategy,
            instrument,
            position: self.position,
            state: self.state,
            cause: crate::order::Cause::Strategy,
            lots: match self.quantity {
                Quantity::Lots(lots) => lots,
                Quantity::Target(_) | Quantity::AllIn(_) => 0,
            },
            price: self.trigger.price(),
        }
    }
}
