//! Parameters of a part, read from its JSON Schema for people.

use serde_json::{Map, Value, json};

/// One parameter.
#[derive(Debug, PartialEq)]
pub(super) struct ParamRow {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) range: String,
    /// `None` when the parameter must be given.
    pub(super) default: Option<Value>,
    pub(super) doc: String,
}

impl ParamRow {
    pub(super) fn to_json(&self) -> Value {
        let mut row = json!({ "name": self.name, "type": self.kind, "doc": self.doc });
        if !self.range.is_empty() {
            row["range"] = json!(self.range);
        }
        match &self.default {
            Some(default) => row["default"] = default.clone(),
            None => row["required"] = json!(true),
        }
        row
    }
}

/// The parameters that an object's schema describes, in the schema's order.
pub(super) fn of_schema(schema: &Value) -> Vec<ParamRow> {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return Vec::new() };
    let required: Vec<_> = list(schema.get("required")).filter_map(Value::as_str).collect();
    let row = |(name, property): (&String, &Value)| {
        let resolved = resolve(schema, property);
        let default = match property.get("default") {
            Some(default) => Some(default.clone()),
            None => (!required.contains(&name.as_str())).then_some(Value::Null),
        };
        let doc = property.get("description").or_else(|| resolved.get("description"));
        ParamRow {
            name: name.clone(),
            kind: kind_of(schema, &resolved),
            range: range_of(&resolved),
            default,
            doc: doc.and_then(Value::as_str).unwrap_or_default().replace('\n', " "),
        }
    };
    properties.iter().map(row).collect()
}

/// A value as a table shows it.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        // Its fields have their own defaults; the reference and the schema list them.
        Value::Object(_) => "{...}".to_owned(),
        other => other.to_string(),
    }
}

fn list(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

/// Follows one `$ref` into the schema's definitions.
fn resolve(root: &Value, property: &Value) -> Map<String, Value> {
    let target = property
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|path| root.pointer(path.trim_start_matches('#')));
    target.unwrap_or(property).as_object().cloned().unwrap_or_default()
}

fn kind_of(root: &Value, property: &Map<String, Value>) -> String {
    if let Some(one) = property.get("enum").and_then(Value::as_array) {
        return one.iter().map(plain).collect::<Vec<_>>().join(" | ");
    }
    match property.get("type") {
        Some(Value::String(kind)) if kind == "array" => {
            let items = property.get("items").map(|items| kind_of(root, &resolve(root, items)));
            format!("list of {}", items.unwrap_or_else(|| "any".to_owned()))
        }
        Some(Value::String(kind)) => kind.clone(),
        Some(Value::Array(kinds)) => {
            let kinds: Vec<_> =
                kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null").collect();
            kinds.join(" or ")
        }
        _ => {
            let choices: Vec<_> = ["anyOf", "oneOf"]
                .into_iter()
                .flat_map(|key| list(property.get(key)))
                .map(|choice| choice_of(root, choice))
                .filter(|kind| kind != "null")
                .collect();
            if choices.is_empty() { "any".to_owned() } else { choices.join(" | ") }
        }
    }
}

/// One branch of a choice: a constant, a map with one key, or a type.
fn choice_of(root: &Value, choice: &Value) -> String {
    if let Some(constant) = choice.get("const") {
        return plain(constant);
    }
    let resolved = resolve(root, choice);
    match resolved.get("properties").and_then(Value::as_object) {
        Some(properties) if properties.len() == 1 => {
            properties.keys().map(|key| format!("{{{key}: ...}}")).collect()
        }
        _ => kind_of(root, &resolved),
    }
}

fn range_of(property: &Map<String, Value>) -> String {
    let bound = |inclusive: &str, exclusive: &str| {
        let open = property.get(exclusive).map(|value| (plain(value), true));
        property.get(inclusive).map(|value| (plain(value), false)).or(open)
    };
    let low = bound("minimum", "exclusiveMinimum");
    let high = bound("maximum", "exclusiveMaximum");
    match (low, high) {
        (Some((low, open_low)), Some((high, open_high))) => {
            let above = if open_low { "above " } else { "" };
            let below = if open_high { "below " } else { "" };
            format!("{above}{low} to {below}{high}")
        }
        (Some((low, true)), None) => format!("above {low}"),
        (Some((low, false)), None) => format!("from {low}"),
        (None, Some((high, true))) => format!("below {high}"),
        (None, Some((high, false))) => format!("up to {high}"),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(schemars::JsonSchema)]
    #[allow(dead_code, reason = "only its schema is looked at")]
    struct Sample {
        /// Bars of the fast average.
        #[schemars(range(min = 1, max = 500))]
        fast: u32,
        #[serde(default)]
        side: Side,
        symbols: Vec<String>,
        limit: Option<f64>,
    }

    #[derive(schemars::JsonSchema, serde::Serialize, Default)]
    #[allow(dead_code, reason = "only its schema is looked at")]
    enum Side {
        #[default]
        Long,
        Short,
    }

    #[test]
    fn a_schema_is_told_as_rows() {
        let rows = of_schema(&schemars::schema_for!(Sample).to_value());
        let shown: Vec<_> = rows
            .iter()
            .map(|row| (row.name.as_str(), row.kind.as_str(), row.range.as_str(), row.default.clone()))
            .collect();
        assert_eq!(shown[0], ("fast", "integer", "1 to 500", None));
        assert_eq!(shown[1], ("limit", "number", "", Some(Value::Null)));
        assert_eq!(shown[2], ("side", "Long | Short", "", Some(json!("Long"))));
        assert_eq!(shown[3], ("symbols", "list of string", "", None));
        assert_eq!(rows[0].doc, "Bars of the fast average.");
    }
}
