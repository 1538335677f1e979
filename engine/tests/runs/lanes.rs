//! A lane is a container in every respect but speed.

use std::sync::Arc;

use barhive_engine::{
    Registry,
    data::{BarColumns, MemorySource, Source},
    indicator::IndicatorSpec,
    instrument::{FeeSchedule, Instrument, InstrumentId},
    lanes::{Direction, Follower, SideRule},
    money::Money,
    set::{ContainerSpec, FillSpec, Limits, Machinery, Trace},
    simd::Simd,
    strategy::{self, Bars, Context, Setup, SetupError, Sizing},
    sweep::{Axis, Definition, Grid, Outcome, PassBlock, SweepSpec, VariantRange, run_pass},
    timeframe::Timeframe,
};
use proptest::prelude::*;
use serde_json::{Map, Value as Json};

use crate::kit::{account, minute_bar, registry, usd};

#[derive(Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    fast: u32,
    slow: u32,
    #[serde(default)]
    long: bool,
    /// The rule panics at this close.
    #[serde(default)]
    fails_above: Option<f64>,
}

/// Up while the fast average leads.
#[derive(Clone, Copy)]
struct Leads {
    fails_above: f64,
}

impl SideRule<2> for Leads {
    fn side(&self, [fast, slow]: [f64; 2]) -> f64 {
        assert!(fast.is_nan() || fast <= self.fails_above, "made to fail above {}", self.fails_above);
        fast - slow
    }
}

struct Leader(Follower<Leads, 2>);

impl Leader {
    fn new(params: Params, setup: &mut Setup<'_>) -> Result<Self, SetupError> {
        let bars = setup.bars(setup.instrument());
        let average = |period: u32| IndicatorSpec::new("sma").with("period", period);
        let fast = setup.indicator(bars, average(params.fast))?;
        let slow = setup.indicator(bars, average(params.slow))?;
        let direction = if params.long { Direction::Long } else { Direction::Both };
        let rule = Leads { fails_above: params.fails_above.unwrap_or(f64::INFINITY) };
        Ok(Self(Follower::new(rule, [fast, slow], bars, direction)))
    }
}

impl strategy::Strategy for Leader {
    fn on_bar(&mut self, ctx: &mut Context<'_>, bars: Bars) {
        self.0.on_bar(ctx, bars);
    }

    fn lane(&self) -> Option<barhive_engine::lanes::Lane> {
        self.0.lane()
    }
}

fn parts() -> Registry {
    registry().strategy("leader", Leader::new)
}

fn sweep(source: MemorySource, account: ContainerSpec, sizing: Sizing, axes: Vec<Axis>) -> SweepSpec {
    SweepSpec {
        name: "lanes".into(),
        instruments: source.instruments().unwrap(),
        source: Arc::new(source),
        account,
        definitions: vec![Definition {
            id: "leader".into(),
            kind: "leader".into(),
            instruments: vec![vec![InstrumentId(0)]],
            timeframes: vec![Timeframe::M1],
            sizing,
            limits: Limits::default(),
            grid: Grid::new(Map::new(), axes, &[]).unwrap(),
        }],
        bars_max: None,
        machinery: Machinery::default(),
    }
}

fn axis(name: &str, values: Vec<Json>) -> Axis {
    Axis::new(name, values)
}

fn run(spec: &SweepSpec, machinery: Machinery) -> PassBlock {
    let spec = SweepSpec { machinery, ..spec.clone() };
    run_pass(&spec, &parts(), spec.all(), &mut |_| true).unwrap()
}

fn market(steps: &[(i64, i64, i64)], scale: u8, lot: (u8, i64), fees: FeeSchedule) -> MemorySource {
    let factor = 10f64.powi(i32::from(scale));
    let mut units = 3_000i64;
    let bars: Vec<_> = steps
        .iter()
        .enumerate()
        .map(|(minute, (gap, change, spread))| {
            let open = (units + gap).max(50);
            let close = (open + change).max(50);
            units = close;
            let (high, low) = (open.max(close) + spread, (open.min(close) - spread).max(1));
            let [open, high, low, close] = [open, high, low, close].map(|units| units as f64 / factor);
            // A bar out of seven is missing; a day is full after some hundred bars.
            minute_bar((minute as i64 * 11) + i64::from(minute % 7 == 0), open, high, low, close)
        })
        .collect();
    let instrument = Instrument { lot_scale: lot.0, lot: lot.1, fees, ..Instrument::new("X", scale, usd()) };
    MemorySource::new().with(instrument, Timeframe::M1, BarColumns::from_bars(&bars))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn lanes_and_containers_agree_to_the_bit(
        steps in proptest::collection::vec((-15i64..=15, -60i64..=60, 0i64..20), 1..700),
        scale in 0u8..4,
        lot in prop_oneof![Just((0, 1)), Just((2, 5)), Just((8, 1))],
        rate_ppb in prop_oneof![Just(0), Just(1_000_000), 0i64..30_000_000],
        fixed in prop_oneof![Just(0i128), 0i128..2_000_000_000],
        slippage_bps in prop_oneof![Just(0.0), 0.0f64..40.0],
        sizing in prop_oneof![
            (1i64..60).prop_map(Sizing::Lots),
            (1.0f64..3_000.0).prop_map(Sizing::Notional),
            (0.01f64..1.2).prop_map(Sizing::EquityFraction),
        ],
        cash in prop_oneof![Just(1_000_000i64), 200i64..20_000],
        leverage_max in 1u32..4,
        batch_rows in prop_oneof![Just(1usize), Just(7), Just(64), Just(1024)],
    ) {
        let fees = FeeSchedule { rate_ppb, fixed: Money(fixed), minimum: Money(fixed / 3) };
        let account = ContainerSpec {
            cash: Money::from_units(cash),
            leverage_max,
            fill: FillSpec { slippage_bps, ..FillSpec::default() },
            trace: Trace::Minimal,
            ..account("account", Vec::new())
        };
        let axes = vec![
            axis("long", vec![Json::from(false), Json::from(true)]),
            axis("fast", vec![Json::from(1), Json::from(3), Json::from(8)]),
            axis("slow", vec![Json::from(5), Json::from(21)]),
        ];
        let spec = sweep(market(&steps, scale, lot, fees), account, sizing, axes);
        let plain = run(&spec, Machinery { lanes: false, ..Machinery::default() });
        prop_assert_eq!((plain.work.lanes, plain.work.containers), (0, 12));
        for simd in [Simd::Sse2, Simd::Avx2, Simd::Avx512] {
            let lanes = run(&spec, Machinery { simd, batch_rows, ..Machinery::default() });
            prop_assert_eq!(&lanes.variants, &plain.variants);
            prop_assert_eq!(lanes.work.lanes + lanes.work.containers, 12);
        }
    }
}

