//! Parameters as typed columns.

use std::collections::BTreeMap;

use barhive_engine::sweep::SweepSpec;
use serde_json::{Map, Value as Json};

/// A parameter's column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterColumn {
    /// The parameter.
    pub name: String,
    /// Its column: the same name, or `param_<name>` where a column of results has that name.
    pub column: String,
    /// What it holds, over all variants of the grid.
    pub kind: ParameterKind,
}

/// What a parameter's values have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterKind {
    /// 64-bit integers.
    Integer,
    /// Doubles.
    Number,
    /// True and false.
    Truth,
    /// Texts.
    Text,
    /// Anything else, as JSON text.
    Json,
}

impl ParameterKind {
    fn of(value: &Json) -> Option<Self> {
        Some(match value {
            Json::Null => return None,
            Json::Bool(_) => Self::Truth,
            Json::Number(number) if number.is_i64() => Self::Integer,
            Json::Number(_) => Self::Number,
            Json::String(_) => Self::Text,
            Json::Array(_) | Json::Object(_) => Self::Json,
        })
    }

    fn with(self, other: Self) -> Self {
        match (self, other) {
            (one, same) if one == same => one,
            (Self::Integer, Self::Number) | (Self::Number, Self::Integer) => Self::Number,
            _ => Self::Json,
        }
    }
}

/// The parameters of all variants, sorted by name; `taken` are names of other columns.
///
/// Looks at the axes of a grid, and at all points where they are listed.
pub fn parameter_columns(spec: &SweepSpec, taken: &[&str]) -> Vec<ParameterColumn> {
    let mut kinds: BTreeMap<String, Option<ParameterKind>> = BTreeMap::new();
    let mut see = |name: &str, value: &Json| {
        let kind = ParameterKind::of(value);
        match kinds.get_mut(name) {
            Some(Some(known)) => *known = kind.map_or(*known, |kind| known.with(kind)),
            Some(unknown) => *unknown = kind,
            None => {
                kinds.insert(name.to_owned(), kind);
            }
        }
    };
    let mut see_all = |point: &Map<String, Json>| point.iter().for_each(|(name, value)| see(name, value));
    for definition in &spec.definitions {
        let grid = &definition.grid;
        if grid.axes().is_empty() {
            (0..grid.len()).for_each(|point| see_all(&grid.point(point)));
            continue;
        }
        // The first point has what all points share.
        see_all(&grid.point(0));
        for axis in grid.axes() {
            for value in &axis.values {
                see_all(&Map::from_iter([(axis.name.clone(), value.clone())]));
            }
        }
    }
    let mut columns: Vec<ParameterColumn> = Vec::with_capacity(kinds.len());
    for (name, kind) in &kinds {
        let mut column = name.clone();
        let is_taken = |column: &str| taken.iter().any(|taken| taken.eq_ignore_ascii_case(column));
        while is_taken(&column) || (column != *name && kinds.contains_key(&column)) {
            column.insert_str(0, "param_");
        }
        columns.push(ParameterColumn {
            name: name.clone(),
            column,
            kind: kind.unwrap_or(ParameterKind::Json),
        });
    }
    columns
}
