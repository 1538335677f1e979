//! Sound sets become what they say.

mod kit;

use barhive_config::{LoadOptions, Loaded, load, load_str};
use barhive_engine::{
    set::{MarketFill, Placement, Retention, Trace},
    strategy::Sizing,
};
use kit::{GOOD, registry};

fn load_text(text: &str) -> Loaded {
    match load_str(text, "set.yaml", &registry(), &LoadOptions::default()) {
        Ok(loaded) => loaded,
        Err(faults) => panic!("{faults}"),
    }
}

#[test]
fn the_example_of_the_design_loads() {
    let loaded = load_text(GOOD);
    let spec = &loaded.spec;
    assert_eq!(spec.name, "demo");
    assert_eq!(
        spec.instruments.iter().map(|i| i.symbol.as_str()).collect::<Vec<_>>(),
        ["BTCUSDT", "ETHUSDT"]
    );
    let [account] = spec.containers.as_slice() else { panic!() };
    assert_eq!((account.name.as_str(), account.cash.to_string().as_str()), ("shared", "100000"));
    let [trend] = account.strategies.as_slice() else { panic!() };
    assert_eq!((trend.id.as_str(), trend.sizing), ("trend", Sizing::Lots(1000)));
    assert_eq!(trend.factory.params(), serde_json::json!({"fast": 10, "slow": 30, "side": "long"}));
}

#[test]
fn every_section_reaches_the_engine() {
    let loaded = load_text(
        r#"
feed:
  kind: fixed
instruments:
  - {symbol: "*USDT", fees: binance-spot}
  - {symbol: BTCUSDT, tick: 0.5, lot: 0.005, venue: here, multiplier: 2}
account:
  name: main
  cash: 5000.25 USDT
  leverage: 3
  max_drawdown: 20%
  fees: {rate: 0.05%, fixed: 0.1, minimum: "1"}
strategies:
  - id: trend
    kind: sma_cross
    params: {fast: 5, side: both}
    timeframe: 5m
    sizing: {fixed: 0.05}
    limits: {max_position: 1, max_order: 0.5, max_notional: 1000}
  - id: rank
    kind: rotation
    params:
      top: 1
      weights: {NO: 1, ON: 2.5}
    timeframe: 1h
    sizing: {equity_fraction: 12.5%}
fill: {market: deciding_close, slippage_bps: 1.5, close_at_end: true}
from: 2020-01-01
to: "2020-02-01 12:30"
bars: 500
trace: full
retention: {sliding_window: 1000}
seed: 7
engine:
  queue_frames: 2
  frame_pool: false
  shards: 1
  placement: actors
  hub: {cache_bytes: 2MiB, cache_entries: 5}
  monitor_interval: 1s
bus: {batch: 64}
report: {title: A title, dir: results/demo, csv: true}
"#,
    );
    let spec = &loaded.spec;
    assert_eq!(spec.name, "set");
    let btc = &spec.instruments[0];
    assert_eq!((btc.tick, btc.lot, btc.lot_scale, btc.multiplier), (50, 5, 3, 2));
    assert_eq!((btc.venue.as_str(), btc.fees.rate_ppb), ("here", 1_000_000));
    let [account] = spec.containers.as_slice() else { panic!() };
    assert_eq!((account.name.as_str(), account.leverage_max, account.drawdown_max), ("main", 3, Some(0.2)));
    let fees = account.fees.unwrap();
    assert_eq!(
        (fees.rate_ppb, fees.fixed.to_string().as_str(), fees.minimum.to_string().as_str()),
        (500_000, "0.1", "1")
    );
    assert_eq!(account.fill.market, MarketFill::DecidingClose);
    assert_eq!((account.fill.slippage_bps, account.fill.close_at_end), (1.5, true));
    assert_eq!((account.trace, account.retention), (Trace::Full, Retention::SlidingWindow(1000)));
    assert_eq!((account.from_ns, account.seed), (Some(1_577_836_800_000_000_000), 7));
    let ids: Vec<_> = account.strategies.iter().map(|s| s.id.as_str()).collect();
    assert_eq!(ids, ["trend/BTCUSDT", "trend/ETHUSDT", "rank"]);
    assert_eq!(account.strategies[0].sizing, Sizing::Lots(10));
    assert_eq!(account.strategies[1].sizing, Sizing::Lots(5));
    assert_eq!(account.strategies[2].sizing, Sizing::EquityFraction(0.125));
    let limits = account.strategies[0].limits;
    assert_eq!((limits.position_lots_max, limits.order_lots_max), (Some(200), Some(100)));
    assert_eq!(limits.order_notional_max, Some(1000.0));
    let machinery = &spec.machinery;
    assert_eq!((machinery.batch_rows, machinery.queue_frames, machinery.shards), (64, 2, 1));
    assert!(!machinery.frame_pool);
    assert_eq!((machinery.hub_cache_bytes, machinery.hub_cache_entries), (2 << 20, 5));
    assert_eq!((machinery.placement, machinery.monitor_interval_ms), (Placement::Actors, 1000));
    assert_eq!(spec.bars_max, Some(500));
    assert_eq!(loaded.report.dir.as_deref(), Some("results/demo".as_ref()));
    assert_eq!(loaded.warnings.len(), 1);
}

