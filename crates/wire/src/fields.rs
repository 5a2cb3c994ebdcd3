//! Reads the fields of a JSON request object by name, so that every error names its field.
//!
//! Unknown fields are ignored, because published clients send some (`address_type`). It must never
//! choose between two values of a field it knows: a request about money that says two things is
//! refused.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::{Metadata, Problem};

/// The fields of one JSON object, values as their own text.
pub(crate) struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Fields<'a> {
    /// Reads a body that must be a JSON object.
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Problem> {
        serde_json::from_slice(body).map_err(|error| Problem::MalformedJson {
            line: error.line(),
            column: error.column(),
        })
    }

    /// Reads a body that may be missing: nothing, blank space and `null` stand for `{}`.
    pub(crate) fn parse_optional(body: &'a [u8]) -> Result<Self, Problem> {
        match body.trim_ascii() {
            b"" | b"null" => Ok(Self(Vec::new())),
            _ => Self::parse(body),
        }
    }

    /// The text of a field; `None` when it is absent or null.
    pub(crate) fn raw(&self, name: &'static str) -> Result<Option<&'a str>, Problem> {
        let mut values = self
            .0
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.get());
        let first = values.next();
        if values.next().is_some() {
            return Err(invalid(name, "it must be given only once"));
        }
        Ok(first.filter(|text| *text != "null"))
    }

    /// Whether a field is there, and null.
    pub(crate) fn is_null(&self, name: &str) -> bool {
        self.0
            .iter()
            .any(|(key, value)| key == name && value.get() == "null")
    }

    /// A field that must be a string; `None` when it is absent or null.
    pub(crate) fn string(&self, name: &'static str) -> Result<Option<String>, Problem> {
        self.raw(name)?
            .map(|text| {
                let text: String =
                    serde_json::from_str(text).map_err(|_| invalid(name, "it must be a string"))?;
                without_nul(name, text)
            })
            .transpose()
    }

    /// A field that must be a string and must be there.
    pub(crate) fn required_string(&self, name: &'static str) -> Result<String, Problem> {
        self.string(name)?.ok_or_else(|| missing(name))
    }

    /// A field that must be an array of strings; `None` when it is absent or null.
    pub(crate) fn strings(&self, name: &'static str) -> Result<Option<Vec<String>>, Problem> {
        let wrong = |_| invalid(name, "it must be an array of strings");
        let Some(text) = self.raw(name)? else {
            return Ok(None);
        };
        let texts: Vec<String> = serde_json::from_str(text).map_err(wrong)?;
        let texts = texts.into_iter().map(|text| without_nul(name, text));
        texts.collect::<Result<_, _>>().map(Some)
    }

    /// A field that must be true or false; absent and null are false.
    pub(crate) fn flag(&self, name: &'static str) -> Result<bool, Problem> {
        match self.raw(name)? {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(invalid(name, "it must be true or false")),
        }
    }

    /// The `metadata` field: null, absent, or an object of strings.
    pub(crate) fn metadata(&self) -> Result<Metadata, Problem> {
        let why = "it must be null or an object whose values are strings";
        self.raw("metadata")?.map_or(Ok(Metadata::none()), |text| {
            Metadata::from_json(text).map_err(|_| invalid("metadata", why))
        })
    }
}

/// A text that both databases can keep: PostgreSQL takes no U+0000.
pub(crate) fn without_nul(name: &'static str, text: String) -> Result<String, Problem> {
    if text.contains('\0') {
        Err(invalid(name, "it must not contain U+0000"))
    } else {
        Ok(text)
    }
}

/// The problem of a field that has to be there and is not.
pub(crate) fn missing(name: &'static str) -> Problem {
    Problem::MissingParameter { name: name.into() }
}

/// The problem of a field with a value that cannot be taken.
pub(crate) fn invalid(name: &'static str, why: impl Into<Cow<'static, str>>) -> Problem {
    Problem::InvalidParameter {
        name: name.into(),
        why: why.into(),
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_map(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Fields<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(key) = map.next_key::<Key<'de>>()? {
            fields.push((key.0, map.next_value()?));
        }
        Ok(Fields(fields))
    }
}

/// A key, borrowed unless it is written with escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct KeyReader;
        impl<'de> Visitor<'de> for KeyReader {
            type Value = Key<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        input.deserialize_str(KeyReader)
    }
}
