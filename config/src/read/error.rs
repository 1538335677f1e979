//! What can go wrong while a tree is read into a type, kept apart from where it happens.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use crate::{suggest, tree::quote};

/// A fault without its place.
#[derive(Clone, Debug)]
pub(crate) struct Error {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Error {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    pub(crate) fn expected(expected: &str, found: &str) -> Self {
        Self::new(format!("expected {expected}, found {found}"))
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::expected(&expected.to_string(), &describe(found))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::expected(&expected.to_string(), &describe(found))
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        Self::expected(&expected.to_string(), &format!("{length} items"))
    }

    fn unknown_variant(variant: &str, allowed: &'static [&'static str]) -> Self {
        Self::new(format!("unknown choice {}", quote(variant))).with_hint(suggest::hint(variant, allowed))
    }

    fn unknown_field(field: &str, allowed: &'static [&'static str]) -> Self {
        let error = Self::new(format!("unknown field {}", quote(field)));
        match field {
            "<<" => error.with_hint("merge keys are not supported; use `include`, or write the fields out"),
            _ => error.with_hint(suggest::hint(field, allowed)),
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(format!("the field `{field}` is missing"))
    }
}

fn describe(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Str(text) => quote(text),
        Unexpected::Unit => "nothing".into(),
        Unexpected::Seq => "a list".into(),
        Unexpected::Map => "a mapping".into(),
        Unexpected::Bool(value) => value.to_string(),
        Unexpected::Signed(value) => value.to_string(),
        Unexpected::Unsigned(value) => value.to_string(),
        Unexpected::Float(value) => value.to_string(),
        other => other.to_string(),
    }
}
