//! Faults: what is wrong with a configuration, where, and what to do about it.

use std::{
    cell::{Cell, RefCell},
    fmt,
};

use serde::Serialize;

use crate::tree::Location;

/// Faults that are shown; the rest is counted.
const SHOWN_MAX: usize = 100;
/// Characters of a source line that are shown around a fault.
const LINE_SHOWN: usize = 96;

/// One thing that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The file, or what the text was called.
    pub file: String,
    /// The line, counted from 1; `None` when the file could not be read at all.
    pub line: Option<u32>,
    /// The column in characters, counted from 1.
    pub column: Option<u32>,
    /// What it is about, such as `strategies[0].params.fast`; empty for the file as a whole.
    pub path: String,
    /// What was expected and what was found.
    pub message: String,
    /// What is allowed, or what to do.
    pub hint: Option<String>,
    /// The line as it stands in the file, shortened.
    pub source: Option<String>,
    /// Where in `source` the caret stands, in characters from 0.
    #[serde(skip)]
    caret: usize,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, ":{line}:{column}")?;
        }
        f.write_str(": ")?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        if let (Some(line), Some(source)) = (self.line, self.source.as_ref().filter(|s| !s.trim().is_empty()))
        {
            write!(f, "\n{line:>6} | {source}\n       | {:caret$}^", "", caret = self.caret)?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

/// All that is wrong with a configuration, in order of file and place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Faults {
    /// The faults.
    pub faults: Vec<Fault>,
    /// How many more there are at least, beyond the first hundred.
    pub omitted: u64,
}

impl Faults {
    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.faults.is_empty()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            fault.fmt(f)?;
        }
        if self.omitted > 0 {
            write!(f, "\n\nand at least {} more", self.omitted)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// A text of a configuration.
#[derive(Debug)]
pub(crate) struct SourceText {
    pub(crate) name: String,
    pub(crate) text: String,
}

#[derive(Debug)]
struct Entry {
    at: Option<Location>,
    file: String,
    path: String,
    message: String,
    hint: Option<String>,
}

/// Collects faults while a configuration is read.
#[derive(Debug, Default)]
pub(crate) struct FaultLog {
    sources: RefCell<Vec<SourceText>>,
    entries: RefCell<Vec<Entry>>,
    omitted: Cell<u64>,
}

impl FaultLog {
    /// Takes in a text; the answer names it in locations.
    pub(crate) fn add_source(&self, name: String, text: String) -> u32 {
        let mut sources = self.sources.borrow_mut();
        sources.push(SourceText { name, text });
        sources.len() as u32 - 1
    }

    /// Takes in a fault at a place.
    pub(crate) fn add(&self, at: Location, path: &str, message: String, hint: Option<String>) {
        self.push(Entry { at: Some(at), file: String::new(), path: path.to_owned(), message, hint });
    }

    /// Takes in a fault of a file that could not be read.
    pub(crate) fn add_unreadable(&self, file: String, message: String, hint: Option<String>) {
        self.push(Entry { at: None, file, path: String::new(), message, hint });
    }

    fn push(&self, entry: Entry) {
        let mut entries = self.entries.borrow_mut();
        let known = |e: &Entry| e.at == entry.at && e.message == entry.message && e.path == entry.path;
        if entry.at.is_some() && entries.iter().any(known) {
            return;
        }
        if entries.len() < SHOWN_MAX {
            entries.push(entry);
        } else {
            self.omitted.set(self.omitted.get() + 1);
        }
    }

    /// Whether further faults would only be counted.
    pub(crate) fn is_full(&self) -> bool {
        self.entries.borrow().len() >= SHOWN_MAX
    }

    /// Whether there is no fault.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.borrow().is_empty()
    }

    /// How many faults there are.
    pub(crate) fn count(&self) -> u64 {
        self.entries.borrow().len() as u64 + self.omitted.get()
    }

    /// Whether every fault lies within the items of the list `section`.
    pub(crate) fn all_within(&self, section: &str) -> bool {
        let inside =
            |entry: &Entry| entry.path.strip_prefix(section).is_some_and(|rest| rest.starts_with('['));
        self.omitted.get() == 0 && self.entries.borrow().iter().all(inside)
    }

    /// The faults with the lines that they stand in.
    pub(crate) fn finish(&self) -> Faults {
        let sources = self.sources.borrow();
        let mut entries = self.entries.borrow_mut();
        entries.sort_by_key(|entry| entry.at);
        let mut lines = vec![LineCursor::default(); sources.len()];
        let faults = entries
            .iter()
            .map(|entry| {
                let mut fault = Fault {
                    file: entry.file.clone(),
                    line: None,
                    column: None,
                    path: entry.path.clone(),
                    message: entry.message.clone(),
                    hint: entry.hint.clone(),
                    source: None,
                    caret: 0,
                };
                if let Some(at) = entry.at {
                    let source = &sources[at.file as usize];
                    fault.file.clone_from(&source.name);
                    fault.line = Some(at.line);
                    fault.column = Some(at.column);
                    let line = lines[at.file as usize].line(&source.text, at.line);
                    let (shown, caret) = window(&hide_secrets(line), at.column as usize - 1);
                    (fault.source, fault.caret) = (Some(shown), caret);
                }
                fault
            })
            .collect();
        Faults { faults, omitted: self.omitted.get() }
    }
}

