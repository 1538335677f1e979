//! True range and its average.

use std::sync::Arc;

use super::{
    IndicatorDef, IndicatorDoc, Input, InputKind, Kernel, Output,
    builtin::{rows, unchecked},
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
/// - Formula: `(atr(t-1) * (n - 1) + tr) / n`, Wilder's average of the true range, in this order of operations.
/// - Inputs: high, low and close of whole bars.
/// - Output: one value in units of the price.
/// - Warm-up: `n + 1` rows.
/// - Seeding: the sum of the first `n` true ranges, taken in their order, divided by `n`; the first bar has none.
/// - Source: J. Welles Wilder, 1978; agrees with TA-Lib `ATR`.
pub fn atr() -> IndicatorDef {
    IndicatorDef {
        name: "atr",
        doc: IndicatorDoc {
            summary: "Wilder's average true range.",
            formula: "(atr[t-1] (n - 1) + tr) / n, Wilder's average of the true range",
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
            let period = params.int("period");
            Box::new(Atr {
                range: TrueRange::default(),
                skip: 1,
                wanted: period,
                period: period as f64,
                rest: (period - 1) as f64,
                average: 0.0,
            })
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
    /// Rows without a range of their own.
    skip: usize,
    /// Ranges that the seed still needs.
    wanted: usize,
    period: f64,
    /// `period - 1`.
    rest: f64,
    /// The average; while it is seeded, the sum of the ranges.
    average: f64,
}

impl Atr {
    /// Replaces a range by the average at its row.
    ///
    /// Strategies compare ranges with multiples of the average, so its doubles are those of the formula as
    /// it is written, and not of [`super::smoother`], which is faster and differs in the last digit.
    fn step(&mut self, range: f64) -> f64 {
        if self.skip > 0 {
            self.skip -= 1;
            return f64::NAN;
        }
        if self.wanted > 0 {
            self.average += range;
            self.wanted -= 1;
            if self.wanted > 0 {
                return f64::NAN;
            }
            self.average /= self.period;
        } else {
            self.average = (self.average * self.rest + range) / self.period;
        }
        self.average
    }
}

impl Kernel for Atr {
    fn update(&mut self, input: &Input<'_>, output: &mut Output<'_, '_>) {
        let out = output.column(0);
        self.range.update(input, out);
        out.iter_mut().for_each(|row| *row = self.step(*row));
    }

    fn snapshot(&self) -> Box<dyn Kernel> {
        Box::new(self.clone())
    }
}
