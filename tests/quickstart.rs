//! The quick start has one result, however it is run: the machinery's sizes, the placement of its
//! parts, the order of its accounts, their neighbours and a panic in mid-run change nothing.

mod support;

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use barhive_actors::{RunOptions, Threads, run};
use barhive_config::{LoadOptions, load, load_str};
use barhive_engine::{
    Registry, backtest,
    result::RunResult,
    set::{Placement, RunSpec},
    strategy::{Bars, Context, Inst, Setup, SetupError, Strategy},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use support::*;

/// The quick start with fewer bars; with an account for each strategy where `kind` is `per_strategy`.
fn quickstart(bars: u32, kind: &str) -> RunSpec {
    let sets = vec![format!("feed.params.bars={bars}"), format!("account.kind={kind}")];
    let options = LoadOptions { sets, ..LoadOptions::default() };
    let loaded = load(&project("config/quickstart.yaml"), &registry(), &options);
    loaded.unwrap_or_else(|faults| panic!("{faults}")).spec
}

fn synchronous(spec: &RunSpec) -> RunResult {
    backtest::run(spec, &registry()).expect("the set runs")
}

fn by_actors(mut spec: RunSpec, batch_rows: usize, shards: usize, placement: Placement) -> RunResult {
    let machinery = &mut spec.machinery;
    (machinery.batch_rows, machinery.shards, machinery.placement) = (batch_rows, shards, placement);
    let options = RunOptions { threads: Threads::PerPart, ..RunOptions::default() };
    run(spec, &registry(), options).expect("the set runs").result
}

/// Fails when the hash or any figure of any account differs.
fn assert_same(found: &RunResult, expected: &RunResult, what: &str) {
    let figures = |result: &RunResult| serde_json::to_string(&result.accounts).expect("JSON");
    assert_eq!(found.result_hash, expected.result_hash, "{what}");
    assert_eq!(figures(found), figures(expected), "{what}");
    assert_eq!(found.hub.computed, found.hub.expected, "{what}");
}

#[test]
fn batches_shards_and_placement_change_nothing() {
    for kind in ["shared", "per_strategy"] {
        let spec = quickstart(1_000, kind);
        let expected = synchronous(&spec);
        let fills: u64 = expected.accounts.iter().map(|account| account.fills).sum();
        assert!(fills > 50, "{kind}: {fills} fills");
        for (batch_rows, shards, placement) in [
            (1, 1, Placement::Fused),
            (2, 2, Placement::Actors),
            (7, 3, Placement::Fused),
            (64, 1, Placement::Actors),
            (64, 3, Placement::Actors),
            (1_024, 2, Placement::Fused),
            (4_096, 3, Placement::Actors),
            (usize::MAX >> 16, 1, Placement::Fused),
        ] {
            let found = by_actors(spec.clone(), batch_rows, shards, placement);
            let what = format!("{kind}, {batch_rows} rows, {shards} shards, {placement:?}");
            assert_same(&found, &expected, &what);
        }
    }
}

#[test]
fn the_whole_quick_start_is_the_same_by_actors() {
    let spec = quickstart(17_520, "shared");
    let expected = synchronous(&spec);
    assert_same(&by_actors(spec.clone(), 1_024, 2, Placement::Fused), &expected, "fused");
    assert_same(&by_actors(spec, 4_096, 1, Placement::Actors), &expected, "actors");
}

#[test]
fn an_account_is_the_same_in_any_order_alone_and_among_a_hundred_neighbours() {
    let spec = quickstart(2_000, "per_strategy");
    let expected = synchronous(&spec);
    for turn in 1..spec.containers.len() {
        let mut turned = spec.clone();
        turned.containers.rotate_left(turn);
        let found = by_actors(turned, 1_024, 2, Placement::Fused);
        for account in &expected.accounts {
            assert_eq!(hash_of(&found, &account.name), account.hash, "{} after {turn}", account.name);
        }
    }
    let mut alone = spec.clone();
    alone.containers.truncate(1);
    let found = by_actors(alone.clone(), 512, 1, Placement::Fused);
    assert_eq!(found.accounts[0].hash, expected.accounts[0].hash);
    for neighbour in 0..100u32 {
        let cross = sma_cross("cross".to_owned(), 5 + neighbour % 10, 20 + neighbour, neighbour % 5);
        let mut account = account(vec![cross]);
        account.strategies[0].timeframe = "1h".parse().expect("a timeframe");
        account.name = format!("neighbour {neighbour}");
        let place = neighbour as usize / 2;
        alone.containers.insert(place, account);
    }
    let found = by_actors(alone, 512, 3, Placement::Fused);
    assert_eq!(found.accounts.len(), 101);
    assert_eq!(hash_of(&found, &expected.accounts[0].name), expected.accounts[0].hash);
    assert!(found.hub.subscriptions > found.hub.keys, "neighbours share averages");
}

/// Buys and sells in turn, and panics at one of its bars.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FragileParams {
    /// The bar, counted from 1.
    panics_at: u64,
}

