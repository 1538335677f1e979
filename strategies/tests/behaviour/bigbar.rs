//! Big bars against a plain loop over arrays: every trade and the last cent, over the benchmark's grid.

mod market;
mod oracle;

use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

use barhive_engine::{
    backtest::run_recorded,
    data::{BarColumns, MemorySource, Source},
    instrument::{Currency, Instrument, InstrumentId},
    money::Money,
    record::Records,
    recorder::MemoryRecorder,
    registry::factory,
    result::RunResult,
    set::{ContainerSpec, FillSpec, Limits, Machinery, MarketFill, RunSpec, StrategySpec, Trace},
    strategy::Sizing,
    timeframe::Timeframe,
};
use barhive_strategies::{BigBar, BigBarParams};

use crate::kit::registry;
use market::{Market, Random};
use oracle::{Deal, Point};

/// The grid of the benchmark: 91 x 31 x 5 x 8 points.
fn grid_point(random: &mut Random) -> BigBarParams {
    let mut tenths = |from: u64, to: u64| (from + random.below(to - from + 1)) as f64 / 10.0;
    let (k_atr, up_tail, prev_weight) = (tenths(10, 40), tenths(5, 9), tenths(1, 8));
    let atr_period = 10 + random.below(91) as u32;
    BigBarParams { atr_period, k_atr, up_tail, prev_weight, buffer: 0.01 }
}

fn account(name: &str, params: BigBarParams, timeframe: Timeframe) -> ContainerSpec {
    ContainerSpec {
        strategies: vec![StrategySpec {
            id: "it".to_owned(),
            kind: "bigbar".to_owned(),
            factory: factory(params, BigBar::new),
            instruments: vec![InstrumentId(0)],
            timeframe,
            sizing: Sizing::EquityFraction(1.0),
            limits: Limits::default(),
        }],
        fill: FillSpec { market: MarketFill::DecidingClose, ..FillSpec::default() },
        trace: Trace::Full,
        ..ContainerSpec::new(name, Money::from_units(100_000), Currency::new("USD").expect("a currency"))
    }
}

struct Ran {
    result: RunResult,
    records: BTreeMap<String, Records>,
}

/// Runs all points as accounts of one run on bars that have `bars_timeframe`.
fn run(market: &Market, points: &[BigBarParams], timeframe: Timeframe, batch_rows: usize) -> Ran {
    let usd = Currency::new("USD").expect("a currency");
    let instrument = Instrument::new("XAUUSD", 2, usd);
    let columns = BarColumns::from_bars(&market.bars);
    let source = MemorySource::new().with(instrument, market.timeframe, columns);
    let containers = points.iter().enumerate();
    let spec = RunSpec {
        name: "bigbar".to_owned(),
        instruments: source.instruments().expect("one instrument"),
        source: Arc::new(source),
        containers: containers.map(|(i, p)| account(&i.to_string(), p.clone(), timeframe)).collect(),
        bars_max: None,
        machinery: Machinery { batch_rows, ..Machinery::default() },
    };
    let kept: RefCell<BTreeMap<String, MemoryRecorder>> = RefCell::default();
    let (result, _) = run_recorded(&spec, &registry(), &|container| {
        let recorder = MemoryRecorder::full();
        kept.borrow_mut().insert(container.name.clone(), recorder.clone());
        Box::new(recorder)
    })
    .expect("a run without faults");
    assert!(result.quarantined.is_empty(), "{:?}", result.quarantined);
    let records = kept.into_inner().into_iter().map(|(name, recorder)| (name, recorder.take())).collect();
    Ran { result, records }
}

/// What the run of account `index` filled, in the oracle's words.
fn deals(ran: &Ran, index: usize, bars: &Market) -> Vec<Deal> {
    let at = |ts_ns: i64| {
        bars.bars.binary_search_by_key(&ts_ns, |bar| bar.ts_close_ns).expect("fills happen at closes")
    };
    let fills = &ran.records[&index.to_string()].fills;
    fills
        .chunks(2)
        .map(|pair| {
            let exit = pair.get(1).map(|fill| {
                assert_eq!(fill.lots, -pair[0].lots, "an exit closes all of it");
                (at(fill.ts_ns), fill.price as f64 / 100.0)
            });
            Deal {
                entry: at(pair[0].ts_ns),
                units: pair[0].lots as f64,
                entry_price: pair[0].price as f64 / 100.0,
                exit,
            }
        })
        .collect()
}

