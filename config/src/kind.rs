//! Whether a file is a set or a sweep.

use barhive_engine::Registry;

use crate::{
    shape::{Shape, shape},
    tree::{Location, Node, Step, Value, format_steps},
};

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Set,
    Sweep,
}

impl Kind {
    /// What a file without a name is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Sweep => "sweep",
        }
    }
}

/// What makes a file a sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Evidence {
    pub(crate) at: Location,
    pub(crate) path: String,
}

/// Fields of a strategy that only sweeps have.
const FIELDS: [&str; 3] = ["where", "points", "timeframes"];

/// The first thing in a file that makes it a sweep.
pub(crate) fn of_a_sweep(root: &Node, registry: &Registry) -> Option<Evidence> {
    if let Some(entry) = root.entries().iter().find(|entry| &*entry.key.text == "sweep") {
        return Some(Evidence { at: entry.key.at, path: "sweep".into() });
    }
    let Value::Sequence(strategies) = &root.get("strategies")?.value else { return None };
    strategies.iter().enumerate().find_map(|(index, strategy)| {
        let steps = [Step::Key("strategies"), Step::Index(index)];
        let evidence = |at: Location, more: &[Step<'_>]| {
            let path = format_steps(&[&steps, more].concat());
            Some(Evidence { at, path })
        };
        for entry in strategy.entries() {
            if FIELDS.contains(&&*entry.key.text) {
                return evidence(entry.key.at, &[Step::Key(&entry.key.text)]);
            }
        }
        let kind = match strategy.get("kind").map(|kind| &kind.value) {
            Some(Value::Scalar(kind)) => registry.find_strategy(&kind.text),
            _ => None,
        };
        let schema = kind.map(|kind| &kind.schema);
        let params = strategy.get("params")?;
        let several = |name: &str, node: &Node| shape(schema, name, node) != Shape::Single;
        let varied = params.entries().iter().find(|entry| several(&entry.key.text, &entry.value))?;
        evidence(varied.value.at, &[Step::Key("params"), Step::Key(&varied.key.text)])
    })
}
