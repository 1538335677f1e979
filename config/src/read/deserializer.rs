//! serde's view of a node.

use serde::de::{Deserializer, Visitor};

use super::{
    Captured, Error, Located, Reader, TextOrMapping,
    access::{Fields, Items, PlaceAndValue, Variant},
    scalar,
};
use crate::{
    Secret,
    tree::{Node, Value},
};

/// Reads one node.
#[derive(Clone, Copy)]
pub(crate) struct NodeDeserializer<'r, 't> {
    reader: &'r Reader<'t>,
    node: &'t Node,
}

impl<'r, 't> NodeDeserializer<'r, 't> {
    pub(crate) fn new(reader: &'r Reader<'t>, node: &'t Node) -> Self {
        Self { reader, node }
    }

    fn settle<T>(self, result: Result<T, Error>) -> Result<T, Error> {
        self.reader.settle(self.node.at, self.node, true, result)
    }

    fn text<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
        self.settle(scalar::text(self.node).and_then(|text| visitor.visit_borrowed_str(text)))
    }

    fn list<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
        self.settle(match &self.node.value {
            Value::Sequence(items) => visitor.visit_seq(Items::new(self.reader, items)),
            Value::Scalar(scalar) if !self.node.is_null() => {
                let error = Error::expected("a list", &self.node.describe());
                Err(error.with_hint(format!("write [{}]", scalar.text)))
            }
            _ => Err(Error::expected("a list", &self.node.describe())),
        })
    }

    /// A mapping; nothing at all is an empty one.
    fn mapping<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
        self.settle(match &self.node.value {
            Value::Mapping(entries) => visitor.visit_map(Fields::new(self.reader, entries)),
            _ if self.node.is_null() => visitor.visit_map(Fields::new(self.reader, &[])),
            _ => Err(Error::expected("a mapping", &self.node.describe())),
        })
    }

    /// A secret's text, with environment variables put in.
    fn secret(self) -> Result<String, Error> {
        let Value::Scalar(found) = &self.node.value else {
            return Err(Error::expected("a secret", &self.node.describe()));
        };
        self.reader.secrets.borrow_mut().insert(std::ptr::from_ref(self.node));
        with_environment(&found.text, self.reader.environment)
    }
}

/// A text with environment variables put in where `${NAME}` stands for them.
pub(crate) fn with_environment(
    written: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<String, Error> {
    let mut text = String::new();
    let mut rest = written;
    while let Some((before, after)) = rest.split_once("${") {
        let name = after.split_once('}').map(|(name, _)| name).unwrap_or_default();
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Err(Error::new("expected ${NAME} of an environment variable"));
        }
        let Some(value) = environment(name) else {
            let error = Error::new(format!("the environment variable {name} is not set"));
            return Err(error.with_hint(format!("export {name} before starting")));
        };
        text.push_str(before);
        text.push_str(&value);
        rest = &after[name.len() + 1..];
    }
    text.push_str(rest);
    Ok(text)
}

macro_rules! integers {
    ($($method:ident $visit:ident $type:ty),*) => {
        $(fn $method<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
            self.settle(
                scalar::integer(self.node, i128::from(<$type>::MIN), i128::from(<$type>::MAX))
                    .and_then(|number| visitor.$visit(number as $type)),
            )
        })*
    };
}

impl<'t> Deserializer<'t> for NodeDeserializer<'_, 't> {
    type Error = Error;

    integers!(
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64, deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64
    );

