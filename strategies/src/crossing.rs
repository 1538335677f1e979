//! Trading the crosses of two lines.

use barhive_engine::{
    lanes::{self, Follower, SideRule},
    strategy::{Bars, Value},
};

use crate::Direction;

/// Up while the first line is above the second, down while it is below; where the two are equal, the
/// side stays what it was last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Above;

impl SideRule<2> for Above {
    #[inline(always)]
    fn side(&self, [line, other]: [f64; 2]) -> f64 {
        line - other
    }
}

/// Follows the crosses of two indicator outputs: always in the market, or long and flat in turn.
pub(crate) type CrossTrader = Follower<Above, 2>;

/// A trader of the crosses of `line` over `other`.
pub(crate) fn cross_trader(line: Value, other: Value, bars: Bars, direction: Direction) -> CrossTrader {
    let direction = match direction {
        Direction::Both => lanes::Direction::Both,
        Direction::Long => lanes::Direction::Long,
    };
    Follower::new(Above, [line, other], bars, direction)
}
