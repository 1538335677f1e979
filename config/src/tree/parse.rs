//! From YAML text to a tree: the only module that knows the YAML crate.
//!
//! The parser's events carry the text and place of every scalar, so nothing here guesses types. Depth,
//! nodes and alias expansion are bounded, keys are unique, tags and further documents are refused.

use std::collections::{HashMap, HashSet};

use granit_parser::{ErrorKind, Event, Marker, Parser, ScalarStyle};

use super::{Entry, Key, Location, Node, Scalar, Value, quote};
use crate::fault::FaultLog;

/// For `*` in front of text, which is more often meant as a wildcard than as an alias.
const QUOTE_WILDCARDS: &str = "put text that starts with * or & in quotation marks";

/// What a file may cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    /// Levels of nesting.
    pub(crate) depth_max: usize,
    /// Nodes, expanded aliases counted.
    pub(crate) nodes_max: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { depth_max: 64, nodes_max: 100_000 }
    }
}

/// Parses the one document of a file; `None` when it is not YAML (the faults say why).
///
/// Faults that leave the structure clear, such as a key that stands twice, do not end it.
pub(crate) fn parse(text: &str, file: u32, budget: Budget, log: &FaultLog) -> Option<Node> {
    let options = granit_parser::options! {
        emit_comments: false,
        emit_unresolved_aliases: true,
        flow_nesting_limit: budget.depth_max,
        block_nesting_limit: budget.depth_max,
    };
    let mut builder = Builder {
        file,
        budget,
        log,
        stack: Vec::new(),
        anchors: HashMap::new(),
        nodes: 0,
        documents: 0,
        root: None,
    };
    for event in Parser::new_from_str_with_options(text, options) {
        match event {
            Ok((event, span)) => {
                let at = builder.location(&span.start);
                let absent = span.start.index() == span.end.index();
                if builder.take(event, at, absent).is_err() {
                    return None;
                }
            }
            Err(error) => {
                let at = builder.location(error.marker());
                let (message, hint) = explain(error.kind(), budget);
                log.add(at, "", message, hint);
                return None;
            }
        }
    }
    let start = Location { file, line: 1, column: 1 };
    Some(builder.root.unwrap_or_else(|| Node::empty(start)))
}

fn explain(kind: &ErrorKind, budget: Budget) -> (String, Option<String>) {
    match kind {
        ErrorKind::RecursionLimitExceeded => {
            (format!("nested more than {} levels deep", budget.depth_max), None)
        }
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart => {
            (format!("not YAML: {kind}"), Some("indent with spaces".into()))
        }
        ErrorKind::MissingAnchorOrAliasName => (format!("not YAML: {kind}"), Some(QUOTE_WILDCARDS.into())),
        other => (format!("not YAML: {other}"), None),
    }
}

/// The fault is in the log and the rest of the file has no meaning.
struct Fatal;

/// A collection that is still open.
struct Open {
    at: Location,
    anchor: usize,
    kind: OpenKind,
}

enum OpenKind {
    Sequence(Vec<Node>),
    Mapping { entries: Vec<Entry>, seen: HashSet<Box<str>>, key: Pending },
}

/// The key that waits for its value.
enum Pending {
    None,
    Key(Key),
    /// Its fault is in the log; the value is parsed and dropped.
    Refused,
}

struct Builder<'a> {
    file: u32,
    budget: Budget,
    log: &'a FaultLog,
    stack: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    documents: usize,
    root: Option<Node>,
}

