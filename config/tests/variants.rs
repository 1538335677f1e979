//! A combination of a sweep, written as a set of its own, sets up the same account.

mod kit;

use std::{path::PathBuf, sync::Arc};

use barhive_config::{DatabaseUrl, Environment, LoadOptions, LoadedSweep, Origin, load_str, load_sweep_str};
use barhive_engine::set::ContainerSpec;
use kit::registry;

/// Everything that a set says otherwise than a sweep: wildcards, ranges, conditions, points, several
/// timeframes, sizes that differ by instrument, parameters that are lists and mappings, names with signs.
const SWEEP: &str = "\
name: all of it
feed: {kind: fixed, params: {bars: 1000, path: data}}
instruments: [BTCUSDT, {symbol: ETHUSDT, fees: {rate: 0.1%}}]
account: {cash: 100000.5 USDT, leverage: 3, max_drawdown: 30%}
fill: {slippage_bps: 2.5, close_at_end: true}
from: 2020-01-01
bars: 900
seed: 42
strategies:
  - id: cross
    kind: sma_cross
    params: {fast: [5, 6], slow: {values: \"range(20, 40, 10)\", when: fast > 5, default: 50}, side: both}
    where: [\"fast < slow\"]
    timeframes: [1m, 5m]
    sizing: {fixed: 1.5}
    limits: {max_position: 3}
  - {id: listed, kind: sma_cross, points: [{fast: 3, slow: 9}, {fast: 4}], instruments: [\"B*\"], timeframe: 1m, sizing: all_in}
  - id: across
    kind: rotation
    params: {top: [1, 2], weights: {\"BTC: x\": 0.1, ETH: 1e-7}, extra: {values: [[1, ~, \"2\"], \"a, 'b'\\n\", {c: true}]}}
    timeframe: 1m
    sizing: {equity_fraction: 40%}
sweep: {rank: sharpe, top: 3, workers: 2}
";

fn options() -> LoadOptions {
    LoadOptions { base_dir: concat!(env!("CARGO_MANIFEST_DIR"), "/tests").into(), ..LoadOptions::default() }
}

fn sweep(text: &str) -> LoadedSweep {
    load_sweep_str(text, "sweep.yaml", &registry(), &options()).unwrap_or_else(|faults| panic!("{faults}"))
}

/// All of an account but what results do not depend on: names.
fn shown(account: &ContainerSpec) -> String {
    let ContainerSpec { name: _, strategies, .. } = account.clone();
    let strategies: Vec<_> = strategies
        .iter()
        .map(|one| {
            let params = one.factory.params();
            format!(
                "{} {params} {:?} {} {:?} {:?}",
                one.kind, one.instruments, one.timeframe, one.sizing, one.limits
            )
        })
        .collect();
    let ContainerSpec {
        cash, currency, leverage_max, drawdown_max, fees, fill, from_ns, to_ns, seed, ..
    } = account;
    format!(
        "{strategies:?} {cash} {currency:?} {leverage_max} {drawdown_max:?} {fees:?} {fill:?} {from_ns:?} {to_ns:?} {seed}"
    )
}

#[test]
fn every_combination_as_a_set_is_the_same_account() {
    let swept = sweep(SWEEP);
    let spec = &swept.spec;
    assert_eq!(spec.variants(), 2 * 2 * 4 + 2 + 6);
    let origin = Origin { run: "0123".to_owned(), variant: 3, digest: None, ..Origin::default() };
    for index in 0..spec.variants() {
        let text = swept.sets.write(spec, index, &origin).expect("a set");
        let set = load_str(&text, "best.yaml", &registry(), &LoadOptions::default())
            .unwrap_or_else(|faults| panic!("{faults}\n{text}"));
        let [account] = set.spec.containers.as_slice() else { panic!("{text}") };
        assert_eq!(shown(account), shown(&spec.container(&registry(), index).expect("an account")), "{text}");
        assert_eq!(set.spec.instruments, spec.instruments);
        assert_eq!((set.spec.bars_max, &set.origin), (spec.bars_max, &Some(origin.clone())));
        assert_eq!(set.spec.name, format!("all of it no. {}", index + 1));
    }
    assert_eq!(swept.sets.write(spec, spec.variants(), &origin), None);
}

#[test]
fn a_sweep_says_where_its_results_are_copied_to() {
    let with = |database: &str| SWEEP.replace("workers: 2", &format!("workers: 2, database: {database}"));
    assert_eq!(sweep(SWEEP).settings.database, None);
    assert_eq!(sweep(&with("none")).settings.database, Some(DatabaseUrl::Nowhere));
    let file = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/a.sqlite"));
    let swept = sweep(&with("sqlite:a.sqlite"));
    assert_eq!(swept.settings.database, Some(DatabaseUrl::Sqlite(file)));
    // Results do not depend on it, nor does what a run is told by.
    assert_eq!(swept.standalone_yaml, sweep(SWEEP).standalone_yaml);

    let environment: Environment = Arc::new(|name: &str| (name == "PW").then(|| "hunter2".to_owned()));
    let from = LoadOptions { environment: Some(environment), ..options() };
    let text = with("\"postgres://me:${PW}@host/db\"");
    let swept = load_sweep_str(&text, "sweep.yaml", &registry(), &from).expect("a sweep");
    let Some(DatabaseUrl::Postgres(url)) = &swept.settings.database else { panic!("{:?}", swept.settings) };
    assert_eq!(url.expose(), "postgres://me:hunter2@host/db");
    let said = format!("{}{}{:?}", swept.canonical_yaml, swept.standalone_yaml, swept.settings);
    assert!(!said.contains("hunter2"), "{said}");

    for (wrong, expected) in [
        ("\"postgres://me:hunter2@host/db\"", "a password from the environment"),
        ("\"mysql://hunter2@host/db\"", "expected none, sqlite:FILE or postgres://"),
        ("\"${MISSING}\"", "the environment variable MISSING is not set"),
        ("[1]", "expected a secret"),
    ] {
        let faults = load_sweep_str(&with(wrong), "sweep.yaml", &registry(), &from).unwrap_err().to_string();
        assert!(faults.contains(expected) && !faults.contains("hunter2"), "{faults}");
    }
}
