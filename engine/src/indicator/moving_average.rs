//! Moving averages: SMA and EMA.

use std::sync::Arc;

use super::{
    IndicatorDef, IndicatorDoc, Input, InputKind, Kernel, Output,
    builtin::{rows, unchecked},
    rolling_mean::RollingMean,
    smoother::Smoother,
};

/// Simple moving average.
///
/// - Formula: `sum(x(t-n+1) ..= x(t)) / n`, one division of the exact sum.
/// - Inputs: one column.
/// - Output: one value in units of the input. Equal averages are equal doubles for every `n`, start
///   and split when the input's decimals are known; a compensated sum otherwise.
/// - Warm-up: `n` rows.
/// - Seeding: none, it depends on its window only.
/// - Source: agrees with TA-Lib `SMA`.
pub fn sma() -> IndicatorDef {
    IndicatorDef {
        name: "sma",
        doc: IndicatorDoc {
            summary: "Simple moving average.",
            formula: "sum(x[t-n+1..t]) / n, one division of the exact sum",
            inputs: "one column",
            output: "one value in units of the input; equal averages are equal numbers",
            warm_up: "n rows",
            seeding: "none: it depends on its window only",
            source: "agrees with TA-Lib SMA",
        },
        input: InputKind::Value,
        params: vec![rows("period", 1, 20, "Rows to average over (n).")],
        outputs: vec!["sma"],
        warm_up: |params| params.int("period"),
        check: unchecked,
        build: Arc::new(|params| Box::new(Sma { mean: RollingMean::new(params.int("period")) })),
    }
}

#[derive(Clone)]
struct Sma {
    mean: RollingMean,
}

impl Kernel for Sma {
    fn update(&mut self, input: &Input<'_>, output: &mut Output<'_, '_>) {
        self.mean.update(input.x, input.x_factor, output.column(0));
    }

    fn snapshot(&self) -> Box<dyn Kernel> {
        Box::new(self.clone())
    }
}

/// Exponential moving average.
///
/// - Formula: `y(t) = y(t-1) + alpha (x(t) - y(t-1))` with `alpha = 2 / (n + 1)`, worked out in blocks
///   of four rows counted from the seed.
/// - Inputs: one column.
/// - Output: one value in units of the input. A flat input leaves it unchanged to the bit.
/// - Warm-up: `n` rows.
/// - Seeding: the simple average of the first `n` rows.
/// - Source: agrees with TA-Lib `EMA`.
pub fn ema() -> IndicatorDef {
    IndicatorDef {
        name: "ema",
        doc: IndicatorDoc {
            summary: "Exponential moving average.",
            formula: "y[t] = y[t-1] + alpha (x[t] - y[t-1]), alpha = 2 / (n + 1)",
            inputs: "one column",
            output: "one value in units of the input",
            warm_up: "n rows",
            seeding: "the simple average of the first n rows",
            source: "agrees with TA-Lib EMA",
        },
        input: InputKind::Value,
        params: vec![rows("period", 1, 20, "Rows that set the weight of the newest one (n).")],
        outputs: vec!["ema"],
        warm_up: |params| params.int("period"),
        check: unchecked,
        build: Arc::new(|params| Box::new(Ema { smoother: Smoother::ema(params.int("period"), 0) })),
    }
}

#[derive(Clone)]
struct Ema {
    smoother: Smoother,
}

impl Kernel for Ema {
    fn update(&mut self, input: &Input<'_>, output: &mut Output<'_, '_>) {
        let out = output.column(0);
        out.copy_from_slice(input.x);
        self.smoother.smooth(out, input.x_factor);
    }

    fn snapshot(&self) -> Box<dyn Kernel> {
        Box::new(self.clone())
    }
}
