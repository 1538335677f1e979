//! Mutants of texts, the same on every machine, and a clock that neighbours do not move.

use std::time::{Duration, Instant};

/// The most processor time that one may take: ten times more without optimisation.
pub const SLOWEST: Duration = Duration::from_millis(if cfg!(debug_assertions) { 1000 } else { 100 });

/// Processor time of this thread where the system tells it, so that neighbours do not matter.
pub struct CpuClock {
    wall: Instant,
    cpu_ns: Option<u64>,
}

impl CpuClock {
    #[allow(clippy::disallowed_methods, reason = "how long a refusal takes is what is tested")]
    pub fn start() -> Self {
        Self { wall: Instant::now(), cpu_ns: Self::cpu_ns() }
    }

    pub fn elapsed(&self) -> Duration {
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
pub struct Dice(pub u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % sides.max(1)
    }
}

const FRAGMENTS: [&str; 40] = [
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
    "range(1, 9, 1)",
    "[1, 2, 3]",
    "${fast} < 9",
    "points: [{fast: 1}]\n",
];

/// One to five changes somewhere in a text.
pub fn mutate(text: &str, dice: &mut Dice) -> String {
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
