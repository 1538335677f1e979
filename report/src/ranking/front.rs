//! What no other beats by several objectives (Pareto, 1896).

use std::cmp::Ordering;

use barhive_engine::sweep::Variant;

use super::{Objective, Score};

/// The variants that no other beats: none is at least as good by every objective and better by one.
///
/// Of variants that are equal by every objective, the first in grid order stands for all. One for which a
/// figure is not defined is on no front; nor is one that failed. Memory: O(front); a variant takes
/// O(front x objectives).
#[derive(Clone, Debug)]
pub struct Front {
    objectives: Vec<Objective>,
    members: Vec<Member>,
    undefined: u64,
}

#[derive(Clone, Debug)]
struct Member {
    scores: Vec<Score>,
    kept: FrontMember,
}

/// A variant on the front.
#[derive(Clone, Debug, PartialEq)]
pub struct FrontMember {
    /// The variant.
    pub variant: Variant,
    /// How many others, later in grid order, are equal by every objective.
    pub equals: u64,
}

impl Front {
    /// An empty front.
    pub fn new(objectives: Vec<Objective>) -> Self {
        Self { objectives, members: Vec::new(), undefined: 0 }
    }

    /// What it ranks by.
    pub fn objectives(&self) -> &[Objective] {
        &self.objectives
    }

    /// Variants that were left out because a figure is not defined.
    pub fn undefined(&self) -> u64 {
        self.undefined
    }

    /// Looks at a variant. Every variant must be offered once.
    pub fn offer(&mut self, variant: &Variant) {
        let Some(evaluation) = variant.evaluation() else { return };
        let scores: Option<Vec<Score>> =
            self.objectives.iter().map(|objective| objective.score(evaluation)).collect();
        let Some(scores) = scores else {
            self.undefined += 1;
            return;
        };
        for place in 0..self.members.len() {
            let member = &mut self.members[place];
            match compare(&member.scores, &scores) {
                Some(Ordering::Greater) => {
                    // Who beats one beats many: it is asked first the next time.
                    self.members.swap(0, place);
                    return;
                }
                Some(Ordering::Equal) => {
                    member.kept.equals += 1;
                    if variant.index < member.kept.variant.index {
                        member.kept.variant = variant.clone();
                    }
                    return;
                }
                _ => {}
            }
        }
        self.members.retain(|member| compare(&scores, &member.scores) != Some(Ordering::Greater));
        self.members.push(Member { scores, kept: FrontMember { variant: variant.clone(), equals: 0 } });
    }

    /// The front, best by the first objective first.
    pub fn members(&self) -> Vec<&FrontMember> {
        let mut members: Vec<_> = self.members.iter().collect();
        members.sort_by(|a, b| b.scores.cmp(&a.scores));
        members.into_iter().map(|member| &member.kept).collect()
    }
}

/// `Greater` when `a` beats `b`, `Less` when `b` beats `a`, `None` when neither does.
fn compare(a: &[Score], b: &[Score]) -> Option<Ordering> {
    a.iter().zip(b).try_fold(Ordering::Equal, |so_far, (a, b)| match (so_far, a.cmp(b)) {
        (so_far, Ordering::Equal) => Some(so_far),
        (Ordering::Equal, other) => Some(other),
        (so_far, other) if so_far == other => Some(so_far),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::{parse_objectives, top::tests::variants},
        *,
    };

    proptest! {
        #[test]
        fn the_front_is_what_no_other_beats(variants in variants(), by in 0usize..3) {
            let names = ["sharpe,max_drawdown", "sharpe,-max_drawdown,trades", "-trades"][by];
            let objectives = parse_objectives(names).unwrap();
            let mut front = Front::new(objectives.clone());
            variants.iter().for_each(|variant| front.offer(variant));

            let scored: Vec<(u64, Vec<f64>)> = variants
                .iter()
                .filter_map(|variant| {
                    let evaluation = variant.evaluation()?;
                    let value = |o: &Objective| {
                        o.value(evaluation).map(|v| if o.more_is_better() { v } else { -v })
                    };
                    Some((variant.index, objectives.iter().map(value).collect::<Option<_>>()?))
                })
                .collect();
            let beats = |a: &[f64], b: &[f64]| a != b && a.iter().zip(b).all(|(a, b)| a >= b);
            let unbeaten: Vec<_> =
                scored.iter().filter(|(_, b)| !scored.iter().any(|(_, a)| beats(a, b))).collect();
            let mut expected: Vec<(u64, u64)> = unbeaten
                .iter()
                .map(|(index, scores)| {
                    let equal = || unbeaten.iter().filter(|(_, other)| other == scores);
                    (*index, equal().map(|(other, _)| *other).min().unwrap(), equal().count() as u64 - 1)
                })
                .filter(|(index, first, _)| index == first)
                .map(|(index, _, equals)| (index, equals))
                .collect();
            expected.sort_unstable();
            let mut found: Vec<_> = front.members().iter().map(|m| (m.variant.index, m.equals)).collect();
            let first = |index: u64| &scored.iter().find(|(other, _)| *other == index).unwrap().1;
            prop_assert!(found.windows(2).all(|pair| first(pair[0].0)[0] >= first(pair[1].0)[0]));
            found.sort_unstable();
            prop_assert_eq!(found, expected);
            let ran = variants.iter().filter(|variant| variant.evaluation().is_some()).count();
            prop_assert_eq!(front.undefined() as usize, ran - scored.len());
        }
    }
}