struct Fragile {
    params: FragileParams,
    instrument: Inst,
    bars_seen: u64,
    fuse: Arc<AtomicU32>,
}

impl Strategy for Fragile {
    fn on_bar(&mut self, ctx: &mut Context<'_>, _: Bars) {
        self.bars_seen += 1;
        if self.bars_seen == self.params.panics_at {
            let burn = |left: u32| left.checked_sub(1);
            let burns = self.fuse.fetch_update(Ordering::Relaxed, Ordering::Relaxed, burn).is_ok();
            assert!(!burns, "the fuse of this test burns");
        }
        if self.bars_seen.is_multiple_of(10) {
            ctx.target(self.instrument, i64::from(self.bars_seen.is_multiple_of(20)));
        }
    }
}

/// The program's registry with a strategy `fragile` that panics so many times in all.
fn with_fragile(panics: u32) -> Registry {
    let fuse = Arc::new(AtomicU32::new(panics));
    registry().strategy("fragile", move |params: FragileParams, setup: &mut Setup<'_>| {
        let instrument = setup.instrument();
        setup.bars(instrument);
        Ok::<_, SetupError>(Fragile { params, instrument, bars_seen: 0, fuse: Arc::clone(&fuse) })
    })
}

/// The quick start with an account for each strategy, and one more strategy that is `fragile`.
fn run_with_fragile(panics: u32, placement: Placement) -> RunResult {
    let text = std::fs::read_to_string(project("config/quickstart.yaml")).expect("the quick start");
    let fragile = "\n  - id: fragile\n    kind: fragile\n    params: {panics_at: 700}\n    \
                   instruments: [BRAVO]\n    timeframe: 1h\n    sizing: {fixed: 1}\n\nfill:";
    let text = text.replace("\nfill:", fragile);
    let sets = vec!["feed.params.bars=1500".to_owned(), "account.kind=per_strategy".to_owned()];
    let options = LoadOptions { sets, base_dir: project("config"), ..LoadOptions::default() };
    let registry = with_fragile(panics);
    let loaded = load_str(&text, "quickstart.yaml", &registry, &options);
    let mut spec = loaded.unwrap_or_else(|faults| panic!("{faults}")).spec;
    (spec.machinery.shards, spec.machinery.placement) = (2, placement);
    run(spec, &registry, RunOptions::default()).expect("the set runs").result
}

#[test]
fn a_panic_costs_its_account_a_rerun_and_nobody_anything() {
    let expected = run_with_fragile(0, Placement::Fused);
    assert!(expected.restarts.is_empty());
    for placement in [Placement::Fused, Placement::Actors] {
        let found = run_with_fragile(1, placement);
        assert_same(&found, &expected, "one panic");
        assert!(found.quarantined.is_empty());
        assert_eq!(found.restarts.len(), 1, "{:?}", found.restarts);
        assert!(found.restarts[0].part.contains("fragile"), "{:?}", found.restarts);
    }
}

#[test]
fn an_account_that_panics_again_is_quarantined_by_name_and_the_others_are_as_ever() {
    let whole = run_with_fragile(0, Placement::Fused);
    for placement in [Placement::Fused, Placement::Actors] {
        let found = run_with_fragile(u32::MAX, placement);
        let names: Vec<_> = found.quarantined.iter().map(|one| one.container.as_str()).collect();
        assert_eq!(names, ["fragile"]);
        assert_eq!(found.quarantined[0].step, 700);
        assert!(found.quarantined[0].reason.contains("the fuse of this test burns"));
        assert_eq!(found.accounts.len() + 1, whole.accounts.len());
        let others: Vec<_> = whole.accounts.iter().filter(|account| account.name != "fragile").collect();
        let others = serde_json::to_string(&others).expect("JSON");
        assert_eq!(serde_json::to_string(&found.accounts).expect("JSON"), others);
    }
}
