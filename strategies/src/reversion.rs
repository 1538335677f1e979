//! Trading the way back from an extreme.

use barhive_engine::{
    order::Side,
    strategy::{Context, Inst},
};

use crate::Direction;

/// The three levels between which a value swings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Levels {
    pub(crate) low: f64,
    pub(crate) middle: f64,
    pub(crate) high: f64,
}

/// Buys below the low level, sells above the high one, leaves at the middle.
#[derive(Debug)]
pub(crate) struct Reversion {
    instrument: Inst,
    direction: Direction,
    held: Option<Side>,
}

impl Reversion {
    pub(crate) fn new(instrument: Inst, direction: Direction) -> Self {
        Self { instrument, direction, held: None }
    }

    /// Decides at a bar; NaN, which only comes before anything is held, decides nothing.
    pub(crate) fn step(&mut self, ctx: &mut Context<'_>, value: f64, levels: Levels) {
        let wanted = self.wanted(value, levels);
        if wanted == self.held {
            return;
        }
        self.held = wanted;
        match wanted {
            Some(side) => ctx.enter(self.instrument, side),
            None => ctx.exit(self.instrument),
        };
    }

    fn wanted(&self, value: f64, levels: Levels) -> Option<Side> {
        if value < levels.low {
            Some(Side::Buy)
        } else if value > levels.high && self.direction == Direction::Both {
            Some(Side::Sell)
        } else {
            self.held.filter(|side| match side {
                Side::Buy => value < levels.middle,
                Side::Sell => value > levels.middle,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(values: &[f64], direction: Direction) -> Vec<i64> {
        let mut reversion = Reversion::new(Inst(0), direction);
        let levels = Levels { low: 30.0, middle: 50.0, high: 70.0 };
        let step = |value: &f64| {
            reversion.held = reversion.wanted(*value, levels);
            reversion.held.map_or(0, Side::sign)
        };
        values.iter().map(step).collect()
    }

    #[test]
    fn positions_open_beyond_a_level_and_close_at_the_middle() {
        let values = [f64::NAN, 40.0, 29.0, 45.0, 50.0, 71.0, 55.0, 50.0, 75.0, 20.0];
        assert_eq!(held(&values, Direction::Both), [0, 0, 1, 1, 0, -1, -1, 0, -1, 1]);
        assert_eq!(held(&values, Direction::Long), [0, 0, 1, 1, 0, 0, 0, 0, 0, 1]);
    }

    #[test]
    fn a_level_itself_opens_nothing() {
        assert_eq!(held(&[30.0, 70.0], Direction::Both), [0, 0]);
    }
}
