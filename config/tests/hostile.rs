//! Mutated and hostile files: no panic, no hang, and a fault with a place for every set or sweep that is
//! refused.

mod mutation;

use barhive_config::{Faults, LoadOptions, load_str, load_sweep_str};
use barhive_engine::{Registry, indicator};
use mutation::{CpuClock, Dice, SLOWEST, mutate};
use proptest::prelude::*;

/// Mutants in all.
const MUTANTS: u64 = 10_000;

fn registry() -> Registry {
    let indicators =
        indicator::builtin().into_iter().fold(Registry::empty(), |parts, def| parts.indicator(def));
    barhive_feeds::register(barhive_strategies::register(indicators))
}

fn seeds() -> Vec<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let files =
        ["quickstart.yaml", "examples/risk-settings.yaml", "examples/accounts.yaml", "calendars/xnys.yaml"];
    files.iter().map(|file| std::fs::read_to_string(folder.join(file)).unwrap()).collect()
}

/// Loads a text and checks what must hold for every text.
fn check(text: &str, registry: &Registry) -> bool {
    let options = LoadOptions {
        base_dir: concat!(env!("CARGO_MANIFEST_DIR"), "/examples").into(),
        ..LoadOptions::default()
    };
    let load = |text: &str| load_str(text, "set.yaml", registry, &options).map(drop);
    checked(text, load)
}

/// Loads a text as a sweep and checks the same.
fn check_sweep(text: &str, registry: &Registry) -> bool {
    let options = LoadOptions {
        base_dir: concat!(env!("CARGO_MANIFEST_DIR"), "/tests").into(),
        ..LoadOptions::default()
    };
    checked(text, |text| {
        let loaded = load_sweep_str(text, "sweep.yaml", registry, &options)?;
        let spec = &loaded.spec;
        assert!(spec.variants() > 0);
        for index in [0, spec.variants() / 2, spec.variants() - 1] {
            assert!(spec.container(registry, index).is_ok(), "variant {index} of\n{text}");
        }
        Ok(())
    })
}

fn checked(text: &str, load: impl Fn(&str) -> Result<(), Faults>) -> bool {
    let clock = CpuClock::start();
    let result = load(text);
    let took = clock.elapsed();
    assert!(took < SLOWEST, "{took:?} for\n{text}");
    match result {
        Ok(()) => true,
        Err(faults) => {
            assert!(!faults.is_empty());
            for fault in &faults.faults {
                assert!(fault.line.is_some() && fault.column.is_some(), "{fault}");
            }
            assert!(!faults.to_string().is_empty());
            false
        }
    }
}

#[test]
fn ten_thousand_mutants_are_loaded_or_refused_with_a_place() {
    let (registry, seeds) = (registry(), seeds());
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut loaded = 0;
    for index in 0..MUTANTS {
        let mutant = mutate(&seeds[index as usize % seeds.len()], &mut dice);
        loaded += u64::from(check(&mutant, &registry));
    }
    println!("{loaded} of {MUTANTS} mutants are sound");
    assert!(loaded > 0 && loaded < MUTANTS / 2, "{loaded}");
}

