//! Sweeps on worker threads: the same results however they are cut, and failures that stay apart.

mod kit;

use std::sync::{Arc, Mutex};

use barhive_actors::{
    Control,
    sweep::{SweepOptions, SweepOutcome, SweepProgress, ThrottleListener, run_sweep},
};
use barhive_engine::{
    Registry,
    data::Source,
    governor::ThrottleConfig,
    indicator::{IndicatorSpec, builtin},
    instrument::{Currency, InstrumentId},
    money::Money,
    order::Side,
    set::{ContainerSpec, Limits, Machinery, Retention, Trace},
    strategy::{Bars, Context, Setup, SetupError, Sizing, Strategy, Value},
    sweep::{
        Axis, Condition, Definition, Grid, Outcome, PassBlock, SweepHasher, SweepSpec, Variant, VariantSet,
    },
    timeframe::Timeframe,
};
use serde_json::{Map, Value as Json};

/// Follows two averages; what else its parameters say, it does to itself.
#[derive(Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    fast: u32,
    slow: u32,
    #[serde(default)]
    fails_at: u64,
}

struct Follower {
    fast: Value,
    slow: Value,
    long: Option<bool>,
    calls: u64,
    fails_at: u64,
}

impl Follower {
    fn new(params: Params, setup: &mut Setup<'_>) -> Result<Self, SetupError> {
        if params.fast >= params.slow {
            return Err(SetupError::new("fast must be below slow"));
        }
        let bars = setup.bars(setup.instrument());
        let average = |period: u32| IndicatorSpec::new("sma").with("period", period);
        let fast = setup.indicator(bars, average(params.fast))?;
        let slow = setup.indicator(bars, average(params.slow))?;
        Ok(Self { fast, slow, long: None, calls: 0, fails_at: params.fails_at })
    }
}

impl Strategy for Follower {
    fn on_bar(&mut self, ctx: &mut Context<'_>, bars: Bars) {
        self.calls += 1;
        assert!(self.calls != self.fails_at, "made to fail at call {}", self.calls);
        let (fast, slow) = (ctx.value(self.fast), ctx.value(self.slow));
        if slow.is_nan() || self.long == Some(fast > slow) {
            return;
        }
        self.long = Some(fast > slow);
        ctx.enter(bars.instrument(), if fast > slow { Side::Buy } else { Side::Sell });
    }
}

fn registry() -> Arc<Registry> {
    let parts = builtin().into_iter().fold(Registry::empty(), Registry::indicator);
    Arc::new(parts.strategy("follower", Follower::new))
}

fn numbers(name: &str, values: &[u64]) -> Axis {
    Axis::new(name, values.iter().map(|value| Json::from(*value)).collect())
}

fn spec(axes: Vec<Axis>) -> Arc<SweepSpec> {
    let source = kit::market(700);
    let instruments = source.instruments().expect("the market has instruments");
    let constraint = Condition::parse("fast < slow").expect("a condition");
    Arc::new(SweepSpec {
        name: "test".into(),
        instruments,
        source: Arc::new(source),
        account: ContainerSpec {
            trace: Trace::Minimal,
            retention: Retention::Minimal,
            ..ContainerSpec::new(
                "account",
                Money::from_units(1_000_000),
                Currency::new("USD").expect("a currency"),
            )
        },
        definitions: vec![Definition {
            id: "follow".into(),
            kind: "follower".into(),
            instruments: vec![vec![InstrumentId(0)], vec![InstrumentId(2)]],
            timeframes: vec![Timeframe::M1, "5m".parse().expect("a timeframe")],
            sizing: Sizing::Lots(10),
            limits: Limits::default(),
            grid: Grid::new(Map::new(), axes, &[constraint]).expect("a grid"),
        }],
        bars_max: None,
        machinery: Machinery::default(),
    })
}

fn plain() -> Arc<SweepSpec> {
    spec(vec![numbers("fast", &[2, 3, 5, 8]), numbers("slow", &[3, 7, 11, 20, 30])])
}

fn run(spec: &Arc<SweepSpec>, options: SweepOptions) -> (SweepOutcome, Vec<Variant>) {
    let mut variants = Vec::new();
    let mut sink = |block: &PassBlock| {
        variants.extend(block.variants.iter().cloned());
        Ok(())
    };
    let outcome = run_sweep(spec, &registry(), options, &mut sink).expect("the sweep runs");
    variants.sort_by_key(|variant| variant.index);
    (outcome, variants)
}

