//! `validate`, `plan`, `schema` and `config show` from outside.

use serde_json::Value;

use crate::program::{Place, snapshot};

/// Twenty strategies with three risk settings each: sixty accounts.
fn twenty_by_three() -> String {
    let mut set = String::from(
        "name: grid\nfeed: {kind: synthetic, params: {symbols: [ALPHA], bars: 2000, timeframe: 1h}}\n\
         account: {kind: per_strategy, cash: 10000 USD}\nstrategies:\n",
    );
    for strategy in 0..20 {
        for (risk, fraction) in ["10%", "20%", "40%"].into_iter().enumerate() {
            set.push_str(&format!(
                "  - {{id: s{strategy}_r{risk}, kind: sma_cross, timeframe: 1h, sizing: {{equity_fraction: \
                 {fraction}}}, params: {{fast: {}, slow: {}}}}}\n",
                strategy + 2,
                strategy + 30,
            ));
        }
    }
    set
}

#[test]
fn a_plan_counts_shared_parts_once() {
    let place = Place::new();
    place.write("grid.yaml", &twenty_by_three());
    let text = place.succeed(&["plan", "grid.yaml"]);
    text.fits_80_columns();
    snapshot("plan_grid", &text.stdout);
    let plan = place.succeed(&["plan", "grid.yaml", "--format", "json"]).stdout;
    let plan: Value = serde_json::from_str(&plan).expect("JSON");
    assert_eq!(plan["parts"]["total"], 63, "market data, hub, 60 accounts, execution");
    assert_eq!(
        (&plan["subscriptions"], plan["indicators"].as_array().map(Vec::len)),
        (&120.into(), Some(40))
    );
}

#[test]
fn a_sound_set_is_called_sound() {
    let place = Place::new();
    place.write("grid.yaml", &twenty_by_three());
    let answer = place.succeed(&["validate", "grid.yaml"]);
    assert_eq!(answer.stdout, "grid.yaml: sound: 60 accounts, 60 strategy instances, 1 instrument\n");
    let verdict = place.succeed(&["validate", "grid.yaml", "--format", "json"]).stdout;
    let verdict: Value = serde_json::from_str(&verdict).expect("JSON");
    assert_eq!(verdict["sound"], true);
}

#[test]
fn faults_are_told_as_json_too() {
    let place = Place::new();
    place.write("bad.yaml", &twenty_by_three().replace("fast: 2,", "fst: 2,"));
    let answer = place.run(&["validate", "bad.yaml", "--format", "json"]);
    assert_eq!((answer.code, answer.stderr.as_str()), (Some(2), ""));
    let verdict: Value = serde_json::from_str(&answer.stdout).expect("JSON");
    let fault = &verdict["faults"][0];
    assert_eq!((&verdict["sound"], &fault["line"]), (&Value::from(false), &Value::from(5)));
    assert!(fault["path"].as_str().is_some_and(|path| path.contains("strategies[0].params")), "{fault}");
}

#[test]
fn the_schema_names_every_part_and_what_it_takes() {
    let schema = Place::new().succeed(&["schema"]).stdout;
    serde_json::from_str::<Value>(&schema).expect("JSON");
    for name in ["sma_cross", "pair_zscore", "synthetic", "clustering", "equity_fraction"] {
        assert!(schema.contains(&format!("\"{name}\"")), "{name}");
    }
}

#[test]
fn a_shown_configuration_is_a_configuration() {
    let place = Place::new();
    place.write("grid.yaml", &twenty_by_three());
    let shown = place.succeed(&["config", "show", "grid.yaml", "--set", "name=other"]).stdout;
    assert!(shown.contains("name: other"), "{shown}");
    place.write("shown.yaml", &shown);
    assert_eq!(place.succeed(&["config", "show", "shown.yaml"]).stdout, shown);
    place.succeed(&["validate", "shown.yaml"]);
}
