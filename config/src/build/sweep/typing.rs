//! Parameters as the strategy that takes them reads and writes them.

use std::collections::BTreeSet;

use barhive_engine::registry::StrategyDef;
use serde_json::{Map, Value as Json};

use crate::{
    build::Scene,
    read::Place,
    tree::{Entry, Location, Node, Step, Value},
};

/// Reads parameters of one strategy.
pub(super) struct Typing<'a, 's, 't> {
    pub(super) scene: &'a Scene<'s, 't>,
    pub(super) def: &'a StrategyDef,
    /// Parameters whose faults are in the log.
    pub(super) hidden: BTreeSet<String>,
}

/// Parameters that a strategy has read.
pub(super) struct Typed {
    /// Those that were given, each as the strategy itself writes it: 1 and 1.0 are one value.
    pub(super) given: Map<String, Json>,
    /// All of them, defaults included.
    pub(super) completed: Map<String, Json>,
}

impl Typing<'_, '_, '_> {
    /// Reads parameters; `None` when the strategy refuses them, with the faults in the log.
    pub(super) fn read(&self, at: Location, steps: &[Step<'_>], entries: Vec<Entry>) -> Option<Typed> {
        let node = Node { at, value: Value::Mapping(entries) };
        let reader = self.scene.reader.beside();
        let place = Place { node: &node, steps: steps.to_vec(), at };
        for entry in node.entries().iter().filter(|entry| self.hidden.contains(&*entry.key.text)) {
            reader.hide(&entry.value);
        }
        let factory = reader.read_with(&place, |deserializer| {
            self.def.read(&mut <dyn erased_serde::Deserializer<'_>>::erase(deserializer))
        })?;
        if !reader.is_clean() {
            return None;
        }
        if reader.any_secret() {
            reader.fault(&place, "a strategy with secrets cannot be swept", None);
            return None;
        }
        let Json::Object(completed) = factory.params() else {
            return node.entries().is_empty().then(|| Typed { given: Map::new(), completed: Map::new() });
        };
        let names = || node.entries().iter().map(|entry| entry.key.text.to_string());
        let written: Option<Map<String, Json>> =
            names().map(|name| completed.get(&name).cloned().map(|value| (name, value))).collect();
        if let Some(given) = written.filter(|given| self.reads_back(given, &completed)) {
            return Some(Typed { given, completed });
        }
        // A strategy that does not write what it reads: its parameters are kept as they stand here.
        let given: Map<String, Json> = reader.read(&place)?;
        if self.reads_back(&given, &completed) {
            return Some(Typed { given, completed });
        }
        let message = format!("the parameters of {} do not survive being written down", self.def.name);
        reader.fault(&place, message, Some("they need serde implementations that agree".into()));
        None
    }

    /// Whether the strategy reads its own values for what they are.
    fn reads_back(&self, given: &Map<String, Json>, completed: &Map<String, Json>) -> bool {
        let given = Json::Object(given.clone());
        match self.def.read(&mut <dyn erased_serde::Deserializer<'_>>::erase(&given)) {
            Ok(factory) => factory.params().as_object() == Some(completed),
            Err(_) => false,
        }
    }
}
