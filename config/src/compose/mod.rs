//! One tree from several texts: files that include each other, then overrides.

mod include;
mod overrides;

pub(crate) use include::Includer;
pub(crate) use overrides::apply_overrides;

use crate::tree::{Node, Value};

/// Puts `over` on top of `base`: mappings field by field, everything else as a whole.
fn overlay(base: Node, over: Node) -> Node {
    match (base.value, over.value) {
        (Value::Mapping(mut entries), Value::Mapping(upper)) => {
            for entry in upper {
                match entries.iter().position(|known| known.key.text == entry.key.text) {
                    Some(index) => {
                        let lower = std::mem::replace(&mut entries[index].value, Node::empty(over.at));
                        entries[index].value = overlay(lower, entry.value);
                        entries[index].key = entry.key;
                    }
                    None => entries.push(entry),
                }
            }
            Node { at: over.at, value: Value::Mapping(entries) }
        }
        (_, value) => Node { at: over.at, value },
    }
}
