//! Containers and parts that fail: what is rerun, what is left out, and that nobody else notices.

mod kit;

use barhive_actors::{RunOptions, Threads, run};
use barhive_engine::{
    Registry, backtest,
    pass::RunError,
    result::{AccountResult, RunResult},
    set::{Placement, RunSpec},
};
use kit::{
    Fails, FlakySource, account, accounts, averages, cross, flaky_average, market, registry, sized, spec,
};

fn through_actors(spec: &RunSpec, registry: &Registry, shards: usize, threads: Threads) -> RunResult {
    placed(spec, registry, shards, threads, Placement::Fused)
}

fn placed(
    spec: &RunSpec,
    registry: &Registry,
    shards: usize,
    threads: Threads,
    placement: Placement,
) -> RunResult {
    let sized = sized(spec, 128, shards, placement);
    run(sized, registry, RunOptions { threads, ..RunOptions::default() }).unwrap().result
}

fn named<'a>(result: &'a RunResult, name: &str) -> Option<&'a AccountResult> {
    result.accounts.iter().find(|account| account.name == name)
}

#[test]
fn a_container_that_panics_once_is_rerun_and_the_other_nineteen_are_byte_identical() {
    let calm = spec(market(2_000), accounts(20));
    let reference = backtest::run(&calm, &registry()).unwrap();
    for (shards, threads, placement) in [
        (1, Threads::One, Placement::Fused),
        (3, Threads::One, Placement::Actors),
        (2, Threads::PerPart, Placement::Fused),
        (2, Threads::PerPart, Placement::Actors),
    ] {
        let mut shaken = calm.clone();
        shaken.containers[7] =
            account("account-07", cross(3 + 7 % 5, 12 + 7, Some(Fails::at(900, 1))), &[0, 1, 2]);
        let result = placed(&shaken, &registry(), shards, threads, placement);
        assert_eq!(result.result_hash, reference.result_hash);
        assert!(result.quarantined.is_empty());
        assert_eq!(result.restarts.len(), 1, "{:?}", result.restarts);
        assert_eq!(result.restarts[0].part, "container account-07");
        assert!(result.restarts[0].reason.contains("made to fail at call 900"), "{:?}", result.restarts);
        assert_eq!(result.hub.computed, result.hub.expected);
        assert!(result.hub.recomputed > 0, "what the rerun computed is counted apart");
    }
}

#[test]
fn a_container_that_panics_at_the_same_step_again_is_left_out_by_name() {
    let mut shaken = spec(market(2_000), accounts(20));
    let fails = Fails::at(900, u32::MAX);
    shaken.containers[7] = account("account-07", cross(6, 19, Some(fails)), &[0]);
    let without = {
        let mut calm = shaken.clone();
        calm.containers.remove(7);
        backtest::run(&calm, &registry()).unwrap()
    };
    for placement in [Placement::Fused, Placement::Actors] {
        let result = placed(&shaken, &registry(), 2, Threads::ByCores, placement);
        assert_eq!(result.result_hash, without.result_hash, "the others do not notice");
        assert!(named(&result, "account-07").is_none());
        let [quarantine] = &result.quarantined[..] else { panic!("{:?}", result.quarantined) };
        assert_eq!((quarantine.container.as_str(), quarantine.step), ("account-07", 900));
        assert_eq!(quarantine.reason, "made to fail at call 900");
    }
}

#[test]
fn a_market_data_part_that_panics_delivers_every_frame_once() {
    let calm = spec(market(2_000), accounts(8));
    let reference = backtest::run(&calm, &registry()).unwrap();
    for (every, panics) in [(1, 1), (20, 1), (31, 3)] {
        for threads in [Threads::One, Threads::PerPart] {
            let shaken = RunSpec {
                source: std::sync::Arc::new(FlakySource::new(market(2_000), every, panics)),
                ..calm.clone()
            };
            let result = through_actors(&shaken, &registry(), 2, threads);
            assert_eq!(result.result_hash, reference.result_hash);
            assert_eq!(result.restarts.len(), panics as usize, "{:?}", result.restarts);
            assert_eq!(result.series, reference.series);
            assert_eq!(result.hub.computed, result.hub.expected);
        }
    }
}

#[test]
fn a_hub_that_panics_computes_again_what_it_lost_and_goes_on() {
    // The last row is in the last frame: nothing comes after the failure that could cover for it.
    let rows = backtest::run(&spec(market(2_000), accounts(1)), &registry()).unwrap().series[0].rows;
    for at_row in [0, 700, rows - 1] {
        for panics in [1, 3] {
            let of = |registry: Registry| {
                let containers = (0..6)
                    .map(|n| account(&format!("a{n}"), averages("flaky", 3, 9 + n, None), &[0, 1]))
                    .collect();
                (spec(market(2_000), containers), registry)
            };
            let (calm, calm_registry) = of(registry().indicator(flaky_average(0, 0)));
            let reference = backtest::run(&calm, &calm_registry).unwrap();
            let (shaken, shaken_registry) = of(registry().indicator(flaky_average(at_row, panics)));
            let result = through_actors(&shaken, &shaken_registry, 2, Threads::ByCores);
            assert_eq!(result.result_hash, reference.result_hash);
            assert_eq!(result.restarts.len(), panics as usize);
            assert!(
                result
                    .restarts
                    .iter()
                    .all(|r| r.part == "indicator hub" && r.reason.contains("kernel broke"))
            );
            assert_eq!(result.hub.computed, result.hub.expected);
            assert_eq!(result.hub.recomputed > 0, at_row > 0, "{:?}", result.hub);
        }
    }
}

#[test]
fn a_part_that_never_stops_failing_ends_the_run_with_its_name() {
    let source = FlakySource::new(market(500), 1, u32::MAX);
    let spec = spec(source, accounts(2));
    let error = run(spec, &registry(), RunOptions::default()).unwrap_err();
    let RunError::Machinery { part, what } = error else { panic!("{error}") };
    assert_eq!(part, "market data");
    assert!(what.contains("the feed broke"), "{what}");
}
