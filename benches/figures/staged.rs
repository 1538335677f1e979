//! A slow signal that several accounts read, beside many fast ones: computed inside each of those that read it, and
//! once for all, as an indicator.

use std::{collections::VecDeque, hint::black_box, sync::Arc};

use barhive::{
    engine::{
        indicator::{IndicatorDef, IndicatorDoc, IndicatorSpec, Input, InputKind, Kernel, Output, ParamDef},
        order::Side,
        registry::{StrategyFactory, factory},
        set::RunSpec,
        strategy::{Bars, Context, Inst, Setup, Strategy, Value},
    },
    prelude::SetupError,
};

use crate::{
    fixtures,
    measure::{Figures, median, timed},
};

/// Fast accounts, and those that read the slow signal.
const FAST: u32 = 499;
const READERS: usize = 8;
const BARS: u64 = 200;
/// What a bar of the slow signal takes: steps of some nanoseconds, a few milliseconds in all.
const ROUNDS: usize = 1_000_000;
const TRIES: usize = 3;

pub fn figures(figures: &mut Figures) {
    const NAMES: [&str; 2] = ["staged_speedup", "staged_overhead"];
    if !figures.wants(&NAMES) {
        return;
    }
    let registry = fixtures::registry().indicator(slow());
    let time = |spec: &dyn Fn() -> RunSpec| {
        let mut hash = None;
        let times = (0..TRIES).map(|_| {
            let (elapsed, outcome) = timed(|| fixtures::run(spec(), &registry, None));
            let found = outcome.result.result_hash.to_string();
            assert_eq!(*hash.get_or_insert_with(|| found.clone()), found);
            elapsed.as_secs_f64()
        });
        (median(times.collect()), hash)
    };
    let (inside_s, expected) = time(&|| set(FAST, READERS, inside()));
    let (staged_s, found) = time(&|| set(FAST, READERS, reads()));
    assert_eq!(found, expected, "the same accounts, to the bit");
    let (alone_s, _) = time(&|| set(0, 1, reads()));
    figures.print(NAMES[0], inside_s / staged_s, "times");
    figures.print(NAMES[1], staged_s / alone_s, "times");
}

/// Accounts that trade by the slow signal, and fast ones.
fn set(fast: u32, readers: usize, reader: Arc<dyn StrategyFactory>) -> RunSpec {
    let workload = fixtures::synthetic("staged", 1, BARS);
    let readers = (0..readers).map(|number| {
        fixtures::account(&format!("slow{number}"), vec![fixtures::strategy("slow", Arc::clone(&reader), 0)])
    });
    let fast = (0..fast).map(|number| {
        let cross = fixtures::cross(5 + number % 20, 30 + number / 20);
        fixtures::account(&format!("fast{number}"), vec![fixtures::strategy("cross", cross, 0)])
    });
    RunSpec { containers: readers.chain(fast).collect(), ..fixtures::set(&workload) }
}

/// The slow signal: whether the price is above its mean, found out in a roundabout way.
#[derive(Clone, Default)]
struct Slow {
    window: VecDeque<f64>,
}

impl Slow {
    fn next(&mut self, x: f64) -> f64 {
        let mut state = x.to_bits();
        for _ in 0..ROUNDS {
            // Seen at every step, or several are made one.
            state = black_box(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        }
        self.window.push_back(x);
        if self.window.len() > 10 {
            self.window.pop_front();
        }
        x - self.window.iter().sum::<f64>() / self.window.len() as f64
    }
}

impl Kernel for Slow {
    fn update(&mut self, input: &Input<'_>, output: &mut Output<'_, '_>) {
        for (x, out) in input.x.iter().zip(output.column(0)) {
            *out = self.next(*x);
        }
    }

    fn snapshot(&self) -> Box<dyn Kernel> {
        Box::new(self.clone())
    }
}

fn slow() -> IndicatorDef {
    IndicatorDef {
        name: "slow",
        doc: IndicatorDoc {
            summary: "The distance of a price to its mean.",
            formula: "x[t] - mean of the last 10 rows",
            inputs: "one column",
            output: "one value",
            warm_up: "1 row",
            seeding: "none",
            source: "made up",
        },
        input: InputKind::Value,
        params: Vec::<ParamDef>::new(),
        outputs: vec!["slow"],
        warm_up: |_| 1,
        check: |_| Ok(()),
        build: Arc::new(|_| Box::new(Slow::default())),
    }
}

/// Turns its position when the signal changes sign.
fn trade(ctx: &mut Context<'_>, instrument: Inst, signal: f64) {
    let position = ctx.position(instrument);
    if signal > 0.0 && position <= 0 {
        ctx.enter(instrument, Side::Buy);
    } else if signal < 0.0 && position >= 0 {
        ctx.enter(instrument, Side::Sell);
    }
}

struct Inside {
    instrument: Inst,
    slow: Slow,
}

impl Strategy for Inside {
    fn on_bar(&mut self, ctx: &mut Context<'_>, bars: Bars) {
        let signal = self.slow.next(ctx.bar(bars).close);
        trade(ctx, self.instrument, signal);
    }
}

fn inside() -> Arc<dyn StrategyFactory> {
    factory((), |(), setup: &mut Setup<'_>| {
        let instrument = setup.instrument();
        setup.bars(instrument);
        Ok::<_, SetupError>(Inside { instrument, slow: Slow::default() })
    })
}

struct Reads {
    instrument: Inst,
    signal: Value,
}

impl Strategy for Reads {
    fn on_bar(&mut self, ctx: &mut Context<'_>, _: Bars) {
        let signal = ctx.value(self.signal);
        trade(ctx, self.instrument, signal);
    }
}

fn reads() -> Arc<dyn StrategyFactory> {
    factory((), |(), setup: &mut Setup<'_>| {
        let instrument = setup.instrument();
        let bars = setup.bars(instrument);
        let signal = setup.indicator(bars, IndicatorSpec::new("slow"))?;
        Ok::<_, SetupError>(Reads { instrument, signal })
    })
}