fn hash(spec: &SweepSpec, variants: &[Variant]) -> String {
    let mut hasher = SweepHasher::new();
    variants.iter().for_each(|variant| hasher.add(spec, variant));
    hasher.finish()
}

#[test]
fn the_hash_is_the_same_for_every_number_of_workers_and_every_cut() {
    let spec = plain();
    let (outcome, variants) = run(&spec, SweepOptions { workers: 1, ..SweepOptions::default() });
    assert_eq!((outcome.finished, outcome.failed.len()), (64, 0));
    assert_eq!(variants.len(), 64);
    assert!(variants.iter().any(|variant| variant.evaluation().is_some_and(|done| done.fills > 4)));
    assert_eq!(outcome.work.hub.computed, outcome.work.hub.expected);
    for (workers, chunk, batch) in
        [(2, None, None), (3, Some(7), Some(2)), (2, Some(50), Some(1)), (5, Some(1), None)]
    {
        let (cut, others) = run(&spec, SweepOptions { workers, chunk, batch, ..SweepOptions::default() });
        assert_eq!(hash(&spec, &others), hash(&spec, &variants), "{workers} {chunk:?} {batch:?}");
        assert_eq!(others, variants);
        assert_eq!(cut.workers, workers);
    }
}

#[test]
fn a_throttled_sweep_comes_to_the_same_and_says_why_it_rests() {
    let spec = plain();
    let (_, variants) = run(&spec, SweepOptions::default());
    let said: Arc<Mutex<Vec<String>>> = Arc::default();
    let hears = Arc::clone(&said);
    let options = SweepOptions {
        workers: 2,
        chunk: Some(8),
        batch: Some(8),
        throttle: ThrottleConfig {
            cooldown_seconds: 0.02,
            cpu_limit: Some(20.0),
            ..ThrottleConfig::default()
        },
        throttle_listener: ThrottleListener::new(move |event| {
            hears.lock().expect("whole").push(event.to_string());
        }),
        ..SweepOptions::default()
    };
    let (outcome, throttled) = run(&spec, options);
    assert_eq!(hash(&spec, &throttled), hash(&spec, &variants));
    assert!(!outcome.cancelled);
    let said = said.lock().expect("whole");
    assert!(said.iter().any(|text| text.starts_with("cool-down of 0.02 s")), "{said:?}");
    let silent = ThrottleListener::new(|event| panic!("nobody rests after the only pass: {event}"));
    let throttle = ThrottleConfig { cooldown_seconds: 0.02, ..ThrottleConfig::default() };
    let (chunk, batch) = (Some(64), Some(64));
    let once = SweepOptions {
        workers: 1,
        chunk,
        batch,
        throttle,
        throttle_listener: silent,
        ..SweepOptions::default()
    };
    assert_eq!(run(&spec, once).0.passes, 1);
    let absurd = ThrottleConfig { cpu_limit: Some(0.0), ..ThrottleConfig::default() };
    let options = SweepOptions { throttle: absurd, ..SweepOptions::default() };
    let refused = run_sweep(&spec, &registry(), options, &mut |_: &PassBlock| Ok(())).expect_err("refused");
    assert!(refused.to_string().contains("cpu_limit: expected 1 to 100 %"), "{refused}");
}

#[test]
fn a_variant_alone_is_what_it_is_among_others() {
    let spec = plain();
    let (_, all) = run(&spec, SweepOptions::default());
    let selected: VariantSet = "3,17-18,64".parse().expect("numbers");
    let (outcome, some) =
        run(&spec, SweepOptions { selected: Some(selected.clone()), ..SweepOptions::default() });
    assert_eq!(outcome.finished, 4);
    let same: Vec<_> = all.iter().filter(|variant| selected.contains(variant.index)).cloned().collect();
    assert_eq!(some, same);
    let beyond = SweepOptions { selected: "65".parse().ok(), ..SweepOptions::default() };
    let error = run_sweep(&spec, &registry(), beyond, &mut |_: &PassBlock| Ok(())).unwrap_err();
    assert_eq!(error.to_string(), "there is nothing to run: there is no variant 65; the sweep has 64");
}

