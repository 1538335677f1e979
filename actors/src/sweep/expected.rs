//! How many rows variants are about to see: what progress is measured in, so that a variant on minutes
//! counts for more than one on days.

use std::collections::BTreeMap;

use barhive_engine::{
    data::SeriesKind,
    plan::serving,
    sweep::{SweepSpec, VariantRange},
};

/// The rows that each variant of a sweep will see.
#[derive(Debug, Default)]
pub(super) struct Expected {
    /// Variants in a row that see the same series, in grid order; the first is 0.
    stretches: Vec<Stretch>,
    /// Rows of each series.
    rows: Vec<u64>,
}

#[derive(Debug)]
struct Stretch {
    first: u64,
    end: u64,
    rows: u64,
    series: Vec<usize>,
}

impl Expected {
    /// What the sources of a sweep say; nothing where one does not know.
    pub(super) fn of(spec: &SweepSpec) -> Self {
        Self::known(spec).unwrap_or_default()
    }

    fn known(spec: &SweepSpec) -> Option<Self> {
        let mut expected = Self::default();
        let mut places = BTreeMap::new();
        let mut first = 0;
        while let Some(parts) = spec.variant(first) {
            let mut series = Vec::with_capacity(parts.instruments.len());
            for id in parts.instruments {
                let place = match places.get(&(*id, parts.timeframe)) {
                    Some(place) => *place,
                    None => {
                        let offered = spec.source.series(&spec.instruments[id.index()].symbol).ok()?;
                        let info = serving(&offered, SeriesKind::BAR, parts.timeframe)?;
                        let finer = (parts.timeframe.ns() / info.timeframe.ns()).max(1) as u64;
                        let rows = info.rows?.min(spec.bars_max.unwrap_or(u64::MAX)).div_ceil(finer);
                        expected.rows.push(rows.max(1));
                        places.insert((*id, parts.timeframe), expected.rows.len() - 1);
                        expected.rows.len() - 1
                    }
                };
                series.push(place);
            }
            let end = first + spec.definitions[parts.definition].grid.len();
            let rows = series.iter().map(|place| expected.rows[*place]).sum();
            expected.stretches.push(Stretch { first, end, rows, series });
            first = end;
        }
        Some(expected)
    }

    /// Rows that the variants of `range` see, each counted; their number where rows are not known.
    pub(super) fn weight(&self, range: VariantRange) -> f64 {
        if self.stretches.is_empty() {
            return range.len() as f64;
        }
        self.over(range).map(|(stretch, variants)| stretch.rows as f64 * variants as f64).sum()
    }

    /// Rows that a pass over `range` reads, over all series; `None` where they are not known.
    pub(super) fn rows_of_pass(&self, range: VariantRange) -> Option<u64> {
        let mut series: Vec<usize> =
            self.over(range).flat_map(|(stretch, _)| stretch.series.iter().copied()).collect();
        series.sort_unstable();
        series.dedup();
        let rows: u64 = series.into_iter().map(|place| self.rows[place]).sum();
        (rows > 0).then_some(rows)
    }

    /// The stretches that `range` lies in, with how many of its variants are in each.
    fn over(&self, range: VariantRange) -> impl Iterator<Item = (&Stretch, u64)> {
        let from = self.stretches.partition_point(|stretch| stretch.end <= range.start);
        self.stretches[from..]
            .iter()
            .take_while(move |stretch| stretch.first < range.end)
            .map(move |stretch| (stretch, stretch.end.min(range.end) - stretch.first.max(range.start)))
    }

    #[cfg(test)]
    pub(super) fn of_stretches(stretches: &[(u64, u64)]) -> Self {
        let mut expected = Self::default();
        let mut first = 0;
        for (place, (variants, rows)) in stretches.iter().enumerate() {
            let end = first + variants;
            expected.rows.push(*rows);
            expected.stretches.push(Stretch { first, end, rows: *rows, series: vec![place] });
            first = end;
        }
        expected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_for_every_variant_and_once_a_pass() {
        let expected = Expected::of_stretches(&[(10, 1_000), (5, 10)]);
        let range = |start, end| VariantRange { start, end };
        assert_eq!(expected.weight(range(0, 15)), 10_050.0);
        assert_eq!(expected.weight(range(8, 12)), 2_020.0);
        assert_eq!(expected.weight(range(10, 10)), 0.0);
        assert_eq!(expected.rows_of_pass(range(8, 12)), Some(1_010));
        assert_eq!(expected.rows_of_pass(range(11, 12)), Some(10));
        assert_eq!(Expected::default().weight(range(3, 7)), 4.0);
        assert_eq!(Expected::default().rows_of_pass(range(3, 7)), None);
    }
}
