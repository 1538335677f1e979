//! The reference of the YAML schema, generated from it.

use std::fmt::Write;

use barhive_engine::Registry;
use serde_json::Value;

use crate::{
    json_schema::{schema, sweep_schema},
    preset,
};

const INTRODUCTION: &str = "\
# YAML reference

<!-- Generated from the schema, and kept true by a test. -->

A set is one YAML file. Everything in it is checked before anything runs, and all faults are shown at once,
with their line and column. `barhive validate set.yaml` checks, `barhive plan set.yaml` predicts, and
`barhive schema > barhive.schema.json` writes the schema for editors; with the line
`# yaml-language-server: $schema=barhive.schema.json` at its head, a set is completed while it is written.

- **Text** is taken as it stands: the symbols `NO`, `1E5` and `0052` need no quotation marks. A text that
  starts with `*` or `&` does: `\"*USDT\"`.
- **Numbers** are plain decimals. Amounts, quantities and rates are kept exactly.
- **Whether** something is so is `true` or `false`, in no other spelling.
- **Unknown fields** are refused.
- **Include** puts another file in place. Under a mapping, `include: base.yaml` (or a list of files) brings
  fields that the mapping's own fields override; an item `{include: more.yaml}` of a list becomes the items
  of that file. Paths are relative to the including file and stay within the folder of the first one.
- **Overrides** on the command line replace single values: `--set strategies[0].params.fast=12`, or by name,
  `--set strategies[trend].params.fast=12`.
- **Secrets** are the only fields in which `${NAME}` stands for an environment variable.
";

const SWEEPS: &str = "
# Sweeps

A sweep is a file like a set in which parameters take several values. Every combination is run on an account
of its own. `barhive sweep sweep.yaml` runs it, `validate` and `plan` take it as they take a set, and
`barhive schema sweep` writes its schema. It says all that a set says but for `accounts` and `risk`, and:

```yaml
strategies:
  - id: cross
    kind: sma_cross
    params:
      fast: range(5, 50, 5)            # 5, 10, ... 50: both ends belong to it
      slow: [30, 50, 80, 120]          # these four
      direction: long                  # one value for all combinations
    where: [\"fast < slow\"]             # combinations that do not satisfy it are left out
    instruments: [BTCUSDT, \"ETH*\"]     # each instrument apart
    timeframes: [1m, 5m]
    sizing: {equity_fraction: 100%}
sweep: {rank: [sharpe, -max_drawdown], top: 20}
```

- **Ranges** are worked out on decimals: `range(0.1, 0.9, 0.1)` holds the doubles nearest to 0.1, 0.2, 0.3
  and so on. The step is 1 when it is left out. Within `{ }` and `[ ]` a range needs quotation marks, for its
  commas are YAML's there: `{fast: \"range(5, 50, 5)\"}`. A range may be an item of a list.
- **A parameter that is a list itself** takes several values as a list of lists, or under `values`.
- **Combinations** are numbered strategy by strategy, then by instruments, timeframes and parameters in the
  order of the file, the last parameter running fastest.
- **Points** are combinations one by one. `points: [{fast: 5, slow: 53}]` lists them here, `points: best.csv`
  in a file beneath the folder of the configuration.
- **In conditions** `${fast}` means the same as `fast`.
";

/// The reference of everything that a set may say, in Markdown.
pub fn reference_markdown(registry: &Registry) -> String {
    let schema = schema(registry);
    let mut out = String::from(INTRODUCTION);
    section(&mut out, &schema, "The set", &schema);
    let sections = [
        ("Feed", "feed"),
        ("Instrument", "instruments"),
        ("Fees", "fees"),
        ("Account", "account, accounts"),
        ("Risk", "risk"),
        ("Strategy", "strategies"),
        ("Sizing", "sizing"),
        ("Limits", "limits"),
        ("Fill", "fill"),
        ("MarketFill", "fill.market"),
        ("Trace", "trace"),
        ("Retention", "retention"),
        ("Calendar", "calendars"),
        ("Engine", "engine"),
        ("Hub", "engine.hub"),
        ("Placement", "engine.placement"),
        ("Bus", "bus"),
        ("Report", "report"),
        ("Origin", "origin"),
    ];
    for (name, title) in sections {
        if let Some(def) = schema["$defs"].get(name) {
            section(&mut out, &schema, &format!("`{title}`"), def);
        }
    }
    sweeps(&mut out, registry);
    kinds(&mut out, &schema, "Kinds of strategy", "strategy", registry.strategies().map(|def| &*def.name));
    kinds(&mut out, &schema, "Kinds of feed", "feed", registry.feeds().map(|def| &*def.name));
    shared(&mut out, &schema);
    presets(&mut out);
    out
}

