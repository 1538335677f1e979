//! Bollinger bands.

use std::sync::Arc;

use super::{
    IndicatorDef, IndicatorDoc, Input, InputKind, Kernel, Output, ParamDef, ParamKind,
    builtin::{rows, unchecked},
    rolling_deviation::{Measure, RollingDeviation},
    rolling_mean::RollingMean,
};

/// Bollinger bands.
///
/// - Formula: `middle = SMA(n)`, `upper = middle + k s`, `lower = middle - k s`, `s` being the
///   population standard deviation of the last `n` rows.
/// - Inputs: one column.
/// - Output: `middle`, `upper`, `lower`, in units of the input; `middle` equals `sma(n)` to the bit.
/// - Warm-up: `n` rows.
/// - Seeding: none, they depend on their window only.
/// - Source: John Bollinger, 1980s; agrees with TA-Lib `BBANDS`.
pub fn bbands() -> IndicatorDef {
    IndicatorDef {
        name: "bbands",
        doc: IndicatorDoc {
            summary: "Bollinger bands.",
            formula: "middle = SMA(n); upper, lower = middle +- k times the population deviation over n rows",
            inputs: "one column",
            output: "three values in units of the input",
            warm_up: "n rows",
            seeding: "none: they depend on their window only",
            source: "John Bollinger, 1980s; agrees with TA-Lib BBANDS",
        },
        input: InputKind::Value,
        params: vec![
            rows("period", 2, 20, "Rows of the window (n)."),
            ParamDef {
                name: "deviations",
                kind: ParamKind::Float { min: 0.0, max: 100.0, default: 2.0 },
                doc: "Standard deviations from the middle to a band (k).",
            },
        ],
        outputs: vec!["middle", "upper", "lower"],
        warm_up: |params| params.int("period"),
        check: unchecked,
        build: Arc::new(|params| {
            let n = params.int("period");
            Box::new(Bands {
                mean: RollingMean::new(n),
                spread: RollingDeviation::new(n, Measure::Deviation),
                deviations: params.float("deviations"),
            })
        }),
    }
}

#[derive(Clone)]
struct Bands {
    mean: RollingMean,
    spread: RollingDeviation,
    deviations: f64,
}

impl Kernel for Bands {
    fn update(&mut self, input: &Input<'_>, output: &mut Output<'_, '_>) {
        let [middle, upper, lower] = output.columns();
        self.mean.update(input.x, input.x_factor, middle);
        self.spread.update(input.x, input.x_factor, upper);
        for ((middle, upper), lower) in middle.iter().zip(upper).zip(lower) {
            let distance = self.deviations * *upper;
            *upper = middle + distance;
            *lower = middle - distance;
        }
    }

    fn snapshot(&self) -> Box<dyn Kernel> {
        Box::new(self.clone())
    }
}
