//! The account: an exact ledger of cash and positions, and statistics over its equity.

mod ledger;
mod statistics;

pub use ledger::{Closed, Ledger, LedgerError, LedgerMark, Posting};
pub use statistics::{Curve, TradeStatistics};
