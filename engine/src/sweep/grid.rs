//! The points of a definition: every combination of its parameters' values, numbered.

use serde_json::{Map, Value as Json};

use super::{Condition, ConditionError};

/// Combinations that are looked at one by one at most, where a constraint leaves some out.
const FILTERED_MAX: u64 = 1 << 30;

/// A parameter and the values that it takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// The parameter's name.
    pub name: String,
    /// Its values, in order; at least one.
    pub values: Vec<Json>,
    /// Where this does not hold, the parameter is left at its default and makes no combinations. Sees
    /// the parameters before it.
    pub when: Option<Condition>,
    /// What it is where `when` does not hold; the strategy's own default when `None`.
    pub default: Option<Json>,
}

impl Axis {
    /// A parameter that takes these values.
    pub fn new(name: impl Into<String>, values: Vec<Json>) -> Self {
        Self { name: name.into(), values, when: None, default: None }
    }
}

/// Why there is no grid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GridError {
    /// A parameter without a value.
    #[error("parameter {0} has no value")]
    Empty(String),
    /// A parameter that is named twice.
    #[error("parameter {0} is named twice")]
    Twice(String),
    /// More combinations than can be numbered, or looked at one by one.
    #[error("the values make {combinations} combinations; at most {most} can be {how}")]
    TooMany {
        /// How many, as far as they can be counted.
        combinations: String,
        /// The bound.
        most: u64,
        /// `numbered`, or `held against constraints`.
        how: &'static str,
    },
    /// Constraints that nothing satisfies.
    #[error("no combination satisfies the constraints")]
    NothingLeft,
    /// A constraint that cannot be worked out.
    #[error("constraint `{text}`: {error}")]
    Condition {
        /// The constraint.
        text: String,
        /// Why not.
        error: ConditionError,
    },
}

/// The points of a definition, numbered from 0 with the last axis running fastest.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    fixed: Map<String, Json>,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    /// Every combination.
    Product { axes: Vec<Axis>, len: u64 },
    /// Those combinations, by their number in the product.
    Filtered { axes: Vec<Axis>, numbers: Vec<u64> },
    /// Points one by one.
    Listed(Vec<Map<String, Json>>),
}

impl Grid {
    /// Every combination of the axes' values that satisfies all constraints; `fixed` are parameters that
    /// all points share.
    ///
    /// # Errors
    /// When an axis is empty or named twice, there are too many combinations, or none is left.
    pub fn new(
        fixed: Map<String, Json>,
        axes: Vec<Axis>,
        constraints: &[Condition],
    ) -> Result<Self, GridError> {
        for (place, axis) in axes.iter().enumerate() {
            if axis.values.is_empty() {
                return Err(GridError::Empty(axis.name.clone()));
            }
            if fixed.contains_key(&axis.name) || axes[..place].iter().any(|other| other.name == axis.name) {
                return Err(GridError::Twice(axis.name.clone()));
            }
        }
        let product = axes.iter().try_fold(1u64, |len, axis| len.checked_mul(axis.values.len() as u64));
        let Some(len) = product else {
            let combinations = "more than 2^64".to_owned();
            return Err(GridError::TooMany { combinations, most: u64::MAX, how: "numbered" });
        };
        if constraints.is_empty() && axes.iter().all(|axis| axis.when.is_none()) {
            return Ok(Self { fixed, kind: Kind::Product { axes, len } });
        }
        if len > FILTERED_MAX {
            let how = "held against constraints";
            return Err(GridError::TooMany { combinations: len.to_string(), most: FILTERED_MAX, how });
        }
        let mut numbers = Vec::new();
        for number in 0..len {
            if keeps(&fixed, &axes, constraints, number)? {
                numbers.push(number);
            }
        }
        if numbers.is_empty() {
            return Err(GridError::NothingLeft);
        }
        Ok(Self { fixed, kind: Kind::Filtered { axes, numbers } })
    }

    /// Points one by one; `fixed` are parameters that all share, a point's own come first.
    ///
    /// # Errors
    /// When there is none.
    pub fn listed(fixed: Map<String, Json>, points: Vec<Map<String, Json>>) -> Result<Self, GridError> {
        if points.is_empty() {
            return Err(GridError::Empty("points".to_owned()));
        }
        Ok(Self { fixed, kind: Kind::Listed(points) })
    }

    /// How many points.
    pub fn len(&self) -> u64 {
        match &self.kind {
            Kind::Product { len, .. } => *len,
            Kind::Filtered { numbers, .. } => numbers.len() as u64,
            Kind::Listed(points) => points.len() as u64,
        }
    }

    /// Whether there is none; never the case.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What is varied, in order; empty where points are listed.
    pub fn axes(&self) -> &[Axis] {
        match &self.kind {
            Kind::Product { axes, .. } | Kind::Filtered { axes, .. } => axes,
            Kind::Listed(_) => &[],
        }
    }

    /// How many neighbouring points share the value of the first axis that is varied: they are likely
    /// to read the same columns. 1 where that is not regular.
    pub fn block(&self) -> u64 {
        match &self.kind {
            Kind::Product { axes, len } => axes
                .iter()
                .find(|axis| axis.values.len() > 1)
                .map_or(1, |axis| len / axis.values.len() as u64),
            Kind::Filtered { .. } | Kind::Listed(_) => 1,
        }
    }

    /// The parameters of a point.
    ///
    /// # Panics
    /// Behind the last point.
    pub fn point(&self, index: u64) -> Map<String, Json> {
        assert!(index < self.len(), "point {index} of {}", self.len());
        match &self.kind {
            Kind::Product { axes, .. } => combination(&self.fixed, axes, index),
            Kind::Filtered { axes, numbers } => combination(&self.fixed, axes, numbers[index as usize]),
            Kind::Listed(points) => {
                let mut params = self.fixed.clone();
                params.extend(points[index as usize].clone());
                params
            }
        }
    }
}

