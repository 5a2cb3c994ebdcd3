//! JSON that is there already: sent as it is with JSON, translated for MessagePack.

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::{Value, format};

/// A JSON document to send. Clients with JSON get its text unchanged, clients with MessagePack
/// the same value.
#[derive(Clone, Copy)]
pub struct JsonText<'a>(pub &'a RawValue);

impl Serialize for JsonText<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !format::is_messagepack() {
            return self.0.serialize(serializer);
        }
        let value: Value = serde_json::from_str(self.0.get()).map_err(serde::ser::Error::custom)?;
        value.serialize(serializer)
    }
}

impl std::fmt::Debug for JsonText<'_> {
    /// Only the length: documents may hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "JsonText({})", self.0.get().len())
    }
}
