//! What the file of a server says about live work, checked.

use crate::{
    read::{Captured, Located, Reader},
    section::{LiveProcessSection, LiveSection},
};

/// What is kept for live work, and the live processes of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiveSettings {
    /// Cores on which nothing else runs.
    pub cores: u32,
    /// Memory that nothing else gets, bytes.
    pub memory_bytes: u64,
    /// Niceness of live processes.
    pub nice: i32,
    /// Those that the server starts.
    pub run: Vec<LiveProcessSettings>,
}

/// A live process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveProcessSettings {
    /// What it is called.
    pub name: String,
    /// The program.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// How long it may be silent, milliseconds.
    pub silence_max_ms: Option<u64>,
}

/// Bytes of a name, as of one that reports.
const NAME_BYTES_MAX: usize = 64;
/// Live processes of a server.
const RUN_MAX: usize = 64;
/// A shorter silence cannot be told from a slow machine; a longer one than a day is none.
const SILENCE_MS: std::ops::RangeInclusive<u64> = 100..=86_400_000;

pub(crate) fn live(reader: &Reader<'_>, captured: Option<&Captured<LiveSection>>) -> LiveSettings {
    let section: LiveSection = captured.and_then(|captured| reader.open(captured)).unwrap_or_default();
    let fault = |of, message: String| reader.fault(&reader.place(of), message, None);
    if let Some(cores) = section.cores.as_ref().filter(|cores| cores.value > 1_023) {
        fault(cores.place, format!("expected 0 to 1023 cores, found {}", cores.value));
    }
    if let Some(nice) = section.nice.as_ref().filter(|nice| !(-20..=19).contains(&nice.value)) {
        fault(nice.place, format!("expected a niceness from -20 to 19, found {}", nice.value));
    }
    let listed = section.run.as_ref().and_then(|run| reader.open(run)).unwrap_or_default();
    if let Some(beyond) = listed.get(RUN_MAX) {
        fault(beyond.place, format!("expected at most {RUN_MAX} live processes, found {}", listed.len()));
    }
    let mut run: Vec<LiveProcessSettings> = Vec::new();
    for captured in &listed {
        let Some(found) = reader.open(captured).and_then(|section| process(reader, &section)) else {
            continue;
        };
        if run.iter().any(|other| other.name == found.name) {
            fault(captured.place, format!("there is another live process named {}", found.name));
        }
        run.push(found);
    }
    LiveSettings {
        cores: section.cores.map_or(0, |cores| cores.value as u32),
        memory_bytes: section.memory.map_or(0, |memory| memory.value.bytes),
        nice: section.nice.map_or(0, |nice| nice.value as i32),
        run,
    }
}

fn process(reader: &Reader<'_>, section: &LiveProcessSection) -> Option<LiveProcessSettings> {
    let name = &section.name;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let is_name = (1..=NAME_BYTES_MAX).contains(&name.value.len()) && name.value.bytes().all(is_plain);
    if !is_name {
        let what =
            format!("expected 1 to {NAME_BYTES_MAX} letters, digits, - and _, found \"{}\"", name.value);
        reader.fault(&reader.place(name.place), what, None);
    }
    let command: Vec<Located<String>> = reader.open(&section.command)?;
    let mut words = command.into_iter().map(|word| word.value);
    let program = words.next().filter(|program| !program.is_empty());
    if program.is_none() {
        reader.fault(
            &reader.place(section.command.place),
            "expected a program and its arguments, found none",
            None,
        );
    }
    let silence = section.silence_max.as_ref();
    if let Some(silence) = silence.filter(|silence| !SILENCE_MS.contains(&silence.value.ms)) {
        reader.fault(&reader.place(silence.place), "expected a span from 100ms to 24h", None);
    }
    is_name.then_some(())?;
    Some(LiveProcessSettings {
        name: name.value.clone(),
        program: program?,
        args: words.collect(),
        silence_max_ms: silence.map(|silence| silence.value.ms),
    })
}
