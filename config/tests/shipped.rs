//! The sets and sweeps that come along load, plan and run.

use std::path::{Path, PathBuf};

use barhive_config::{LoadOptions, Loaded, LoadedSweep, load, load_sweep};
use barhive_engine::{
    Registry, indicator,
    plan::{PlanOptions, plan_sweep},
    sweep::{CutOptions, PassWork, VariantRange, run_pass},
};

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

fn load_sweep_file(name: &str) -> LoadedSweep {
    match load_sweep(&folder().join(name), &registry(), &LoadOptions::default()) {
        Ok(loaded) => loaded,
        Err(faults) => panic!("{faults}"),
    }
}

#[test]
fn the_sweep_of_the_quick_start_is_planned_as_it_runs() {
    let loaded = load_sweep_file("sweep-quickstart.yaml");
    let ids: Vec<_> = loaded.spec.definitions.iter().map(|d| d.id.as_str()).collect();
    assert_eq!(ids, ["averages/ema_cross", "averages/sma_cross"]);
    let options = CutOptions { workers: 1, chunk: Some(1 << 20), batch: 100 };
    let plan = plan_sweep(&loaded.spec, &registry(), unmeasured(options)).unwrap();
    println!("{plan}");
    assert_eq!(plan.combinations, loaded.spec.variants());
    assert!(plan.combinations > 300, "{}", plan.combinations);
    assert!(plan.to_string().lines().all(|line| line.chars().count() <= 80));
    let mut work = PassWork::default();
    let mut start = 0;
    for _ in 0..plan.passes {
        let end = (start + 100).min(plan.combinations);
        let pass = run_pass(&loaded.spec, &registry(), VariantRange { start, end }, &mut |_| true).unwrap();
        for variant in &pass.variants {
            let evaluation = variant.evaluation().expect("every variant runs");
            assert!(evaluation.fills > 0, "variant {} never traded", variant.index);
        }
        work.add(&pass.work);
        start = end;
    }
    assert_eq!(start, plan.combinations);
    assert_eq!(plan.indicators.computed, work.hub.keys);
    assert_eq!(plan.indicators.subscriptions, work.hub.subscriptions);
    assert_eq!(plan.bars, Some(work.rows));
    assert!(plan.indicators.shared.unwrap() > 0.8);
}

fn unmeasured(cut: CutOptions) -> PlanOptions {
    PlanOptions { cut, are_processes: false, pace: None }
}

#[test]
fn the_big_bar_sweep_computes_each_average_range_once() {
    let loaded = load_sweep_file("bigbar.yaml");
    assert_eq!(loaded.spec.variants(), 112_840);
    let first = loaded.spec.variant(0).unwrap().params;
    assert_eq!(
        serde_json::Value::Object(first).to_string(),
        r#"{"atr_period":10,"buffer":0.01,"k_atr":1.0,"prev_weight":0.1,"up_tail":0.5}"#
    );
    let last = loaded.spec.variant(112_839).unwrap().params;
    assert_eq!(
        serde_json::Value::Object(last).to_string(),
        r#"{"atr_period":100,"buffer":0.01,"k_atr":4.0,"prev_weight":0.8,"up_tail":0.9}"#
    );
    let batch = loaded.settings.batch.unwrap();
    let options = CutOptions { workers: 1, chunk: Some(1 << 20), batch };
    let plan = plan_sweep(&loaded.spec, &registry(), unmeasured(options)).unwrap();
    println!("{plan}");
    assert_eq!((plan.passes, plan.indicators.distinct, plan.indicators.computed), (91, 91, 91));
    assert!(plan.memory.total_bytes < 200_000_000, "{:?}", plan.memory);
}
