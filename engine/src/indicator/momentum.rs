//! Momentum and rate of change.

use std::sync::Arc;

use super::{
    IndicatorDef, IndicatorDoc, Input, InputKind, Kernel, Output,
    builtin::{rows, unchecked},
    window::Window,
};

/// Momentum.
///
/// - Formula: `x(t) - x(t-n)`.
/// - Inputs: one column.
/// - Output: one value in units of the input.
/// - Warm-up: `n + 1` rows.
/// - Seeding: none.
/// - Source: agrees with TA-Lib `MOM`.
pub fn mom() -> IndicatorDef {
    IndicatorDef {
        name: "mom",
        doc: IndicatorDoc {
            summary: "Momentum: change over n rows.",
            formula: "x[t] - x[t-n]",
            inputs: "one column",
            output: "one value in units of the input",
            warm_up: "n + 1 rows",
            seeding: "none",
            source: "agrees with TA-Lib MOM",
        },
        input: InputKind::Value,
        params: vec![rows("period", 1, 10, "Rows to look back (n).")],
        outputs: vec!["mom"],
        warm_up: |params| params.int("period") + 1,
        check: unchecked,
        build: Arc::new(|params| Box::new(Change::new(params.int("period"), |x, before| x - before))),
    }
}

/// Rate of change in percent.
///
/// - Formula: `100 (x(t) - x(t-n)) / x(t-n)`; 0 where `x(t-n)` is 0.
/// - Inputs: one column.
/// - Output: one value in percent.
/// - Warm-up: `n + 1` rows.
/// - Seeding: none.
/// - Source: agrees with TA-Lib `ROC`.
pub fn roc() -> IndicatorDef {
    IndicatorDef {
        name: "roc",
        doc: IndicatorDoc {
            summary: "Rate of change over n rows, in percent.",
            formula: "100 (x[t] - x[t-n]) / x[t-n]; 0 where x[t-n] is 0",
            inputs: "one column",
            output: "one value in percent",
            warm_up: "n + 1 rows",
            seeding: "none",
            source: "agrees with TA-Lib ROC",
        },
        input: InputKind::Value,
        params: vec![rows("period", 1, 10, "Rows to look back (n).")],
        outputs: vec!["roc"],
        warm_up: |params| params.int("period") + 1,
        check: unchecked,
        build: Arc::new(|params| {
            Box::new(Change::new(params.int("period"), |x, before| {
                if before == 0.0 { 0.0 } else { 100.0 * ((x - before) / before) }
            }))
        }),
    }
}

/// A value of a row and the one `n` rows before.
#[derive(Clone)]
struct Change<F> {
    window: Window,
    unknown: usize,
    of: F,
}

impl<F> Change<F> {
    fn new(n: usize, of: F) -> Self {
        Self { window: Window::new(n), unknown: n, of }
    }
}

impl<F: Fn(f64, f64) -> f64 + Clone + Send + 'static> Kernel for Change<F> {
    fn update(&mut self, input: &Input<'_>, output: &mut Output<'_, '_>) {
        let out = output.column(0);
        self.window.for_each_run(input.x, |rows, leaving| {
            let entering = &input.x[rows.clone()];
            for ((x, before), out) in entering.iter().zip(leaving).zip(&mut out[rows]) {
                *out = (self.of)(*x, *before);
            }
        });
        self.window.push(input.x);
        let unknown = self.unknown.min(out.len());
        out[..unknown].fill(f64::NAN);
        self.unknown -= unknown;
    }

    fn snapshot(&self) -> Box<dyn Kernel> {
        Box::new(self.clone())
    }
}
