//! W2, a thousand crosses of averages over the same bars: every answer against a loop in whole numbers
//! that shares nothing with the engine.

mod support;

use std::sync::Arc;

use barhive_engine::{
    data::{Pull, SeriesKind, SeriesRequest, Source},
    instrument::InstrumentId,
    set::{Limits, Machinery},
    strategy::Sizing,
    sweep::{Definition, Grid, PassBlock, SweepSpec, run_pass},
    timeframe::Timeframe,
};
use barhive_feeds::{
    SyntheticParams, SyntheticSource,
    import::{ImportSpec, InstrumentSpec},
};
use serde_json::{Map, Value, json};
use support::*;

/// Opens and closes in millionths.
struct Prices {
    open: Vec<i64>,
    close: Vec<i64>,
}

fn prices(source: &dyn Source, rows: usize) -> Prices {
    let symbol = source.instruments().expect("it has instruments")[0].symbol.clone();
    let (kind, timeframe) = (SeriesKind::BAR, Timeframe::M1);
    let request = SeriesRequest { symbol, kind, timeframe, from_ns: None, to_ns: None };
    let mut feed = source.open(&request).expect("the series opens");
    let mut prices = Prices { open: Vec::new(), close: Vec::new() };
    let millionths = |price: &f64| (price * 1e6).round() as i64;
    while prices.open.len() < rows
        && let Pull::Rows(batch) = feed.pull(8_192, 0).expect("rows are read")
    {
        prices.open.extend(batch.columns.open.iter().map(millionths));
        prices.close.extend(batch.columns.close.iter().map(millionths));
    }
    prices.open.truncate(rows);
    prices.close.truncate(rows);
    prices
}

/// Fills, fees and final equity, money in 1e-9: the rule as the reference states it. A thousandth of a
/// notional in 1e-9 is the price in millionths, so that nothing is ever rounded.
fn oracle(prices: &Prices, sums: &[i64], fast: usize, slow: usize) -> (u64, i128, i128) {
    let (mut cash, mut fees, mut position, mut pending, mut fills) =
        (1_000_000_000_000_000i128, 0, 0i64, None, 0);
    let mut side = 0;
    for row in 0..prices.close.len() {
        if let Some(target) = pending.take() {
            let (lots, price): (i64, i64) = (target - position, prices.open[row]);
            let fee = i128::from(price * lots.abs());
            cash -= i128::from(price * lots) * 1_000 + fee;
            fees += fee;
            fills += 1;
            position = target;
        }
        if row + 1 < slow {
            continue;
        }
        let sum = |period: usize| i128::from(sums[row + 1] - sums[row + 1 - period]);
        let now = (sum(fast) * slow as i128).cmp(&(sum(slow) * fast as i128)) as i64;
        if now != 0 && now != side {
            if side != 0 {
                pending = Some(now);
            }
            side = now;
        }
    }
    let last = prices.close.last().copied().unwrap_or(0);
    (fills, fees, cash + i128::from(last * position) * 1_000)
}

fn sweep(source: Arc<dyn Source>, pairs: &[(u32, u32)], bars_max: Option<u64>) -> SweepSpec {
    let points = pairs.iter().map(|(fast, slow)| match json!({"fast": fast, "slow": slow}) {
        Value::Object(point) => point,
        _ => unreachable!("an object"),
    });
    SweepSpec {
        name: "w2".to_owned(),
        instruments: source.instruments().expect("it has instruments"),
        source,
        account: account(Vec::new()),
        definitions: vec![Definition {
            id: "cross".to_owned(),
            kind: "sma_cross".to_owned(),
            instruments: vec![vec![InstrumentId(0)]],
            timeframes: vec![Timeframe::M1],
            sizing: Sizing::Lots(1),
            limits: Limits::default(),
            grid: Grid::listed(Map::new(), points.collect()).expect("a grid"),
        }],
        bars_max,
        machinery: Machinery::default(),
    }
}

fn run(spec: &SweepSpec) -> PassBlock {
    run_pass(spec, &registry(), spec.all(), &mut |_| true).expect("the pass runs")
}

/// Runs the pairs in one pass and holds every answer against the loop.
fn check(source: Arc<dyn Source>, pairs: &[(u32, u32)], rows: usize) -> PassBlock {
    let prices = prices(source.as_ref(), rows);
    let mut sums = vec![0i64];
    for close in &prices.close {
        sums.push(sums.last().copied().unwrap_or(0) + close);
    }
    let spec = sweep(source, pairs, Some(rows as u64));
    let block = run(&spec);
    assert_eq!(block.work.lanes, pairs.len() as u64);
    let mut periods: Vec<u32> = pairs.iter().flat_map(|(fast, slow)| [*fast, *slow]).collect();
    periods.sort_unstable();
    periods.dedup();
    assert_eq!(block.work.hub.computed, (periods.len() * rows) as u64, "each average once");
    for ((fast, slow), variant) in pairs.iter().zip(&block.variants) {
        let done = variant.evaluation().unwrap_or_else(|| panic!("{variant:?}"));
        let expected = oracle(&prices, &sums, *fast as usize, *slow as usize);
        assert_eq!((done.fills, done.fees.0, done.final_equity.0), expected, "{fast}, {slow}");
    }
    block
}

#[test]
fn w2_every_answer_of_the_sweep() {
    let files = ["target/parity-cache/one_100k.parquet", "../shared/parity/one_100k.parquet"];
    let Some(data) = first_of(&files.map(project)) else { return };
    let Some(pairs) = shared("parity/pairs_1000.json") else { return };
    let text = std::fs::read_to_string(pairs).expect("a readable file");
    let pairs: Vec<(u32, u32)> = serde_json::from_str(&text).expect("pairs of numbers");
    let folder = tempfile::tempdir().expect("a folder");
    let instrument = InstrumentSpec { price_scale: Some(6), ..InstrumentSpec::default() };
    let spec = ImportSpec { instrument, ..ImportSpec::default() };
    import(&data, &spec, folder.path()).unwrap_or_else(|fault| panic!("{fault}"));
    let source = open_catalog(folder.path()).expect("the catalog opens");
    let block = check(source, &pairs, 100_000);
    let first = block.variants[0].evaluation().expect("it ran");
    assert_eq!((pairs[0], first.fills), ((5, 53), 3_599));
    assert_eq!(first.fees.to_string(), "784.958185576");
    assert_eq!(first.final_equity.to_string(), "999212.704787424");
    assert!(pairs.contains(&(38, 73)), "the pair with an exact tie is among them");
}

#[test]
fn generated_bars_give_every_answer_of_the_loop_as_lanes_and_as_containers() {
    let instrument = InstrumentSpec { price_scale: Some(6), ..InstrumentSpec::default() };
    let params = SyntheticParams { seed: 11, bars: 9_000, instrument, ..SyntheticParams::default() };
    let source: Arc<dyn Source> = Arc::new(SyntheticSource::new(params).expect("sound parameters"));
    let pairs: Vec<(u32, u32)> = (2..12).flat_map(|fast| [13, 21, 34, 89].map(|slow| (fast, slow))).collect();
    let lanes = check(Arc::clone(&source), &pairs, 9_000);
    let mut plain = sweep(source, &pairs, Some(9_000));
    plain.machinery.lanes = false;
    let plain = run(&plain);
    assert_eq!((plain.work.lanes, plain.work.containers), (0, 40));
    assert_eq!(plain.variants, lanes.variants);
}