#[test]
fn symbols_that_yaml_1_1_would_twist_stay_what_they_are() {
    let loaded = load_text(
        "feed: {kind: fixed}
instruments: [NO, {symbol: SPY}]
account: {cash: 1000 USD}
strategies:
  - {id: 1E5, kind: buy_and_hold, instruments: [NO], timeframe: 1m, sizing: all_in}
  - {id: 0052, kind: buy_and_hold, instruments: [SPY], timeframe: 1m, sizing: all_in}
  - {id: TRUE, kind: rotation, params: {top: 1, extra: [0052, on, 1E5, yes, null, true, 1.5]}, timeframe: 1m, sizing: {notional: 100}}
",
    );
    let strategies = &loaded.spec.containers[0].strategies;
    let ids: Vec<_> = strategies.iter().map(|s| s.id.as_str()).collect();
    assert_eq!(ids, ["1E5", "0052", "TRUE"]);
    assert_eq!(
        strategies[2].factory.params()["extra"],
        serde_json::json!(["0052", "on", 1e5, "yes", null, true, 1.5])
    );
}

#[test]
fn twenty_strategies_times_three_risk_settings_are_sixty_accounts_and_63_parts() {
    let mut text = String::from(
        "feed: {kind: fixed, params: {bars: 1000}}
instruments: [BTCUSDT]
account: {kind: per_strategy, cash: 1000 USDT, max_drawdown: 0.5}
risk:
  - {name: low, size: 0.5, max_drawdown: 10%}
  - {name: mid}
  - {name: high, size: 2, leverage: 2, limits: {max_position: 8}}
strategies:
",
    );
    for i in 0..20 {
        text.push_str(&format!(
            "  - {{id: s{i}, kind: sma_cross, params: {{fast: {}}}, timeframe: 1m, sizing: {{fixed: 2}}}}\n",
            i + 2
        ));
    }
    let loaded = load_text(&text);
    let containers = &loaded.spec.containers;
    assert_eq!(containers.len(), 60);
    assert_eq!(containers[0].name, "s0-low");
    assert_eq!((containers[0].drawdown_max, containers[2].drawdown_max), (Some(0.1), Some(0.5)));
    assert_eq!((containers[0].leverage_max, containers[2].leverage_max), (1, 2));
    let sizes: Vec<_> = containers[..3].iter().map(|c| c.strategies[0].sizing).collect();
    assert_eq!(sizes, [Sizing::Lots(1000), Sizing::Lots(2000), Sizing::Lots(4000)]);
    assert_eq!(containers[2].strategies[0].limits.position_lots_max, Some(8000));
    let plan = barhive_engine::plan::plan(&loaded.spec, &registry()).unwrap();
    assert_eq!(plan.parts.total, 63);
    assert_eq!((plan.bars, plan.strategy_bars), (Some(1000), Some(60_000)));
    let text = plan.to_string();
    assert!(text.contains("63: market data, hub, 60 accounts, execution"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn named_accounts_take_the_strategies_they_name() {
    let loaded = load_text(
        "feed: {kind: fixed}
accounts:
  - {name: coins, cash: 1000 USDT, strategies: [\"coin*\"]}
  - {name: shares, cash: 1000 USD, kind: per_strategy, strategies: [share]}
strategies:
  - {id: coin1, kind: buy_and_hold, instruments: [BTCUSDT], timeframe: 1m, sizing: all_in}
  - {id: coin2, kind: buy_and_hold, instruments: [ETHUSDT], timeframe: 1m, sizing: all_in}
  - {id: share, kind: buy_and_hold, instruments: [SPY], timeframe: 1d, sizing: all_in}
",
    );
    let names: Vec<_> =
        loaded.spec.containers.iter().map(|c| (c.name.as_str(), c.strategies.len())).collect();
    assert_eq!(names, [("coins", 2), ("shares-share", 1)]);
}

#[test]
fn overrides_replace_add_and_reach_items_by_name() {
    let sets = [
        "strategies[0].params.fast=12",
        "strategies[trend].params.slow=40",
        "engine.batch_rows=7",
        "instruments=[BTCUSDT]",
        "account.cash=5 USDT",
        "strategies[1]={id: b, kind: buy_and_hold, timeframe: 1h, sizing: all_in}",
    ];
    let options =
        LoadOptions { sets: sets.iter().map(|s| s.to_string()).collect(), ..LoadOptions::default() };
    let loaded = load_str(GOOD, "set.yaml", &registry(), &options).unwrap();
    let account = &loaded.spec.containers[0];
    assert_eq!(account.strategies[0].factory.params()["fast"], 12);
    assert_eq!(account.strategies[0].factory.params()["slow"], 40);
    assert_eq!(account.strategies[1].id, "b");
    assert_eq!((loaded.spec.machinery.batch_rows, loaded.spec.instruments.len()), (7, 1));
    assert_eq!(account.cash.to_string(), "5");
    assert!(loaded.canonical_yaml.contains("fast: 12\n"), "{}", loaded.canonical_yaml);
}

#[test]
fn the_canonical_text_loads_to_the_same_canonical_text() {
    let first = load_text(GOOD).canonical_yaml;
    assert_eq!(load_text(&first).canonical_yaml, first);
}

#[test]
fn includes_are_put_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "set.yaml",
        "include: [base.yaml]\naccount: {cash: 500 USDT}\nstrategies:\n  - include: more/list.yaml\n  - {include: more/one.yaml, id: mine}\n",
    );
    write("base.yaml", "feed: {kind: fixed}\ninstruments: [BTCUSDT]\naccount: {cash: 1 USDT, leverage: 2}\n");
    write(
        "more/list.yaml",
        "- {id: a, kind: buy_and_hold, timeframe: 1m, sizing: all_in}\n- include: one.yaml\n",
    );
    write("more/one.yaml", "id: b\nkind: buy_and_hold\ntimeframe: 1m\nsizing: all_in\n");
    let loaded = load(&folder.path().join("set.yaml"), &registry(), &LoadOptions::default()).unwrap();
    let account = &loaded.spec.containers[0];
    assert_eq!(account.leverage_max, 2);
    assert_eq!(account.cash.to_string(), "500");
    let ids: Vec<_> = account.strategies.iter().map(|s| s.id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "mine"]);
    assert!(!loaded.canonical_yaml.contains("include"));
}

#[test]
fn secrets_come_from_the_environment_and_are_never_shown() {
    let text = GOOD.replace("{bars: 1000}", "{key: \"x-${BARHIVE_KEY}\"}");
    let environment: barhive_config::Environment =
        std::sync::Arc::new(|name: &str| (name == "BARHIVE_KEY").then(|| "hunter2".to_owned()));
    let options = LoadOptions { environment: Some(environment), ..LoadOptions::default() };
    let loaded = load_str(&text, "set.yaml", &registry(), &options).unwrap();
    assert!(loaded.canonical_yaml.contains("key: \"***\""), "{}", loaded.canonical_yaml);
    assert!(!loaded.canonical_yaml.contains("hunter2"));
    let missing = LoadOptions { environment: Some(std::sync::Arc::new(|_| None)), ..LoadOptions::default() };
    let faults = load_str(&text, "set.yaml", &registry(), &missing).unwrap_err();
    assert!(faults.to_string().contains("the environment variable BARHIVE_KEY is not set"), "{faults}");
}

#[test]
fn one_bad_strategy_can_be_left_out() {
    let text = format!(
        "{GOOD}  - {{id: bad, kind: sma_cross, params: {{fast: x}}, timeframe: 1m, sizing: all_in}}\n"
    );
    let options = LoadOptions { keep_going: true, ..LoadOptions::default() };
    let loaded = load_str(&text, "set.yaml", &registry(), &options).unwrap();
    assert_eq!(loaded.spec.containers[0].strategies.len(), 1);
    assert_eq!(loaded.left_out.unwrap().faults.len(), 1);
    let broken = text.replace("cash: 100000 USDT", "cash: 100000");
    assert!(load_str(&broken, "set.yaml", &registry(), &options).is_err());
}