impl Builder<'_> {
    fn location(&self, marker: &Marker) -> Location {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Location { file: self.file, line: number(marker.line()).max(1), column: number(marker.col() + 1) }
    }

    fn take(&mut self, event: Event<'_>, at: Location, absent: bool) -> Result<(), Fatal> {
        if let Some(tag) = event.tag() {
            let message = format!("tags such as {} have no meaning here", quote(&tag.original()));
            self.log.add(at, "", message, Some("remove it: what a value is follows from its field".into()));
        }
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    let hint = "a configuration is one document; use `include` for further files";
                    self.log.add(at, "", "a second document".into(), Some(hint.into()));
                    return Err(Fatal);
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, _) => {
                self.spend(1, at)?;
                if let Some(control) = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
                    let message = format!("control character U+{:04X} in text", u32::from(control));
                    self.log.add(at, "", message, None);
                }
                let quoted = style != ScalarStyle::Plain;
                // The parser writes `~` where nothing stands.
                let text = if absent && !quoted { "".into() } else { text.into_owned().into_boxed_str() };
                let scalar = Scalar { text, quoted };
                self.complete(Node { at, value: Value::Scalar(scalar) }, anchor)
            }
            Event::SequenceStart(_, anchor, _) => self.open(at, anchor, OpenKind::Sequence(Vec::new())),
            Event::MappingStart(_, anchor, _) => {
                let kind =
                    OpenKind::Mapping { entries: Vec::new(), seen: HashSet::new(), key: Pending::None };
                self.open(at, anchor, kind)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.stack.pop() else { return Ok(()) };
                let value = match open.kind {
                    OpenKind::Sequence(items) => Value::Sequence(items),
                    OpenKind::Mapping { entries, .. } => Value::Mapping(entries),
                };
                self.complete(Node { at: open.at, value }, open.anchor)
            }
            Event::Alias(anchor) => self.expand(anchor, at),
            Event::UnresolvedAlias(name) => {
                let message = format!("unknown anchor {}", quote(&format!("*{name}")));
                self.log.add(at, "", message, Some(QUOTE_WILDCARDS.into()));
                Err(Fatal)
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, at: Location, anchor: usize, kind: OpenKind) -> Result<(), Fatal> {
        self.spend(1, at)?;
        if self.stack.len() >= self.budget.depth_max {
            return self.too_deep(at);
        }
        self.stack.push(Open { at, anchor, kind });
        Ok(())
    }

    /// Copies what an alias stands for, paying for every node of it.
    fn expand(&mut self, anchor: usize, at: Location) -> Result<(), Fatal> {
        let Some(target) = self.anchors.get(&anchor) else {
            self.log.add(at, "", "an alias inside of what it stands for".into(), None);
            return Err(Fatal);
        };
        let (size, depth) = (target.size(), target.depth());
        if self.stack.len() + depth > self.budget.depth_max + 1 {
            return self.too_deep(at);
        }
        if self.nodes + size > self.budget.nodes_max {
            return self.spend(size, at);
        }
        let copy = target.clone();
        self.nodes += size;
        self.complete(copy, 0)
    }

    fn too_deep(&self, at: Location) -> Result<(), Fatal> {
        let message = format!("nested more than {} levels deep", self.budget.depth_max);
        self.log.add(at, "", message, None);
        Err(Fatal)
    }

    fn spend(&mut self, nodes: usize, at: Location) -> Result<(), Fatal> {
        self.nodes += nodes;
        if self.nodes <= self.budget.nodes_max {
            return Ok(());
        }
        let message = format!("more than {} values, aliases expanded", self.budget.nodes_max);
        self.log.add(at, "", message, Some("split the set, or use fewer aliases".into()));
        Err(Fatal)
    }

    fn complete(&mut self, node: Node, anchor: usize) -> Result<(), Fatal> {
        if anchor > 0 {
            self.spend(node.size(), node.at)?;
            self.anchors.insert(anchor, node.clone());
        }
        let log = self.log;
        match self.stack.last_mut().map(|open| &mut open.kind) {
            None => self.root = Some(node),
            Some(OpenKind::Sequence(items)) => items.push(node),
            Some(OpenKind::Mapping { entries, seen, key }) => match std::mem::replace(key, Pending::None) {
                Pending::None => *key = accept_key(node, seen, entries, log),
                Pending::Key(key) => entries.push(Entry { key, value: node }),
                Pending::Refused => {}
            },
        }
        Ok(())
    }
}

fn accept_key(node: Node, seen: &mut HashSet<Box<str>>, entries: &[Entry], log: &FaultLog) -> Pending {
    let text = match node.value {
        Value::Scalar(scalar) if !scalar.text.is_empty() => scalar.text,
        _ => {
            log.add(node.at, "", format!("expected a field name, found {}", node.describe()), None);
            return Pending::Refused;
        }
    };
    if seen.insert(text.clone()) {
        return Pending::Key(Key { text, at: node.at });
    }
    let first = entries.iter().find(|entry| entry.key.text == text).map_or(0, |entry| entry.key.at.line);
    // `{a: range(1, 9, 1), b: range(1, 9, 1)}` has the commas of YAML in it.
    let cut = |entry: &Entry| match &entry.value.value {
        Value::Scalar(scalar) => scalar.text.starts_with("range(") && !scalar.text.contains(')'),
        _ => false,
    };
    let hint = match entries.iter().any(cut) {
        true => "between { }, put ranges in quotation marks: \"range(5, 50, 5)\"".to_owned(),
        false => format!("it stands first in line {first}; keep one"),
    };
    log.add(node.at, "", format!("{} is given twice", quote(&text)), Some(hint));
    Pending::Refused
}
