//! The account: an exact ledger of cash and positions, and statistics over its equity.

mod ledger;
mod moments;
mod round_trips;
mod scan;
mod statistics;
mod sums;

pub use ledger::{Closed, Ledger, LedgerError, LedgerMark, Posting};
pub use round_trips::TradeStatistics;
pub(crate) use scan::Turn;
pub use statistics::{Curve, CurveMark};
pub use sums::Sums;
