//! The sets that the tests run, and how they run them.

use std::sync::Arc;

use barhive::{
    engine::{
        record::{Recorder, Records},
        registry::StrategyFactory,
        set::{ContainerSpec, Limits, Machinery, RunSpec, StrategySpec, Trace},
    },
    prelude::*,
};

use crate::{
    market::Market,
    parts::{Everything, Strongest},
};

/// The instruments of every test.
pub const SYMBOLS: [&str; 3] = ["AAA", "BBB", "CCC"];

/// A market of three instruments over about two days.
pub fn market() -> Market {
    Market::walk(&SYMBOLS, 3_000, 42)
}

/// An account with one strategy on one instrument.
pub fn account(
    name: &str,
    factory: Arc<dyn StrategyFactory>,
    instrument: u32,
    timeframe: &str,
) -> ContainerSpec {
    let mut account = empty_account(name);
    account.strategies = vec![strategy("only", factory, &[instrument], timeframe)];
    account
}

/// An account on which several strategies trade, one of them across all instruments.
pub fn shared_account(name: &str) -> ContainerSpec {
    let mut account = empty_account(name);
    account.strategies = vec![
        strategy("breaks_a", factory(20u32, Everything::new), &[0], "1m"),
        strategy("breaks_b", factory(9u32, Everything::new), &[1], "5m"),
        strategy("strongest", factory(12u32, Strongest::new), &[0, 1, 2], "1m"),
        strategy("breaks_a_too", factory(33u32, Everything::new), &[0], "15m"),
    ];
    account
}

/// One shared account and six with a strategy each.
pub fn usual_accounts() -> Vec<ContainerSpec> {
    let mut accounts = vec![shared_account("shared")];
    for (index, window) in [5u32, 8, 13, 21, 34, 55].into_iter().enumerate() {
        let timeframe = ["1m", "3m", "15m"][index % 3];
        let part = factory(window, Everything::new);
        accounts.push(account(&format!("alone_{window}"), part, index as u32 % 3, timeframe));
    }
    accounts
}

/// A run of accounts on a market.
pub fn set(market: &Market, containers: Vec<ContainerSpec>) -> RunSpec {
    RunSpec {
        name: "sameness".to_owned(),
        instruments: market.listed(),
        source: Arc::new(market.clone()),
        containers,
        bars_max: None,
        machinery: Machinery::default(),
    }
}

/// Runs a set on this thread.
pub fn run(spec: &RunSpec) -> RunResult {
    barhive::run(spec, Registry::builtin().as_engine()).expect("the set runs")
}

/// Runs a set on this thread and keeps every record, by container.
pub fn run_recorded(spec: &RunSpec) -> (RunResult, Vec<Records>) {
    let recorders: Vec<_> = spec.containers.iter().map(|_| MemoryRecorder::full()).collect();
    let by_name = |account: &ContainerSpec| -> Box<dyn Recorder> {
        let index = spec.containers.iter().position(|other| other.name == account.name);
        Box::new(recorders[index.expect("a container of the set")].clone())
    };
    let (result, _) =
        barhive::run_recorded(spec, Registry::builtin().as_engine(), &by_name).expect("the set runs");
    (result, recorders.iter().map(MemoryRecorder::take).collect())
}

/// Fails when the hash or any figure of any account differs, and says which.
pub fn assert_same(found: &RunResult, expected: &RunResult, what: &str) {
    let figures = |result: &RunResult| serde_json::to_string_pretty(&result.accounts).expect("JSON");
    let (found_figures, expected_figures) = (figures(found), figures(expected));
    let lines = found_figures.lines().zip(expected_figures.lines());
    let different: Vec<_> = lines.filter(|(found, expected)| found != expected).take(6).collect();
    assert!(found_figures == expected_figures, "{what}: (found, expected): {different:#?}");
    assert_eq!(found.result_hash, expected.result_hash, "{what}");
}

/// The hash of one account.
pub fn hash_of<'r>(result: &'r RunResult, account: &str) -> &'r str {
    let found = result.accounts.iter().find(|one| one.name == account);
    &found.unwrap_or_else(|| panic!("no account {account}")).hash
}

fn strategy(
    id: &str,
    factory: Arc<dyn StrategyFactory>,
    instruments: &[u32],
    timeframe: &str,
) -> StrategySpec {
    StrategySpec {
        id: id.to_owned(),
        kind: "test".to_owned(),
        factory,
        instruments: instruments.iter().copied().map(InstrumentId).collect(),
        timeframe: timeframe.parse().expect("a timeframe"),
        sizing: Sizing::Lots(10),
        limits: Limits::default(),
    }
}

fn empty_account(name: &str) -> ContainerSpec {
    ContainerSpec {
        leverage_max: 4,
        fill: FillSpec { slippage_bps: 1.0, ..FillSpec::default() },
        trace: Trace::Full,
        ..ContainerSpec::new(name, Money::from_units(100_000), Currency::new("USD").expect("a currency"))
    }
}
