//! From a tree back to YAML: block style, double quotes where a plain scalar would not keep its text.

use super::{Node, Scalar, Value};

/// Writes a tree; `hide` tells which nodes hold secrets.
pub(crate) fn write(node: &Node, hide: &dyn Fn(&Node) -> bool) -> String {
    let mut out = String::new();
    match &node.value {
        Value::Scalar(_) => inline(&mut out, node, hide),
        _ => block(&mut out, node, 0, hide),
    }
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out
}

fn block(out: &mut String, node: &Node, indent: usize, hide: &dyn Fn(&Node) -> bool) {
    match &node.value {
        Value::Mapping(entries) if !entries.is_empty() => {
            for (index, entry) in entries.iter().enumerate() {
                // The first key of an item stands on the line of its dash.
                if index > 0 || !out.ends_with("- ") {
                    pad(out, indent);
                }
                scalar(out, &entry.key.text, false);
                out.push(':');
                child(out, &entry.value, indent + 2, hide);
            }
        }
        Value::Sequence(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                if index > 0 || !out.ends_with("- ") {
                    pad(out, indent);
                }
                out.push_str("- ");
                match &item.value {
                    Value::Scalar(_) => {
                        inline(out, item, hide);
                        out.push('\n');
                    }
                    _ => block(out, item, indent + 2, hide),
                }
            }
        }
        _ => {
            inline(out, node, hide);
            out.push('\n');
        }
    }
}

fn child(out: &mut String, node: &Node, indent: usize, hide: &dyn Fn(&Node) -> bool) {
    let nested = match &node.value {
        Value::Mapping(entries) => !entries.is_empty(),
        Value::Sequence(items) => !items.is_empty(),
        Value::Scalar(_) => false,
    };
    if nested {
        out.push('\n');
        block(out, node, indent, hide);
    } else {
        out.push(' ');
        inline(out, node, hide);
        out.push('\n');
    }
}

fn inline(out: &mut String, node: &Node, hide: &dyn Fn(&Node) -> bool) {
    match &node.value {
        Value::Scalar(_) if hide(node) => out.push_str("\"***\""),
        Value::Scalar(Scalar { text, quoted }) => scalar(out, text, *quoted),
        Value::Sequence(_) => out.push_str("[]"),
        Value::Mapping(_) => out.push_str("{}"),
    }
}

fn pad(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

fn scalar(out: &mut String, text: &str, quoted: bool) {
    if !quoted && stays_plain(text) {
        out.push_str(text);
        return;
    }
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                out.push_str(&format!("\\u{:04X}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn stays_plain(text: &str) -> bool {
    let first_ok = text.starts_with(|c: char| c.is_alphanumeric() || "./_+<(".contains(c))
        || (text.starts_with('-') && text[1..].starts_with(|c: char| c.is_ascii_digit() || c == '.'));
    text.is_empty()
        || text == "~"
        || (first_ok
            && !text.ends_with([' ', ':'])
            && !text.contains(": ")
            && !text.contains(" #")
            && !text.contains([',', '[', ']', '{', '}', '\u{feff}', '\u{2028}', '\u{2029}', '\u{85}'])
            && !text.starts_with("...")
            && !text.contains(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fault::FaultLog,
        tree::{Budget, Entry, Key, Location, parse},
    };
    use proptest::prelude::*;

    const HERE: Location = Location { file: 0, line: 1, column: 1 };

    fn tree() -> impl Strategy<Value = Node> {
        let text = prop_oneof![
            "[a-zA-Z0-9]{1,6}",
            "[ -~]{0,12}",
            "\\PC{0,6}",
            Just("a: b".to_owned()),
            Just("- x".to_owned()),
            Just("x\ny\t".to_owned()),
        ];
        let scalar = (text, any::<bool>())
            .prop_map(|(text, quoted)| Value::Scalar(Scalar { text: text.into(), quoted }));
        let node = |value| Node { at: HERE, value };
        scalar.prop_map(node).prop_recursive(4, 32, 4, move |inner| {
            let items = prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Sequence);
            let entries = prop::collection::btree_map("[ -~]{1,8}", inner, 0..4).prop_map(|map| {
                let entry =
                    |(key, value): (String, Node)| Entry { key: Key { text: key.into(), at: HERE }, value };
                Value::Mapping(map.into_iter().map(entry).collect())
            });
            prop_oneof![items, entries].prop_map(node)
        })
    }

    /// Equal but for places, and for quotation marks around what is text either way.
    fn same(a: &Node, b: &Node) -> bool {
        match (&a.value, &b.value) {
            (Value::Scalar(x), Value::Scalar(y)) => x.text == y.text && (y.quoted || !x.quoted),
            (Value::Sequence(x), Value::Sequence(y)) => {
                x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y))
            }
            (Value::Mapping(x), Value::Mapping(y)) => {
                x.len() == y.len()
                    && x.iter().zip(y).all(|(x, y)| x.key.text == y.key.text && same(&x.value, &y.value))
            }
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(node in tree()) {
            // A document with nothing in it is read as an empty mapping.
            prop_assume!(!matches!(&node.value, Value::Scalar(only) if only.text.is_empty() && !only.quoted));
            let text = write(&node, &|_| false);
            let log = FaultLog::default();
            let file = log.add_source("written".into(), text.clone());
            let read = parse(&text, file, Budget::default(), &log);
            prop_assert!(log.is_empty(), "{}\n{text}", log.finish());
            prop_assert!(same(&node, &read.unwrap()), "{node:?}\n{text}");
        }
    }
}
