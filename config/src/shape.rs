//! What stands behind a parameter: one value, or several.

use serde_json::Value as Json;

use crate::{
    tree::{Node, Value},
    value::is_range,
};

/// How the values of a parameter are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One value.
    Single,
    /// A list of values.
    List,
    /// `range(first, last, step)`.
    Range,
    /// A mapping with `values`.
    Mapping,
}

/// The shape of a parameter; `schema` is that of all the strategy's parameters, if it is known.
pub(crate) fn shape(schema: Option<&Json>, name: &str, node: &Node) -> Shape {
    match &node.value {
        Value::Scalar(scalar) if is_range(&scalar.text) => Shape::Range,
        Value::Sequence(items) => {
            let of_lists = !items.is_empty() && items.iter().all(|i| matches!(i.value, Value::Sequence(_)));
            if !of_lists && schema.is_some_and(|schema| takes_list(schema, name)) {
                Shape::Single
            } else {
                Shape::List
            }
        }
        Value::Mapping(entries) if entries.iter().any(|entry| &*entry.key.text == "values") => Shape::Mapping,
        _ => Shape::Single,
    }
}

/// Whether a parameter itself may be a list, so that a list is one value of it.
fn takes_list(schema: &Json, name: &str) -> bool {
    schema["properties"].get(name).is_some_and(|property| may_be_list(schema, property, 0))
}

fn may_be_list(root: &Json, schema: &Json, depth: u8) -> bool {
    const DEPTH_MAX: u8 = 8;
    if depth > DEPTH_MAX {
        return false;
    }
    if let Some(target) = schema["$ref"].as_str().and_then(|text| text.strip_prefix('#')) {
        return root.pointer(target).is_some_and(|target| may_be_list(root, target, depth + 1));
    }
    if let Some(kinds) = schema.get("type") {
        return kinds == "array" || kinds.as_array().is_some_and(|kinds| kinds.iter().any(|k| k == "array"));
    }
    let choices = ["anyOf", "oneOf"].iter().filter_map(|key| schema[*key].as_array()).flatten();
    let mut choices = choices.peekable();
    if choices.peek().is_some() {
        return choices.any(|choice| may_be_list(root, choice, depth + 1));
    }
    // A schema that says nothing of its type takes anything.
    schema.get("enum").is_none() && schema.get("const").is_none()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        fault::FaultLog,
        tree::{Budget, parse},
    };

    #[test]
    fn a_list_is_several_values_unless_the_parameter_is_a_list() {
        let schema = json!({
            "properties": {
                "fast": {"type": "integer"},
                "stop": {"anyOf": [{"type": "number"}, {"type": "null"}]},
                "side": {"$ref": "#/$defs/Side"},
                "weights": {"type": ["array", "null"]},
                "extra": true
            },
            "$defs": {"Side": {"oneOf": [{"const": "long"}]}}
        });
        let log = FaultLog::default();
        let of = |name: &str, text: &str| {
            let node = parse(text, log.add_source("x".into(), text.into()), Budget::default(), &log).unwrap();
            shape(Some(&schema), name, &node)
        };
        assert_eq!(of("fast", "[1, 2]"), Shape::List);
        assert_eq!(of("stop", "[1, 2]"), Shape::List);
        assert_eq!(of("side", "[long]"), Shape::List);
        assert_eq!(of("unknown", "[1]"), Shape::List);
        assert_eq!(of("weights", "[1, 2]"), Shape::Single);
        assert_eq!(of("extra", "[1, 2]"), Shape::Single);
        assert_eq!(of("weights", "[[1, 2], [3]]"), Shape::List);
        assert_eq!(of("weights", "{values: [[1, 2]]}"), Shape::Mapping);
        assert_eq!(of("fast", "range(1, 2, 3)"), Shape::Range);
        assert_eq!(of("fast", "\"range(1, 2, 3)\""), Shape::Range);
        assert_eq!(of("fast", "{NO: 1}"), Shape::Single);
        assert_eq!(of("fast", "ranges"), Shape::Single);
    }
}
