//! What variants are ranked by.

use std::{fmt, str::FromStr};

use barhive_engine::{money::Money, result::Statistics, sweep::Evaluation};

/// Figures of which less is better; of all others more is.
const LESS_IS_BETTER: [&str; 4] = ["annual_volatility", "max_drawdown", "max_drawdown_duration_ns", "fees"];

/// A figure and the direction in which it is better: `sharpe`, `max_drawdown` (less is better), or
/// reversed, `-sharpe`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Objective {
    figure: Figure,
    reversed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Figure {
    Equity,
    Fees,
    Orders,
    Fills,
    Trades,
    /// By its place among [`Statistics::figures`].
    Statistic(usize),
}

/// The figures that are no statistics.
const EXACT: [(&str, Figure); 5] = [
    ("final_equity", Figure::Equity),
    ("fees", Figure::Fees),
    ("orders", Figure::Orders),
    ("fills", Figure::Fills),
    ("trades", Figure::Trades),
];

/// How good a variant is by an objective: greater is better. Exact: amounts of money that are the same
/// double are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Score(i128);

impl Objective {
    /// The names of all figures.
    pub fn names() -> impl Iterator<Item = &'static str> {
        EXACT.into_iter().map(|(name, _)| name).chain(Statistics::default().figures().map(|(name, _)| name))
    }

    /// The figure's name.
    pub fn name(&self) -> &'static str {
        let exact = EXACT.iter().find(|(_, figure)| *figure == self.figure).map(|(name, _)| *name);
        exact.unwrap_or_else(|| match self.figure {
            Figure::Statistic(place) => Statistics::default().figures()[place].0,
            _ => "",
        })
    }

    /// Whether more of it is better.
    pub fn more_is_better(&self) -> bool {
        LESS_IS_BETTER.contains(&self.name()) == self.reversed
    }

    /// The figure as a double; `None` where it is not defined.
    pub fn value(&self, evaluation: &Evaluation) -> Option<f64> {
        match self.figure {
            Figure::Equity => Some(evaluation.final_equity.to_f64()),
            Figure::Fees => Some(evaluation.fees.to_f64()),
            Figure::Orders => Some(evaluation.orders as f64),
            Figure::Fills => Some(evaluation.fills as f64),
            Figure::Trades => Some(evaluation.trades as f64),
            Figure::Statistic(place) => {
                evaluation.statistics.figures()[place].1.filter(|figure| !figure.is_nan())
            }
        }
    }

    /// How good it is; `None` where the figure is not defined, which is worse than every score.
    pub fn score(&self, evaluation: &Evaluation) -> Option<Score> {
        let ascending = match self.figure {
            Figure::Equity => money(evaluation.final_equity),
            Figure::Fees => money(evaluation.fees),
            Figure::Orders => evaluation.orders.into(),
            Figure::Fills => evaluation.fills.into(),
            Figure::Trades => evaluation.trades.into(),
            Figure::Statistic(_) => ordered(self.value(evaluation)?).into(),
        };
        Some(Score(if self.more_is_better() { ascending } else { !ascending }))
    }
}

fn money(amount: Money) -> i128 {
    amount.0
}

/// An integer with the order of the double; both zeros are one.
fn ordered(figure: f64) -> i64 {
    let bits = (figure + 0.0).to_bits() as i64;
    bits ^ ((bits >> 63) as u64 >> 1) as i64
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.reversed { "-" } else { "" }, self.name())
    }
}

impl FromStr for Objective {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (name, reversed) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
        let exact = EXACT.iter().find(|(known, _)| *known == name).map(|(_, figure)| *figure);
        let statistic = || {
            Statistics::default()
                .figures()
                .iter()
                .position(|(known, _)| *known == name)
                .map(Figure::Statistic)
        };
        let figure = exact.or_else(statistic).ok_or_else(|| {
            let known: Vec<_> = Self::names().collect();
            format!("expected a figure to rank by, found `{name}`; known: {}", known.join(", "))
        })?;
        Ok(Self { figure, reversed })
    }
}

/// Reads objectives between commas: `sharpe,max_drawdown`.
///
/// # Errors
/// When one is unknown or named twice.
pub fn parse_objectives(text: &str) -> Result<Vec<Objective>, String> {
    let mut objectives: Vec<Objective> = Vec::new();
    for part in text.split(',') {
        let objective: Objective = part.parse()?;
        if objectives.iter().any(|known| known.figure == objective.figure) {
            return Err(format!("expected every figure once, found {} twice", objective.name()));
        }
        objectives.push(objective);
    }
    Ok(objectives)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_figure_has_a_direction_that_a_minus_reverses() {
        for name in Objective::names() {
            let objective: Objective = name.parse().unwrap();
            let reversed: Objective = format!("-{name}").parse().unwrap();
            assert_eq!((objective.name(), objective.to_string().as_str()), (name, name));
            assert_eq!(reversed.to_string(), format!("-{name}"));
            assert_ne!(objective.more_is_better(), reversed.more_is_better());
        }
        assert!("sharpe".parse::<Objective>().unwrap().more_is_better());
        assert!(!"max_drawdown".parse::<Objective>().unwrap().more_is_better());
        for name in LESS_IS_BETTER {
            assert!(Objective::names().any(|known| known == name), "{name}");
        }
    }

    #[test]
    fn what_is_no_objective_is_told_with_what_is() {
        let fault = "shrape".parse::<Objective>().unwrap_err();
        assert!(fault.contains("`shrape`") && fault.contains("sharpe"), "{fault}");
        assert_eq!(parse_objectives("sharpe, max_drawdown").unwrap().len(), 2);
        assert!(parse_objectives("sharpe,-sharpe").unwrap_err().contains("twice"));
        assert!(parse_objectives("").is_err());
    }

    #[test]
    fn money_is_compared_exactly() {
        let with = |units: i128| Evaluation {
            digest: [0; 16],
            final_equity: Money(units),
            fees: Money::ZERO,
            orders: 0,
            fills: 0,
            trades: 0,
            statistics: Statistics::default(),
        };
        let objective: Objective = "final_equity".parse().unwrap();
        let (less, more) = (with(1 << 80), with((1 << 80) + 1));
        assert_eq!(objective.value(&less), objective.value(&more));
        assert!(objective.score(&less) < objective.score(&more));
        let sharpe: Objective = "sharpe".parse().unwrap();
        assert_eq!(sharpe.score(&less), None);
    }

    proptest! {
        #[test]
        fn doubles_keep_their_order(a in any::<f64>(), b in any::<f64>()) {
            prop_assume!(!a.is_nan() && !b.is_nan());
            prop_assert_eq!(Some(ordered(a).cmp(&ordered(b))), a.partial_cmp(&b));
        }
    }
}