#[test]
fn what_is_done_is_not_run_again() {
    let spec = plain();
    let (_, all) = run(&spec, SweepOptions::default());
    let done: VariantSet = "1-20,40".parse().expect("numbers");
    let (outcome, rest) = run(&spec, SweepOptions { done: done.clone(), ..SweepOptions::default() });
    assert_eq!(outcome.finished, 43);
    let expected: Vec<_> = all.into_iter().filter(|variant| !done.contains(variant.index)).collect();
    assert_eq!(rest, expected);
}

#[test]
fn variants_that_fail_are_named_and_touch_no_other() {
    let healthy = spec(vec![numbers("fast", &[2, 3]), numbers("slow", &[7, 11]), numbers("fails_at", &[0])]);
    let mixed =
        spec(vec![numbers("fast", &[2, 3]), numbers("slow", &[7, 11]), numbers("fails_at", &[0, 100])]);
    let (_, healthy) = run(&healthy, SweepOptions::default());
    let (outcome, mixed) = run(&mixed, SweepOptions { workers: 2, ..SweepOptions::default() });
    assert_eq!(mixed.len(), 32);
    assert_eq!(outcome.failed.len(), 16);
    assert_eq!(outcome.work.reruns, 16);
    for (place, variant) in mixed.iter().enumerate() {
        match &variant.outcome {
            Outcome::Done(done) => {
                assert_eq!(place % 2, 0);
                assert_eq!(Some(&**done), healthy[place / 2].evaluation());
            }
            Outcome::Failed { step, reason, .. } => {
                assert_eq!((place % 2, *step), (1, 100));
                assert!(reason.contains("made to fail at call 100"), "{reason}");
            }
        }
    }
}

#[test]
fn a_refused_variant_fails_alone() {
    let refused = SweepSpec::clone(&plain());
    let mut refused = refused;
    refused.definitions[0].grid =
        Grid::new(Map::new(), vec![numbers("fast", &[2, 30]), numbers("slow", &[7])], &[]).expect("a grid");
    let (outcome, variants) = run(&Arc::new(refused), SweepOptions::default());
    assert_eq!(outcome.failed.len(), 4);
    assert_eq!(outcome.failed[0], (1, "fast must be below slow".to_owned()));
    assert_eq!(variants.len(), 8);
}

#[test]
fn a_cancelled_sweep_keeps_what_it_has_and_resumes_to_the_same() {
    let spec = plain();
    let (_, all) = run(&spec, SweepOptions::default());
    let control = Arc::new(Control::default());
    let kept = Mutex::new(Vec::new());
    let mut sink = |block: &PassBlock| {
        let mut kept = kept.lock().expect("nobody panics");
        kept.extend(block.variants.iter().cloned());
        if kept.len() >= 12 {
            control.cancel();
        }
        Ok(())
    };
    let options = SweepOptions {
        workers: 2,
        chunk: Some(6),
        batch: Some(3),
        control: Arc::clone(&control),
        ..SweepOptions::default()
    };
    let outcome = run_sweep(&spec, &registry(), options, &mut sink).expect("cancelled, not failed");
    assert!(outcome.cancelled);
    let mut kept = kept.into_inner().expect("nobody panics");
    assert!(kept.len() >= 12 && kept.len() < 64, "{}", kept.len());
    let done: VariantSet = kept
        .iter()
        .map(|variant| barhive_engine::sweep::VariantRange { start: variant.index, end: variant.index + 1 })
        .collect();
    let (_, rest) = run(&spec, SweepOptions { done, ..SweepOptions::default() });
    kept.extend(rest);
    kept.sort_by_key(|variant| variant.index);
    assert_eq!(kept, all);
}

#[test]
fn a_sink_that_refuses_ends_the_sweep() {
    let mut sink = |_: &PassBlock| Err("the disk is full".to_owned());
    let error = run_sweep(&plain(), &registry(), SweepOptions::default(), &mut sink).unwrap_err();
    assert_eq!(error.to_string(), "results cannot be kept: the disk is full");
}

#[test]
fn progress_ends_at_the_whole() {
    let progress = Arc::new(SweepProgress::default());
    let options = SweepOptions { workers: 2, progress: Arc::clone(&progress), ..SweepOptions::default() };
    let _ = run(&plain(), options);
    let status = progress.status();
    assert_eq!((status.total, status.done, status.failed), (64, 64, 0));
    assert!((status.fraction - 1.0).abs() < 1e-12);
    assert_eq!(status.workers.iter().map(|worker| worker.done).sum::<u64>(), 64);
}
