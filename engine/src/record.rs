//! What a container records: order transitions, fills, round trips and equity, and who keeps them.

use crate::{
    instrument::InstrumentId,
    money::Money,
    order::{Cause, OrderId, OrderState, Side},
    set::Trace,
};

/// One transition of one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderEvent {
    /// The step at which it happened, UTC nanoseconds.
    pub ts_ns: i64,
    /// Which order.
    pub order: OrderId,
    /// The order that it is attached to, for a stop-loss or take-profit.
    pub parent: Option<OrderId>,
    /// Index of the strategy in its container.
    pub strategy: u32,
    /// What it trades.
    pub instrument: InstrumentId,
    /// Which of the container's positions it is for, counted over its strategies' instruments.
    pub position: u32,
    /// The new state.
    pub state: OrderState,
    /// Why.
    pub cause: Cause,
    /// Lots still open after the transition, signed; 0 while a target is unresolved.
    pub lots: i64,
    /// Its limit or stop price at the instrument's scale; 0 for a market order.
    pub price: i64,
}

/// One fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// The step at which it was posted (close of the bar it happened in), UTC nanoseconds.
    pub ts_ns: i64,
    /// Which order.
    pub order: OrderId,
    /// Index of the strategy in its container.
    pub strategy: u32,
    /// What was traded.
    pub instrument: InstrumentId,
    /// Lots, signed.
    pub lots: i64,
    /// Price at the instrument's scale.
    pub price: i64,
    /// Commission.
    pub fee: Money,
}

/// A position from its opening to its closing (a part closed is a trade of its own).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// Index of the strategy in its container.
    pub strategy: u32,
    /// What was traded.
    pub instrument: InstrumentId,
    /// Long or short.
    pub side: Side,
    /// Lots, positive.
    pub lots: i64,
    /// Step of the first fill that opened it, UTC nanoseconds.
    pub entry_ts_ns: i64,
    /// Step of the fill that closed it, UTC nanoseconds.
    pub exit_ts_ns: i64,
    /// What the closed lots cost to open, without fees; positive.
    pub entry_value: Money,
    /// What closing them brought, without fees; positive.
    pub exit_value: Money,
    /// Commission of both ends that falls on these lots.
    pub fees: Money,
    /// Profit after fees.
    pub pnl: Money,
}

/// Equity at one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EquityPoint {
    /// The step, UTC nanoseconds.
    pub ts_ns: i64,
    /// Equity in the account's currency.
    pub equity: f64,
}

/// Which records a recorder wants; what nobody wants is not collected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// Equity at every step.
    pub equity: bool,
    /// Order transitions.
    pub orders: bool,
    /// Fills.
    pub fills: bool,
    /// Round trips.
    pub trades: bool,
}

impl Wants {
    /// Everything.
    pub const ALL: Self = Self { equity: true, orders: true, fills: true, trades: true };

    /// The part of it that a trace level records.
    #[must_use]
    pub fn within(self, trace: Trace) -> Self {
        match trace {
            Trace::Minimal => Self::default(),
            Trace::Normal => Self { orders: false, ..self },
            Trace::Full => self,
        }
    }
}

/// Keeps or forwards what one container records. Called once per frame with what the frame brought.
pub trait Recorder: Send {
    /// What it wants to be given.
    fn wants(&self) -> Wants;

    /// Takes the records of one frame, each kind in order of time. An account that closes at its end
    /// gives its newest equity sample with the next frame: it may still be replaced.
    fn record(&mut self, records: &Records);

    /// Forgets everything: the container is about to run again from its start.
    fn restart(&mut self);

    /// Bytes that it keeps in memory without bound, counted against the container's limit. What is bounded, as
    /// what waits to be written to a file, is not counted: the same run must not fail for being recorded.
    fn memory_bytes(&self) -> u64 {
        0
    }
}

/// The records of one frame.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Records {
    /// Equity samples.
    pub equity: Vec<EquityPoint>,
    /// Order transitions.
    pub orders: Vec<OrderEvent>,
    /// Fills.
    pub fills: Vec<Fill>,
    /// Round trips closed.
    pub trades: Vec<Trade>,
}

impl Records {
    /// Empties all lists and keeps their memory.
    pub fn clear(&mut self) {
        self.equity.clear();
        self.orders.clear();
        self.fills.clear();
        self.trades.clear();
    }

    /// Bytes that its records take.
    pub fn memory_bytes(&self) -> u64 {
        let Self { equity, orders, fills, trades } = self;
        let bytes = size_of_val(&equity[..])
            + size_of_val(&orders[..])
            + size_of_val(&fills[..])
            + size_of_val(&trades[..]);
        bytes as u64
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.equity.is_empty() && self.orders.is_empty() && self.fills.is_empty() && self.trades.is_empty()
    }
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoRecorder;

impl Recorder for NoRecorder {
    fn wants(&self) -> Wants {
        Wants::default()
    }
    fn record(&mut self, _: &Records) {}
    fn restart(&mut self) {}
}
