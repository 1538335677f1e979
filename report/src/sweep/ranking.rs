//! The best variants by one figure, or the front by several.

use barhive_engine::sweep::Variant;

use crate::ranking::{Front, Objective, Top};

/// The best variants of a sweep, found while results stream past: by one figure the best so many, by
/// several those that no other beats.
#[derive(Clone, Debug)]
pub struct Ranking {
    objectives: Vec<Objective>,
    /// How many are shown.
    keep: usize,
    kind: Kind,
    /// The best by the first objective.
    best: Top,
}

#[derive(Clone, Debug)]
enum Kind {
    Top(Top),
    Front(Front),
}

impl Ranking {
    /// Ranks by `first`, and by `others` at the same time; `keep` are shown.
    pub fn new(first: Objective, others: &[Objective], keep: usize) -> Self {
        let objectives: Vec<_> = std::iter::once(first).chain(others.iter().copied()).collect();
        let kind = match others {
            [] => Kind::Top(Top::new(first, keep)),
            _ => Kind::Front(Front::new(objectives.clone())),
        };
        Self { objectives, keep, kind, best: Top::new(first, 1) }
    }

    /// Looks at a variant; every variant is to be offered once.
    pub fn offer(&mut self, variant: &Variant) {
        match &mut self.kind {
            Kind::Top(top) => top.offer(variant),
            Kind::Front(front) => front.offer(variant),
        }
        self.best.offer(variant);
    }

    /// What it ranks by.
    pub fn objectives(&self) -> &[Objective] {
        &self.objectives
    }

    /// The best by the first figure.
    pub fn best(&self) -> Option<&Variant> {
        self.best.best().next()
    }

    /// What is shown, best first.
    pub fn shown(&self) -> Vec<&Variant> {
        match &self.kind {
            Kind::Top(top) => top.best().collect(),
            Kind::Front(front) => {
                front.members().into_iter().map(|member| &member.variant).take(self.keep).collect()
            }
        }
    }

    /// The front, where it ranks by several figures.
    pub fn front(&self) -> Option<&Front> {
        match &self.kind {
            Kind::Front(front) => Some(front),
            Kind::Top(_) => None,
        }
    }

    /// What it ranks by, in words: `sharpe (highest), max_drawdown (lowest)`.
    pub fn in_words(&self) -> String {
        let words = self.objectives.iter().map(|objective| {
            format!(
                "{} ({})",
                objective.name(),
                if objective.more_is_better() { "highest" } else { "lowest" }
            )
        });
        words.collect::<Vec<_>>().join(", ")
    }
}
