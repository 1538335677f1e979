//! A configuration as a tree in which every scalar keeps its text and everything knows where it stands.
//!
//! What a scalar means is decided by the type that asks for it, never by how it looks: a symbol `NO`,
//! `1E5` or `0052` stays what was written.

mod parse;
mod path;
mod write;

pub(crate) use parse::{Budget, parse};
pub(crate) use path::{Path, PathStep, Step, format_steps};
pub(crate) use write::write;

/// A place in one of the files of a configuration. Lines and columns count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Location {
    pub(crate) file: u32,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) at: Location,
    pub(crate) value: Value,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Scalar(Scalar),
    Sequence(Vec<Node>),
    Mapping(Vec<Entry>),
}

/// The text of a scalar, escapes and folding resolved, types not.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scalar {
    pub(crate) text: Box<str>,
    pub(crate) quoted: bool,
}

/// A key of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Key {
    pub(crate) text: Box<str>,
    pub(crate) at: Location,
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: Key,
    pub(crate) value: Node,
}

impl Node {
    /// An empty mapping.
    pub(crate) fn empty(at: Location) -> Self {
        Self { at, value: Value::Mapping(Vec::new()) }
    }

    /// Whether nothing was written: an empty plain scalar, `~` or `null`.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(s) if !s.quoted && matches!(&*s.text, "" | "~" | "null"))
    }

    /// The value of a key, when this is a mapping that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| &*entry.key.text == key).map(|entry| &entry.value)
    }

    /// The value of a key, to be changed.
    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        match &mut self.value {
            Value::Mapping(entries) => {
                entries.iter_mut().find(|entry| &*entry.key.text == key).map(|entry| &mut entry.value)
            }
            _ => None,
        }
    }

    /// The entries, none when this is not a mapping.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// All direct children.
    pub(crate) fn children(&self) -> impl Iterator<Item = &Node> {
        let items = match &self.value {
            Value::Sequence(items) => items.as_slice(),
            _ => &[],
        };
        items.iter().chain(self.entries().iter().map(|entry| &entry.value))
    }

    /// Nodes in this tree, itself counted.
    pub(crate) fn size(&self) -> usize {
        1 + self.children().map(Node::size).sum::<usize>()
    }

    /// Levels of this tree; a scalar has one.
    pub(crate) fn depth(&self) -> usize {
        1 + self.children().map(Node::depth).max().unwrap_or(0)
    }

    /// What it is, for a message.
    pub(crate) fn describe(&self) -> String {
        match &self.value {
            _ if self.is_null() => "nothing".into(),
            Value::Scalar(scalar) => quote(&scalar.text),
            Value::Sequence(_) => "a list".into(),
            Value::Mapping(_) => "a mapping".into(),
        }
    }
}

/// Text in quotation marks, shortened and with control characters made visible.
pub(crate) fn quote(text: &str) -> String {
    const SHOWN_MAX: usize = 60;
    let mut shown: String = text.chars().take(SHOWN_MAX).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN_MAX).is_some() {
        shown.push('…');
    }
    format!("\"{shown}\"")
}