/// Compares every point; answers all deals of the run.
fn compare(market: &Market, traded: &Market, points: &[BigBarParams], batch_rows: usize) -> Vec<Deal> {
    let ran = run(market, points, traded.timeframe, batch_rows);
    let periods = points.iter().map(|p| p.atr_period).collect::<std::collections::BTreeSet<_>>().len() as u64;
    let hub = &ran.result.hub;
    assert_eq!((hub.keys, hub.computed), (periods, periods * traded.bars.len() as u64));
    let mut all = Vec::new();
    for (index, params) in points.iter().enumerate() {
        let expected = oracle::run(&traded.bars, &Point::from(params));
        let found = deals(&ran, index, traded);
        for (found, expected) in found.iter().zip(&expected.deals) {
            assert_eq!(found, expected, "{params:?}");
        }
        assert_eq!(found.len(), expected.deals.len(), "{params:?}");
        let account = &ran.result.accounts[index];
        // To the cent, which is exact: prices have two decimals and units are whole.
        let expected_equity = Money(i128::from(expected.final_equity_cents) * 10_000_000);
        assert_eq!(account.final_equity, expected_equity, "{params:?}");
        assert!(account.rejected.is_empty(), "{:?}", account.rejected);
        all.extend(found);
    }
    all
}

#[test]
fn every_trade_of_random_grid_points_is_that_of_the_plain_loop() {
    let mut random = Random(42);
    let market = Market::made_up(20_040, 5, 7);
    let points: Vec<_> = (0..320).map(|_| grid_point(&mut random)).collect();
    let deals = compare(&market, &market, &points, 1024);
    let (long, short): (Vec<_>, Vec<_>) = deals.iter().partition(|deal| deal.units > 0.0);
    let at_once = deals.iter().filter(|deal| deal.exit.is_some_and(|(row, _)| row == deal.entry + 1)).count();
    let trailed = deals.iter().filter(|deal| deal.exit.is_some_and(|(row, _)| row > deal.entry + 2)).count();
    println!("{} long, {} short, {at_once} left at once, {trailed} trailed", long.len(), short.len());
    assert!(long.len() > 3_000 && short.len() > 3_000 && at_once > 3_000 && trailed > 1_000);
}

#[test]
fn small_markets_with_every_edge_agree_in_every_batch_size() {
    let mut random = Random(11);
    for seed in 0..24 {
        let market = Market::made_up(200 + random.below(900) as usize, 5, 100 + seed);
        let mut points: Vec<_> = (0..8).map(|_| grid_point(&mut random)).collect();
        // Easy entries and far stops, so that positions live to the edges of weeks.
        for point in &mut points[..4] {
            (point.k_atr, point.prev_weight, point.atr_period) = (0.3, 0.0, 1 + random.below(12) as u32);
            point.up_tail = 1.0;
        }
        let batch_rows = 1 + random.below(60) as usize;
        compare(&market, &market, &points, batch_rows);
    }
}

#[test]
fn bars_aggregated_by_the_run_trade_as_bars_aggregated_beforehand() {
    let mut random = Random(3);
    let market = Market::made_up(12_000, 1, 21);
    let points: Vec<_> = (0..20).map(|_| grid_point(&mut random)).collect();
    let deals = compare(&market, &market.aggregated(5), &points, 512);
    assert!(deals.len() > 100, "{}", deals.len());
}

#[test]
fn an_account_that_cannot_pay_for_one_unit_trades_nothing() {
    let mut market = Market::made_up(2_000, 5, 7);
    for bar in &mut market.bars {
        for price in [&mut bar.open, &mut bar.high, &mut bar.low, &mut bar.close] {
            *price = (*price * 100.0).round() + 1e6;
        }
    }
    let params = BigBarParams { k_atr: 1.0, ..BigBarParams::default() };
    let deals = compare(&market, &market, std::slice::from_ref(&params), 1024);
    assert_eq!(deals, []);
}

#[test]
fn real_bars_trade_as_the_plain_loop_trades_them() {
    let mut random = Random(5);
    let mut seen = 0;
    for (file, minutes) in [
        ("bars_1m/gc_comex_201312_2013-10-07_11_trade_1m.csv", 1),
        ("bars_1m/btcusdt_binance_1m_2021-02-19_7d.csv", 1),
        ("bars_5m/example.csv", 5),
        ("bars_5m/gold5min.csv", 5),
    ] {
        let Some(market) = Market::of_file(file, minutes) else { continue };
        let traded = market.aggregated(5);
        let points: Vec<_> = (0..100).map(|_| grid_point(&mut random)).collect();
        let deals = compare(&market, &traded, &points, 1024);
        println!("{file}: {} bars, {} deals", traded.bars.len(), deals.len());
        seen += 1;
    }
    println!("{seen} files");
}
