//! Conditions on parameters: `fast < slow`, `use_stop and stop <= 3 * atr`.
//!
//! Numbers, texts in single or double quotes, `true`, `false`, names of parameters; `+ - * / %`,
//! comparisons (`a < b < c` holds when both do), `not`, `and`, `or`, parentheses.

mod parse;

use std::fmt;

use serde_json::{Map, Value as Json};

/// A condition on the parameters of a point.
#[derive(Clone, PartialEq)]
pub struct Condition {
    text: String,
    root: Node,
}

/// Why a condition cannot be read or worked out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    /// The text is not a condition.
    #[error("column {column}: expected {expected}, found {found}")]
    Syntax {
        /// 1-based, in characters.
        column: usize,
        /// What could stand there.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// A name that is no parameter of the point.
    #[error("unknown parameter `{0}`")]
    Unknown(String),
    /// Values that do not go together.
    #[error("{0}")]
    Type(String),
}

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Value(Value),
    Name(String),
    Not(Box<Node>),
    Minus(Box<Node>),
    All(Vec<Node>),
    Any(Vec<Node>),
    Chain(Box<Node>, Vec<(Comparison, Node)>),
    Arithmetic(char, Box<Node>, Box<Node>),
}

#[derive(Clone, Debug, PartialEq)]
enum Value {
    Number(f64),
    Text(String),
    Truth(bool),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    Unequal,
}

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    /// Says where it cannot be understood.
    pub fn parse(text: &str) -> Result<Self, ConditionError> {
        Ok(Self { text: text.to_owned(), root: parse::condition(text)? })
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it holds for these parameters.
    ///
    /// # Errors
    /// When a name is unknown or values do not go together.
    pub fn holds(&self, params: &Map<String, Json>) -> Result<bool, ConditionError> {
        truth(&self.root, params)
    }

    /// The parameters that it looks at.
    pub fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.root.names(&mut names);
        names
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Condition({})", self.text)
    }
}

impl Node {
    fn names<'a>(&'a self, names: &mut Vec<&'a str>) {
        match self {
            Self::Value(_) => {}
            Self::Name(name) => names.push(name),
            Self::Not(one) | Self::Minus(one) => one.names(names),
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.names(names)),
            Self::Chain(first, rest) => {
                first.names(names);
                rest.iter().for_each(|(_, part)| part.names(names));
            }
            Self::Arithmetic(_, left, right) => {
                left.names(names);
                right.names(names);
            }
        }
    }
}

fn truth(node: &Node, params: &Map<String, Json>) -> Result<bool, ConditionError> {
    match value(node, params)? {
        Value::Truth(truth) => Ok(truth),
        other => Err(ConditionError::Type(format!("expected true or false, found {other}"))),
    }
}

fn number(node: &Node, params: &Map<String, Json>) -> Result<f64, ConditionError> {
    match value(node, params)? {
        Value::Number(number) => Ok(number),
        other => Err(ConditionError::Type(format!("expected a number, found {other}"))),
    }
}

fn value(node: &Node, params: &Map<String, Json>) -> Result<Value, ConditionError> {
    Ok(match node {
        Node::Value(value) => value.clone(),
        Node::Name(name) => match params.get(name) {
            Some(Json::Bool(truth)) => Value::Truth(*truth),
            Some(Json::String(text)) => Value::Text(text.clone()),
            Some(Json::Number(number)) => Value::Number(number.as_f64().unwrap_or(f64::NAN)),
            Some(other) => {
                return Err(ConditionError::Type(format!("{name} is {other}, which cannot be compared")));
            }
            None => return Err(ConditionError::Unknown(name.clone())),
        },
        Node::Not(one) => Value::Truth(!truth(one, params)?),
        Node::Minus(one) => Value::Number(-number(one, params)?),
        Node::All(parts) => {
            for part in parts {
                if !truth(part, params)? {
                    return Ok(Value::Truth(false));
                }
            }
            Value::Truth(true)
        }
        Node::Any(parts) => {
            for part in parts {
                if truth(part, params)? {
                    return Ok(Value::Truth(true));
                }
            }
            Value::Truth(false)
        }
        Node::Chain(first, rest) => {
            let mut left = value(first, params)?;
            for (comparison, node) in rest {
                let right = value(node, params)?;
                if !comparison.holds(&left, &right)? {
                    return Ok(Value::Truth(false));
                }
                left = right;
            }
            Value::Truth(true)
        }
        Node::Arithmetic(operator, left, right) => {
            let (left, right) = (number(left, params)?, number(right, params)?);
            Value::Number(match operator {
                '+' => left + right,
                '-' => left - right,
                '*' => left * right,
                '/' => left / right,
                _ => left % right,
            })
        }
    })
}

