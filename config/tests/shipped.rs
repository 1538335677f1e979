//! The sets that come along load, plan and run.

use std::path::{Path, PathBuf};

use barhive_config::{LoadOptions, Loaded, load};
use barhive_engine::{Registry, indicator};

fn registry() -> Registry {
    let indicators =
        indicator::builtin().into_iter().fold(Registry::empty(), |parts, def| parts.indicator(def));
    barhive_feeds::register(barhive_strategies::register(indicators))
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn load_file(path: &Path) -> Loaded {
    match load(path, &registry(), &LoadOptions::default()) {
        Ok(loaded) => loaded,
        Err(faults) => panic!("{faults}"),
    }
}

#[test]
fn the_quick_start_trades_with_every_strategy() {
    let loaded = load_file(&folder().join("quickstart.yaml"));
    let result = barhive_engine::backtest::run(&loaded.spec, &registry()).unwrap();
    let [account] = result.accounts.as_slice() else { panic!("one account") };
    for strategy in &account.strategies {
        println!(
            "{:<20} {:>5} trades {:>14}",
            strategy.id,
            strategy.trades,
            strategy.realized_pnl.to_string()
        );
        assert!(strategy.fills > 0, "{} never traded", strategy.id);
    }
    println!("{} {:?}", account.final_equity, account.statistics);
    assert!(account.halted_ts_ns.is_none());
    assert!(account.rejected.is_empty(), "{:?}", account.rejected);
}

#[test]
fn the_quick_start_is_planned_before_it_runs() {
    let loaded = load_file(&folder().join("quickstart.yaml"));
    let plan = barhive_engine::plan::plan(&loaded.spec, &registry()).unwrap();
    let text = plan.to_string();
    println!("{text}");
    assert_eq!(plan.parts.total, 4);
    assert!(text.lines().all(|line| line.chars().count() <= 80));
    let result = barhive_engine::backtest::run(&loaded.spec, &registry()).unwrap();
    assert_eq!(plan.indicators.len() as u64, result.hub.keys);
    assert_eq!(plan.subscriptions, result.hub.subscriptions);
    let rows: u64 = result.series.iter().map(|series| series.rows).sum();
    let predicted = plan.bars.unwrap();
    assert!(predicted.abs_diff(rows) * 50 <= rows, "predicted {predicted} bars, read {rows}");
}

#[test]
fn every_example_loads_and_runs() {
    for entry in std::fs::read_dir(folder().join("examples")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let loaded = load_file(&path);
        let result = barhive_engine::backtest::run(&loaded.spec, &registry()).unwrap();
        for account in &result.accounts {
            println!(
                "{} {:<20} {:>6} fills {}",
                path.display(),
                account.name,
                account.fills,
                account.final_equity
            );
            assert!(account.fills > 0, "{}: {} never traded", path.display(), account.name);
        }
    }
}
