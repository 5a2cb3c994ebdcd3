//! A value as it came from a client, read when somebody asks for it.

use axum::body::Bytes;
use serde::{Deserialize, de};
use serde_json::value::{RawValue, to_raw_value};

use super::{Value, format};

/// How deep MessagePack may nest; JSON has the same limit in its parser.
const MAX_DEPTH: usize = 128;

/// A value as it came.
#[derive(Clone)]
pub(crate) enum Raw {
    Json(Box<RawValue>),
    /// Exactly one well-formed MessagePack value, a copy that pins no buffer.
    MessagePack(Bytes),
}

impl Raw {
    /// The value as a `T`, which may borrow from it.
    pub(crate) fn decode<'de, T: Deserialize<'de>>(&'de self) -> Result<T, DecodeError> {
        self.decode_seed(std::marker::PhantomData)
    }

    pub(crate) fn decode_seed<'de, S: de::DeserializeSeed<'de>>(
        &'de self,
        seed: S,
    ) -> Result<S::Value, DecodeError> {
        match self {
            Self::Json(raw) => {
                let mut json = serde_json::Deserializer::from_str(raw.get());
                seed.deserialize(&mut json).map_err(de::Error::custom)
            }
            Self::MessagePack(bytes) => {
                let mut deserializer = rmp_serde::Deserializer::from_read_ref(bytes.as_ref());
                deserializer.set_max_depth(MAX_DEPTH);
                let mut deserializer = deserializer.with_human_readable();
                seed.deserialize(&mut deserializer)
                    .map_err(de::Error::custom)
            }
        }
    }

    /// The value as JSON, translated if it is not.
    pub(crate) fn to_json(&self) -> Result<Box<RawValue>, DecodeError> {
        match self {
            Self::Json(raw) => Ok(raw.clone()),
            Self::MessagePack(_) => {
                let value: Value = self.decode()?;
                format::as_json(|| to_raw_value(&value)).map_err(de::Error::custom)
            }
        }
    }

    /// Absence, where a value was asked for.
    pub(crate) fn null() -> Self {
        Self::MessagePack(Bytes::from_static(&[0xc0]))
    }
}

/// A value does not have the shape that was asked for. It may quote the value.
#[derive(Debug)]
pub(crate) struct DecodeError(String);

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DecodeError {}

impl de::Error for DecodeError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// Arguments, one after the other, as serde sees a list.
pub(crate) struct List<'de>(pub(crate) std::slice::Iter<'de, Raw>);

impl<'de> de::Deserializer<'de> for List<'de> {
    type Error = DecodeError;

    fn deserialize_any<V: de::Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, DecodeError> {
        let value = visitor.visit_seq(&mut self)?;
        match self.0.len() {
            0 => Ok(value),
            more => Err(de::Error::custom(format!("{more} arguments too many"))),
        }
    }

    fn deserialize_unit<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0.len() {
            0 => visitor.visit_unit(),
            _ => de::Deserializer::deserialize_any(self, visitor),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        option unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}

impl<'de> de::SeqAccess<'de> for &mut List<'de> {
    type Error = DecodeError;

    fn next_element_seed<S: de::DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, DecodeError> {
        self.0.next().map(|raw| raw.decode_seed(seed)).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}
