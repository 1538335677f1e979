//! Standard deviation and z-score.

use std::sync::Arc;

use super::{
    IndicatorDef, IndicatorDoc, Input, InputKind, Kernel, Output,
    builtin::{rows, unchecked},
    rolling_deviation::{Measure, RollingDeviation},
};

/// Standard deviation.
///
/// - Formula: `sqrt(sum((x - mean)^2) / n)` over the last `n` rows (population).
/// - Inputs: one column.
/// - Output: one value in units of the input; exactly 0 in a flat window.
/// - Warm-up: `n` rows.
/// - Seeding: none, it depends on its window only.
/// - Source: agrees with TA-Lib `STDDEV` and NumPy's `std` with `ddof = 0`. Sums of exact units where the
///   input's decimals are known; else aggregates merged after Chan, Golub and LeVeque, 1979.
pub fn stddev() -> IndicatorDef {
    IndicatorDef {
        name: "stddev",
        doc: IndicatorDoc {
            summary: "Standard deviation (population).",
            formula: "sqrt(sum((x - mean)^2) / n) over the last n rows",
            inputs: "one column",
            output: "one value in units of the input; exactly 0 in a flat window",
            warm_up: "n rows",
            seeding: "none: it depends on its window only",
            source: "agrees with TA-Lib STDDEV; Chan, Golub and LeVeque, 1979, where decimals are not known",
        },
        input: InputKind::Value,
        params: vec![rows("period", 2, 20, "Rows of the window (n).")],
        outputs: vec!["stddev"],
        warm_up: |params| params.int("period"),
        check: unchecked,
        build: Arc::new(|params| {
            Box::new(Spread(RollingDeviation::new(params.int("period"), Measure::Deviation)))
        }),
    }
}

/// Z-score.
///
/// - Formula: `(x(t) - mean) / stddev`, both over the last `n` rows including this one; 0 in a flat
///   window.
/// - Inputs: one column.
/// - Output: one value in standard deviations, at most `sqrt(n - 1)` in size.
/// - Warm-up: `n` rows.
/// - Seeding: none, it depends on its window only.
/// - Source: the standard score with the population deviation, as SciPy's `zscore` with `ddof = 0`.
pub fn zscore() -> IndicatorDef {
    IndicatorDef {
        name: "zscore",
        doc: IndicatorDoc {
            summary: "Z-score: distance from the mean in standard deviations.",
            formula: "(x[t] - mean) / stddev over the last n rows, this one included; 0 in a flat window",
            inputs: "one column",
            output: "one value in standard deviations",
            warm_up: "n rows",
            seeding: "none: it depends on its window only",
            source: "the standard score with the population deviation (SciPy zscore, ddof = 0)",
        },
        input: InputKind::Value,
        params: vec![rows("period", 2, 20, "Rows of the window (n).")],
        outputs: vec!["zscore"],
        warm_up: |params| params.int("period"),
        check: unchecked,
        build: Arc::new(|params| {
            Box::new(Spread(RollingDeviation::new(params.int("period"), Measure::Score)))
        }),
    }
}

#[derive(Clone)]
struct Spread(RollingDeviation);

impl Kernel for Spread {
    fn update(&mut self, input: &Input<'_>, output: &mut Output<'_, '_>) {
        self.0.update(input.x, input.x_factor, output.column(0));
    }

    fn snapshot(&self) -> Box<dyn Kernel> {
        Box::new(self.clone())
    }
}
