//! What came of a variant: the row that a sweep keeps of it.

use serde::{Deserialize, Serialize};

use crate::{money::Money, result::Statistics};

/// The row that a sweep keeps of one variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// Its number in grid order, counted from 0.
    pub index: u64,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// It ran to its end.
    Done(Box<Evaluation>),
    /// It failed for good; left out of the hash by name.
    Failed {
        /// The step at which it failed, counted from 1; 0 when it could not be set up.
        step: u64,
        /// Close time of that step, UTC nanoseconds.
        ts_ns: i64,
        /// Why.
        reason: String,
    },
}

/// The figures of a variant that ran to its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Digest over equity, cash and positions at every step.
    pub digest: [u8; 16],
    /// Cash plus open positions at the last close, exact.
    pub final_equity: Money,
    /// Commission paid.
    pub fees: Money,
    /// Orders submitted.
    pub orders: u64,
    /// Fills.
    pub fills: u64,
    /// Round trips closed.
    pub trades: u64,
    /// Its statistics; the months are not kept.
    pub statistics: Statistics,
}

impl Evaluation {
    /// Everything that a variant can be ranked by, by name; `None` where it is not defined.
    pub fn figures(&self) -> impl Iterator<Item = (&'static str, Option<f64>)> {
        let own = [
            ("final_equity", Some(self.final_equity.to_f64())),
            ("fees", Some(self.fees.to_f64())),
            ("orders", Some(self.orders as f64)),
            ("fills", Some(self.fills as f64)),
            ("trades", Some(self.trades as f64)),
        ];
        own.into_iter().chain(self.statistics.figures())
    }

    /// The figure of this name, where there is one and it is defined.
    pub fn figure(&self, name: &str) -> Option<f64> {
        self.figures().find(|(known, _)| *known == name).and_then(|(_, value)| value)
    }

    /// The names of all figures.
    pub fn figure_names() -> Vec<&'static str> {
        Self::nothing().figures().map(|(name, _)| name).collect()
    }

    fn nothing() -> Self {
        Self {
            digest: [0; 16],
            final_equity: Money::ZERO,
            fees: Money::ZERO,
            orders: 0,
            fills: 0,
            trades: 0,
            statistics: Statistics::default(),
        }
    }
}

impl Variant {
    /// Its figures, if it ran to its end.
    pub fn evaluation(&self) -> Option<&Evaluation> {
        match &self.outcome {
            Outcome::Done(evaluation) => Some(evaluation),
            Outcome::Failed { .. } => None,
        }
    }
}
