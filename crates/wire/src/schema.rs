//! The JSON schemas of bodies, for the OpenAPI document: each follows from the fields of the type that writes the body.
//!
//! The compiler compares: a description that lacks a field of its type, or has one too many, does not compile. A form
//! of a value must say exactly what the value's own `Serialize` writes.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::Metadata;
use crate::number::Sats;
use crate::time::Micros;

/// The schemas that have names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schemas(pub BTreeMap<String, Value>);

/// A type whose JSON has a schema.
pub trait Describe {
    /// Whether a field of this type may be left out, and may be null.
    const IS_OPTIONAL: bool = false;

    /// The schema; what it refers to is put into `schemas`.
    fn describe(schemas: &mut Schemas) -> Value;
}

/// The description of a field, and whether it may be absent: the type is that of what `read` lends.
pub(crate) fn of<S, T: Describe>(_read: fn(&S) -> &T, schemas: &mut Schemas) -> (Value, bool) {
    (T::describe(schemas), T::IS_OPTIONAL)
}

impl Schemas {
    /// Names the schema of an object, and refers to it.
    pub(crate) fn named(
        &mut self,
        name: &str,
        flat: Vec<Value>,
        fields: Vec<(&str, (Value, bool))>,
    ) -> Value {
        let required: Vec<&str> = fields
            .iter()
            .filter(|(_, (_, is_optional))| !is_optional)
            .map(|(name, _)| *name)
            .collect();
        let object = json!({
            "type": "object",
            "required": required,
            "properties": fields.iter().map(|(name, (schema, _))| (*name, schema)).collect::<BTreeMap<_, _>>(),
        });
        let schema = match flat.is_empty() {
            true => object,
            false => {
                let mut all = flat;
                all.push(object);
                json!({ "allOf": all })
            }
        };
        self.0.insert(name.to_owned(), schema);
        json!({"$ref": format!("#/components/schemas/{name}")})
    }
}

/// Describes a struct with all its fields: `describe! { Type, "Name", flat [those], field => "name", … }`.
macro_rules! describe {
    ($type:ty, $name:literal, flat [$($flat:ident),*], $($field:ident => $key:literal,)*) => {
        impl $crate::schema::Describe for $type {
            fn describe(schemas: &mut $crate::schema::Schemas) -> serde_json::Value {
                // Does not compile while a field is missing here, or one too many.
                let _all = |whole: &Self| {
                    let Self { $($flat: _,)* $($field: _,)* } = whole;
                };
                let flat = vec![$($crate::schema::of(|whole: &Self| &whole.$flat, schemas).0),*];
                let fields = vec![$(($key, $crate::schema::of(|whole: &Self| &whole.$field, schemas))),*];
                schemas.named($name, flat, fields)
            }
        }
    };
}
pub(crate) use describe;

/// Gives types a schema that has no parts.
macro_rules! plain {
    ($($type:ty => $schema:tt),* $(,)?) => {
        $(impl Describe for $type {
            fn describe(_: &mut Schemas) -> Value {
                json!($schema)
            }
        })*
    };
}

plain! {
    String => {"type": "string"},
    str => {"type": "string"},
    bool => {"type": "boolean"},
    u16 => {"type": "integer", "minimum": 0},
    u32 => {"type": "integer", "minimum": 0},
    u64 => {"type": "integer", "minimum": 0},
    usize => {"type": "integer", "minimum": 0},
    i64 => {"type": "integer"},
    [(); 0] => {"type": "array", "maxItems": 0},
    Box<RawValue> => {"type": "object"},
    Micros => {"type": "string", "format": "date-time"},
    Sats => {"type": "number", "description": "satoshis, with at most 3 decimals"},
    Metadata => {"type": ["object", "null"], "additionalProperties": {"type": "string"}},
}

impl<T: Describe + ?Sized> Describe for &T {
    fn describe(schemas: &mut Schemas) -> Value {
        T::describe(schemas)
    }
}

impl<T: Describe> Describe for Vec<T> {
    fn describe(schemas: &mut Schemas) -> Value {
        json!({"type": "array", "items": T::describe(schemas)})
    }
}

impl<T: Describe> Describe for Option<T> {
    const IS_OPTIONAL: bool = true;

    fn describe(schemas: &mut Schemas) -> Value {
        json!({"anyOf": [T::describe(schemas), {"type": "null"}]})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Serialize)]
    struct Inner {
        a: Option<u64>,
    }
    describe! { Inner, "Inner", flat [],
        a => "a",
    }

    #[derive(serde::Serialize)]
    struct Outer {
        #[serde(flatten)]
        inner: Inner,
        #[serde(rename = "type")]
        kind: &'static str,
    }
    describe! { Outer, "Outer", flat [inner],
        kind => "type",
    }

    #[test]
    fn a_schema_says_what_the_type_writes() {
        let mut schemas = Schemas::default();
        let outer = Outer::describe(&mut schemas);
        assert_eq!(outer, json!({"$ref": "#/components/schemas/Outer"}));
        let inner = json!({
            "type": "object", "required": [],
            "properties": {"a": {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}]}},
        });
        let all = json!([
            {"$ref": "#/components/schemas/Inner"},
            {"type": "object", "required": ["type"], "properties": {"type": {"type": "string"}}},
        ]);
        let expected = BTreeMap::from([
            ("Inner".to_owned(), inner),
            ("Outer".to_owned(), json!({ "allOf": all })),
        ]);
        assert_eq!(schemas.0, expected);
        let value = Outer {
            inner: Inner { a: None },
            kind: "x",
        };
        assert_eq!(json!(value), json!({"a": null, "type": "x"}));
    }
}
