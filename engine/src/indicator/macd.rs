//! MACD.

use std::sync::Arc;

use super::{
    IndicatorDef, IndicatorDoc, Input, InputKind, Kernel, Output, builtin::rows, smoother::Smoother,
};

/// Moving average convergence divergence.
///
/// - Formula: `macd = EMA(fast) - EMA(slow)`, `signal = EMA(signal) of macd`,
///   `histogram = macd - signal`.
/// - Inputs: one column.
/// - Output: `macd`, `signal`, `histogram`, in units of the input.
/// - Warm-up: `slow + signal - 1` rows, for all three.
/// - Seeding: both averages start at row `slow - 1`, from the simple averages of the last `fast` and
///   `slow` rows; the signal from the average of the first `signal` values of macd.
/// - Source: Gerald Appel, 1979; agrees with TA-Lib `MACD`.
pub fn macd() -> IndicatorDef {
    IndicatorDef {
        name: "macd",
        doc: IndicatorDoc {
            summary: "Moving average convergence divergence.",
            formula: "macd = EMA(fast) - EMA(slow); signal = EMA(signal) of macd; histogram = macd - signal",
            inputs: "one column",
            output: "three values in units of the input",
            warm_up: "slow + signal - 1 rows, for all three",
            seeding: "both averages from the simple averages of the rows that end at row slow; \
                      the signal from the average of the first `signal` values of macd",
            source: "Gerald Appel, 1979; agrees with TA-Lib MACD",
        },
        input: InputKind::Value,
        params: vec![
            rows("fast", 1, 12, "Period of the fast average."),
            rows("slow", 2, 26, "Period of the slow average."),
            rows("signal", 1, 9, "Period of the average of macd."),
        ],
        outputs: vec!["macd", "signal", "histogram"],
        warm_up: |params| params.int("slow") + params.int("signal") - 1,
        check: |params| {
            let (fast, slow) = (params.int("fast"), params.int("slow"));
            if fast < slow {
                Ok(())
            } else {
                Err(format!("`fast` must be below `slow`, found fast = {fast}, slow = {slow}"))
            }
        },
        build: Arc::new(|params| {
            let (fast, slow) = (params.int("fast"), params.int("slow"));
            let signal = params.int("signal");
            Box::new(Macd {
                fast: Smoother::ema(fast, slow - fast),
                slow: Smoother::ema(slow, 0),
                signal: Smoother::ema(signal, slow - 1),
                hidden: slow + signal - 2,
            })
        }),
    }
}

#[derive(Clone)]
struct Macd {
    fast: Smoother,
    slow: Smoother,
    signal: Smoother,
    /// Rows of macd still to be held back until the signal exists.
    hidden: usize,
}

impl Kernel for Macd {
    fn update(&mut self, input: &Input<'_>, output: &mut Output<'_, '_>) {
        let [macd, signal, histogram] = output.columns();
        macd.copy_from_slice(input.x);
        signal.copy_from_slice(input.x);
        Smoother::smooth_both([&mut self.fast, &mut self.slow], [macd, signal], input.x_factor);
        for (macd, slow) in macd.iter_mut().zip(&*signal) {
            *macd -= slow;
        }
        signal.copy_from_slice(macd);
        self.signal.smooth(signal, None);
        for ((histogram, macd), signal) in histogram.iter_mut().zip(&*macd).zip(&*signal) {
            *histogram = macd - signal;
        }
        let hidden = self.hidden.min(macd.len());
        macd[..hidden].fill(f64::NAN);
        self.hidden -= hidden;
    }

    fn snapshot(&self) -> Box<dyn Kernel> {
        Box::new(self.clone())
    }
}
