//! Sound sweeps become what they say.

mod kit;

use barhive_config::{Document, Isolation, LoadOptions, LoadedSweep, load_any, load_str, load_sweep_str};
use barhive_engine::{strategy::Sizing, timeframe::Timeframe};
use kit::registry;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

const HEAD: &str = "\
name: demo
feed: {kind: fixed, params: {bars: 1000}}
instruments: [BTCUSDT, ETHUSDT]
account: {cash: 100000 USDT, leverage: 2}
";

fn try_load(text: &str) -> Result<LoadedSweep, String> {
    let options = LoadOptions {
        base_dir: concat!(env!("CARGO_MANIFEST_DIR"), "/tests").into(),
        ..LoadOptions::default()
    };
    load_sweep_str(text, "sweep.yaml", &registry(), &options).map_err(|faults| faults.to_string())
}

fn load_text(text: &str) -> LoadedSweep {
    try_load(text).unwrap_or_else(|faults| panic!("{faults}"))
}

/// A sweep of `sma_cross` on one instrument.
fn cross(params: &str, more: &str) -> String {
    format!(
        "{HEAD}strategies:\n  - id: cross\n    kind: sma_cross\n    params: {params}\n{more}    \
         instruments: [BTCUSDT]\n    timeframe: 1m\n    sizing: {{notional: 1000}}\n"
    )
}

fn points(loaded: &LoadedSweep) -> Vec<Json> {
    let variant = |index| loaded.spec.variant(index).unwrap();
    (0..loaded.spec.variants()).map(|index| Json::Object(variant(index).params)).collect()
}

#[test]
fn every_form_of_values_expands_to_its_count() {
    let count = |params: &str, more: &str| load_text(&cross(params, more)).spec.variants();
    // A list, a range, both, one value for all.
    assert_eq!(count("{fast: [5, 10, 20], slow: 30}", ""), 3);
    assert_eq!(count("{fast: \"range(5, 50, 5)\", slow: 60}", ""), 10);
    assert_eq!(count("{fast: [2, 3, \"range(5, 50, 5)\"], slow: [60, 70]}", ""), 24);
    assert_eq!(count("{fast: {values: \"range(5, 50, 5)\"}, slow: 60, side: [long, both]}", ""), 20);
    // Constraints, with names bare or marked, and a default that nobody wrote down.
    let both = "{fast: \"range(5, 50, 5)\", slow: \"range(10, 50, 10)\"}";
    assert_eq!(count(both, "    where: fast < slow\n"), 25);
    assert_eq!(count(both, "    where: [\"${fast} < ${slow}\", \"${slow} <= 30\"]\n"), 9);
    assert_eq!(count("{fast: \"range(5, 50, 5)\"}", "    where: [\"fast < slow\"]\n"), 5);
    // A parameter that does not always apply, and its default.
    let conditional = "{side: [long, both], fast: {values: [5, 6, 7], when: \"side == 'both'\", default: 4}}";
    let loaded = load_text(&cross(conditional, ""));
    assert_eq!(
        points(&loaded),
        [
            json!({"side": "long", "fast": 4}),
            json!({"side": "both", "fast": 5}),
            json!({"side": "both", "fast": 6}),
            json!({"side": "both", "fast": 7}),
        ]
    );
    // The bounds of a range are one way of writing what a block may write bare.
    let block = cross("\n      fast: range(1, 20)\n      slow: [30, 40]", "");
    assert_eq!(load_text(&block).spec.variants(), 40);
}

#[test]
fn a_wildcard_stands_for_every_kind_that_it_matches() {
    let text = format!(
        "{HEAD}strategies:\n  - {{id: all, kind: \"*\", params: {{}}, timeframe: 1m, sizing: {{notional: 1}}}}\n\
         sweep: {{}}\n"
    );
    let faults = try_load(&text).unwrap_err();
    assert!(faults.contains("the field `fast` is missing"), "{faults}");
    let text = text.replace("\"*\"", "\"b*_?old\"");
    let loaded = load_text(&text);
    assert_eq!(loaded.spec.definitions[0].id, "all");
    assert_eq!(loaded.spec.definitions[0].kind, "buy_and_hold");
    let two = text.replace("\"b*_?old\"", "\"*o*\"").replace("params: {}", "params: {top: 1}");
    let faults = try_load(&two).unwrap_err();
    assert!(faults.contains("unknown field \"top\""), "buy_and_hold takes none: {faults}");
}

#[test]
fn points_are_listed_here_or_in_a_file() {
    let here = load_text(&cross("{slow: 53}", "    points: [{fast: 5}, {fast: 6, slow: 54}]\n"));
    assert_eq!(points(&here), [json!({"fast": 5, "slow": 53}), json!({"fast": 6, "slow": 54})]);
    let csv = load_text(&cross("{side: both}", "    points: points/good.csv\n"));
    assert_eq!(
        points(&csv),
        [
            json!({"fast": 5, "slow": 53, "side": "both"}),
            json!({"fast": 6, "slow": 54, "side": "both"}),
            json!({"fast": 7, "side": "both"}),
        ]
    );
    let path = &csv.files[0].path;
    assert_eq!((path.to_str(), csv.files.len()), (Some("points/good.csv"), 1));
    let json = load_text(&cross("{slow: {values: [1, 2], default: 40}}", "    points: points/good.json\n"));
    assert_eq!(
        points(&json),
        [json!({"fast": 5, "slow": 53}), json!({"fast": 6, "slow": 40, "side": "both"})]
    );
}

