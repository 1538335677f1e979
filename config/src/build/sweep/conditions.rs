//! Conditions on parameters, and where in them a fault is.

use barhive_engine::sweep::{Condition, ConditionError};

use crate::{
    build::Scene,
    read::Place,
    suggest,
    tree::{Location, Value, quote},
};

/// Reads a condition; `known` are the parameters that it may look at.
///
/// `${fast}` stands for `fast`.
pub(super) fn condition(scene: &Scene<'_, '_>, place: &Place<'_>, known: &[&str]) -> Option<Condition> {
    let Value::Scalar(scalar) = &place.node.value else {
        let message =
            format!("expected a condition such as \"fast < slow\", found {}", place.node.describe());
        scene.reader.fault(place, message, None);
        return None;
    };
    let fault = |column: usize, message: String, hint: Option<String>| {
        let shift = column as u32 - 1 + u32::from(scalar.quoted);
        let at = match scalar.text.contains('\n') {
            true => place.at,
            false => Location { column: place.at.column + shift, ..place.at },
        };
        scene.reader.log().add(at, &place.path(), message, hint);
    };
    let text = without_marks(&scalar.text);
    let condition = match Condition::parse(&text) {
        Ok(condition) => condition,
        Err(ConditionError::Syntax { column, expected, found }) => {
            fault(column, format!("expected {expected}, found {}", found.replace('`', "\"")), None);
            return None;
        }
        Err(error) => {
            fault(1, error.to_string().replace('`', "\""), None);
            return None;
        }
    };
    let unknown = condition.names().into_iter().find(|name| !known.contains(name));
    if let Some(name) = unknown {
        let column = column_of(&text, name);
        fault(column, format!("unknown parameter {}", quote(name)), Some(suggest::hint(name, known)));
        return None;
    }
    Some(condition)
}

/// `${fast}` as `  fast `: places stay where they are.
fn without_marks(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, behind)) = after.split_once('}') else { break };
        plain.extend([before, "  ", name, " "]);
        rest = behind;
    }
    plain + rest
}

/// The 1-based column of a name, in characters.
fn column_of(text: &str, name: &str) -> usize {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let at = text
        .match_indices(name)
        .map(|(at, _)| at)
        .find(|at| !text[..*at].ends_with(is_word) && !text[at + name.len()..].starts_with(is_word));
    at.map_or(1, |at| text[..at].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_survive_the_marks_around_names() {
        let text = without_marks("${fast} < ${slow} and x");
        assert_eq!(text, "  fast  <   slow  and x");
        assert_eq!(column_of(&text, "slow"), 13);
        assert_eq!(column_of("sl < slow_s and slow", "slow"), 17);
        assert_eq!(without_marks("a ${b"), "a ${b");
    }
}
