//! As much of JSON Schema as the description uses.

use serde_json::Value;

/// What of a value is not as the schema says, with its place.
pub fn faults(root: &Value, schema: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
    let Some(schema) = schema.as_object() else {
        if schema == &Value::Bool(false) {
            found.push(format!("{place}: nothing may be here"));
        }
        return;
    };
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let target =
            root.pointer(name.trim_start_matches('#')).unwrap_or_else(|| panic!("{name} leads nowhere"));
        faults(root, target, value, place, found);
    }
    let is_of = |kind: &str| match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("type {other}"),
    };
    let fits = match schema.get("type") {
        Some(Value::String(kind)) => is_of(kind),
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| is_of(kind.as_str().expect("a type"))),
        _ => true,
    };
    if !fits {
        return found.push(format!("{place}: expected {}, found {value}", schema["type"]));
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array)
        && !words.contains(value)
    {
        found.push(format!("{place}: {value} is none of {words:?}"));
    }
    if schema.get("const").is_some_and(|word| word != value) {
        found.push(format!("{place}: {value} is not {}", schema["const"]));
    }
    for name in ["anyOf", "oneOf"] {
        if let Some(several) = schema.get(name).and_then(Value::as_array) {
            let fits = several.iter().any(|one| {
                let mut faulty = Vec::new();
                faults(root, one, value, place, &mut faulty);
                faulty.is_empty()
            });
            if !fits {
                found.push(format!("{place}: {value} fits none of {several:?}"));
            }
        }
    }
    for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        faults(root, part, value, place, found);
    }
    for name in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
        let name = name.as_str().expect("a name");
        if value.is_object() && value.get(name).is_none() {
            found.push(format!("{place}: {name} is missing"));
        }
    }
    for (name, inner) in value.as_object().into_iter().flatten() {
        match schema.get("properties").and_then(|properties| properties.get(name)) {
            Some(schema) => faults(root, schema, inner, &format!("{place}.{name}"), found),
            // What is answered and not described is a gap of the description.
            None if schema.contains_key("properties") => {
                found.push(format!("{place}.{name} is not described"))
            }
            None => {}
        }
    }
    for (index, inner) in value.as_array().into_iter().flatten().enumerate() {
        if let Some(schema) = schema.get("items") {
            faults(root, schema, inner, &format!("{place}[{index}]"), found);
        }
    }
}

#[test]
fn what_does_not_fit_is_found() {
    let root = serde_json::json!({
        "a": { "type": "object", "required": ["n"], "properties": { "n": { "type": ["integer", "null"] }, "w": { "enum": ["x"] } } }
    });
    let schema = serde_json::json!({ "type": "array", "items": { "$ref": "#/a" } });
    for (value, count) in [
        (serde_json::json!([{ "n": 1, "w": "x" }, { "n": null }]), 0),
        (serde_json::json!([{ "w": "y" }]), 2),
        (serde_json::json!([{ "n": 1.5, "z": 1 }]), 2),
        (serde_json::json!({}), 1),
    ] {
        let mut found = Vec::new();
        faults(&root, &schema, &value, "", &mut found);
        assert_eq!(found.len(), count, "{value}: {found:?}");
    }
}