/// A sweep with everything that only sweeps have.
const SWEEP: &str = "\
name: all
feed: {kind: synthetic, params: {symbols: [ALPHA, BETA], bars: 100, timeframe: 1m, instrument: {currency: USD}}}
account: {cash: 1000 USD}
strategies:
  - id: cross
    kind: sma_cross
    params:
      direction: [long, both]
      fast: {values: range(2, 9), when: direction == 'both', default: 3}
      slow: [10, 20, \"range(30, 50, 5)\"]
    where: [\"fast < slow\", \"not (fast == 4 and slow > 40)\"]
    timeframes: [1m, 5m]
    sizing: {notional: 100}
  - id: listed
    kind: sma_cross
    params: {direction: long}
    points:
      - {fast: 5, slow: 53}
      - {fast: 6, slow: 54}
    instruments: [\"A*\"]
    timeframe: 1m
    sizing: all_in
  - id: filed
    kind: \"?ma_cross\"
    params: {direction: both}
    points: points/good.csv
    timeframe: 1m
    sizing: {fixed: 1}
sweep: {rank: [sharpe, -max_drawdown], top: 5, batch: 64, workers: 2}
";

#[test]
fn mutants_of_sweeps_are_loaded_or_refused_with_a_place() {
    let registry = registry();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let shipped = std::fs::read_to_string(folder.join("sweep-quickstart.yaml")).unwrap();
    let seeds = [SWEEP.replace("direction: both}\n    points", "slow: 99}\n    points"), shipped];
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    let mut loaded = 0;
    for index in 0..MUTANTS / 2 {
        let mutant = mutate(&seeds[index as usize % seeds.len()], &mut dice);
        loaded += u64::from(check_sweep(&mutant, &registry));
    }
    println!("{loaded} of {} mutants are sound", MUTANTS / 2);
    assert!(loaded > 0 && loaded < MUTANTS / 4, "{loaded}");
}

#[test]
fn files_of_points_are_refused_at_once_whatever_they_hold() {
    let folder = tempfile::tempdir().unwrap();
    let registry = registry();
    let options = LoadOptions { base_dir: folder.path().into(), ..LoadOptions::default() };
    let sweep = |file: &str| SWEEP.replace("points/good.csv", file);
    let mebibyte = 1 << 20;
    let contents = [
        "fast,slow\n".to_owned() + &"5,x\n".repeat(mebibyte / 4),
        "fast,slow\n".to_owned() + &",\n".repeat(mebibyte / 2),
        ",".repeat(mebibyte),
        "\"".repeat(mebibyte),
        "fast\n".to_owned() + &"5\n".repeat(mebibyte / 8),
        "[".repeat(mebibyte),
        format!("[{}]", "{},".repeat(mebibyte / 3)),
        format!("[{}]", "1,".repeat(mebibyte / 2)),
    ];
    for content in &contents {
        for file in ["points.csv", "points.json"] {
            std::fs::write(folder.path().join(file), content).unwrap();
            let clock = CpuClock::start();
            let faults = load_sweep_str(&sweep(file), "sweep.yaml", &registry, &options).unwrap_err();
            let took = clock.elapsed();
            let head: String = content.chars().take(20).collect();
            println!("{took:?} {file} {head:?}");
            assert!(took < SLOWEST * 5, "{took:?} for {file} {head:?}");
            assert!(faults.faults.iter().all(|fault| fault.line.is_some()));
        }
    }
}

#[test]
fn a_mebibyte_of_anything_is_refused_at_once() {
    let registry = registry();
    let mebibyte = 1 << 20;
    let laughs = (0..40).fold("a0: &a0 [x, x]\n".to_owned(), |text, i| {
        text + &format!(
            "a{}: &a{} [*a{i}, *a{i}, *a{i}, *a{i}, *a{i}, *a{i}, *a{i}, *a{i}, *a{i}]\n",
            i + 1,
            i + 1
        )
    });
    let mappings = (0..10_000).map(|depth| format!("{}a:\n", " ".repeat(depth % 1000))).collect::<String>();
    let texts = [
        "[".repeat(mebibyte),
        "{a: ".repeat(mebibyte / 4),
        "- ".repeat(mebibyte / 2),
        "a".repeat(mebibyte),
        format!("name: {}", "\"".repeat(mebibyte)),
        format!("name: [{}]", "x,".repeat(mebibyte / 2)),
        format!("strategies: [{}]", "{},".repeat(mebibyte / 3)),
        format!("strategies:\n{}", "- {id: a, kind: b, params: {c: d}}\n".repeat(mebibyte / 36)),
        format!("instruments: [{}]", "A,".repeat(mebibyte / 2)),
        (0..mebibyte / 12).map(|i| format!("key{i}: {i}\n")).collect(),
        "a: 1\n".repeat(mebibyte / 5),
        format!("a: {}", "&a ".repeat(mebibyte / 3)),
        format!("a: &a x\nb: [{}]", "*a,".repeat(mebibyte / 3)),
        "#".repeat(mebibyte),
        "\n".repeat(mebibyte),
        "? ".repeat(mebibyte / 2),
        "!a ".repeat(mebibyte / 3),
        format!("a: |\n{}", " x\n".repeat(mebibyte / 3)),
        laughs,
        mappings,
    ];
    for text in texts {
        let clock = CpuClock::start();
        let result = load_str(&text, "set.yaml", &registry, &LoadOptions::default());
        let took = clock.elapsed();
        let head: String = text.chars().take(60).collect();
        println!("{took:?} {head:?}");
        let faults = result.expect_err("none of these is a set");
        assert!(faults.faults.iter().all(|fault| fault.line.is_some()));
        assert!(took < SLOWEST, "{took:?} for {head:?}");
        assert!(faults.to_string().len() < 100_000);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_text_is_refused_without_a_panic(text in "\\PC{0,200}") {
        check(&text, &registry());
        check_sweep(&text, &registry());
    }

    #[test]
    fn any_override_is_refused_without_a_panic(set in "[a-z0-9\\[\\].=:,{}\"* -]{0,60}") {
        let options = LoadOptions { sets: vec![set], ..LoadOptions::default() };
        let text = &seeds()[0];
        if let Err(faults) = load_str(text, "set.yaml", &registry(), &options) {
            prop_assert!(faults.faults.iter().all(|fault| fault.line.is_some()));
        }
    }
}
