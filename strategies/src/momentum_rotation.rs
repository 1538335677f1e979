//! Rotation into the strongest of several instruments.

use barhive_engine::{
    indicator::IndicatorSpec,
    order::Side,
    strategy::{Bars, Context, Inst, Setup, SetupError, Strategy, Value},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::faults::Faults;

/// Rotates into the strongest: holds the instruments that have gained most over the last bars.
///
/// Every `every` steps it ranks its instruments by their rate of change over `period` bars; equal ones in
/// the order of the set. It sells what is no longer among the first `hold` and buys what is new there;
/// what stays is not resized. Steps are counted from the first at which as many instruments as it holds
/// have a rate. All positions are long, each of the configured size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MomentumRotationParams {
    /// Bars over which the rate of change is taken.
    #[schemars(range(min = 1, max = 100_000))]
    pub period: u32,
    /// How many instruments it holds; at most as many as it is assigned.
    #[schemars(range(min = 1))]
    pub hold: u32,
    /// Steps from one ranking to the next.
    #[schemars(range(min = 1))]
    pub every: u32,
    /// Holds only what has changed by more than so many percent; `null` holds the best whatever they did.
    pub momentum_min_pct: Option<f64>,
}

impl Default for MomentumRotationParams {
    fn default() -> Self {
        Self { period: 20, hold: 1, every: 20, momentum_min_pct: None }
    }
}

/// The strategy of [`MomentumRotationParams`].
#[derive(Debug)]
pub struct MomentumRotation {
    hold: usize,
    every: u32,
    momentum_min_pct: f64,
    rates: Vec<Value>,
    held: Vec<bool>,
    ranking: Vec<(f64, usize)>,
    /// Steps until the next ranking; `None` before the first.
    steps_left: Option<u32>,
}

impl MomentumRotation {
    /// Subscribes to all instruments' bars and rates of change, and to every step.
    ///
    /// # Errors
    /// Says what is wrong with the parameters.
    pub fn new(params: MomentumRotationParams, setup: &mut Setup<'_>) -> Result<Self, SetupError> {
        let count = setup.instruments().count();
        let mut faults = Faults::of("momentum_rotation");
        faults.bars("period", params.period, 1);
        faults.expect(
            (1..=count).contains(&(params.hold as usize)),
            format_args!("`hold` must be from 1 to the number of its instruments, {count}"),
            params.hold,
        );
        faults.expect(params.every >= 1, "`every` must be at least 1", params.every);
        let momentum_min_pct = params.momentum_min_pct.unwrap_or(f64::NEG_INFINITY);
        faults.expect(!momentum_min_pct.is_nan(), "`momentum_min_pct` must be a number", momentum_min_pct);
        faults.into_result()?;
        let mut rates = Vec::with_capacity(count);
        for instrument in setup.instruments() {
            let bars = setup.bars(instrument);
            rates.push(setup.indicator(bars, IndicatorSpec::new("roc").with("period", params.period))?);
        }
        setup.every_step();
        Ok(Self {
            hold: params.hold as usize,
            every: params.every,
            momentum_min_pct,
            rates,
            held: vec![false; count],
            ranking: Vec::with_capacity(count),
            steps_left: None,
        })
    }

    /// Whether this step ranks.
    fn is_due(&mut self, known: usize) -> bool {
        match &mut self.steps_left {
            None if known < self.hold => return false,
            Some(left) if *left > 1 => {
                *left -= 1;
                return false;
            }
            _ => {}
        }
        self.steps_left = Some(self.every);
        true
    }
}

impl Strategy for MomentumRotation {
    fn on_bar(&mut self, _: &mut Context<'_>, _: Bars) {}

    fn on_step(&mut self, ctx: &mut Context<'_>) {
        let known = self.rates.iter().filter(|rate| !ctx.value(**rate).is_nan()).count();
        if !self.is_due(known) {
            return;
        }
        self.ranking.clear();
        for (index, rate) in self.rates.iter().enumerate() {
            let rate = ctx.value(*rate);
            if rate > self.momentum_min_pct {
                self.ranking.push((rate, index));
            }
        }
        self.ranking.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        self.ranking.truncate(self.hold);
        let best = |index: usize| self.ranking.iter().any(|(_, best)| *best == index);
        // What leaves goes first, so that its money is there for what comes.
        for (index, held) in self.held.iter_mut().enumerate() {
            if *held && !best(index) {
                *held = false;
                ctx.exit(Inst(index as u16));
            }
        }
        for (index, held) in self.held.iter_mut().enumerate() {
            if !*held && best(index) {
                *held = true;
                ctx.enter(Inst(index as u16), Side::Buy);
            }
        }
    }
}
