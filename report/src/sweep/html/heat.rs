//! A heat map over two parameters: the best of each cell, and how the others there are.

use std::collections::BTreeMap;

use barhive_engine::sweep::Variant;
use serde_json::{Value as Json, json};

use super::{Dimension, rounded};
use crate::{ranking::Objective, sweep::Ranking};

/// Cells in a row or column at most; neighbouring values share one when there are more.
const SIDE_MAX: usize = 80;

/// The cells, filled while results stream past.
pub(super) struct Heat {
    /// Places of the two dimensions.
    axes: [usize; 2],
    /// Cells of each side.
    sides: [Side; 2],
    objective: Option<Objective>,
    cells: BTreeMap<(usize, usize), Cell>,
}

/// How the values of a dimension fall into cells.
struct Side {
    labels: Vec<String>,
    /// Values per cell.
    span: usize,
}

struct Cell {
    best: f64,
    number: u64,
    sum: f64,
    count: u64,
}

impl Heat {
    /// Over the two dimensions with the most values; `None` when there are no two.
    pub(super) fn widest(dimensions: &[Dimension], ranking: &Ranking) -> Option<Self> {
        let mut places: Vec<usize> =
            (0..dimensions.len()).filter(|place| dimensions[*place].len() > 1).collect();
        places.sort_by_key(|place| std::cmp::Reverse(dimensions[*place].len()));
        let (&[a, b], _) = places.split_first_chunk::<2>()?;
        // The one that comes first in the file is the horizontal one.
        Some(Self::new(dimensions, [a.min(b), a.max(b)], ranking))
    }

    pub(super) fn new(dimensions: &[Dimension], axes: [usize; 2], ranking: &Ranking) -> Self {
        let side = |place: usize| {
            let dimension: &Dimension = &dimensions[place];
            let values = dimension.labels();
            let span = values.len().div_ceil(SIDE_MAX).max(1);
            let labels = values.chunks(span).map(|some| match some {
                [one] => one.clone(),
                [first, .., last] => format!("{first} to {last}"),
                [] => String::new(),
            });
            Side { labels: labels.collect(), span }
        };
        Self {
            axes,
            sides: [side(axes[0]), side(axes[1])],
            objective: ranking.objectives().first().copied(),
            cells: BTreeMap::new(),
        }
    }

    /// Looks at a variant and its places on all dimensions.
    pub(super) fn offer(&mut self, variant: &Variant, row: &[Option<f64>], dimensions: &[Dimension]) {
        let Some(objective) = self.objective else { return };
        let Some(value) = variant.evaluation().and_then(|done| objective.value(done)) else { return };
        let place = |side: usize| {
            let axis = self.axes[side];
            Some(dimensions[axis].place(row[axis]?)? / self.sides[side].span)
        };
        let (Some(x), Some(y)) = (place(0), place(1)) else { return };
        let number = variant.index + 1;
        let cell = self.cells.entry((x, y)).or_insert(Cell { best: value, number, sum: 0.0, count: 0 });
        let is_better = if objective.more_is_better() { value > cell.best } else { value < cell.best };
        if is_better {
            (cell.best, cell.number) = (value, number);
        }
        cell.sum += value;
        cell.count += 1;
    }

    pub(super) fn json(&self, dimensions: &[Dimension]) -> Json {
        let cells = self.cells.iter().map(|((x, y), cell)| {
            json!([x, y, rounded(cell.best), rounded(cell.sum / cell.count as f64), cell.count, cell.number])
        });
        let axis = |side: usize| json!({ "name": dimensions[self.axes[side]].name(), "labels": self.sides[side].labels });
        json!({
            "x": axis(0),
            "y": axis(1),
            "figure": self.objective.map(|objective| objective.name()),
            "better": self.objective.map(|objective| if objective.more_is_better() { 1 } else { -1 }),
            "cells": cells.collect::<Vec<_>>(),
        })
    }
}