impl Comparison {
    fn holds(self, left: &Value, right: &Value) -> Result<bool, ConditionError> {
        let order = match (left, right) {
            (Value::Number(left), Value::Number(right)) => left.partial_cmp(right),
            (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
            (Value::Truth(left), Value::Truth(right)) => Some(left.cmp(right)),
            _ => return Err(ConditionError::Type(format!("{left} and {right} cannot be compared"))),
        };
        // What is not a number is unequal to everything.
        Ok(order.map_or(self == Self::Unequal, |order| match self {
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Equal => order.is_eq(),
            Self::Unequal => order.is_ne(),
        }))
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "'{text}'"),
            Self::Truth(truth) => write!(f, "{truth}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn holds(text: &str) -> Result<bool, ConditionError> {
        let Json::Object(params) = json!({"fast": 5, "slow": 30, "mode": "both", "stop": true, "list": []})
        else {
            unreachable!()
        };
        Condition::parse(text)?.holds(&params)
    }

    #[test]
    fn conditions_are_worked_out_as_they_are_read() {
        for (text, expected) in [
            ("fast < slow", true),
            ("1 < fast <= 5 < slow", true),
            ("fast * 2 + 1 >= slow / 3 or false", true),
            ("not (fast < slow)", false),
            ("mode == 'both' and stop", true),
            ("mode != \"long\"", true),
            ("slow % fast == 0", true),
            ("-fast < 0 and 1e1 == 10", true),
            ("slow / 0 > 1 and 0 / 0 != 0 / 0", true),
            ("stop == false or fast == slow", false),
        ] {
            assert_eq!(holds(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_understood_is_told_with_its_place() {
        for (text, message) in [
            ("", "column 1: expected a parameter, a number, a text or `(`, found the end"),
            ("fast <", "column 7: expected a parameter, a number, a text or `(`, found the end"),
            ("fast = slow", "column 6: expected one of < <= > >= == !=, found `=`"),
            ("fast < slow slow", "column 13: expected an operator or the end, found `slow`"),
            ("(fast < slow", "column 13: expected `)`, found the end"),
            ("fast & slow", "column 6: expected a parameter, a number, a text or an operator, found `&`"),
            ("'both", "column 1: expected a closing quote, found 'both"),
            ("1.2.3 < 4", "column 1: expected a number, found 1.2.3"),
            ("quick < slow", "unknown parameter `quick`"),
            ("fast < mode", "5 and 'both' cannot be compared"),
            ("fast", "expected true or false, found 5"),
            ("mode + 1 > 0", "expected a number, found 'both'"),
            ("list == 1", "list is [], which cannot be compared"),
        ] {
            assert_eq!(holds(text).unwrap_err().to_string(), message, "{text}");
        }
        let deep = "(".repeat(10_000);
        assert!(Condition::parse(&deep).is_err());
        assert!(Condition::parse(&"not ".repeat(10_000)).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[ a-z0-9<>=!+*/%().'\"-]{0,40}") {
            if let Ok(condition) = Condition::parse(&text) {
                let _ = condition.holds(&Map::new());
            }
        }
    }
}
