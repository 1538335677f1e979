//! True range and its average.

use std::sync::Arc;

use super::{
    IndicatorDef, IndicatorDoc, Input, InputKind, Kernel, Output,
    builtin::{rows, unchecked},
    smoother::Smoother,
};

/// True range.
///
/// - Formula: `max(high, close(t-1)) - min(low, close(t-1))`.
/// - Inputs: high, low and close of whole bars.
/// - Output: one value in units of the price.
/// - Warm-up: 2 rows: the first bar has no close before it.
/// - Seeding: none.
/// - Source: J. Welles Wilder, 1978; agrees with TA-Lib `TRANGE`.
pub fn tr() -> IndicatorDef {
    IndicatorDef {
        name: "tr",
        doc: IndicatorDoc {
            summary: "True range.",
            formula: "max(high, close[t-1]) - min(low, close[t-1])",
            inputs: "high, low and close of whole bars",
            output: "one value in units of the price",
            warm_up: "2 rows: the first bar has no close before it",
            seeding: "none",
            source: "J. Welles Wilder, 1978; agrees with TA-Lib TRANGE",
        },
        input: InputKind::Bars,
        params: vec![],
        outputs: vec!["tr"],
        warm_up: |_| 2,
        check: unchecked,
        build: Arc::new(|_| Box::new(Tr { range: TrueRange::default() })),
    }
}

/// Average true range.
///
/// - Formula: Wilder's average (`alpha = 1 / n`) of the true range.
/// - Inputs: high, low and close of whole bars.
/// - Output: one value in units of the price.
/// - Warm-up: `n + 1` rows.
/// - Seeding: the simple average of the first `n` true ranges; the first bar has none.
/// - Source: J. Welles Wilder, 1978; agrees with TA-Lib `ATR`.
pub fn atr() -> IndicatorDef {
    IndicatorDef {
        name: "atr",
        doc: IndicatorDoc {
            summary: "Wilder's average true range.",
            formula: "Wilder's average (alpha = 1 / n) of the true range",
            inputs: "high, low and close of whole bars",
            output: "one value in units of the price",
            warm_up: "n + 1 rows",
            seeding: "the simple average of the first n true ranges; the first bar has none",
            source: "J. Welles Wilder, 1978; agrees with TA-Lib ATR",
        },
        input: InputKind::Bars,
        params: vec![rows("period", 1, 14, "Rows of the average (n).")],
        outputs: vec!["atr"],
        warm_up: |params| params.int("period") + 1,
        check: unchecked,
        build: Arc::new(|params| {
            Box::new(Atr { range: TrueRange::default(), average: Smoother::wilder(params.int("period"), 1) })
        }),
    }
}

#[derive(Clone, Default)]
struct TrueRange {
    last_close: Option<f64>,
}

impl TrueRange {
    /// Writes the range of each bar; that of the very first is its high less its low.
    fn update(&mut self, input: &Input<'_>, out: &mut [f64]) {
        let Some(close) = input.close.last() else { return };
        // Between the first high and low, so that it widens nothing.
        let first = [self.last_close.unwrap_or(input.low[0])];
        fill(&input.high[..1], &input.low[..1], &first, &mut out[..1]);
        fill(&input.high[1..], &input.low[1..], input.close, &mut out[1..]);
        self.last_close = Some(*close);
    }
}

fn fill(high: &[f64], low: &[f64], close_before: &[f64], out: &mut [f64]) {
    for (((high, low), close), out) in high.iter().zip(low).zip(close_before).zip(out) {
        let top = if high > close { high } else { close };
        let bottom = if low < close { low } else { close };
        *out = top - bottom;
    }
}

#[derive(Clone)]
struct Tr {
    range: TrueRange,
}

impl Kernel for Tr {
    fn update(&mut self, input: &Input<'_>, output: &mut Output<'_, '_>) {
        let out = output.column(0);
        let first = self.range.last_close.is_none();
        self.range.update(input, out);
        if let (true, Some(out)) = (first, out.first_mut()) {
            *out = f64::NAN;
        }
    }

    fn snapshot(&self) -> Box<dyn Kernel> {
        Box::new(self.clone())
    }
}

#[derive(Clone)]
struct Atr {
    range: TrueRange,
    average: Smoother,
}

impl Kernel for Atr {
    fn update(&mut self, input: &Input<'_>, output: &mut Output<'_, '_>) {
        let out = output.column(0);
        self.range.update(input, out);
        self.average.smooth(out, None);
    }

    fn snapshot(&self) -> Box<dyn Kernel> {
        Box::new(self.clone())
    }
}
