//! Points of a strategy, one by one: from the sweep's file or from a file of their own.

use std::{collections::HashMap, path::Path};

use barhive_engine::sweep::Condition;
use serde_json::{Map, Value as Json};

use super::{Typing, csv};
use crate::{
    PointsFile,
    build::Scene,
    read::Place,
    source::{Folder, plain_path, take_text},
    tree::{Budget, Entry, Node, Step, Value, parse, quote},
};

/// Values that a file of points may have.
const NODES_MAX: usize = 8_000_000;

/// A point as it was written down.
struct Row<'t> {
    node: Node,
    steps: Vec<Step<'t>>,
}

/// The points that a strategy accepts; `None` when there is a fault.
///
/// `fixed` are parameters that points share unless they say otherwise. Every point satisfies all
/// `constraints`.
pub(super) fn points<'t>(
    typing: &Typing<'_, '_, 't>,
    place: &Place<'t>,
    fixed: &[Entry],
    constraints: &[Condition],
    files: &mut Vec<PointsFile>,
) -> Option<Vec<Map<String, Json>>> {
    let log = typing.scene.reader.log();
    let before = log.count();
    let rows = rows(typing.scene, place, files)?;
    let mut sound = log.count() == before;
    if rows.is_empty() && sound {
        typing.scene.reader.fault(place, "expected at least one point", None);
        return None;
    }
    let mut points = Vec::with_capacity(rows.len());
    let mut known: HashMap<String, usize> = HashMap::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        if log.is_full() {
            return None;
        }
        let path = || crate::tree::format_steps(&row.steps);
        let Value::Mapping(own) = &row.node.value else {
            let message = format!("expected a mapping of parameters, found {}", row.node.describe());
            log.add(row.node.at, &path(), message, Some("write {fast: 5, slow: 53}".into()));
            sound = false;
            continue;
        };
        let others = fixed.iter().filter(|entry| own.iter().all(|own| own.key.text != entry.key.text));
        let entries: Vec<Entry> = others.chain(own).cloned().collect();
        let Some(typed) = typing.read(row.node.at, &row.steps, entries) else {
            sound = false;
            continue;
        };
        let fault = |message: String| log.add(row.node.at, &path(), message, None);
        for constraint in constraints {
            match constraint.holds(&typed.completed) {
                Ok(true) => {}
                Ok(false) => {
                    fault(format!("does not satisfy {}", quote(constraint.text())));
                    sound = false;
                }
                Err(error) => {
                    fault(format!("{}: {error}", quote(constraint.text())));
                    sound = false;
                }
            }
        }
        let key = Json::Object(typed.completed).to_string();
        if let Some(first) = known.insert(key, index) {
            fault(format!("is the same as point {}", first + 1));
            sound = false;
        }
        points.push(typed.given);
    }
    sound.then_some(points)
}

fn rows<'t>(scene: &Scene<'_, 't>, place: &Place<'t>, files: &mut Vec<PointsFile>) -> Option<Vec<Row<'t>>> {
    match &place.node.value {
        Value::Sequence(_) => {
            let items = place.items().into_iter();
            Some(items.map(|item| Row { node: item.node.clone(), steps: item.steps }).collect())
        }
        Value::Scalar(scalar) if !place.node.is_null() => {
            let rows = file(scene, place, &scalar.text, files)?;
            Some(rows.into_iter().map(|node| Row { node, steps: place.steps.clone() }).collect())
        }
        _ => {
            let message =
                format!("expected a list of points or the path of a file, found {}", place.node.describe());
            scene.reader.fault(place, message, Some("write [{fast: 5, slow: 53}]".into()));
            None
        }
    }
}

/// The points of a file beneath the folder of the configuration.
fn file(
    scene: &Scene<'_, '_>,
    place: &Place<'_>,
    path: &str,
    files: &mut Vec<PointsFile>,
) -> Option<Vec<Node>> {
    let fault = |message: String, hint: Option<&str>| {
        scene.reader.fault(place, message, hint.map(str::to_owned));
        None
    };
    let plain = match plain_path(Path::new(""), path) {
        Ok(plain) => plain,
        Err(message) => return fault(message, None),
    };
    let folder = Folder::new(scene.base_dir.to_path_buf());
    let bytes = match folder.read(&plain) {
        Ok(bytes) => bytes,
        Err(error) => {
            let message = format!("{} cannot be read: {error}", quote(path));
            return fault(message, Some("paths are relative to the folder of the configuration"));
        }
    };
    let log = scene.reader.log();
    let name = scene.base_dir.join(&plain).to_string_lossy().into_owned();
    let (file, text) = take_text(bytes, name, log)?;
    if files.iter().all(|known| known.path != plain) {
        files.push(PointsFile { path: plain.clone(), text: text.clone() });
    }
    let extension = plain.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    match extension.as_deref() {
        Some("csv") => Some(csv::rows(&text, file, log)),
        Some("json" | "yaml" | "yml") => {
            // JSON is YAML but for its tabs, which stand between values only.
            let text = text.replace('\t', " ");
            let budget = Budget { depth_max: 16, nodes_max: NODES_MAX };
            match parse(&text, file, budget, log)? {
                Node { value: Value::Sequence(points), .. } => Some(points),
                other => {
                    let message = format!("expected a list of points, found {}", other.describe());
                    log.add(other.at, &place.path(), message, None);
                    None
                }
            }
        }
        _ => fault(
            format!("{} is no file of points", quote(path)),
            Some("its name ends in .json, .yaml or .csv"),
        ),
    }
}
