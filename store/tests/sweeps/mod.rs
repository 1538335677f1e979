//! A small sweep for the tests of this crate, with results made up from the variants' numbers.

use std::sync::Arc;

use barhive_engine::{
    data::MemorySource,
    instrument::{Currency, Instrument, InstrumentId},
    money::Money,
    result::Statistics,
    set::{ContainerSpec, Limits, Machinery, Retention, Trace},
    strategy::Sizing,
    sweep::{
        Axis, Definition, Evaluation, Grid, Outcome, PassBlock, PassWork, SweepSpec, Variant, VariantRange,
    },
    timeframe::Timeframe,
};
use barhive_store::sweep::{DataUse, SweepManifest};
use serde_json::{Map, json};

/// 2020-01-01T00:00:00Z.
const START_NS: i64 = 1_577_836_800_000_000_000;

/// Two definitions on two instruments: `slow` values make `slow * 20 + 12` variants.
pub fn spec(slow: i64) -> SweepSpec {
    let axis = |name: &str, values: Vec<serde_json::Value>| Axis::new(name, values);
    let fixed = Map::from_iter([("mode".to_owned(), json!("long"))]);
    let cross = Grid::new(
        fixed,
        vec![
            axis("fast", (1..=10).map(|n| json!(n)).collect()),
            axis("slow", (0..slow).map(|n| json!(n)).collect()),
        ],
        &[],
    );
    let stops = Grid::new(
        Map::new(),
        vec![
            axis("steps", vec![json!(0.5), json!(1), json!(2)]),
            axis("trail", vec![json!(false), json!(true)]),
            axis("fast", vec![json!(7), json!(8)]),
        ],
        &[],
    );
    let definition = |id: &str, instruments: Vec<Vec<InstrumentId>>, grid| Definition {
        id: id.to_owned(),
        kind: "sma_cross".to_owned(),
        instruments,
        timeframes: vec![Timeframe::M1],
        sizing: Sizing::Lots(1),
        limits: Limits::default(),
        grid,
    };
    let (a, b) = (InstrumentId(0), InstrumentId(1));
    SweepSpec {
        name: "cross".to_owned(),
        instruments: vec![instrument("BTC/USDT"), instrument("ETH/USDT")],
        source: Arc::new(MemorySource::new()),
        account: ContainerSpec {
            trace: Trace::Minimal,
            retention: Retention::Minimal,
            seed: 7,
            ..ContainerSpec::new("account", Money::from_units(100_000), Currency::new("USDT").unwrap())
        },
        definitions: vec![
            definition("cross", vec![vec![a], vec![b]], cross.unwrap()),
            definition("stops", vec![vec![a, b]], stops.unwrap()),
        ],
        bars_max: None,
        machinery: Machinery::default(),
    }
}

fn instrument(symbol: &str) -> Instrument {
    Instrument::new(symbol, 2, Currency::new("USDT").unwrap())
}

/// What such a sweep is made from, all variants selected.
pub fn manifest(spec: &SweepSpec) -> SweepManifest {
    SweepManifest {
        program: "0.1.0".to_owned(),
        sweep: spec.name.clone(),
        config: "sweep: cross\nseed: 7\n".to_owned(),
        data: vec![
            DataUse { series: "BTC/USDT bar 1m".to_owned(), hash: Some("ab12".to_owned()) },
            DataUse { series: "ETH/USDT bar 1m".to_owned(), hash: None },
        ],
        seed: 7,
        variants: spec.variants(),
        selected: spec.all().into(),
        created_ns: START_NS,
    }
}

/// A result; every tenth variant failed, some figures are not defined.
pub fn variant(index: u64) -> Variant {
    if index % 10 == 9 {
        let reason = format!("variant {index} divides by zero");
        return Variant { index, outcome: Outcome::Failed { step: index % 3, ts_ns: START_NS, reason } };
    }
    let noise = |salt: u64| {
        let mixed = (index * 31 + salt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 11) as f64 / (1u64 << 53) as f64
    };
    let some = |salt: u64| (index % 7 != salt % 7).then(|| noise(salt) * 4.0 - 2.0);
    let statistics = Statistics {
        steps: 1_000 + index,
        span_ns: (!index.is_multiple_of(13)).then_some((START_NS, START_NS + index as i64)),
        total_return: noise(1) - 0.5,
        annual_return: some(2),
        annual_volatility: some(3),
        sharpe: some(4),
        sortino: some(5),
        calmar: some(6),
        max_drawdown: noise(7),
        max_drawdown_duration_ns: (noise(8) * 1e15) as i64,
        equity_peak: 100_000.0 + noise(9),
        exposure: noise(10),
        win_rate: some(11),
        profit_factor: some(12),
        average_trade: some(13),
        best_trade: some(14),
        worst_trade: some(15),
        sqn: some(16),
        days_per_year: 365.25,
        monthly_equity: Vec::new(),
    };
    let money = |salt: u64| Money(i128::from(index) * 1_000_000_007 * i128::from(salt) - 5);
    let evaluation = Evaluation {
        digest: blake3::hash(&index.to_le_bytes()).as_bytes()[..16].try_into().unwrap(),
        final_equity: money(1_000),
        fees: money(3),
        orders: index * 2,
        fills: index,
        trades: index / 2,
        statistics,
    };
    Variant { index, outcome: Outcome::Done(Box::new(evaluation)) }
}

/// The pass over `start..end`.
pub fn pass(start: u64, end: u64) -> PassBlock {
    let range = VariantRange { start, end };
    let work =
        PassWork { containers: range.len(), rows: 1_000, steps: range.len() * 10, ..PassWork::default() };
    PassBlock { range, variants: range.iter().map(variant).collect(), work }
}
