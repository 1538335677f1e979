//! Highest and lowest value of a window.

use std::sync::Arc;

use super::{
    IndicatorDef, IndicatorDoc, Input, InputKind, Kernel, Output,
    builtin::{rows, unchecked},
    extreme::Extreme,
};

/// Highest value.
///
/// - Formula: `max(x(t-n+1) ..= x(t))`.
/// - Inputs: one column.
/// - Output: one value of the input.
/// - Warm-up: `n` rows.
/// - Seeding: none, it depends on its window only.
/// - Source: agrees with TA-Lib `MAX`.
pub fn highest() -> IndicatorDef {
    def::<true>(
        "highest",
        IndicatorDoc {
            summary: "Highest value of the last n rows.",
            formula: "max(x[t-n+1..t])",
            source: "agrees with TA-Lib MAX",
            ..DOC
        },
    )
}

/// Lowest value.
///
/// - Formula: `min(x(t-n+1) ..= x(t))`.
/// - Inputs: one column.
/// - Output: one value of the input.
/// - Warm-up: `n` rows.
/// - Seeding: none, it depends on its window only.
/// - Source: agrees with TA-Lib `MIN`.
pub fn lowest() -> IndicatorDef {
    def::<false>(
        "lowest",
        IndicatorDoc {
            summary: "Lowest value of the last n rows.",
            formula: "min(x[t-n+1..t])",
            source: "agrees with TA-Lib MIN",
            ..DOC
        },
    )
}

/// What both have in common.
const DOC: IndicatorDoc = IndicatorDoc {
    summary: "",
    formula: "",
    inputs: "one column",
    output: "one value of the input",
    warm_up: "n rows",
    seeding: "none: it depends on its window only",
    source: "",
};

fn def<const HIGHEST: bool>(name: &'static str, doc: IndicatorDoc) -> IndicatorDef {
    IndicatorDef {
        name,
        doc,
        input: InputKind::Value,
        params: vec![rows("period", 1, 20, "Rows of the window (n).")],
        outputs: vec![name],
        warm_up: |params| params.int("period"),
        check: unchecked,
        build: Arc::new(|params| Box::new(Best::<HIGHEST>(Extreme::new(params.int("period"))))),
    }
}

#[derive(Clone)]
struct Best<const HIGHEST: bool>(Extreme<HIGHEST>);

impl<const HIGHEST: bool> Kernel for Best<HIGHEST> {
    fn update(&mut self, input: &Input<'_>, output: &mut Output<'_, '_>) {
        self.0.update(input.x, output.column(0));
    }

    fn snapshot(&self) -> Box<dyn Kernel> {
        Box::new(self.clone())
    }
}
