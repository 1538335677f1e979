//! Trading the crosses of two lines.

use barhive_engine::{
    order::Side,
    strategy::{Context, Inst, Value},
};

use crate::Direction;

/// Tells when one line crosses another.
///
/// The line is above or below; where the two are equal it stays what it was last. A cross is a change
/// from one to the other. The first side that is known is no cross.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cross {
    /// 1 above, -1 below, 0 not known yet.
    side: i8,
}

impl Cross {
    /// The cross at this bar: up is a buy. NaN on either line says nothing.
    #[inline]
    pub(crate) fn step(&mut self, line: f64, other: f64) -> Option<Side> {
        let side = i8::from(line > other) - i8::from(line < other);
        if side == self.side || side == 0 {
            return None;
        }
        let known = std::mem::replace(&mut self.side, side) != 0;
        known.then_some(if side > 0 { Side::Buy } else { Side::Sell })
    }
}

/// Follows the crosses of two indicator outputs: always in the market, or long and flat in turn.
#[derive(Debug)]
pub(crate) struct CrossTrader {
    line: Value,
    other: Value,
    cross: Cross,
    instrument: Inst,
    direction: Direction,
    /// Whether it has entered, which a long-only strategy must have done before it can leave.
    entered: bool,
}

impl CrossTrader {
    pub(crate) fn new(line: Value, other: Value, instrument: Inst, direction: Direction) -> Self {
        Self { line, other, cross: Cross::default(), instrument, direction, entered: false }
    }

    #[inline]
    pub(crate) fn on_bar(&mut self, ctx: &mut Context<'_>) {
        if let Some(side) = self.cross.step(ctx.value(self.line), ctx.value(self.other)) {
            self.trade(ctx, side);
        }
    }

    #[cold]
    fn trade(&mut self, ctx: &mut Context<'_>, side: Side) {
        match (side, self.direction) {
            (Side::Buy, _) | (Side::Sell, Direction::Both) => {
                self.entered = true;
                ctx.enter(self.instrument, side);
            }
            (Side::Sell, Direction::Long) if self.entered => {
                self.entered = false;
                ctx.exit(self.instrument);
            }
            (Side::Sell, Direction::Long) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn crosses(differences: &[f64]) -> Vec<(usize, Side)> {
        let mut cross = Cross::default();
        let step = |(row, difference): (usize, &f64)| cross.step(*difference, 0.0).map(|side| (row, side));
        differences.iter().enumerate().filter_map(step).collect()
    }

    #[test]
    fn the_first_side_is_no_cross_and_a_tie_keeps_the_last_side() {
        assert_eq!(crosses(&[f64::NAN, 0.0, 1.0, 2.0]), []);
        assert_eq!(crosses(&[1.0, 0.0, 1.0]), []);
        assert_eq!(crosses(&[1.0, 0.0, 0.0, -1.0]), [(3, Side::Sell)]);
        assert_eq!(crosses(&[-1.0, 1.0, -1.0]), [(1, Side::Buy), (2, Side::Sell)]);
    }

    proptest! {
        #[test]
        fn crosses_are_the_changes_of_sign_after_ties_took_the_last_sign(
            signs in prop::collection::vec(-1i8..=1, 0..40),
        ) {
            let mut last = 0;
            let kept: Vec<i8> = signs.iter().map(|sign| { if *sign != 0 { last = *sign; } last }).collect();
            let expected: Vec<(usize, Side)> = (1..kept.len())
                .filter(|row| kept[row - 1] != 0 && kept[row - 1] != kept[*row])
                .map(|row| (row, if kept[row] > 0 { Side::Buy } else { Side::Sell }))
                .collect();
            let differences: Vec<f64> = signs.into_iter().map(f64::from).collect();
            prop_assert_eq!(crosses(&differences), expected);
        }
    }
}