/// What sweeps say where they differ from sets.
fn sweeps(out: &mut String, registry: &Registry) {
    let schema = sweep_schema(registry);
    out.push_str(SWEEPS);
    section(out, &schema, "The sweep file", &only(&schema, &["strategies", "sweep", "account"]));
    let sections = [
        ("SweepStrategy", "strategies (of a sweep)"),
        ("Swept", "strategies.params (of a sweep)"),
        ("Sweep", "sweep"),
        ("Isolation", "sweep.isolation"),
    ];
    for (name, title) in sections {
        section(out, &schema, &format!("`{title}`"), &schema["$defs"][name]);
    }
}

/// A definition with these of its fields only.
fn only(def: &Value, fields: &[&str]) -> Value {
    let mut def = def.clone();
    if let Some(properties) = def["properties"].as_object_mut() {
        properties.retain(|name, _| fields.contains(&name.as_str()));
    }
    def
}

fn section(out: &mut String, root: &Value, title: &str, def: &Value) {
    let _ = write!(out, "\n## {title}\n\n{}\n", text(def));
    fields(out, root, def);
}

fn kinds<'a>(out: &mut String, root: &Value, title: &str, what: &str, names: impl Iterator<Item = &'a str>) {
    let _ = write!(out, "\n## {title}\n");
    for name in names {
        let def = &root["$defs"][format!("{what}.{name}")];
        let _ = write!(out, "\n### `{name}`\n\n{}\n", text(def));
        fields(out, root, def);
    }
}

/// The mappings and choices within parameters, each once however many kinds have it.
fn shared(out: &mut String, root: &Value) {
    let mut known: Vec<&str> = vec!["Calendar"];
    let defs = root["$defs"].as_object();
    for (name, def) in defs.into_iter().flatten().filter(|(name, _)| name.matches('.').count() >= 2) {
        let described = def.get("properties").is_some() || def.get("oneOf").is_some();
        if !described || known.contains(&short(name)) {
            continue;
        }
        if known.len() == 1 {
            out.push_str("\n## Mappings and choices within parameters\n");
        }
        known.push(short(name));
        let _ = write!(out, "\n### {}\n\n{}\n", short(name), text(def));
        fields(out, root, def);
    }
}

fn presets(out: &mut String) {
    let _ = write!(out, "\n## Fee schedules\n\n| name | what it is |\n|---|---|\n");
    for name in preset::fee_names() {
        let _ = writeln!(out, "| `{name}` | {} |", preset::description(name));
    }
    let _ = write!(out, "\n## Calendars that come along\n\n| name | what it is |\n|---|---|\n");
    for name in preset::calendar_names() {
        let text = match preset::description(name) {
            text if text.is_empty() => "Around the clock, every day.".to_owned(),
            text => text,
        };
        let _ = writeln!(out, "| `{name}` | {text} |");
    }
}

/// The fields of a mapping, or the choices of an enumeration, as a table.
fn fields(out: &mut String, root: &Value, def: &Value) {
    if let Some(properties) = def["properties"].as_object().filter(|properties| !properties.is_empty()) {
        let required = required(def);
        out.push_str("\n| field | type | default | meaning |\n|---|---|---|---|\n");
        for (name, property) in properties.iter().filter(|(name, _)| *name != "include") {
            let default = match property.get("default") {
                _ if required.contains(&name.as_str()) => "required".to_owned(),
                // Mappings are described field by field further down.
                Some(Value::Null | Value::Object(_)) | None => String::new(),
                Some(value) => format!("`{}`", plain(value)),
            };
            let kind = kind(root, property).replace('|', "\\|");
            let _ = writeln!(out, "| `{name}` | {kind} | {default} | {} |", cell(&meaning(root, property)));
        }
        return;
    }
    let choices: Vec<&Value> =
        ["oneOf", "anyOf"].iter().filter_map(|key| def[*key].as_array()).flatten().collect();
    if choices.is_empty() {
        return;
    }
    out.push_str("\n| choice | meaning |\n|---|---|\n");
    for choice in choices {
        if let Some(names) = choice["enum"].as_array() {
            for name in names {
                let _ = writeln!(out, "| `{}` | {} |", plain(name), cell(&text(choice)));
            }
        } else if let Some(name) = choice.get("const") {
            let _ = writeln!(out, "| `{}` | {} |", plain(name), cell(&text(choice)));
        } else if let Some((name, _)) = choice["properties"].as_object().and_then(|p| p.iter().next()) {
            let _ = writeln!(out, "| `{{{name}: ...}}` | {} |", cell(&text(choice)));
        }
    }
}

