//! Many accounts on one stream, and how soon one that failed is where the others are.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use barhive::bench::portfolios::measure;
use barhive::engine::{
    indicator::IndicatorSpec,
    outcome::{Ended, rerun_alone},
    record::NoRecorder,
    registry::{StrategyFactory, factory},
    set::{Machinery, RunSpec},
    strategy::{Bars, Context, Setup, SetupError, Strategy, Value},
};

use crate::{
    fixtures,
    measure::{Figures, timed},
};

/// Accounts on one stream.
const PORTFOLIOS: u64 = 3_000;
/// Bars that they see.
const BARS: u64 = 10_000;

pub fn figures(figures: &mut Figures) {
    if figures.wants(&["portfolio_mops_per_s"]) {
        let registry = fixtures::registry();
        let mut spec = super::w2::spec(Machinery::default());
        spec.bars_max = Some(BARS);
        // The thousand crosses, three times over: an account each.
        spec.definitions = (0..3)
            .map(|copy| {
                let mut definition = spec.definitions[0].clone();
                definition.id = format!("cross{copy}");
                definition
            })
            .collect();
        let found = measure(&spec, &registry, PORTFOLIOS, 3).expect("the pass runs");
        assert_eq!((found.portfolios, found.bars), (PORTFOLIOS, BARS));
        figures.print("portfolio_mops_per_s", found.updates_per_s / 1e6, "M/s");
    }
    if figures.wants(&["container_restart_ms_p99"]) {
        restarts(figures);
    }
}

/// Panics once, at a bar that was drawn.
struct Fails {
    average: Value,
    seen: u32,
    at: Arc<AtomicU32>,
}

impl Strategy for Fails {
    fn on_bar(&mut self, ctx: &mut Context<'_>, _: Bars) {
        self.seen += 1;
        std::hint::black_box(ctx.value(self.average));
        if self.seen == self.at.load(Relaxed) {
            self.at.store(0, Relaxed);
            panic!("made to fail");
        }
    }
}

fn failing(at: &Arc<AtomicU32>) -> Arc<dyn StrategyFactory> {
    let at = Arc::clone(at);
    factory((), move |(), setup: &mut Setup<'_>| -> Result<Fails, SetupError> {
        let bars = setup.bars(setup.instrument());
        let average = setup.indicator(bars, IndicatorSpec::new("sma").with("period", 30u32))?;
        Ok(Fails { average, seen: 0, at: Arc::clone(&at) })
    })
}

/// A container that panicked at a random bar of 100,000 is built anew and taken to the end of the data:
/// an upper bound of being where it failed.
fn restarts(figures: &mut Figures) {
    let workload = fixtures::w1();
    let registry = fixtures::registry();
    let at = Arc::new(AtomicU32::new(0));
    let account = fixtures::account("fails", vec![fixtures::strategy("fails", failing(&at), 0)]);
    let spec = RunSpec { containers: vec![account], bars_max: Some(100_000), ..fixtures::set(&workload) };
    std::panic::set_hook(Box::new(|_| {}));
    let mut times: Vec<Duration> = (0..200u32)
        .map(|round| {
            at.store(1 + round.wrapping_mul(2_654_435_761) % 100_000, Relaxed);
            let again = || {
                rerun_alone(&spec, &registry, 0, &|_| Box::new(NoRecorder), &|| false).expect("data are read")
            };
            assert!(matches!(again().0, Ended::Failed(_)), "it panics");
            let (time, (ended, _)) = timed(again);
            assert!(matches!(ended, Ended::Done(..)), "and not again");
            time
        })
        .collect();
    drop(std::panic::take_hook());
    times.sort();
    figures.print("container_restart_ms_p99", times[times.len() * 99 / 100].as_secs_f64() * 1e3, "ms");
}
