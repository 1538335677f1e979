//! The schema and the reference describe what is accepted.

mod kit;

use barhive_engine::{Registry, indicator};
use serde_json::Value;

fn builtin() -> Registry {
    let indicators =
        indicator::builtin().into_iter().fold(Registry::empty(), |parts, def| parts.indicator(def));
    barhive_feeds::register(barhive_strategies::register(indicators))
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                match value {
                    Value::String(text) if name == "$ref" => found.push(text.clone()),
                    other => references(other, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn every_reference_of_the_schema_leads_somewhere() {
    let schema = barhive_config::schema(&builtin());
    let mut found = Vec::new();
    references(&schema, &mut found);
    assert!(found.len() > 30);
    for reference in found {
        let pointer = reference.strip_prefix('#').expect("references stay within the schema");
        assert!(schema.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn the_schema_knows_the_parameters_of_every_kind() {
    let schema = barhive_config::schema(&kit::registry());
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let strategy = &schema["$defs"]["Strategy"];
    let condition = strategy["allOf"]
        .as_array()
        .unwrap()
        .iter()
        .find(|condition| condition["if"]["properties"]["kind"]["const"] == "sma_cross")
        .unwrap();
    assert_eq!(condition["then"]["properties"]["params"]["$ref"], "#/$defs/strategy.sma_cross");
    assert_eq!(condition["then"]["required"][0], "params");
    let params = &schema["$defs"]["strategy.sma_cross"];
    assert_eq!(params["additionalProperties"], false);
    assert_eq!(params["properties"]["side"]["$ref"], "#/$defs/strategy.sma_cross.Side");
}

#[test]
fn the_schema_of_sweeps_lets_every_parameter_take_several_values() {
    let schema = barhive_config::sweep_schema(&kit::registry());
    let mut found = Vec::new();
    references(&schema, &mut found);
    for reference in found {
        let pointer = reference.strip_prefix('#').expect("references stay within the schema");
        assert!(schema.pointer(pointer).is_some(), "{reference}");
    }
    let params = &schema["$defs"]["strategy.sma_cross"];
    assert!(params.get("required").is_none(), "points may name what is required");
    let forms = params["properties"]["side"]["anyOf"].as_array().unwrap();
    assert_eq!(forms[0]["$ref"], "#/$defs/strategy.sma_cross.Side");
    assert_eq!(forms[1]["items"]["anyOf"][0]["$ref"], "#/$defs/strategy.sma_cross.Side");
    assert_eq!(forms[3]["$ref"], "#/$defs/Swept");
    let kinds = schema["$defs"]["SweepStrategy"]["properties"]["kind"]["oneOf"].as_array().unwrap();
    assert!(kinds.iter().any(|kind| kind["pattern"] == "[*?]"));
    assert_eq!(
        schema["properties"]["sweep"]["$ref"].is_null(),
        schema["properties"]["sweep"]["anyOf"].is_array()
    );
}

#[test]
fn every_field_is_documented() {
    documented(&barhive_config::schema(&builtin()));
    documented(&barhive_config::sweep_schema(&builtin()));
}

fn documented(schema: &Value) {
    let sections = schema["$defs"].as_object().unwrap().iter().chain([]);
    for (name, section) in sections.filter(|(name, _)| !name.starts_with("feed.csv")) {
        for (field, property) in section["properties"].as_object().into_iter().flatten() {
            let documented = property.get("description").is_some() || property.get("$ref").is_some();
            assert!(documented, "{name}.{field}");
        }
    }
    for (field, property) in schema["properties"].as_object().unwrap() {
        assert!(property.get("description").is_some(), "{field}");
    }
}

#[test]
fn the_reference_describes_every_section_and_kind() {
    let registry = builtin();
    let text = barhive_config::reference_markdown(&registry);
    for heading in [
        "## The set",
        "## The sweep file",
        "## `sweep`",
        "## `strategies`",
        "### `sma_cross`",
        "### `synthetic`",
        "### Layout",
        "| `xnys` |",
    ] {
        assert!(text.contains(heading), "{heading}");
    }
    for line in text.lines().filter(|line| line.starts_with("| `")) {
        let meaning = line.trim_end_matches('|').rsplit(" | ").next().unwrap_or_default();
        assert!(!meaning.trim().is_empty(), "no meaning: {line}");
    }
}