/// The digits of a combination's number, the first axis first.
fn digits(axes: &[Axis], number: u64) -> impl Iterator<Item = (&Axis, usize)> {
    let mut weight: u64 = axes.iter().map(|axis| axis.values.len() as u64).product();
    axes.iter().scan(number, move |left, axis| {
        weight /= axis.values.len() as u64;
        let digit = *left / weight;
        *left %= weight;
        Some((axis, digit as usize))
    })
}

fn combination(fixed: &Map<String, Json>, axes: &[Axis], number: u64) -> Map<String, Json> {
    let mut params = fixed.clone();
    for (axis, digit) in digits(axes, number) {
        // Worked out when the grid was made: it cannot fail now.
        if axis.when.as_ref().is_none_or(|when| when.holds(&params).unwrap_or(true)) {
            params.insert(axis.name.clone(), axis.values[digit].clone());
        } else if let Some(default) = &axis.default {
            params.insert(axis.name.clone(), default.clone());
        }
    }
    params
}

/// Whether a combination is a point: its constraints hold, and parameters that do not apply stand at
/// their first value, so that they make no combinations.
fn keeps(
    fixed: &Map<String, Json>,
    axes: &[Axis],
    constraints: &[Condition],
    number: u64,
) -> Result<bool, GridError> {
    let fault = |condition: &Condition| {
        let text = condition.text().to_owned();
        move |error| GridError::Condition { text, error }
    };
    let mut params = fixed.clone();
    for (axis, digit) in digits(axes, number) {
        let applies = axis.when.as_ref().map_or(Ok(true), |when| when.holds(&params).map_err(fault(when)))?;
        if applies {
            params.insert(axis.name.clone(), axis.values[digit].clone());
        } else if digit > 0 {
            return Ok(false);
        } else if let Some(default) = &axis.default {
            params.insert(axis.name.clone(), default.clone());
        }
    }
    for constraint in constraints {
        match constraint.holds(&params) {
            Ok(true) => {}
            Ok(false) => return Ok(false),
            // A constraint on a parameter that does not apply says nothing.
            Err(ConditionError::Unknown(name)) if axes.iter().any(|axis| axis.name == name) => {}
            Err(error) => return Err(fault(constraint)(error)),
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn axis(name: &str, values: std::ops::Range<i64>) -> Axis {
        Axis::new(name, values.map(Json::from).collect())
    }

    #[test]
    fn the_last_axis_runs_fastest_and_constraints_leave_points_out() {
        let constraint = Condition::parse("fast < slow").unwrap();
        let grid =
            Grid::new(Map::new(), vec![axis("fast", 1..4), axis("slow", 2..4)], &[constraint]).unwrap();
        let points: Vec<_> = (0..grid.len()).map(|index| Json::Object(grid.point(index))).collect();
        assert_eq!(
            points,
            [json!({"fast": 1, "slow": 2}), json!({"fast": 1, "slow": 3}), json!({"fast": 2, "slow": 3}),]
        );
    }

    #[test]
    fn a_parameter_that_does_not_apply_makes_no_combinations() {
        let mut stop = axis("stop", 1..4);
        stop.when = Some(Condition::parse("use_stop").unwrap());
        let mut axes = vec![Axis::new("use_stop", vec![json!(false), json!(true)]), stop];
        let points = |axes: Vec<Axis>| {
            let grid = Grid::new(Map::new(), axes, &[Condition::parse("stop > 1").unwrap()]).unwrap();
            (0..grid.len()).map(|index| Json::Object(grid.point(index))).collect::<Vec<_>>()
        };
        let applied = [json!({"use_stop": true, "stop": 2}), json!({"use_stop": true, "stop": 3})];
        assert_eq!(points(axes.clone()), [&[json!({"use_stop": false})], &applied[..]].concat());
        axes[1].default = Some(json!(9));
        assert_eq!(points(axes), [&[json!({"use_stop": false, "stop": 9})], &applied[..]].concat());
    }

    #[test]
    fn what_makes_no_grid_is_refused() {
        let new = |axes: Vec<Axis>| Grid::new(Map::new(), axes, &[]);
        assert_eq!(new(vec![axis("a", 0..0)]), Err(GridError::Empty("a".into())));
        assert_eq!(new(vec![axis("a", 0..1), axis("a", 0..2)]), Err(GridError::Twice("a".into())));
        let nothing = Grid::new(Map::new(), vec![axis("a", 0..2)], &[Condition::parse("a > 5").unwrap()]);
        assert_eq!(nothing, Err(GridError::NothingLeft));
        let unknown = Grid::new(Map::new(), vec![axis("a", 0..2)], &[Condition::parse("b > 5").unwrap()]);
        assert!(unknown.unwrap_err().to_string().contains("`b > 5`"));
    }

    proptest! {
        #[test]
        fn a_grid_has_every_combination_once(sizes in proptest::collection::vec(1i64..5, 1..5)) {
            let axes = sizes.iter().enumerate().map(|(place, size)| axis(&format!("p{place}"), 0..*size));
            let grid = Grid::new(Map::new(), axes.collect(), &[]).unwrap();
            prop_assert_eq!(grid.len() as i64, sizes.iter().product::<i64>());
            let points: std::collections::BTreeSet<String> =
                (0..grid.len()).map(|index| Json::Object(grid.point(index)).to_string()).collect();
            prop_assert_eq!(points.len() as u64, grid.len());
        }
    }
}
