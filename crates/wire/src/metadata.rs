//! What a client attaches to an object: string keys with string values.
//!
//! It must never hold a value that is not a string (the published Rust and Go clients cannot read
//! such a row, ever again), and never be written in an order that JavaScript would change.

use std::collections::HashMap;
use std::fmt;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Client metadata: nothing (`null`), or a JSON object of strings in the order it is written in.
///
/// The order is that of JavaScript: keys that look like array indexes (`"0"` to `"4294967294"`, no
/// leading zeros) first in ascending order, then the others as they were inserted. A repeated key
/// keeps its place and takes the last value, as in `JSON.parse`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    entries: Option<Vec<(String, String)>>,
}

impl Metadata {
    /// No metadata: written as `null`.
    #[must_use]
    pub const fn none() -> Self {
        Self { entries: None }
    }

    /// Metadata from pairs in the order of insertion; no pairs give `{}`.
    #[must_use]
    pub fn from_pairs<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        let mut entries: Vec<(String, String)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for (key, value) in pairs {
            if let Some(&place) = places.get(&key) {
                entries[place].1 = value;
            } else {
                places.insert(key.clone(), entries.len());
                entries.push((key, value));
            }
        }
        // A stable sort: every other key compares equal, and so keeps its place.
        entries.sort_by_key(|(key, _)| array_index(key).map_or(u64::MAX, u64::from));
        Self {
            entries: Some(entries),
        }
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&String> {
        let entries = self.entries.as_ref()?;
        entries
            .iter()
            .find_map(|(known, value)| (known == key).then_some(value))
    }

    /// Whether it is `null`.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.entries.is_none()
    }

    /// The pairs in the order they are written in; none for `null`.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries
            .iter()
            .flatten()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The JSON text: `null` or an object. [`Metadata::from_json`] reads it back.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings under string keys always serialise")
    }

    /// Reads `null` or a JSON object of strings.
    ///
    /// # Errors
    ///
    /// [`MetadataError`] when the text is anything else.
    pub fn from_json(text: &str) -> Result<Self, MetadataError> {
        serde_json::from_str(text).map_err(|error| MetadataError {
            reason: error.to_string(),
        })
    }
}

/// A text that is not `null` and not a JSON object of strings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("metadata must be null or an object whose values are strings: {reason}")]
pub struct MetadataError {
    reason: String,
}

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match &self.entries {
            None => out.serialize_none(),
            Some(entries) => out.collect_map(entries.iter().map(|(key, value)| (key, value))),
        }
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Metadata;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("null or an object of strings")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Metadata, E> {
        Ok(Metadata::none())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Metadata, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry::<String, String>()? {
            pairs.push(pair);
        }
        Ok(Metadata::from_pairs(pairs))
    }
}

/// The array index that a key stands for in JavaScript: 0 to 2^32 − 2, written without leading
/// zeros.
fn array_index(key: &str) -> Option<u32> {
    let index: u32 = key.parse().ok()?;
    (index != u32::MAX && index.to_string() == key).then_some(index)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Metadata;

    fn json(text: &str) -> String {
        Metadata::from_json(text).expect("valid metadata").to_json()
    }

    #[test]
    fn index_like_keys_come_first_in_ascending_order_then_the_others_as_inserted() {
        assert_eq!(
            json(r#"{"b":"1","10":"2","a":"3","2":"4"}"#),
            r#"{"2":"4","10":"2","b":"1","a":"3"}"#
        );
    }

    #[test]
    fn only_indexes_as_javascript_knows_them_are_moved() {
        let text = r#"{"0":"","4294967294":"","01":"","+1":"","-1":"","4294967295":"","1.0":""}"#;
        assert_eq!(json(text), text);
    }

    #[test]
    fn a_repeated_key_keeps_its_place_and_takes_the_last_value() {
        assert_eq!(json(r#"{"a":"1","b":"2","a":"3"}"#), r#"{"a":"3","b":"2"}"#);
    }

    #[test]
    fn null_and_an_empty_object_are_kept_apart() {
        assert_eq!(json("null"), "null");
        assert_eq!(json("{}"), "{}");
    }

    #[test]
    fn a_value_that_is_not_a_string_is_refused() {
        for text in [
            r#"{"n":1}"#,
            r#"{"n":null}"#,
            r#"{"n":true}"#,
            r#"{"n":{}}"#,
            "[]",
            "\"x\"",
        ] {
            assert!(Metadata::from_json(text).is_err(), "{text} was accepted");
        }
    }

    #[test]
    fn text_is_not_escaped_beyond_what_json_requires() {
        assert_eq!(
            json(r#"{"k":"<\u00e9\/\u2028>"}"#),
            "{\"k\":\"<é/\u{2028}>\"}"
        );
    }

    proptest! {
        #[test]
        fn written_metadata_reads_back_to_the_same_bytes(
            pairs in proptest::collection::vec(("[0-9a-c]{0,3}", ".*"), 0..12),
        ) {
            let once = Metadata::from_pairs(pairs);
            let again = Metadata::from_json(&once.to_json()).expect("own text");
            prop_assert_eq!(again.to_json(), once.to_json());
        }

        #[test]
        fn indexes_ascend_and_stand_before_every_other_key(
            keys in proptest::collection::vec("[0-9a-c]{1,3}", 0..12),
        ) {
            let pairs = keys.into_iter().map(|key| (key, String::new()));
            let metadata = Metadata::from_pairs(pairs);
            let keys = metadata.entries().map(|(key, _)| super::array_index(key));
            let indexes: Vec<_> = keys.collect();
            let leading: Vec<_> = indexes.iter().map_while(|index| *index).collect();
            prop_assert!(leading.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(indexes[leading.len()..].iter().all(Option::is_none));
        }
    }
}
