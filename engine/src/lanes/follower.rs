//! Strategies that follow the side that a rule takes.

use super::signals::{Lane, RuleSignals};
use crate::{
    order::Side,
    strategy::{Bars, Context, Inst, Strategy, Value},
};

/// Which side the market is on, by values of one bar alone.
///
/// ```
/// use barhive_engine::lanes::SideRule;
///
/// /// The faster of two averages leads.
/// #[derive(Clone, Copy)]
/// struct Leads;
///
/// impl SideRule<2> for Leads {
///     fn side(&self, [fast, slow]: [f64; 2]) -> f64 {
///         fast - slow
///     }
/// }
/// ```
pub trait SideRule<const N: usize>: Copy + Send + Sync + 'static {
    /// Positive for up, negative for down; zero and NaN say nothing, and the side stays what it was.
    ///
    /// One expression without branches or memory: it is worked out for many bars at a time.
    fn side(&self, values: [f64; N]) -> f64;
}

/// What a turn to the down side does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Turns short.
    Both,
    /// Closes the position.
    Long,
}

/// Follows a rule: enters when the side changes. The first side that is known is no change.
///
/// It trades one instrument, at the market, in the size that the set configures.
#[derive(Clone, Copy, Debug)]
pub struct Follower<R, const N: usize> {
    rule: R,
    values: [Value; N],
    instrument: Inst,
    direction: Direction,
    /// 1 up, -1 down, 0 not known yet.
    side: i8,
    /// Whether it has entered, which a long-only strategy must have done before it can leave.
    entered: bool,
}

impl<R: SideRule<N>, const N: usize> Follower<R, N> {
    /// A follower of `rule` on values of `bars`' rows.
    pub fn new(rule: R, values: [Value; N], bars: Bars, direction: Direction) -> Self {
        Self { rule, values, instrument: bars.instrument(), direction, side: 0, entered: false }
    }
}

/// The side of a sign.
#[inline(always)]
pub(super) fn sign(side: f64) -> i8 {
    i8::from(side > 0.0) - i8::from(side < 0.0)
}

/// What a change of side asks for: a side to enter, or `None` to leave. `entered` is brought up to date.
#[inline(always)]
pub(super) fn wish(side: i8, direction: Direction, entered: &mut bool) -> Option<Wish> {
    match (side > 0, direction) {
        (true, _) => {
            *entered = true;
            Some(Wish::Enter(Side::Buy))
        }
        (false, Direction::Both) => {
            *entered = true;
            Some(Wish::Enter(Side::Sell))
        }
        (false, Direction::Long) => std::mem::take(entered).then_some(Wish::Leave),
    }
}

/// What a follower asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Enter(Side),
    Leave,
}

impl<R, const N: usize> Follower<R, N> {
    /// The side changes. Apart from the rest, which every bar passes through.
    #[inline(never)]
    fn turn(&mut self, ctx: &mut Context<'_>, side: i8) {
        if std::mem::replace(&mut self.side, side) != 0 {
            match wish(side, self.direction, &mut self.entered) {
                Some(Wish::Enter(side)) => {
                    ctx.enter(self.instrument, side);
                }
                Some(Wish::Leave) => {
                    ctx.exit(self.instrument);
                }
                None => {}
            }
        }
    }
}

impl<R: SideRule<N>, const N: usize> Strategy for Follower<R, N> {
    #[inline]
    fn on_bar(&mut self, ctx: &mut Context<'_>, _: Bars) {
        // A loop, since the compiler makes a call of an array's `map`.
        let mut values = [0.0; N];
        for (read, value) in values.iter_mut().zip(self.values) {
            *read = ctx.value(value);
        }
        let side = sign(self.rule.side(values));
        if side == 0 || side == self.side {
            return;
        }
        self.turn(ctx, side);
    }

    fn lane(&self) -> Option<Lane> {
        Some(Lane::new(RuleSignals::new(self.rule), &self.values, self.direction))
    }
}