#[test]
fn instruments_and_timeframes_are_varied_in_the_order_of_the_file() {
    let loaded = load_text(&format!(
        "{HEAD}strategies:
  - {{id: cross, kind: sma_cross, params: {{fast: [5, 6]}}, instruments: [ETHUSDT, \"B*\"], timeframes: [1m, 5m], sizing: {{fixed: 1}}}}
  - {{id: rank, kind: rotation, params: {{top: [1, 2]}}, timeframe: 1h, sizing: {{notional: 1000}}}}
"
    ));
    let ids: Vec<_> = loaded.spec.definitions.iter().map(|d| (d.id.as_str(), d.variants())).collect();
    // One unit is a thousand lots of one and a hundred of the other: two definitions.
    assert_eq!(ids, [("cross/ETHUSDT", 4), ("cross/BTCUSDT", 4), ("rank", 2)]);
    assert_eq!(loaded.spec.definitions[1].sizing, Sizing::Lots(1000));
    let key = |index| loaded.spec.key(&loaded.spec.variant(index).unwrap());
    assert_eq!(
        key(1),
        r#"{"id":"cross/ETHUSDT","instruments":["ETHUSDT"],"kind":"sma_cross","params":{"fast":6},"timeframe":"1m"}"#
    );
    assert_eq!(loaded.spec.variant(2).unwrap().timeframe, "5m".parse::<Timeframe>().unwrap());
    assert!(key(8).contains(r#""instruments":["BTCUSDT","ETHUSDT"]"#), "one that looks across takes all");
    assert_eq!(loaded.spec.account.leverage_max, 2);
}

#[test]
fn settings_reach_the_program() {
    let text = cross("{fast: [5, 10]}", "")
        + "sweep: {rank: [sharpe, -max_drawdown], top: 5, batch: 64, chunk: 128, workers: 2, isolation: process}\n";
    let settings = load_text(&text).settings;
    assert_eq!(
        settings.rank.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["sharpe", "-max_drawdown"]
    );
    assert_eq!((settings.top, settings.batch, settings.chunk, settings.workers), (5, Some(64), Some(128), 2));
    assert_eq!(settings.isolation, Isolation::Process);
}

#[test]
fn a_list_of_a_strategy_that_takes_lists_is_one_value() {
    let text = |extra: &str| {
        format!(
            "{HEAD}strategies:\n  - {{id: rank, kind: rotation, params: {{top: 1, extra: {extra}}}, timeframe: 1h, \
             sizing: {{notional: 1000}}}}\n"
        )
    };
    let set = load_str(&text("[1, 2]"), "set.yaml", &registry(), &LoadOptions::default());
    assert!(set.is_ok(), "anything may be a list: {}", set.unwrap_err());
    assert_eq!(load_text(&text("{values: [[1, 2], [3]]}")).spec.variants(), 2);
}

#[test]
fn a_file_is_known_for_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.yaml");
    let kind = |text: &str| {
        std::fs::write(&path, text).unwrap();
        match load_any(&path, &registry(), &LoadOptions::default()) {
            Ok(Document::Set(_)) => "set".to_owned(),
            Ok(Document::Sweep(sweep)) => format!("sweep of {}", sweep.spec.variants()),
            Err(faults) => faults.to_string(),
        }
    };
    assert_eq!(kind(kit::GOOD), "set");
    assert_eq!(kind(&cross("{fast: 5}", "")), "set");
    assert_eq!(kind(&cross("{fast: [5, 6]}", "")), "sweep of 2");
    assert_eq!(kind(&(cross("{fast: 5}", "") + "sweep: {}\n")), "sweep of 1");
    assert!(load_str(&cross("{fast: [5]}", ""), "x", &registry(), &LoadOptions::default()).is_err());
}

#[test]
fn what_is_written_of_a_sweep_is_the_same_sweep() {
    let text = cross("{fast: \"range(5, 50, 5)\", slow: [60, 70]}", "    where: [\"fast * 10 < slow\"]\n")
        + "sweep: {rank: -max_drawdown}\n";
    let first = load_text(&text);
    let again = load_text(&first.canonical_yaml);
    assert_eq!(points(&first), points(&again));
    assert_eq!((&first.settings, first.canonical_yaml), (&again.settings, again.canonical_yaml));
}

#[test]
fn a_hundred_thousand_combinations_need_no_enumeration() {
    let text = cross("{fast: \"range(1, 300)\", slow: \"range(301, 700)\"}", "");
    assert_eq!(load_text(&text).spec.variants(), 120_000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_sweep_has_what_its_axes_multiply_to(
        fast in proptest::collection::btree_set(1u32..20, 1..6),
        (first, step, count) in (30u32..60, 1u32..9, 1u32..12),
    ) {
        let last = first + step * (count - 1);
        let list: Vec<String> = fast.iter().map(ToString::to_string).collect();
        let params = format!("{{fast: [{}], slow: \"range({first}, {last}, {step})\"}}", list.join(", "));
        let loaded = load_text(&cross(&params, ""));
        prop_assert_eq!(loaded.spec.variants(), fast.len() as u64 * u64::from(count));
        let found = points(&loaded);
        let wanted = fast.iter().flat_map(|fast| {
            (0..count).map(move |index| json!({"fast": fast, "slow": first + step * index}))
        });
        prop_assert_eq!(found, wanted.collect::<Vec<_>>());
    }
}
