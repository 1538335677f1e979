//! The user's documentation names every strategy and every parameter with its default.

use crate::kit::registry;

/// A default as the documentation writes it.
fn spelled(default: &serde_json::Value) -> String {
    match default {
        serde_json::Value::Null => "none".to_owned(),
        serde_json::Value::String(text) => format!("`{text}`"),
        serde_json::Value::Number(number) => number.as_f64().map_or_else(String::new, |n| n.to_string()),
        other => other.to_string(),
    }
}

#[test]
fn the_documentation_lists_every_strategy_with_its_parameters_and_defaults() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/strategies.md");
    let text = std::fs::read_to_string(path).expect("the documentation");
    for def in registry().strategies() {
        let section = text
            .split("\n## ")
            .find(|section| {
                section.lines().next().is_some_and(|title| title.split(", ").any(|n| n == def.name))
            })
            .unwrap_or_else(|| panic!("docs/strategies.md lacks {}", def.name));
        let properties =
            def.schema.get("properties").and_then(|p| p.as_object()).cloned().unwrap_or_default();
        for (name, schema) in properties {
            let row = format!("| `{name}` | {} |", spelled(&schema["default"]));
            assert!(section.contains(&row), "{}: the documentation lacks {row}", def.name);
        }
    }
}
