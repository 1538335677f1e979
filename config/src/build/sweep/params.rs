//! What a sweep says of a strategy's parameters, before the strategy has read them.

use super::Typing;
use crate::{
    build::Scene,
    read::{Captured, Place},
    section::{Params, SweptSection},
    shape::{Shape, shape},
    tree::{Entry, Node, Scalar, Value},
    value::range_values,
};

/// A parameter with several values.
pub(super) struct Swept<'t> {
    pub(super) place: Place<'t>,
    /// Its key, and the first of its values.
    pub(super) entry: Entry,
    pub(super) values: Vec<Node>,
    pub(super) when: Option<Place<'t>>,
    pub(super) default: Option<Entry>,
}

/// The parameters of a strategy.
#[derive(Default)]
pub(super) struct Said<'t> {
    /// Those that all combinations share.
    pub(super) fixed: Vec<Entry>,
    /// Those that take several values, in the order of the file.
    pub(super) swept: Vec<Swept<'t>>,
}

/// The parameters of a strategy; those that cannot be understood are in the log, and hidden from `typing`.
pub(super) fn said<'t>(typing: &mut Typing<'_, '_, 't>, params: &Place<'t>) -> Said<'t> {
    let reader = typing.scene.reader;
    let mut said = Said::default();
    if !matches!(params.node.value, Value::Mapping(_)) && !params.node.is_null() {
        let message = format!("expected a mapping, found {}", params.node.describe());
        reader.fault(params, message, None);
    }
    let mut remains = false;
    for entry in params.node.entries() {
        let Some(place) = params.get(&entry.key.text) else { continue };
        let name = &*entry.key.text;
        if remains && entry.value.is_null() {
            // `{fast: range(5, 50, 5)}` is cut at its commas into `fast`, `50` and `5)`.
            remains = !name.ends_with(')');
            typing.hidden.insert(name.to_owned());
            said.fixed.push(entry.clone());
            continue;
        }
        let swept = match shape(Some(&typing.def.schema), name, &entry.value) {
            Shape::Single => {
                said.fixed.push(entry.clone());
                continue;
            }
            Shape::List | Shape::Range => expand(typing.scene, &place).map(|values| (values, None, None)),
            Shape::Mapping => mapping(typing.scene, &place),
        };
        if swept.as_ref().is_some_and(|(values, ..)| values.is_empty()) {
            reader.fault(&place, "expected at least one value", None);
        }
        let swept = swept.and_then(|swept| Some((swept.0.first()?.clone(), swept)));
        let Some((first, (values, when, default))) = swept else {
            remains = is_cut(&entry.value);
            typing.hidden.insert(name.to_owned());
            said.fixed.push(entry.clone());
            continue;
        };
        let with = |value: Node| Entry { key: entry.key.clone(), value };
        said.swept.push(Swept {
            entry: with(first),
            default: default.map(|default| with(default.node.clone())),
            place,
            values,
            when,
        });
    }
    said
}

/// Whether a range was cut at its first comma.
fn is_cut(node: &Node) -> bool {
    matches!(&node.value, Value::Scalar(scalar) if !scalar.text.contains(')'))
}

type Mapping<'t> = (Vec<Node>, Option<Place<'t>>, Option<Place<'t>>);

fn mapping<'t>(scene: &Scene<'_, 't>, place: &Place<'t>) -> Option<Mapping<'t>> {
    let section: SweptSection = scene.reader.read(place)?;
    let place = |captured: &Captured<Params>| scene.reader.place(captured.place);
    let values = expand(scene, &place(section.values.as_ref()?))?;
    let when = section.when.as_ref().map(|when| scene.reader.place(when.place));
    Some((values, when, section.default.as_ref().map(place)))
}

/// The values of a list or range; a range may be an item of a list.
fn expand(scene: &Scene<'_, '_>, place: &Place<'_>) -> Option<Vec<Node>> {
    let mut values = Vec::new();
    let mut sound = true;
    let items = match &place.node.value {
        Value::Sequence(_) => place.items(),
        _ => vec![place.clone()],
    };
    for item in items {
        match &item.node.value {
            Value::Scalar(scalar) if shape(None, "", item.node) == Shape::Range => {
                match range_values(&scalar.text) {
                    Ok(range) => values.extend(range.into_iter().map(|text| Node {
                        at: item.at,
                        value: Value::Scalar(Scalar { text: text.into(), quoted: false }),
                    })),
                    Err(message) => {
                        let cut = is_cut(item.node);
                        let hint = "between { } or [ ], put it in quotation marks: \"range(5, 50, 5)\"";
                        scene.reader.fault(&item, message, cut.then(|| hint.into()));
                        sound = false;
                    }
                }
            }
            _ => values.push(item.node.clone()),
        }
    }
    sound.then_some(values)
}
