//! Types that ask the reader for more than a value: where it stands, to be read later, or either of two shapes.

use std::{fmt, marker::PhantomData};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{
    Deserialize, Deserializer,
    de::{self, value::MapAccessDeserializer},
};

use super::PlaceIndex;

/// A value with its place.
#[derive(Clone, Debug)]
pub(crate) struct Located<T> {
    pub(crate) place: PlaceIndex,
    pub(crate) value: T,
}

impl<T> Located<T> {
    pub(crate) const MARKER: &'static str = "$barhive::Located";
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Located<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Visitor<T> {
            type Value = Located<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value with its place")
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut parts: A) -> Result<Located<T>, A::Error> {
                let missing = || de::Error::invalid_length(0, &"a place and a value");
                let place: u32 = parts.next_element()?.ok_or_else(missing)?;
                let value = parts.next_element()?.ok_or_else(missing)?;
                Ok(Located { place: PlaceIndex(place), value })
            }
        }
        deserializer.deserialize_newtype_struct(Self::MARKER, Visitor(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Located<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }
    fn schema_id() -> std::borrow::Cow<'static, str> {
        T::schema_id()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A value that is read later, through [`super::Reader::open`].
#[derive(Clone, Debug)]
pub(crate) struct Captured<T> {
    pub(crate) place: PlaceIndex,
    of: PhantomData<T>,
}

impl<T> Captured<T> {
    pub(crate) const MARKER: &'static str = "$barhive::Captured";
}

impl<'de, T> Deserialize<'de> for Captured<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = u32;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a place")
            }

            fn visit_u32<E: de::Error>(self, place: u32) -> Result<u32, E> {
                Ok(place)
            }
        }
        let place = deserializer.deserialize_newtype_struct(Self::MARKER, Visitor)?;
        Ok(Self { place: PlaceIndex(place), of: PhantomData })
    }
}

impl<T: JsonSchema> JsonSchema for Captured<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }
    fn schema_id() -> std::borrow::Cow<'static, str> {
        T::schema_id()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// Either text, taken verbatim, or a mapping.
#[derive(Clone, Debug)]
pub(crate) enum TextOrMapping<T> {
    Text(String),
    Mapping(T),
}

impl<T> TextOrMapping<T> {
    pub(crate) const MARKER: &'static str = "$barhive::TextOrMapping";
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for TextOrMapping<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Visitor<T> {
            type Value = TextOrMapping<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text or a mapping")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(TextOrMapping::Text(text.to_owned()))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(TextOrMapping::Mapping)
            }
        }
        deserializer.deserialize_newtype_struct(Self::MARKER, Visitor(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for TextOrMapping<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("{}OrText", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mapping = generator.subschema_for::<T>();
        schemars::json_schema!({ "anyOf": [{ "type": "string" }, mapping] })
    }
}
