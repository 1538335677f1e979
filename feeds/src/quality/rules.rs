//! What a judge goes by, what it hands on, and how it says that it goes no further.

use std::sync::Arc;

use barhive_engine::{
    calendar::Calendar,
    data::{BarColumnsBuilder, FeedError, PriceSide},
};

use super::{Fault, Policies, Policy, Tally};

/// Bars that were let through, by price side. Bid and ask stay empty where rows are no quotes.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub bar: BarColumnsBuilder,
    pub bid: BarColumnsBuilder,
    pub ask: BarColumnsBuilder,
}

impl Rows {
    pub(crate) fn with_capacity(rows: usize, quotes: bool) -> Self {
        let side = if quotes { rows } else { 0 };
        Self {
            bar: BarColumnsBuilder::with_capacity(rows),
            bid: BarColumnsBuilder::with_capacity(side),
            ask: BarColumnsBuilder::with_capacity(side),
        }
    }
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// It was let through as it is.
    Kept,
    /// It was let through mended, or with bars put in before it.
    Repaired,
    /// It was refused.
    Rejected,
    /// It was left out.
    Dropped,
}

/// When a row is stamped, and whether that took another unit than the declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub stamp_ns: i64,
    pub confused: bool,
}

/// How a judge judges.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub origin: String,
    pub policies: Policies,
    pub now_ns: Option<i64>,
    pub unit_ns: i64,
    pub epoch: bool,
    pub quotes: bool,
    /// The side that quotes show as the bar; their middle where none is named.
    pub side: PriceSide,
    pub calendar: Option<Arc<Calendar>>,
}

/// Counts a row that is left out whole, whatever its values; the policy of its class is to drop, reject or
/// halt.
pub(crate) fn whole_row(
    rules: &Rules,
    fault: Fault,
    number: u64,
    why: &str,
    tally: &mut Tally,
) -> Result<Standing, FeedError> {
    match rules.policies.of(fault) {
        Policy::Halt => Err(halt(rules, fault, number, why)),
        policy => {
            let done = policy.max(Policy::Drop);
            tally.add(fault, policy, done, number);
            Ok(if done == Policy::Drop { Standing::Dropped } else { Standing::Rejected })
        }
    }
}

/// The error of a fault whose policy is to halt.
pub(super) fn halt(rules: &Rules, fault: Fault, number: u64, found: &str) -> FeedError {
    let instead = if fault.refused().contains(&Policy::Repair) { "reject" } else { "reject or repair" };
    FeedError::Data {
        origin: rules.origin.clone(),
        row: Some(number),
        expected: match fault {
            Fault::Unreadable => "a bar".to_owned(),
            Fault::WrongSymbol => "a row of an instrument that was asked for".to_owned(),
            _ => format!("no row in which {}", fault.what()),
        },
        found: format!("{found}; quality.{fault}: {instead} would go on"),
    }
}