    fn deserialize_i128<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
        self.settle(scalar::integer(self.node, i128::MIN, i128::MAX).and_then(|n| visitor.visit_i128(n)))
    }

    fn deserialize_u128<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
        self.settle(
            scalar::integer(self.node, 0, i128::MAX).and_then(|n| visitor.visit_u128(n.unsigned_abs())),
        )
    }

    fn deserialize_any<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Sequence(_) => self.list(visitor),
            Value::Mapping(_) => self.mapping(visitor),
            Value::Scalar(_) => self.settle(scalar::untyped(self.node).and_then(|value| match value {
                scalar::Untyped::Null => visitor.visit_unit(),
                scalar::Untyped::Bool(value) => visitor.visit_bool(value),
                scalar::Untyped::Signed(value) => visitor.visit_i64(value),
                scalar::Untyped::Unsigned(value) => visitor.visit_u64(value),
                scalar::Untyped::Float(value) => visitor.visit_f64(value),
                scalar::Untyped::Text(text) => visitor.visit_borrowed_str(text),
            })),
        }
    }

    fn deserialize_bool<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
        self.settle(scalar::boolean(self.node).and_then(|value| visitor.visit_bool(value)))
    }

    fn deserialize_f32<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
        self.settle(scalar::float(self.node).and_then(|value| visitor.visit_f64(value)))
    }

    fn deserialize_char<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
        let one = |text: &str| {
            let mut chars = text.chars();
            match (chars.next(), chars.next()) {
                (Some(c), None) => Ok(c),
                _ => Err(Error::expected("one character", &crate::tree::quote(text))),
            }
        };
        self.settle(scalar::text(self.node).and_then(one).and_then(|c| visitor.visit_char(c)))
    }

    fn deserialize_str<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
        self.text(visitor)
    }

    fn deserialize_string<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
        self.text(visitor)
    }

    fn deserialize_identifier<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
        self.text(visitor)
    }

    fn deserialize_bytes<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
        self.text(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
        self.text(visitor)
    }

    fn deserialize_option<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.node.is_null() {
            return self.settle(visitor.visit_none());
        }
        self.settle(visitor.visit_some(self))
    }

    fn deserialize_unit<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
        self.settle(match self.node.is_null() {
            true => visitor.visit_unit(),
            false => Err(Error::expected("nothing", &self.node.describe())),
        })
    }

    /// A unit struct has no fields: parameters of a part that takes none.
    fn deserialize_unit_struct<V: Visitor<'t>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Mapping(entries) if entries.is_empty() => self.settle(visitor.visit_unit()),
            _ => self.deserialize_unit(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'t>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        match name {
            Located::<()>::MARKER => {
                let place = self.reader.capture(self.node);
                self.settle(visitor.visit_seq(PlaceAndValue::new(place.0, self)))
            }
            Captured::<()>::MARKER => {
                let place = self.reader.capture(self.node);
                self.settle(visitor.visit_u32(place.0))
            }
            TextOrMapping::<()>::MARKER => match &self.node.value {
                Value::Mapping(_) => self.mapping(visitor),
                Value::Scalar(_) => self.text(visitor),
                Value::Sequence(_) => {
                    self.settle(Err(Error::expected("text or a mapping", &self.node.describe())))
                }
            },
            Secret::MARKER => self.settle(self.secret().and_then(|text| visitor.visit_string(text))),
            _ => self.settle(visitor.visit_newtype_struct(self)),
        }
    }

    fn deserialize_seq<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
        self.list(visitor)
    }

    fn deserialize_tuple<V: Visitor<'t>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.list(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'t>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.list(visitor)
    }

    fn deserialize_map<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
        self.mapping(visitor)
    }

    fn deserialize_struct<V: Visitor<'t>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.mapping(visitor)
    }

    fn deserialize_enum<V: Visitor<'t>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let allowed = || format!("one of: {}", variants.join(", "));
        self.settle(match &self.node.value {
            Value::Scalar(_) if self.node.is_null() => Err(Error::expected(&allowed(), "nothing")),
            Value::Scalar(_) => visitor.visit_enum(Variant::bare(self.reader, self.node)),
            Value::Mapping(entries) => match entries.as_slice() {
                [entry] if !self.reader.is_removed(&entry.value) => {
                    visitor.visit_enum(Variant::with_content(self.reader, entry))
                }
                other => Err(Error::expected(&allowed(), &format!("a mapping with {} fields", other.len()))
                    .with_hint("write it as {choice: value}, with one choice")),
            },
            Value::Sequence(_) => Err(Error::expected(&allowed(), "a list")),
        })
    }

    fn deserialize_ignored_any<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
        self.settle(visitor.visit_unit())
    }
}
