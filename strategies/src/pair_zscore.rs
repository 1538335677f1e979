//! A pair of instruments, traded on the z-score of their price ratio.

use barhive_engine::{
    order::Side,
    strategy::{Bars, Context, Inst, Setup, SetupError, Strategy},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::faults::Faults;

/// Trades a pair: sells the dear one and buys the cheap one when their price ratio strays from its mean.
///
/// The ratio is the first instrument's close divided by the second's, taken at every step at which both
/// close a bar. Its z-score is its distance from the mean of the last `period` ratios, this one included,
/// in their standard deviations (population). A ratio at or above `entry` sells the first and buys the
/// second, one at or below `-entry` does the reverse, and both legs are closed when the score is back
/// within `exit`. Each leg has the configured size: equal money on both takes a notional size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PairZscoreParams {
    /// Ratios in the mean and the deviation.
    #[schemars(range(min = 3, max = 100_000))]
    pub period: u32,
    /// Z-score at which the pair is opened; above `exit`.
    pub entry: f64,
    /// Z-score within which it is closed; at least 0.
    pub exit: f64,
}

impl Default for PairZscoreParams {
    fn default() -> Self {
        Self { period: 60, entry: 2.0, exit: 0.5 }
    }
}

/// The strategy of [`PairZscoreParams`].
#[derive(Debug)]
pub struct PairZscore {
    entry: f64,
    exit: f64,
    legs: [Bars; 2],
    /// Which legs have closed a bar at this step.
    closed: [bool; 2],
    /// The last ratios, the newest at `next - 1`.
    ratios: Vec<f64>,
    period: usize,
    next: usize,
    /// The side of the first leg.
    held: Option<Side>,
}

impl PairZscore {
    /// Subscribes to the bars of both instruments and to every step.
    ///
    /// # Errors
    /// Says what is wrong with the parameters or the number of instruments.
    pub fn new(params: PairZscoreParams, setup: &mut Setup<'_>) -> Result<Self, SetupError> {
        let PairZscoreParams { period, entry, exit } = params;
        let mut faults = Faults::of("pair_zscore");
        let count = setup.instruments().count();
        faults.expect(count == 2, "a pair is exactly 2 instruments", count);
        let period_is_good = faults.bars("period", period, 3);
        faults.expect(
            entry > exit && exit >= 0.0 && entry.is_finite(),
            "expected 0 <= exit < entry",
            format_args!("exit = {exit}, entry = {entry}"),
        );
        // No value of n lies further from their mean.
        let reach = (f64::from(period) - 1.0).sqrt();
        faults.expect(
            !(period_is_good && entry >= reach && entry.is_finite()),
            format_args!("`entry` must be below {reach:.2}: no ratio of {period} lies further out"),
            entry,
        );
        faults.into_result()?;
        let legs = [0, 1].map(|leg| setup.bars(Inst(leg)));
        setup.every_step();
        let period = period as usize;
        Ok(Self {
            entry,
            exit,
            legs,
            closed: [false; 2],
            ratios: Vec::with_capacity(period),
            period,
            next: 0,
            held: None,
        })
    }

    /// Takes in a ratio; its z-score once there are enough, 0 where all are equal.
    fn score(&mut self, ratio: f64) -> Option<f64> {
        if self.ratios.len() < self.period {
            self.ratios.push(ratio);
        } else {
            self.ratios[self.next] = ratio;
        }
        self.next = (self.next + 1) % self.period;
        if self.ratios.len() < self.period {
            return None;
        }
        // Distances from the newest ratio, so that equal ratios have no spread at all.
        let n = self.period as f64;
        let mean = self.ratios.iter().map(|r| r - ratio).sum::<f64>() / n;
        let squares: f64 = self.ratios.iter().map(|r| (r - ratio - mean) * (r - ratio - mean)).sum();
        Some(if squares > 0.0 { -mean / (squares / n).sqrt() } else { 0.0 })
    }

    fn wanted(&self, score: f64) -> Option<Side> {
        if score >= self.entry {
            Some(Side::Sell)
        } else if score <= -self.entry {
            Some(Side::Buy)
        } else {
            self.held.filter(|side| match side {
                Side::Sell => score > self.exit,
                Side::Buy => score < -self.exit,
            })
        }
    }
}

impl Strategy for PairZscore {
    fn on_bar(&mut self, _: &mut Context<'_>, bars: Bars) {
        self.closed[usize::from(bars.instrument().0)] = true;
    }

    fn on_step(&mut self, ctx: &mut Context<'_>) {
        if std::mem::take(&mut self.closed) != [true; 2] {
            return;
        }
        let [first, second] = self.legs;
        let Some(score) = self.score(ctx.close(first) / ctx.close(second)) else { return };
        let wanted = self.wanted(score);
        if wanted == self.held {
            return;
        }
        self.held = wanted;
        let (first, second) = (first.instrument(), second.instrument());
        match wanted {
            Some(Side::Buy) => {
                ctx.enter(first, Side::Buy);
                ctx.enter(second, Side::Sell);
            }
            Some(Side::Sell) => {
                ctx.enter(first, Side::Sell);
                ctx.enter(second, Side::Buy);
            }
            None => {
                ctx.exit(first);
                ctx.exit(second);
            }
        }
    }
}
