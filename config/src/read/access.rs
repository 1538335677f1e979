//! serde's view of what lies within a node: items, fields and choices.

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess,
    Visitor, value::U32Deserializer,
};

use super::{Error, NodeDeserializer, Reader};
use crate::tree::{Entry, Node, Step, quote};

/// The items of a list that are in sight.
pub(super) struct Items<'r, 't> {
    reader: &'r Reader<'t>,
    items: std::iter::Enumerate<std::slice::Iter<'t, Node>>,
}

impl<'r, 't> Items<'r, 't> {
    pub(super) fn new(reader: &'r Reader<'t>, items: &'t [Node]) -> Self {
        Self { reader, items: items.iter().enumerate() }
    }
}

impl<'t> SeqAccess<'t> for Items<'_, 't> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'t>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let reader = self.reader;
        let Some((index, item)) = self.items.by_ref().find(|(_, item)| !reader.is_removed(item)) else {
            return Ok(None);
        };
        reader.step(Step::Index(index), || {
            let result = seed.deserialize(NodeDeserializer::new(reader, item));
            reader.settle(item.at, item, true, result).map(Some)
        })
    }
}

/// The fields of a mapping that are in sight.
pub(super) struct Fields<'r, 't> {
    reader: &'r Reader<'t>,
    entries: std::slice::Iter<'t, Entry>,
    current: Option<&'t Entry>,
}

impl<'r, 't> Fields<'r, 't> {
    pub(super) fn new(reader: &'r Reader<'t>, entries: &'t [Entry]) -> Self {
        Self { reader, entries: entries.iter(), current: None }
    }
}

impl<'t> MapAccess<'t> for Fields<'_, 't> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'t>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let reader = self.reader;
        let Some(entry) = self.entries.by_ref().find(|entry| !reader.is_removed(&entry.value)) else {
            return Ok(None);
        };
        self.current = Some(entry);
        read_key(reader, entry, seed).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'t>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let entry = self.current.take().ok_or_else(|| Error::new("a value was asked for before its key"))?;
        let (reader, node) = (self.reader, &entry.value);
        reader.step(Step::Key(&entry.key.text), || {
            let result = seed.deserialize(NodeDeserializer::new(reader, node));
            reader.settle(node.at, node, true, result)
        })
    }
}

fn read_key<'t, K: DeserializeSeed<'t>>(
    reader: &Reader<'t>,
    entry: &'t Entry,
    seed: K,
) -> Result<K::Value, Error> {
    reader.step(Step::Key(&entry.key.text), || {
        let result = seed.deserialize(KeyDeserializer { reader, entry });
        reader.settle(entry.key.at, &entry.value, false, result)
    })
}

/// The name of a field, or a key of a map of any type that text can be read into.
struct KeyDeserializer<'r, 't> {
    reader: &'r Reader<'t>,
    entry: &'t Entry,
}

impl<'t> KeyDeserializer<'_, 't> {
    /// Erased deserializers keep an error's words only: what it is is noted before it leaves.
    fn settle<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        self.reader.settle(self.entry.key.at, &self.entry.value, false, result)
    }
}

macro_rules! number_keys {
    ($($method:ident $visit:ident $type:ty),*) => {
        $(fn $method<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
            let text = &*self.entry.key.text;
            let number = text.parse::<$type>().map_err(|_| Error::expected("a number", &quote(text)));
            self.settle(number.and_then(|number| visitor.$visit(number)))
        })*
    };
}

impl<'t> Deserializer<'t> for KeyDeserializer<'_, 't> {
    type Error = Error;

    number_keys!(
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64, deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64
    );

    fn deserialize_any<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Error> {
        self.settle(visitor.visit_borrowed_str(&self.entry.key.text))
    }

    fn deserialize_newtype_struct<V: Visitor<'t>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'t>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let name = IntoDeserializer::<Error>::into_deserializer(&*self.entry.key.text);
        self.settle(visitor.visit_enum(name))
    }

    serde::forward_to_deserialize_any! {
        <W: Visitor<'t>>
        bool i128 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// A choice: bare, or with content.
pub(super) struct Variant<'r, 't> {
    reader: &'r Reader<'t>,
    choice: Choice<'t>,
}

#[derive(Clone, Copy)]
enum Choice<'t> {
    Bare(&'t Node),
    WithContent(&'t Entry),
}

impl<'r, 't> Variant<'r, 't> {
    pub(super) fn bare(reader: &'r Reader<'t>, node: &'t Node) -> Self {
        Self { reader, choice: Choice::Bare(node) }
    }

    pub(super) fn with_content(reader: &'r Reader<'t>, entry: &'t Entry) -> Self {
        Self { reader, choice: Choice::WithContent(entry) }
    }

    fn content<T>(self, read: impl FnOnce(NodeDeserializer<'r, 't>) -> Result<T, Error>) -> Result<T, Error> {
        match self.choice {
            Choice::Bare(node) => {
                let error = Error::expected("a value for this choice", &node.describe());
                let name = node.describe();
                Err(error.with_hint(format!("write {{{}: value}}", name.trim_matches('"'))))
            }
            Choice::WithContent(entry) => self.reader.step(Step::Key(&entry.key.text), || {
                let result = read(NodeDeserializer::new(self.reader, &entry.value));
                self.reader.settle(entry.value.at, &entry.value, true, result)
            }),
        }
    }
}

impl<'t> EnumAccess<'t> for Variant<'_, 't> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'t>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let name = match self.choice {
            Choice::Bare(node) => seed.deserialize(NodeDeserializer::new(self.reader, node))?,
            Choice::WithContent(entry) => read_key(self.reader, entry, seed)?,
        };
        Ok((name, self))
    }
}

impl<'t> VariantAccess<'t> for Variant<'_, 't> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.choice {
            Choice::Bare(_) => Ok(()),
            Choice::WithContent(_) => self.content(serde::Deserialize::deserialize),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'t>>(self, seed: T) -> Result<T::Value, Error> {
        self.content(|content| seed.deserialize(content))
    }

    fn tuple_variant<V: Visitor<'t>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        self.content(|content| content.deserialize_tuple(length, visitor))
    }

    fn struct_variant<V: Visitor<'t>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.content(|content| content.deserialize_struct("", fields, visitor))
    }
}

/// A value behind the number of its place.
pub(super) struct PlaceAndValue<'r, 't> {
    place: Option<u32>,
    value: Option<NodeDeserializer<'r, 't>>,
}

impl<'r, 't> PlaceAndValue<'r, 't> {
    pub(super) fn new(place: u32, value: NodeDeserializer<'r, 't>) -> Self {
        Self { place: Some(place), value: Some(value) }
    }
}

impl<'t> SeqAccess<'t> for PlaceAndValue<'_, 't> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'t>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if let Some(place) = self.place.take() {
            let place: U32Deserializer<Error> = place.into_deserializer();
            return seed.deserialize(place).map(Some);
        }
        self.value.take().map(|value| seed.deserialize(value)).transpose()
    }
}
