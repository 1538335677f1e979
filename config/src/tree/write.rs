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
