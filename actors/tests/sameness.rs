//! The actors give the same result as the synchronous backtest, however the machinery is sized.

mod kit;

use barhive_actors::{RunOptions, Threads, run};
use barhive_engine::{backtest, result::RunResult, set::Placement};
use kit::{accounts, market, registry, sized, spec};

fn accounts_of(result: &RunResult) -> String {
    serde_json::to_string(&result.accounts).expect("a result can be written")
}

#[test]
fn batches_shards_and_threads_change_nothing() {
    let spec = spec(market(3_000), accounts(12));
    let reference = backtest::run(&spec, &registry()).unwrap();
    assert!(
        reference.accounts.iter().all(|account| account.fills > 10),
        "there must be something to compare"
    );
    for (batch_rows, shards, threads) in [
        (1, 1, Threads::One),
        (2, 2, Threads::PerPart),
        (7, 3, Threads::One),
        (64, 2, Threads::One),
        (64, 3, Threads::PerPart),
        (1024, 1, Threads::PerPart),
        (1024, 0, Threads::ByCores),
        (4096, 3, Threads::ByCores),
    ] {
        for placement in [Placement::Fused, Placement::Actors] {
            let sized = sized(&spec, batch_rows, shards, placement);
            let options = RunOptions { threads, ..RunOptions::default() };
            let outcome = run(sized, &registry(), options).unwrap();
            let context = format!("{batch_rows} rows, {shards} shards, {threads:?}, {placement:?}");
            assert_eq!(outcome.result.result_hash, reference.result_hash, "{context}");
            assert_eq!(accounts_of(&outcome.result), accounts_of(&reference), "{context}");
            assert_eq!(outcome.result.series, reference.series, "{context}");
            assert_eq!(outcome.result.hub.computed, reference.hub.computed, "{context}");
            assert_eq!(outcome.result.hub.computed, outcome.result.hub.expected, "{context}");
            assert_eq!(outcome.result.hub.recomputed, 0, "{context}");
            assert!(outcome.result.restarts.is_empty(), "{context}");
        }
    }
}

#[test]
fn every_subscriber_gets_one_message_per_frame() {
    let spec = sized(&spec(market(2_000), accounts(4)), 100, 2, Placement::Fused);
    let outcome = run(spec, &registry(), RunOptions::default()).unwrap();
    let rows: u64 = outcome.result.series.iter().map(|series| series.rows).sum();
    let names: Vec<_> =
        outcome.result.bus.iter().map(|c| format!("{} > {}", c.topic, c.subscriber)).collect();
    assert_eq!(names, ["market_data > indicator_hub", "frames > shard-0", "frames > shard-1"]);
    for topic in &outcome.result.bus {
        assert_eq!((topic.events, topic.dropped), (rows, 0), "{topic:?}");
        assert_eq!(topic.messages, outcome.result.bus[0].messages, "{topic:?}");
        assert!(topic.messages < rows / 50 && topic.queue_peak <= 4, "{topic:?}");
    }
}
