//! Overrides: `strategies[0].params.fast=12` replaces one value of the tree.

use super::include::start_of;
use crate::{
    fault::FaultLog,
    suggest,
    tree::{Budget, Entry, Key, Location, Node, Path, PathStep, Value, parse, quote},
};

/// Steps of a path.
const STEPS_MAX: usize = 32;
const HINT: &str = "an override is a path and a value, such as strategies[0].params.fast=12";

/// Applies overrides in order.
pub(crate) fn apply_overrides(root: &mut Node, sets: &[String], log: &FaultLog) {
    for set in sets {
        let file = log.add_source("--set".into(), set.clone());
        apply(root, set, file, log);
    }
}

fn apply(root: &mut Node, set: &str, file: u32, log: &FaultLog) {
    let start = start_of(file);
    let Some((path, value)) = set.split_once('=') else {
        log.add(start, "", "expected path=value".into(), Some(HINT.into()));
        return;
    };
    let shift = path.chars().count() as u32 + 1;
    // Blanks in front of the value keep the columns of its nodes true.
    let padded = format!("{}{value}", " ".repeat(shift as usize));
    let value = match value.trim() {
        "" => Some(Node {
            at: Location { column: shift + 1, ..start },
            value: Value::Scalar(crate::tree::Scalar { text: "".into(), quoted: false }),
        }),
        _ => parse(&padded, file, Budget::default(), log),
    };
    let steps = match Path::parse(path.trim()) {
        Ok(Path(steps)) => steps,
        Err((column, message)) => {
            let at = Location { column: column as u32, ..start };
            log.add(at, "", message, Some(HINT.into()));
            return;
        }
    };
    let Some(value) = value else { return };
    if steps.len() > STEPS_MAX {
        log.add(start, "", format!("a path of more than {STEPS_MAX} steps"), None);
        return;
    }
    match find(root, &steps, start) {
        Ok(node) => *node = value,
        Err((message, hint)) => log.add(start, path.trim(), message, hint),
    }
}

type Missing = (String, Option<String>);

/// The node at the end of a path; fields that are missing on the way are made.
fn find<'n>(root: &'n mut Node, steps: &[PathStep], at: Location) -> Result<&'n mut Node, Missing> {
    let mut node = root;
    let mut walked = String::new();
    for step in steps {
        node = match step {
            PathStep::Key(key) => field(node, key, at, &walked)?,
            PathStep::Index(index) => item(node, *index, at, &walked)?,
            PathStep::Named(name) => named(node, name, &walked)?,
        };
        match step {
            PathStep::Key(key) if walked.is_empty() => walked.push_str(key),
            PathStep::Key(key) => walked.extend([".", key]),
            PathStep::Index(index) => walked.push_str(&format!("[{index}]")),
            PathStep::Named(name) => walked.push_str(&format!("[{name}]")),
        }
    }
    Ok(node)
}

fn field<'n>(node: &'n mut Node, key: &str, at: Location, walked: &str) -> Result<&'n mut Node, Missing> {
    if node.is_null() {
        *node = Node::empty(at);
    }
    let found = node.describe();
    let Value::Mapping(entries) = &mut node.value else {
        return Err((format!("{walked} is not a mapping but {found}"), None));
    };
    let index = entries.iter().position(|entry| &*entry.key.text == key).unwrap_or_else(|| {
        entries.push(Entry { key: Key { text: key.into(), at }, value: Node::empty(at) });
        entries.len() - 1
    });
    Ok(&mut entries[index].value)
}

fn item<'n>(node: &'n mut Node, index: usize, at: Location, walked: &str) -> Result<&'n mut Node, Missing> {
    let found = node.describe();
    let Value::Sequence(items) = &mut node.value else {
        return Err((format!("{walked} is not a list but {found}"), None));
    };
    let length = items.len();
    if index > length {
        let hint = format!("items count from 0; the next to be added is {length}");
        return Err((format!("{walked} has no item {index}"), Some(hint)));
    }
    if index == length {
        items.push(Node::empty(at));
    }
    Ok(&mut items[index])
}

fn named<'n>(node: &'n mut Node, name: &str, walked: &str) -> Result<&'n mut Node, Missing> {
    let found = node.describe();
    let Value::Sequence(items) = &mut node.value else {
        return Err((format!("{walked} is not a list but {found}"), None));
    };
    let name_of = |item: &Node| {
        let name = ["id", "name", "symbol"].iter().find_map(|key| item.get(key));
        match name.map_or(&item.value, |node| &node.value) {
            Value::Scalar(scalar) => Some(scalar.text.to_string()),
            _ => None,
        }
    };
    match items.iter().position(|item| name_of(item).as_deref() == Some(name)) {
        Some(index) => Ok(&mut items[index]),
        None => {
            let names: Vec<String> = items.iter().filter_map(name_of).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            Err((format!("{walked} has no item {}", quote(name)), Some(suggest::hint(name, &names))))
        }
    }
}
