//! Mutated sets on the whole way of the program: loaded, planned and run. The loading alone has ten
//! thousand mutants in `config/tests/hostile.rs`; here mutants stay well-formed more often, so that
//! what a set may say reaches the planner and the engine.

mod support;

use std::time::{Duration, Instant};

use barhive_config::{LoadOptions, load_str};
use barhive_engine::{backtest, plan::plan};
use support::*;

/// The longest that one may take, with a machine under load in mind.
const SLOWEST: Duration = Duration::from_secs(10);
/// Bars that a mutant that loads is run for.
const BARS_MAX: u64 = 120;

/// Values put in place of a scalar.
const VALUES: [&str; 26] = [
    "0",
    "-1",
    "1",
    "2",
    "3",
    "7",
    "100001",
    "99999999999999999999",
    "1e308",
    ".nan",
    ".inf",
    "0.01%",
    "150%",
    "1m",
    "4h",
    "1d",
    "1w",
    "both",
    "short",
    "[]",
    "{}",
    "null",
    "true",
    "\"*\"",
    "ALPHA",
    "''",
];

/// `BARHIVE_FUZZ_CASES` says how many mutants of each of the three sets are tried, 3,400 by default:
/// ten thousand together.
fn cases() -> u64 {
    std::env::var("BARHIVE_FUZZ_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(3_400)
}

/// A generator of its own (SplitMix64; Steele, Lea, Flood 2014): the same mutants on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % sides.max(1) as u64) as usize
    }

    fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.roll(from.len())]
    }
}

/// The spans of scalars that stand after a colon or in a flow list.
fn scalars(text: &str) -> Vec<std::ops::Range<usize>> {
    let is_scalar = |c: char| c.is_ascii_alphanumeric() || ".-_%*\"/".contains(c);
    let mut spans = Vec::new();
    for (at, _) in text.match_indices([' ', '[']) {
        let rest = &text[at + 1..];
        let len = rest.find(|c| !is_scalar(c)).unwrap_or(rest.len());
        let before = text[..at].chars().next_back();
        if len > 0 && (matches!(before, Some(':' | ',')) || text[at..].starts_with('[')) {
            spans.push(at + 1..at + 1 + len);
        }
    }
    spans
}

fn mutate(text: &str, dice: &mut Dice) -> String {
    let mut text = text.to_owned();
    for _ in 0..=dice.roll(2) {
        match dice.roll(8) {
            0 => {
                let mut lines: Vec<&str> = text.lines().collect();
                let at = dice.roll(lines.len());
                if at < lines.len() {
                    lines.remove(at);
                }
                text = lines.join("\n");
            }
            1 => {
                let mut lines: Vec<&str> = text.lines().collect();
                let (from, to) = (dice.roll(lines.len()), dice.roll(lines.len()));
                if let Some(line) = lines.get(from).copied() {
                    lines.insert(to, line);
                }
                text = lines.join("\n");
            }
            2 => {
                let other = scalars(&text);
                if other.len() > 1 {
                    let (from, to) = (dice.pick(&other).clone(), dice.pick(&other).clone());
                    let value = text[from].to_owned();
                    text.replace_range(to, &value);
                }
            }
            _ => {
                let spans = scalars(&text);
                if !spans.is_empty() {
                    let value = *dice.pick(&VALUES);
                    text.replace_range(dice.pick(&spans).clone(), value);
                }
            }
        }
    }
    text
}

#[allow(clippy::disallowed_methods, reason = "bounds how long a mutant takes")]
fn mutants_of(file: &str, folder: &str, start: u64) {
    let registry = registry();
    let base = project(folder);
    let seed = std::fs::read_to_string(base.join(file)).expect("a shipped set").replace("17520", "500");
    let mut dice = Dice(start);
    let (mut refused, mut ran, mut stopped) = (0u64, 0u64, 0u64);
    let mutants = cases();
    for _ in 0..mutants {
        let text = mutate(&seed, &mut dice);
        let options = LoadOptions { base_dir: base.clone(), ..LoadOptions::default() };
        let started = Instant::now();
        match load_str(&text, "set.yaml", &registry, &options) {
            Err(faults) => {
                refused += 1;
                assert!(!faults.is_empty());
                for fault in &faults.faults {
                    assert!(fault.line.is_some() && fault.column.is_some(), "{fault}\n{text}");
                }
            }
            Ok(mut loaded) => {
                loaded.spec.bars_max = Some(loaded.spec.bars_max.unwrap_or(BARS_MAX).min(BARS_MAX));
                let planned = plan(&loaded.spec, &registry).map(|plan| plan.to_string());
                match backtest::run(&loaded.spec, &registry) {
                    Ok(result) => {
                        ran += 1;
                        assert!(result.quarantined.is_empty(), "{:?}\n{text}", result.quarantined);
                        planned.unwrap_or_else(|fault| panic!("it runs, but: {fault:?}\n{text}"));
                    }
                    Err(fault) => {
                        stopped += 1;
                        println!("{fault}");
                        assert!(!fault.to_string().is_empty());
                    }
                }
            }
        }
        assert!(started.elapsed() < SLOWEST, "{:?} for\n{text}", started.elapsed());
    }
    println!("{file}: {refused} refused, {ran} ran, {stopped} stopped with an error");
    assert!(refused > mutants / 20 && ran > mutants / 20, "{refused} refused, {ran} ran");
}

#[test]
fn mutants_of_the_quick_start_are_refused_with_a_place_or_planned_and_run() {
    mutants_of("quickstart.yaml", "config", 1);
}

#[test]
fn mutants_of_a_set_of_accounts_are_refused_with_a_place_or_planned_and_run() {
    mutants_of("accounts.yaml", "config/examples", 2);
}

#[test]
fn mutants_of_a_grid_of_settings_are_refused_with_a_place_or_planned_and_run() {
    mutants_of("risk-settings.yaml", "config/examples", 3);
}
