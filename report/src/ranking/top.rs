//! The best so many by one objective.

use std::{cmp::Reverse, collections::BTreeMap};

use barhive_engine::sweep::Variant;

use super::{Objective, Score};

/// The best so many variants by one objective. Those for which the figure is not defined come last,
/// equally good ones in grid order; failed ones have no rank.
#[derive(Clone, Debug)]
pub struct Top {
    objective: Objective,
    keep: usize,
    /// By rank: the best first.
    kept: BTreeMap<(Reverse<Option<Score>>, u64), Variant>,
}

impl Top {
    /// Keeps the best `keep`.
    pub fn new(objective: Objective, keep: usize) -> Self {
        Self { objective, keep, kept: BTreeMap::new() }
    }

    /// What it ranks by.
    pub fn objective(&self) -> Objective {
        self.objective
    }

    /// Looks at a variant: O(log K).
    pub fn offer(&mut self, variant: &Variant) {
        let Some(evaluation) = variant.evaluation() else { return };
        let rank = (Reverse(self.objective.score(evaluation)), variant.index);
        if self.kept.len() >= self.keep {
            match self.kept.last_key_value() {
                Some((last, _)) if rank < *last => {}
                _ => return,
            }
        }
        self.kept.insert(rank, variant.clone());
        if self.kept.len() > self.keep {
            self.kept.pop_last();
        }
    }

    /// The best, first the very best.
    pub fn best(&self) -> impl ExactSizeIterator<Item = &Variant> {
        self.kept.values()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use barhive_engine::{
        money::Money,
        result::Statistics,
        sweep::{Evaluation, Outcome},
    };
    use proptest::prelude::*;

    use super::*;

    /// A variant with a Sharpe ratio, a drawdown and a number of trades.
    pub fn variant(index: u64, (sharpe, max_drawdown, trades): (Option<f64>, f64, u64)) -> Variant {
        let statistics = Statistics { sharpe, max_drawdown, ..Statistics::default() };
        let evaluation = Evaluation {
            digest: [0; 16],
            final_equity: Money::ZERO,
            fees: Money::ZERO,
            orders: 0,
            fills: 0,
            trades,
            statistics,
        };
        Variant { index, outcome: Outcome::Done(Box::new(evaluation)) }
    }

    /// Variants with many ties and undefined figures, some failed, in any order.
    pub fn variants() -> impl Strategy<Value = Vec<Variant>> {
        let sharpe = prop_oneof![
            1 => Just(None),
            1 => Just(Some(f64::NAN)),
            6 => (-3i32..4).prop_map(|n| Some(f64::from(n) / 2.0)),
        ];
        let figures = (sharpe, (0i32..4).prop_map(f64::from), 0u64..3, any::<bool>());
        proptest::collection::vec(figures, 0..40)
            .prop_map(|rows| {
                let rows = rows.into_iter().enumerate();
                rows.map(|(index, (sharpe, drawdown, trades, fails))| {
                    let index = index as u64;
                    match fails && index.is_multiple_of(5) {
                        true => Variant {
                            index,
                            outcome: Outcome::Failed { step: 1, ts_ns: 0, reason: "no".to_owned() },
                        },
                        false => variant(index, (sharpe, drawdown, trades)),
                    }
                })
                .collect::<Vec<_>>()
            })
            .prop_shuffle()
    }

    proptest! {
        #[test]
        fn the_top_is_the_head_of_the_sorted_list(variants in variants(), keep in 0usize..12, by in 0usize..4) {
            let objective: Objective = ["sharpe", "-sharpe", "max_drawdown", "trades"][by].parse().unwrap();
            let mut top = Top::new(objective, keep);
            variants.iter().for_each(|variant| top.offer(variant));
            let mut ranked: Vec<_> = variants
                .iter()
                .filter_map(|variant| {
                    let value = objective.value(variant.evaluation()?);
                    let sign = if objective.more_is_better() { -1.0 } else { 1.0 };
                    Some((value.map_or(f64::INFINITY, |value| sign * value), variant.index))
                })
                .collect();
            ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let expected: Vec<u64> = ranked.into_iter().take(keep).map(|(_, index)| index).collect();
            let found: Vec<u64> = top.best().map(|variant| variant.index).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
