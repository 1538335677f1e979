//! Sets of variants as ascending ranges: what is done, what is left, what was selected.

use std::{fmt, ops::Range, str::FromStr};

use serde::{Deserialize, Serialize};

/// Consecutive variants in grid order, counted from 0; `end` is not part of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VariantRange {
    /// The first.
    pub start: u64,
    /// Behind the last.
    pub end: u64,
}

impl VariantRange {
    /// How many.
    pub fn len(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them, in order.
    pub fn iter(&self) -> Range<u64> {
        self.start..self.end
    }

    /// The first `count` (or all), and the rest.
    #[must_use]
    pub fn split_at(self, count: u64) -> (Self, Self) {
        let middle = self.start + count.min(self.len());
        (Self { start: self.start, end: middle }, Self { start: middle, end: self.end })
    }
}

/// Variants as ascending, disjoint, non-empty ranges that do not touch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariantSet(Vec<VariantRange>);

impl VariantSet {
    /// Nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The ranges, ascending.
    pub fn ranges(&self) -> &[VariantRange] {
        &self.0
    }

    /// How many variants.
    pub fn len(&self) -> u64 {
        self.0.iter().map(VariantRange::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.0.iter().flat_map(VariantRange::iter)
    }

    /// Whether a variant is part of it.
    pub fn contains(&self, variant: u64) -> bool {
        let at = self.0.partition_point(|range| range.end <= variant);
        self.0.get(at).is_some_and(|range| range.start <= variant)
    }

    /// Adds a range.
    pub fn insert(&mut self, range: VariantRange) {
        if range.is_empty() {
            return;
        }
        let from = self.0.partition_point(|known| known.end < range.start);
        let to = self.0.partition_point(|known| known.start <= range.end);
        let joined = self.0[from..to].iter().fold(range, |joined, known| VariantRange {
            start: joined.start.min(known.start),
            end: joined.end.max(known.end),
        });
        self.0.splice(from..to, [joined]);
    }

    /// What is in this set and not in `other`.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let mut left = Self::new();
        for range in &self.0 {
            let mut start = range.start;
            for taken in other.0.iter().filter(|taken| taken.start < range.end && taken.end > range.start) {
                left.insert(VariantRange { start, end: taken.start.max(start) });
                start = start.max(taken.end);
            }
            left.insert(VariantRange { start, end: range.end });
        }
        left
    }

    /// What is in both.
    #[must_use]
    pub fn within(&self, other: &Self) -> Self {
        self.without(&self.without(other))
    }
}

impl From<VariantRange> for VariantSet {
    fn from(range: VariantRange) -> Self {
        let mut set = Self::new();
        set.insert(range);
        set
    }
}

impl FromIterator<VariantRange> for VariantSet {
    fn from_iter<I: IntoIterator<Item = VariantRange>>(ranges: I) -> Self {
        let mut set = Self::new();
        ranges.into_iter().for_each(|range| set.insert(range));
        set
    }
}

/// Numbers as people count: `1,5,10-15`, from 1.
impl fmt::Display for VariantSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, range) in self.0.iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            if range.len() == 1 {
                write!(f, "{comma}{}", range.end)?;
            } else {
                write!(f, "{comma}{}-{}", range.start + 1, range.end)?;
            }
        }
        Ok(())
    }
}

impl FromStr for VariantSet {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| match text.trim().parse::<u64>() {
            Ok(number) if number > 0 => Ok(number),
            _ => {
                Err(format!("expected numbers from 1 and ranges such as 1,5,10-15, found `{}`", text.trim()))
            }
        };
        let mut set = Self::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return Err(format!("expected an ascending range, found `{}`", part.trim()));
            }
            set.insert(VariantRange { start: first - 1, end: last });
        }
        Ok(set)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn people_count_from_one() {
        let set: VariantSet = "1, 5,10-15,11-20".parse().unwrap();
        assert_eq!(set.to_string(), "1,5,10-20");
        assert!(
            set.contains(0) && set.contains(4) && set.contains(19) && !set.contains(20) && !set.contains(1)
        );
        for text in ["", "0", "3-1", "a", "1--2", "-1", "1,,2"] {
            assert!(text.parse::<VariantSet>().is_err(), "{text}");
        }
    }

    fn ranges() -> impl Strategy<Value = Vec<(u64, u64)>> {
        proptest::collection::vec((0u64..60, 0u64..12), 0..12)
    }

    proptest! {
        #[test]
        fn sets_of_ranges_are_sets(a in ranges(), b in ranges()) {
            let set = |ranges: &[(u64, u64)]| -> VariantSet {
                ranges.iter().map(|(start, len)| VariantRange { start: *start, end: start + len }).collect()
            };
            let plain = |ranges: &[(u64, u64)]| -> BTreeSet<u64> {
                ranges.iter().flat_map(|(start, len)| *start..start + len).collect()
            };
            let (x, y) = (set(&a), set(&b));
            prop_assert_eq!(x.iter().collect::<BTreeSet<_>>(), plain(&a));
            prop_assert_eq!(x.len(), plain(&a).len() as u64);
            prop_assert!(x.ranges().windows(2).all(|w| w[0].end < w[1].start));
            prop_assert_eq!(x.without(&y).iter().collect::<BTreeSet<_>>(), &plain(&a) - &plain(&b));
            prop_assert_eq!(x.within(&y).iter().collect::<BTreeSet<_>>(), &plain(&a) & &plain(&b));
            if !x.is_empty() {
                prop_assert_eq!(x.to_string().parse::<VariantSet>().unwrap(), x);
            }
        }
    }
}
