//! What each kind of event carries.

use std::sync::Arc;

use super::Header;
use crate::{
    data::{Bar, SeriesKey},
    instrument::InstrumentId,
    money::Money,
    order::{OrderId, OrderRequest},
    record::Trade,
};

pub use crate::record::{Fill, OrderEvent};

/// A bar closed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BarClosed {
    /// The series that it belongs to.
    pub series: SeriesKey,
    /// The bar.
    pub bar: Bar,
}

/// A trade or a quote arrived.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tick {
    /// Of what.
    pub instrument: InstrumentId,
    /// At which price.
    pub price: f64,
    /// How much, in units of the instrument.
    pub size: f64,
}

/// Indicator values of a closed bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    /// The series that they follow.
    pub series: SeriesKey,
    /// The values, by hub slot.
    pub values: Arc<[f64]>,
}

/// A strategy's view of the market, before any sizing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Signal {
    /// Index of the strategy in its container.
    pub strategy: u32,
    /// Of what.
    pub instrument: InstrumentId,
    /// From -1 (fully short) over 0 (flat) to 1 (fully long).
    pub strength: f64,
}

/// A strategy asked for an order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OrderRequested {
    /// The number that the order got.
    pub order: OrderId,
    /// Index of the strategy in its container.
    pub strategy: u32,
    /// What it asked for.
    pub request: OrderRequest,
}

/// An account after a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PortfolioUpdate {
    /// Cash and positions at the last close.
    pub equity: f64,
}

/// A position of one strategy in one instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Index of the strategy in its container.
    pub strategy: u32,
    /// Of what.
    pub instrument: InstrumentId,
    /// Lots held, signed.
    pub lots: i64,
    /// What they cost, without fees, signed like `lots`.
    pub cost: Money,
}

/// A position grew or shrank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionUpdate(pub Position);

/// A position was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionOpen(pub Position);

/// A position, or a part of one, was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionClose(pub Trade);

/// A part of the system started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemStart {
    /// Its name.
    pub part: Arc<str>,
}

/// A part of the system stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemStop {
    /// Its name.
    pub part: Arc<str>,
}

/// A part of the system failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its name.
    pub part: Arc<str>,
    /// Why.
    pub reason: Arc<str>,
}

/// The market moved from one regime to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegimeChange {
    /// Of what.
    pub instrument: InstrumentId,
    /// The regime that ended, by the classifier's numbering.
    pub from: u32,
    /// The regime that began.
    pub to: u32,
}

/// A limit was reached.
#[derive(Clone, Debug, PartialEq)]
pub struct RiskBreach {
    /// The strategy whose limit it is; `None` for the account's own.
    pub strategy: Option<u32>,
    /// Which limit, as the configuration spells it.
    pub limit: Arc<str>,
    /// What was found.
    pub value: f64,
    /// What is allowed.
    pub bound: f64,
}

/// A classifier named the state of the market.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Classification {
    /// Of what.
    pub instrument: InstrumentId,
    /// The class, by the classifier's numbering.
    pub class: u32,
    /// How sure it is, from 0 to 1.
    pub confidence: f64,
}

/// What makes two events of one kind replace each other.
pub(super) trait Keyed {
    fn key(&self, header: &Header) -> u64;
}

/// Key of an instrument within a container (or within the market, when there is none).
fn within(header: &Header, part: u32) -> u64 {
    let container = header.container_id.map_or(u32::MAX, |id| id.0);
    u64::from(container) << 32 | u64::from(part)
}

macro_rules! keyed {
    ($($payload:ident |$this:ident| $part:expr;)*) => {$(
        impl Keyed for $payload {
            fn key(&self, header: &Header) -> u64 {
                let $this = self;
                within(header, $part)
            }
        }
    )*};
}

keyed! {
    BarClosed |e| e.series.instrument.0;
    Tick |e| e.instrument.0;
    Features |e| e.series.instrument.0;
    Signal |e| e.strategy << 16 ^ e.instrument.0;
    OrderRequested |e| e.order.0;
    OrderEvent |e| e.order.0;
    Fill |e| e.order.0;
    PortfolioUpdate |_e| 0;
    PositionUpdate |e| e.0.strategy << 16 ^ e.0.instrument.0;
    PositionOpen |e| e.0.strategy << 16 ^ e.0.instrument.0;
    PositionClose |e| e.0.strategy << 16 ^ e.0.instrument.0;
    RegimeChange |e| e.instrument.0;
    RiskBreach |e| e.strategy.map_or(u32::MAX, |strategy| strategy);
    Classification |e| e.instrument.0;
}

/// System events are few and each matters: none replaces another.
macro_rules! never_replaced {
    ($($payload:ident)*) => {$(
        impl Keyed for $payload {
            fn key(&self, header: &Header) -> u64 {
                u64::from(header.source_id.0) << 32 | header.sequence_number & u64::from(u32::MAX)
            }
        }
    )*};
}

never_replaced! { SystemStart SystemStop Failure }