/// Finds lines in increasing order without starting over.
#[derive(Clone, Default)]
struct LineCursor {
    line: u32,
    offset: usize,
}

impl LineCursor {
    fn line<'t>(&mut self, text: &'t str, line: u32) -> &'t str {
        while self.line + 1 < line {
            match text[self.offset..].find('\n') {
                Some(end) => self.offset += end + 1,
                None => break,
            }
            self.line += 1;
        }
        text[self.offset..].lines().next().unwrap_or_default()
    }
}

/// A line around a column, cut at both ends where it is long.
fn window(line: &str, column: usize) -> (String, usize) {
    let visible = |c: char| if c.is_control() { ' ' } else { c };
    let length = line.chars().count();
    let column = column.min(length);
    if length <= LINE_SHOWN {
        return (line.chars().map(visible).collect(), column);
    }
    let start = column.saturating_sub(LINE_SHOWN / 2).min(length - LINE_SHOWN);
    let mut shown: String = line.chars().skip(start).take(LINE_SHOWN).map(visible).collect();
    let mut caret = column - start;
    if start > 0 {
        shown.insert(0, '…');
        caret += 1;
    }
    if start + LINE_SHOWN < length {
        shown.push('…');
    }
    (shown, caret)
}

/// A line of which nothing is shown behind a name that sounds like a secret.
fn hide_secrets(line: &str) -> String {
    const NAMES: [&str; 7] = ["secret", "password", "passphrase", "token", "api_key", "apikey", "database"];
    let folded = line.to_ascii_lowercase();
    let start = NAMES.iter().filter_map(|name| folded.find(name)).min();
    match start.and_then(|start| line[start..].find([':', '=']).map(|colon| start + colon + 1)) {
        Some(end) if !line[end..].trim().is_empty() && !line[end..].trim_start().starts_with("${") => {
            format!("{} ***", &line[..end])
        }
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_shows_its_line_with_a_caret() {
        let log = FaultLog::default();
        let file = log.add_source("set.yaml".into(), "a: 1\nfast: abc\n".into());
        log.add(
            Location { file, line: 2, column: 7 },
            "fast",
            "expected a whole number, found \"abc\"".into(),
            Some("write 10".into()),
        );
        assert_eq!(
            log.finish().to_string(),
            "set.yaml:2:7: fast: expected a whole number, found \"abc\"\n     2 | fast: abc\n       |       ^\n  hint: write 10"
        );
    }

    #[test]
    fn a_long_line_is_cut_around_the_fault() {
        let line = format!("{}X{}", "a".repeat(300), "b".repeat(300));
        let (shown, caret) = window(&line, 300);
        assert!(shown.starts_with('…') && shown.ends_with('…'));
        assert_eq!(shown.chars().nth(caret), Some('X'));
        assert!(shown.chars().count() <= LINE_SHOWN + 2);
    }

    #[test]
    fn what_sounds_like_a_secret_is_not_shown() {
        assert_eq!(hide_secrets("  api_secret: hunter2"), "  api_secret: ***");
        assert_eq!(hide_secrets("  token: ${TOKEN}"), "  token: ${TOKEN}");
        assert_eq!(hide_secrets("  fast: 12"), "  fast: 12");
    }

    #[test]
    fn faults_beyond_the_limit_are_counted() {
        let log = FaultLog::default();
        let file = log.add_source("x".into(), String::new());
        for column in 1..=150 {
            log.add(Location { file, line: 1, column }, "", "bad".into(), None);
        }
        let faults = log.finish();
        assert_eq!((faults.faults.len(), faults.omitted), (100, 50));
        assert!(faults.to_string().ends_with("and at least 50 more"));
    }
}
