//! Donchian channel.

use std::sync::Arc;

use super::{
    IndicatorDef, IndicatorDoc, Input, InputKind, Kernel, Output,
    builtin::{rows, unchecked},
    extreme::Extreme,
};

/// Donchian channel.
///
/// - Formula: `upper = max(high)` and `lower = min(low)` of the last `n` bars, this one included;
///   `middle = (upper + lower) / 2`.
/// - Inputs: high and low of whole bars.
/// - Output: `upper`, `lower`, `middle`, in units of the price. A close can only break out of the
///   channel of the bars before: compare it with the channel's value one bar ago.
/// - Warm-up: `n` rows.
/// - Seeding: none, it depends on its window only.
/// - Source: Richard Donchian, 1950s; agrees with TA-Lib `DONCHIAN`.
pub fn donchian() -> IndicatorDef {
    IndicatorDef {
        name: "donchian",
        doc: IndicatorDoc {
            summary: "Donchian channel.",
            formula: "upper = max(high), lower = min(low) of the last n bars, this one included; \
                      middle = (upper + lower) / 2",
            inputs: "high and low of whole bars",
            output: "three values in units of the price; for breakouts compare with the value one bar ago",
            warm_up: "n rows",
            seeding: "none: it depends on its window only",
            source: "Richard Donchian, 1950s; agrees with TA-Lib DONCHIAN",
        },
        input: InputKind::Bars,
        params: vec![rows("period", 1, 20, "Bars of the channel (n).")],
        outputs: vec!["upper", "lower", "middle"],
        warm_up: |params| params.int("period"),
        check: unchecked,
        build: Arc::new(|params| {
            let n = params.int("period");
            Box::new(Donchian { upper: Extreme::new(n), lower: Extreme::new(n) })
        }),
    }
}

#[derive(Clone)]
struct Donchian {
    upper: Extreme<true>,
    lower: Extreme<false>,
}

impl Kernel for Donchian {
    fn update(&mut self, input: &Input<'_>, output: &mut Output<'_, '_>) {
        let [upper, lower, middle] = output.columns();
        self.upper.update(input.high, upper);
        self.lower.update(input.low, lower);
        for ((upper, lower), middle) in upper.iter().zip(&*lower).zip(middle) {
            *middle = (upper + lower) / 2.0;
        }
    }

    fn snapshot(&self) -> Box<dyn Kernel> {
        Box::new(self.clone())
    }
}