fn required(def: &Value) -> Vec<&str> {
    let own = def["required"].as_array();
    // Where files may be included, what is required stands in the first alternative.
    let list = own.or_else(|| def["anyOf"][0]["required"].as_array());
    list.map(|names| names.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
}

/// What a property may be, in words.
fn kind(root: &Value, property: &Value) -> String {
    if let Some(name) = property["$ref"].as_str().and_then(|text| text.strip_prefix("#/$defs/")) {
        let def = &root["$defs"][name];
        return match def.get("properties") {
            Some(_) => format!("mapping: {}", short(name)),
            None => kind_of_def(root, def, name),
        };
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(choices) = property[key].as_array() {
            let is_kind =
                |c: &Value| c.get("const").is_some() || c.get("pattern").is_some() && c.get("type").is_none();
            if choices.iter().all(is_kind) {
                return "a kind".into();
            }
            let mut kinds: Vec<String> = Vec::new();
            for choice in choices.iter().filter(|choice| choice["type"] != "null") {
                let kind = kind(root, choice);
                if !kinds.contains(&kind) {
                    kinds.push(kind);
                }
            }
            return kinds.join(" or ");
        }
    }
    if let Some(names) = property["enum"].as_array() {
        let names: Vec<String> = names.iter().map(|name| format!("`{}`", plain(name))).collect();
        return names.join(", ");
    }
    let types: Vec<&str> = match &property["type"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let words: Vec<String> = types
        .iter()
        .filter(|kind| **kind != "null")
        .map(|kind| match *kind {
            "string" => "text".to_owned(),
            "integer" => bounded("whole number", property),
            "number" => bounded("number", property),
            "boolean" => "true or false".to_owned(),
            "array" => format!("list of {}", kind_or(root, &property["items"], "anything")),
            "object" => "mapping".to_owned(),
            other => other.to_owned(),
        })
        .collect();
    if words.is_empty() { "anything".to_owned() } else { words.join(" or ") }
}

fn kind_or(root: &Value, property: &Value, otherwise: &str) -> String {
    if property.is_object() { kind(root, property) } else { otherwise.to_owned() }
}

fn kind_of_def(root: &Value, def: &Value, name: &str) -> String {
    match short(name) {
        simple @ ("Cash" | "Decimal" | "Rate" | "Fraction" | "Stamp" | "Span" | "ByteSize" | "Timeframe"
        | "Secret" | "Money") => match simple {
            "Cash" => "amount and currency".into(),
            "ByteSize" => "bytes".into(),
            "Span" => "span of time".into(),
            "Stamp" => "UTC date or date-time".into(),
            "Money" => "amount".into(),
            other => other.to_lowercase(),
        },
        short => {
            let choices: Vec<String> = ["oneOf", "anyOf"]
                .iter()
                .filter_map(|key| def[*key].as_array())
                .flatten()
                .filter_map(|choice| match choice.get("const") {
                    Some(name) => Some(format!("`{}`", plain(name))),
                    None => choice["enum"]
                        .as_array()
                        .map(|names| {
                            names.iter().map(|n| format!("`{}`", plain(n))).collect::<Vec<_>>().join(", ")
                        })
                        .or_else(|| {
                            choice["properties"]
                                .as_object()?
                                .keys()
                                .next()
                                .map(|key| format!("`{{{key}: ...}}`"))
                        }),
                })
                .collect();
            match choices.is_empty() {
                true if def.get("type").is_some() || def.get("enum").is_some() => kind(root, def),
                true => short.to_lowercase(),
                false => choices.join(", "),
            }
        }
    }
}

fn bounded(word: &str, property: &Value) -> String {
    match (property.get("minimum"), property.get("maximum")) {
        (Some(min), Some(max)) => format!("{word} from {} to {}", plain(min), plain(max)),
        (Some(min), None) if plain(min) != "0" && plain(min) != "0.0" => {
            format!("{word}, at least {}", plain(min))
        }
        (None, Some(max)) => format!("{word}, at most {}", plain(max)),
        _ => word.to_owned(),
    }
}

/// The last part of a definition's name: `strategy.sma_cross.Direction` is `Direction`.
fn short(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

fn meaning(root: &Value, property: &Value) -> String {
    let own = text(property);
    if !own.is_empty() {
        return own;
    }
    let reference = property["$ref"].as_str().and_then(|text| text.strip_prefix("#/$defs/"));
    reference.map(|name| text(&root["$defs"][name])).unwrap_or_default()
}

fn text(def: &Value) -> String {
    def["description"].as_str().unwrap_or_default().to_owned()
}

fn cell(text: &str) -> String {
    text.replace('\n', " ").replace('|', "\\|")
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
