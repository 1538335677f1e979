//! Wilder's relative strength index.

use std::sync::Arc;

use super::{
    IndicatorDef, IndicatorDoc, Input, InputKind, Kernel, Output,
    builtin::{rows, unchecked},
    smoother::Smoother,
};

/// Rows of gains that are worked out before they are averaged: they stay in the nearest cache.
const SPAN: usize = 128;

/// Relative strength index.
///
/// - Formula: `100 g / (g + l)`, with `g` and `l` Wilder's averages (`alpha = 1 / n`) of the gains and
///   of the losses from row to row; 50 while there has been neither.
/// - Inputs: one column.
/// - Output: one value from 0 to 100.
/// - Warm-up: `n + 1` rows.
/// - Seeding: the simple averages of the first `n` gains and losses.
/// - Source: J. Welles Wilder, "New Concepts in Technical Trading Systems", 1978; agrees with TA-Lib
///   `RSI` except for a series that has never moved, where TA-Lib says 0.
pub fn rsi() -> IndicatorDef {
    IndicatorDef {
        name: "rsi",
        doc: IndicatorDoc {
            summary: "Wilder's relative strength index.",
            formula: "100 g / (g + l), g and l being Wilder's averages (alpha = 1 / n) of gains and losses; \
                      50 while there has been neither",
            inputs: "one column",
            output: "one value from 0 to 100",
            warm_up: "n + 1 rows",
            seeding: "the simple averages of the first n gains and losses",
            source: "J. Welles Wilder, 1978; agrees with TA-Lib RSI, which says 0 where nothing has moved",
        },
        input: InputKind::Value,
        params: vec![rows("period", 1, 14, "Rows of the averages of gains and losses (n).")],
        outputs: vec!["rsi"],
        warm_up: |params| params.int("period") + 1,
        check: unchecked,
        build: Arc::new(|params| {
            let smoother = Smoother::wilder(params.int("period"), 1);
            Box::new(Rsi { last: None, gains: smoother.clone(), losses: smoother })
        }),
    }
}

#[derive(Clone)]
struct Rsi {
    last: Option<f64>,
    gains: Smoother,
    losses: Smoother,
}

impl Kernel for Rsi {
    fn update(&mut self, input: &Input<'_>, output: &mut Output<'_, '_>) {
        let mut gains = [0.0; SPAN];
        for (x, out) in input.x.chunks(SPAN).zip(output.column(0).chunks_mut(SPAN)) {
            let gains = &mut gains[..x.len()];
            // The first row has no change; the smoothers skip it.
            let last = [self.last.unwrap_or(x[0])];
            split(&x[..1], &last, &mut gains[..1], &mut out[..1]);
            split(&x[1..], x, &mut gains[1..], &mut out[1..]);
            self.last = x.last().copied();
            Smoother::smooth_both([&mut self.gains, &mut self.losses], [gains, out], None);
            for (out, gain) in out.iter_mut().zip(&*gains) {
                let moved = gain + *out;
                *out = if moved == 0.0 { 50.0 } else { 100.0 * (gain / moved) };
            }
        }
    }

    fn snapshot(&self) -> Box<dyn Kernel> {
        Box::new(self.clone())
    }
}

/// Splits changes from the row before into gains and losses.
fn split(x: &[f64], before: &[f64], gains: &mut [f64], losses: &mut [f64]) {
    for (((x, before), gain), loss) in x.iter().zip(before).zip(gains).zip(losses) {
        let change = x - before;
        *gain = if change > 0.0 { change } else { 0.0 };
        *loss = if change < 0.0 { -change } else { 0.0 };
    }
}
