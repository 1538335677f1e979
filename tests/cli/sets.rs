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
fn a_sweep_is_checked_and_planned_like_a_set() {
    const SWEEP: &str = "feed: {kind: synthetic, params: {symbols: [ALPHA], bars: 2000, timeframe: 1h}}
account: {cash: 10000 USD}
strategies:
  - id: cross
    kind: sma_cross
    params: {fast: [5, 10, 20], slow: \"range(30, 60, 10)\"}
    timeframe: 1h
    sizing: all_in
";
    let place = Place::new();
    place.write("sweep.yaml", SWEEP);
    let answer = place.succeed(&["validate", "sweep.yaml"]);
    assert_eq!(answer.stdout, "sweep.yaml: sound: 12 combinations of 1 strategy, 1 instrument\n");
    let text = place.succeed(&["plan", "sweep.yaml", "-w", "1", "--chunk", "12", "--batch", "6"]);
    text.fits_80_columns();
    let plan = place.succeed(&["plan", "sweep.yaml", "--chunk", "12", "-w", "1", "--format", "json"]).stdout;
    let plan: Value = serde_json::from_str(&plan).expect("JSON");
    assert_eq!((&plan["combinations"], &plan["passes"]), (&12.into(), &1.into()));
    assert_eq!((&plan["indicators"]["distinct"], &plan["bars"]), (&7.into(), &2000.into()));
    let schema = place.succeed(&["schema", "sweep"]).stdout;
    assert!(schema.contains("\"SweepStrategy\"") && schema.contains("\"Swept\""));

    let run = place.run(&["run", "sweep.yaml"]);
    assert_eq!(run.code, Some(2));
    assert!(
        run.stderr.contains("this makes the file a sweep") && run.stderr.contains("barhive sweep"),
        "{}",
        run.stderr
    );
    place.write("set.yaml", &twenty_by_three());
    let plan = place.run(&["plan", "set.yaml", "--batch", "5"]);
    assert_eq!(plan.code, Some(2));
    assert!(plan.stderr.contains("set.yaml is a set"), "{}", plan.stderr);
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

#[test]
fn a_sweep_is_shown_as_it_is_understood_too() {
    let place = Place::new();
    let sweep = concat!(env!("CARGO_MANIFEST_DIR"), "/config/sweep-quickstart.yaml");
    let shown = place.succeed(&["config", "show", sweep, "--set", "sweep.top=7"]).stdout;
    assert!(shown.contains("top: 7"), "{shown}");
    place.write("shown.yaml", &shown);
    assert_eq!(place.succeed(&["config", "show", "shown.yaml"]).stdout, shown);
}
