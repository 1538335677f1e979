//! The JSON Schema of sets and sweeps, for editors: completion and checks while one is written.

use barhive_engine::Registry;
use serde_json::{Map, Value, json};

use crate::{
    preset,
    section::{SetSection, SweepFileSection, SweptSection},
};

/// The JSON Schema (draft 2020-12) of a set, with the parameters of every registered part.
///
/// The parameters of a strategy or feed follow from its `kind` by `if`/`then`.
pub fn schema(registry: &Registry) -> Value {
    let root = schemars::schema_for!(SetSection).to_value();
    let defs = strategies(registry).collect();
    complete(root, "barhive strategy set", registry, ("Strategy", defs))
}

/// The JSON Schema (draft 2020-12) of a sweep: like that of a set, but parameters take several values.
pub fn sweep_schema(registry: &Registry) -> Value {
    let mut root = schemars::schema_for!(SweepFileSection).to_value();
    let swept = schemars::schema_for!(SweptSection).to_value();
    root["$defs"]["Swept"] = own(swept);
    let defs = strategies(registry).map(|(name, summary, schema)| (name, summary, varied(schema)));
    complete(root, "barhive sweep", registry, ("SweepStrategy", defs.collect()))
}

/// A part's name, what it does, and the schema of its parameters.
type Part<'a> = (&'a str, &'a str, Value);

fn strategies(registry: &Registry) -> impl Iterator<Item = Part<'_>> {
    registry.strategies().map(|def| (def.name.as_str(), def.summary.as_str(), def.schema.clone()))
}

fn complete(mut root: Value, title: &str, registry: &Registry, strategies: (&str, Vec<Part<'_>>)) -> Value {
    root["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    root["title"] = json!(title);
    let mut defs = match root["$defs"].take() {
        Value::Object(defs) => defs,
        _ => Map::new(),
    };
    let (section, strategies) = strategies;
    // A wildcard is no kind of its own.
    let is_open = section == "SweepStrategy";
    add_kinds(&mut defs, section, "strategy", strategies, is_open);
    let feeds = registry.feeds().map(|def| (def.name.as_str(), def.summary.as_str(), def.schema.clone()));
    add_kinds(&mut defs, "Feed", "feed", feeds.collect(), false);
    let presets: Vec<&str> = preset::fee_names().collect();
    let calendars: Vec<&str> = preset::calendar_names().collect();
    examples(&mut defs, "Instrument", "calendar", &calendars);
    for (name, field) in [("Instrument", "fees"), ("Account", "fees")] {
        examples(&mut defs, name, field, &presets);
    }
    root["properties"]["fees"]["examples"] = json!(presets);
    root["$defs"] = Value::Object(defs);
    allow_includes(&mut root);
    root
}

/// A schema without what only a root has.
fn own(mut schema: Value) -> Value {
    if let Some(object) = schema.as_object_mut() {
        object.remove("$schema");
        object.remove("$defs");
    }
    schema
}

/// Parameters of which each may take several values, and any may be left to points.
fn varied(mut schema: Value) -> Value {
    if let Some(object) = schema.as_object_mut() {
        object.remove("required");
    }
    for (_, property) in schema["properties"].as_object_mut().into_iter().flatten() {
        let description = property.get("description").cloned();
        let one = property.take();
        let range = json!({ "type": "string", "pattern": r"^\s*range\s*\(" });
        let item = json!({ "anyOf": [one, range] });
        *property = json!({
            "anyOf": [one, { "type": "array", "items": item, "minItems": 1 }, range, { "$ref": SWEPT }]
        });
        if let Some(description) = description {
            property["description"] = description;
        }
    }
    schema
}

/// The mapping form of a parameter; not renamed when a strategy's own definitions are.
const SWEPT: &str = "#/$defs/Swept";

/// Names that an editor offers, besides others that a set declares itself.
fn examples(defs: &mut Map<String, Value>, def: &str, field: &str, names: &[&str]) {
    if let Some(property) = defs.get_mut(def).and_then(|def| def["properties"].get_mut(field)) {
        property["examples"] = json!(names);
    }
}

/// Ties the parameters of a section to its kind.
fn add_kinds(defs: &mut Map<String, Value>, section: &str, what: &str, kinds: Vec<Part<'_>>, is_open: bool) {
    let mut conditions = Vec::with_capacity(kinds.len());
    let mut choices = Vec::with_capacity(kinds.len());
    for (name, summary, schema) in kinds {
        let key = format!("{what}.{name}");
        let needed = schema["required"].as_array().is_some_and(|required| !required.is_empty());
        let params = hoist(defs, &key, schema);
        defs.insert(key.clone(), params);
        let mut then = json!({ "properties": { "params": { "$ref": format!("#/$defs/{key}") } } });
        if needed {
            then["required"] = json!(["params"]);
        }
        conditions.push(json!({ "if": { "properties": { "kind": { "const": name } } }, "then": then }));
        choices.push(json!({ "const": name, "description": summary }));
    }
    if is_open {
        choices.push(json!({ "pattern": r"[*?]", "description": "All kinds that a wildcard matches." }));
    }
    if let Some(section) = defs.get_mut(section) {
        // `required` keeps an absent kind from meeting every condition at once.
        for condition in &mut conditions {
            condition["if"]["required"] = json!(["kind"]);
        }
        section["allOf"] = Value::Array(conditions);
        let kind = &mut section["properties"]["kind"];
        let description = kind["description"].take();
        *kind = json!({ "type": "string", "oneOf": choices, "description": description });
        section["properties"]["params"]["type"] = json!(["object", "null"]);
    }
}

/// Moves a schema's own definitions to the root under names of their own.
fn hoist(defs: &mut Map<String, Value>, key: &str, mut schema: Value) -> Value {
    let own = match schema.as_object_mut() {
        Some(object) => {
            object.remove("$schema");
            object.remove("$defs")
        }
        None => None,
    };
    rename(&mut schema, key);
    if let Some(Value::Object(own)) = own {
        for (name, mut def) in own {
            rename(&mut def, key);
            defs.insert(format!("{key}.{name}"), def);
        }
    }
    schema
}

fn rename(value: &mut Value, key: &str) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                match value {
                    Value::String(text) if name == "$ref" && text != SWEPT => {
                        *text = text.replace("#/$defs/", &format!("#/$defs/{key}."));
                    }
                    other => rename(other, key),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, key)),
        _ => {}
    }
}

/// `include` may stand in every mapping of a set that is not the parameters of a part.
fn allow_includes(root: &mut Value) {
    let include = json!({
        "description": "Files whose fields are put under those of this mapping. Paths are relative to this file.",
        "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }]
    });
    let open = |section: &mut Value| {
        if let Some(properties) = section["properties"].as_object_mut() {
            properties.insert("include".into(), include.clone());
            // A file that is included may bring what is required.
            if let Some(required) = section.as_object_mut().and_then(|section| section.remove("required")) {
                section["anyOf"] = json!([{ "required": required }, { "required": ["include"] }]);
            }
        }
    };
    open(root);
    const OPEN: [&str; 10] = [
        "Account",
        "Risk",
        "Strategy",
        "SweepStrategy",
        "Sweep",
        "Feed",
        "Instrument",
        "Engine",
        "Fill",
        "Report",
    ];
    for name in OPEN {
        if let Some(section) = root["$defs"].get_mut(name) {
            open(section);
        }
    }
}
