//! Orders: what a strategy asks for, and the one state machine that every order runs through.

use serde::Serialize;

use crate::strategy::Inst;

/// Buy or sell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Raises the position.
    Buy,
    /// Lowers the position.
    Sell,
}

impl Side {
    /// +1 for a buy, -1 for a sale.
    pub fn sign(self) -> i64 {
        match self {
            Self::Buy => 1,
            Self::Sell => -1,
        }
    }

    /// The side that moves a position by `lots`.
    pub fn of(lots: i64) -> Self {
        if lots < 0 { Self::Sell } else { Self::Buy }
    }
}

/// An order's number, counted from 1 within its container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct OrderId(pub u32);

impl std::fmt::Display for OrderId {
    /// `17` for a strategy's order, `A3` for one that execution made (attached or forced).
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const OWN: u32 = 1 << 31;
        if self.0 > OWN { write!(f, "A{}", self.0 - OWN) } else { write!(f, "{}", self.0) }
    }
}

/// How much an order is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// So many lots more (or less, when negative).
    Lots(i64),
    /// Whatever brings the strategy's position to so many lots when the order fills.
    ///
    /// A newer target of the same strategy and instrument replaces an older one that still rests.
    Target(i64),
    /// Closes what is open, then takes the largest position on this side that the account's buying
    /// power pays for, both at the price of the fill. Replaces resting targets.
    AllIn(Side),
}

/// When an order fills.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OrderKind {
    /// At the next price.
    Market,
    /// At this price or better.
    Limit(f64),
    /// At the market once this price has traded.
    Stop(f64),
}

/// An order as a strategy asks for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OrderRequest {
    /// What to trade.
    pub instrument: Inst,
    /// How much.
    pub quantity: Quantity,
    /// When it fills.
    pub kind: OrderKind,
    /// Closes the filled quantity at the market when this price trades against it.
    pub stop_loss: Option<f64>,
    /// Closes the filled quantity at this price or better.
    pub take_profit: Option<f64>,
}

impl OrderRequest {
    /// A market order for `lots` more (or less, when negative).
    pub fn market(instrument: Inst, lots: i64) -> Self {
        Self::new(instrument, Quantity::Lots(lots), OrderKind::Market)
    }

    /// A limit order.
    pub fn limit(instrument: Inst, lots: i64, price: f64) -> Self {
        Self::new(instrument, Quantity::Lots(lots), OrderKind::Limit(price))
    }

    /// A stop order.
    pub fn stop(instrument: Inst, lots: i64, price: f64) -> Self {
        Self::new(instrument, Quantity::Lots(lots), OrderKind::Stop(price))
    }

    /// An order of any quantity and kind.
    pub fn new(instrument: Inst, quantity: Quantity, kind: OrderKind) -> Self {
        Self { instrument, quantity, kind, stop_loss: None, take_profit: None }
    }

    /// Attaches a stop-loss.
    #[must_use]
    pub fn with_stop_loss(mut self, price: f64) -> Self {
        self.stop_loss = Some(price);
        self
    }

    /// Attaches a take-profit.
    #[must_use]
    pub fn with_take_profit(mut self, price: f64) -> Self {
        self.take_profit = Some(price);
        self
    }
}

/// Where an order stands. Every order runs `Submitted -> (Working -> Filled | Cancelled) | Rejected`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// Decided, not yet checked.
    Submitted,
    /// Accepted and resting.
    Working,
    /// Filled in part, still resting.
    PartiallyFilled,
    /// Filled whole.
    Filled,
    /// Taken back before it was filled whole.
    Cancelled,
    /// Refused.
    Rejected,
}

impl OrderState {
    /// Whether nothing more can happen to the order.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Filled | Self::Cancelled | Self::Rejected)
    }

    /// Whether `self -> next` is a step that an order may take.
    pub fn may_become(self, next: Self) -> bool {
        use OrderState::*;
        matches!(
            (self, next),
            (Submitted, Working | Rejected)
                | (Working | PartiallyFilled, PartiallyFilled | Filled | Cancelled | Rejected)
        )
    }
}

/// Why an order changed its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The strategy decided it.
    Strategy,
    /// It is the stop-loss or take-profit of an order that filled.
    Attached,
    /// It passed the checks.
    Accepted,
    /// A price met it.
    Matched,
    /// A newer target replaced it.
    Replaced,
    /// Its partner (stop-loss or take-profit) filled.
    Partner,
    /// The position it protected is gone.
    PositionClosed,
    /// There was nothing to trade: the position already was where it should be, or no lot is affordable.
    NothingToDo,
    /// A price is not a multiple of the tick, or is not a number.
    OffTick,
    /// The quantity is zero or out of range.
    BadQuantity,
    /// The account's buying power does not cover it.
    BuyingPower,
    /// A limit of the account or the strategy forbids it.
    Limit,
    /// The account stopped trading (drawdown limit).
    Halted,
    /// The run ended.
    EndOfRun,
}

impl Cause {
    /// The cause as a report prints it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strategy => "strategy",
            Self::Attached => "attached",
            Self::Accepted => "accepted",
            Self::Matched => "matched",
            Self::Replaced => "replaced",
            Self::Partner => "partner filled",
            Self::PositionClosed => "position closed",
            Self::NothingToDo => "nothing to do",
            Self::OffTick => "price off the tick",
            Self::BadQuantity => "bad quantity",
            Self::BuyingPower => "buying power",
            Self::Limit => "limit",
            Self::Halted => "halted",
            Self::EndOfRun => "end of run",
        }
    }
}
