//! Mutated and hostile files: no panic, no hang, and a fault with a place for every set that is refused.

use std::time::{Duration, Instant};

use barhive_config::{LoadOptions, load_str};
use barhive_engine::{Registry, indicator};
use proptest::prelude::*;

/// Mutants in all.
const MUTANTS: u64 = 10_000;
/// The most processor time that one may take: ten times more without optimisation.
const SLOWEST: Duration = Duration::from_millis(if cfg!(debug_assertions) { 1000 } else { 100 });

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

/// Processor time of this thread where the system tells it, so that neighbours do not matter.
struct CpuClock {
    wall: Instant,
    cpu_ns: Option<u64>,
}

impl CpuClock {
    #[allow(clippy::disallowed_methods, reason = "how long a refusal takes is what is tested")]
    fn start() -> Self {
        Self { wall: Instant::now(), cpu_ns: Self::cpu_ns() }
    }

    fn elapsed(&self) -> Duration {
        match (self.cpu_ns, Self::cpu_ns()) {
            (Some(start), Some(now)) => Duration::from_nanos(now - start),
            _ => self.wall.elapsed(),
        }
    }

    fn cpu_ns() -> Option<u64> {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        text.split(' ').next()?.parse().ok()
    }
}

/// A small generator of its own: the mutants are the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % sides.max(1)
    }
}

const FRAGMENTS: [&str; 36] = [
    "NaN",
    ".inf",
    "-1",
    "1e308",
    "1e999",
    "99999999999999999999999999999999999999999",
    "0",
    "-0.0",
    "null",
    "~",
    "true",
    "yes",
    "[",
    "]",
    "{",
    "}",
    ": ",
    "- ",
    "&a ",
    "*a",
    "<<: *a",
    "!!binary ",
    "\"",
    "'",
    "|",
    ">",
    "%",
    "@",
    "${HOME}",
    "\t",
    "\u{0}",
    "\u{feff}",
    "\u{2028}",
    "---\n",
    "include: quickstart.yaml\n",
    "? ",
];

fn mutate(text: &str, dice: &mut Dice) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=dice.roll(4) {
        let at = dice.roll(bytes.len());
        match dice.roll(10) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << dice.roll(8),
            1 => bytes.truncate(at),
            2 | 3 => {
                let fragment = FRAGMENTS[dice.roll(FRAGMENTS.len())];
                bytes.splice(at..at, fragment.bytes());
            }
            4 => {
                let end = (at + dice.roll(20)).min(bytes.len());
                bytes.drain(at..end);
            }
            5 | 6 => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let mut lines: Vec<&str> = text.lines().collect();
                let (from, to) = (dice.roll(lines.len()), dice.roll(lines.len()));
                if let Some(line) = lines.get(from).copied() {
                    lines.insert(to, line);
                }
                bytes = lines.join("\n").into_bytes();
            }
            7 => {
                // Replaces the value of a line.
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
                let index = dice.roll(lines.len());
                if let Some(line) = lines.get_mut(index) {
                    let keep = line.find(": ").map_or(0, |at| at + 2);
                    line.truncate(keep);
                    line.push_str(FRAGMENTS[dice.roll(FRAGMENTS.len())]);
                }
                bytes = lines.join("\n").into_bytes();
            }
            8 => {
                let deep = "[".repeat(1 + dice.roll(200));
                bytes.splice(at..at, deep.bytes());
            }
            _ => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let mut lines: Vec<&str> = text.lines().collect();
                let (from, to) = (dice.roll(lines.len()), dice.roll(lines.len()));
                if from < lines.len() && to < lines.len() {
                    lines.swap(from, to);
                }
                bytes = lines.join("\n").into_bytes();
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Loads a text and checks what must hold for every text.
fn check(text: &str, registry: &Registry) -> bool {
    let options = LoadOptions {
        base_dir: concat!(env!("CARGO_MANIFEST_DIR"), "/examples").into(),
        ..LoadOptions::default()
    };
    let clock = CpuClock::start();
    let result = load_str(text, "set.yaml", registry, &options);
    let took = clock.elapsed();
    assert!(took < SLOWEST, "{took:?} for\n{text}");
    match result {
        Ok(_) => true,
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