/// Waves that cross their averages again and again.
fn waves(rows: i64) -> Vec<(i64, i64, i64)> {
    (0..rows).map(|row| (0, if row / 9 % 2 == 0 { 40 } else { -40 }, 3)).collect()
}

#[test]
fn what_a_lane_cannot_pay_for_runs_as_a_container() {
    let axes = || vec![axis("fast", vec![Json::from(2)]), axis("slow", vec![Json::from(9), Json::from(11)])];
    let source = || market(&waves(300), 2, (0, 1), FeeSchedule::default());
    let rich = sweep(source(), account("account", Vec::new()), Sizing::Lots(1), axes());
    let poor = sweep(source(), account("account", Vec::new()), Sizing::Lots(10_000), axes());
    assert_eq!(run(&rich, Machinery::default()).work.lanes, 2);
    let block = run(&poor, Machinery::default());
    assert_eq!((block.work.lanes, block.work.containers, block.work.reruns), (0, 2, 2));
    assert_eq!(block.variants, run(&poor, Machinery { lanes: false, ..Machinery::default() }).variants);
}

#[test]
fn all_in_and_limits_are_left_to_containers() {
    let axes = || vec![axis("fast", vec![Json::from(2)]), axis("slow", vec![Json::from(9)])];
    let source = || market(&waves(60), 2, (0, 1), FeeSchedule::default());
    let all_in = sweep(source(), account("account", Vec::new()), Sizing::AllIn, axes());
    let bounded = ContainerSpec { drawdown_max: Some(0.5), ..account("account", Vec::new()) };
    let bounded = sweep(source(), bounded, Sizing::Lots(1), axes());
    for spec in [all_in, bounded] {
        let block = run(&spec, Machinery::default());
        assert_eq!((block.work.lanes, block.work.containers, block.work.reruns), (0, 1, 0));
    }
}

#[test]
fn a_rule_that_panics_fails_its_own_variant_as_the_container_does() {
    let axes = vec![
        axis("fast", vec![Json::from(2)]),
        axis("slow", vec![Json::from(9), Json::from(11)]),
        axis("fails_above", vec![Json::Null, Json::from(32.9)]),
    ];
    let source = market(&waves(300), 2, (0, 1), FeeSchedule::default());
    let spec = sweep(source, account("account", Vec::new()), Sizing::Lots(1), axes);
    let (lanes, plain) =
        (run(&spec, Machinery::default()), run(&spec, Machinery { lanes: false, ..Machinery::default() }));
    assert_eq!(lanes.variants, plain.variants);
    assert_eq!(lanes.work.lanes, 2);
    let failed = lanes.variants.iter().filter(|variant| match &variant.outcome {
        Outcome::Failed { reason, step, .. } => {
            assert!(reason.contains("made to fail above") && *step > 0, "{reason}");
            true
        }
        Outcome::Done(_) => false,
    });
    assert_eq!(failed.count(), 2);
}

#[test]
fn a_pass_of_part_of_the_variants_is_part_of_the_pass() {
    let axes =
        vec![axis("fast", (1..6).map(Json::from).collect()), axis("slow", (7..12).map(Json::from).collect())];
    let source = market(&waves(400), 2, (0, 1), FeeSchedule::default());
    let spec = sweep(source, account("account", Vec::new()), Sizing::Lots(1), axes);
    let whole = run(&spec, Machinery::default());
    let part = run_pass(&spec, &parts(), VariantRange { start: 7, end: 12 }, &mut |_| true).unwrap();
    assert_eq!(part.variants, whole.variants[7..12]);
}
