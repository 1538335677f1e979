//! Strategies: what a user writes, and what it sees.
//!
//! A strategy declares at set-up what it looks at, decides when a bar closes, and trades through its
//! [`Context`]. It looks back, never forward: the context has no future index.

use std::fmt;

use crate::{instrument::Scales, lanes::Lane, record::Fill};

pub use crate::container::{Context, Setup};

/// One of a strategy's instruments, counted in the order in which the set lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Inst(pub u16);

/// One of a strategy's bar series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bars {
    pub(crate) slot: u32,
    pub(crate) instrument: Inst,
}

impl Bars {
    /// Whose bars.
    pub fn instrument(self) -> Inst {
        self.instrument
    }
}

/// One output of one of a strategy's indicators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Value {
    pub(crate) index: u32,
    /// Container series whose rows it follows.
    pub(crate) slot: u32,
}

/// A trading strategy.
///
/// Everything that it keeps must follow from the rows it was shown: it may be rebuilt and replayed.
pub trait Strategy: Send {
    /// A bar of one of its series has closed.
    fn on_bar(&mut self, ctx: &mut Context<'_>, bars: Bars);

    /// All bars of this step have been delivered; only called after [`Setup::every_step`].
    fn on_step(&mut self, ctx: &mut Context<'_>) {
        let _ = ctx;
    }

    /// One of its orders has filled.
    fn on_fill(&mut self, ctx: &mut Context<'_>, fill: &Fill) {
        let _ = (ctx, fill);
    }

    /// Bytes that it keeps on the heap, if they may grow: they count against the account's memory limit.
    /// Must depend on what it has seen alone, not on what an allocator did (`len`, not `capacity`).
    fn memory_bytes(&self) -> u64 {
        0
    }

    /// The strategy as a lane of a sweep, if all that it does is to follow a rule
    /// ([`crate::lanes::Follower`]): the same results, sooner.
    fn lane(&self) -> Option<Lane> {
        None
    }
}

/// How a set spreads a strategy over the instruments it is assigned to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// One instance per instrument.
    #[default]
    PerInstrument,
    /// One instance that sees all of them.
    Across,
}

/// How large a position a strategy's `enter` calls ask for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sizing {
    /// So many lots.
    Lots(i64),
    /// As many whole lots as this much money buys at the deciding close.
    Notional(f64),
    /// As many whole lots as this fraction (0 to 1, or more with leverage) of the account's equity
    /// buys at the deciding close.
    EquityFraction(f64),
    /// Everything the account's buying power pays for at the price of the fill.
    AllIn,
}

impl Sizing {
    /// Lots that it asks for at a close; 0 for all-in, which is sized when it fills.
    #[inline]
    pub(crate) fn lots(self, scales: &Scales, equity: impl FnOnce() -> f64, close: f64) -> i64 {
        let money = match self {
            Self::Lots(lots) => return lots,
            Self::Notional(money) => money,
            Self::EquityFraction(fraction) => fraction * equity(),
            Self::AllIn => return 0,
        };
        scales.lots_for(money, close)
    }
}

/// Why a strategy could not be set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupError(pub Vec<String>);

impl SetupError {
    /// One fault.
    pub fn new(what: impl Into<String>) -> Self {
        Self(vec![what.into()])
    }
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

impl std::error::Error for SetupError {}

impl From<String> for SetupError {
    fn from(what: String) -> Self {
        Self::new(what)
    }
}
