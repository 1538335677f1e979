//! A combination of a sweep as a set of its own.

use barhive_engine::sweep::SweepSpec;
use serde_json::Value as Json;

use crate::{
    fault::FaultLog,
    section::Origin,
    tree::{Budget, Entry, Key, Location, Node, Scalar, Value, parse, write},
};

/// Keys of a sweep's strategy that a set takes as they are.
const KEPT: [&str; 2] = ["sizing", "limits"];
/// Letters that a name may have.
const NAME_MAX: usize = 64;

/// Where nodes stand that nobody wrote.
const NOWHERE: Location = Location { file: 0, line: 1, column: 1 };

/// Makes sets of single combinations.
#[derive(Clone, Debug)]
pub struct VariantSets {
    yaml: String,
    entries: Vec<usize>,
}

impl VariantSets {
    /// From a sweep's standalone text, and the entry of its `strategies` that each definition came from.
    pub(crate) fn new(yaml: String, entries: Vec<usize>) -> Self {
        Self { yaml, entries }
    }

    /// Combination `index` of `spec`, counted from 0, as the YAML of a set: its one strategy with the
    /// parameters of this combination, the seed, and where it came from. It gives the same account, digest
    /// and figures as the combination does. `None` when there is no such combination.
    pub fn write(&self, spec: &SweepSpec, index: u64, origin: &Origin) -> Option<String> {
        let parts = spec.variant(index)?;
        let log = FaultLog::default();
        let file = log.add_source(String::new(), self.yaml.clone());
        let mut root = parse(&self.yaml, file, Budget::default(), &log)?;
        let Value::Sequence(strategies) = &root.get("strategies")?.value else { return None };
        let entry = strategies.get(*self.entries.get(parts.definition)?)?;
        let symbols = parts.instruments.iter().map(|id| text(&spec.instruments[id.index()].symbol));
        let mut strategy = vec![
            field("id", entry.get("id")?.clone()),
            field("kind", text(&spec.definitions[parts.definition].kind)),
            field("params", node(&Json::Object(parts.params.clone()))),
            field("instruments", Node { at: NOWHERE, value: Value::Sequence(symbols.collect()) }),
            field("timeframe", text(&parts.timeframe.to_string())),
        ];
        let kept = entry.entries().iter().filter(|entry| KEPT.contains(&&*entry.key.text));
        strategy.extend(kept.cloned());
        let strategies = vec![Node { at: NOWHERE, value: Value::Mapping(strategy) }];
        put(&mut root, "strategies", Node { at: NOWHERE, value: Value::Sequence(strategies) })?;
        put(&mut root, "name", text(&name(&spec.name, index)))?;
        put(&mut root, "seed", node(&spec.account.seed.into()))?;
        put(&mut root, "origin", node(&serde_json::to_value(origin).ok()?))?;
        let Value::Mapping(fields) = &mut root.value else { return None };
        fields.retain(|field| &*field.key.text != "sweep");
        Some(write(&root, &|_| false))
    }
}

/// `pairs no. 7`.
fn name(sweep: &str, index: u64) -> String {
    let number = format!(" no. {}", index + 1);
    let room = NAME_MAX.saturating_sub(number.len());
    let short: String = sweep.chars().take(room).collect();
    format!("{}{number}", short.trim_end_matches(['.', ' ']))
}

fn put(root: &mut Node, key: &str, value: Node) -> Option<()> {
    match root.get_mut(key) {
        Some(known) => *known = value,
        None => match &mut root.value {
            Value::Mapping(fields) => fields.push(field(key, value)),
            _ => return None,
        },
    }
    Some(())
}

fn field(key: &str, value: Node) -> Entry {
    Entry { key: Key { text: key.into(), at: NOWHERE }, value }
}

fn text(text: &str) -> Node {
    Node { at: NOWHERE, value: Value::Scalar(Scalar { text: text.into(), quoted: true }) }
}

/// JSON as a tree.
fn node(json: &Json) -> Node {
    let plain = |text: String| Value::Scalar(Scalar { text: text.into(), quoted: false });
    let value = match json {
        Json::String(string) => return text(string),
        Json::Null => plain("~".to_owned()),
        Json::Bool(_) | Json::Number(_) => plain(json.to_string()),
        Json::Array(items) => Value::Sequence(items.iter().map(node).collect()),
        Json::Object(fields) => {
            Value::Mapping(fields.iter().map(|(key, value)| field(key, node(value))).collect())
        }
    };
    Node { at: NOWHERE, value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_a_name() {
        assert_eq!(name("pairs", 6), "pairs no. 7");
        let long = name(&format!("{}. x", "a".repeat(57)), 6);
        assert_eq!(long, format!("{} no. 7", "a".repeat(57)));
        assert!(name(&"ä".repeat(64), 0).chars().count() <= NAME_MAX);
    }
}
