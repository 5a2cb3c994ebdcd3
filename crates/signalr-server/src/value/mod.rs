//! Values in both hub protocols: how they are written, kept as they came, and read when asked.
//!
//! Objects are maps with string keys and ids are strings in both. Bytes and points in time
//! differ, hence [`Binary`] and [`Timestamp`].

mod any;
mod binary;
mod format;
mod json_text;
mod raw;
mod timestamp;

pub use any::Value;
pub use binary::Binary;
pub use json_text::JsonText;
pub(crate) use raw::{DecodeError, List, Raw};
pub use timestamp::Timestamp;

use serde::Serialize;

/// Why a value cannot be written. It may quote the value: never shown to clients, never logged.
pub(crate) type WriteError = Box<dyn std::error::Error + Send + Sync>;

/// A value with its type forgotten; one function for each protocol.
pub(crate) trait Encode: Send + Sync {
    /// Appends the value as JSON.
    fn json(&self, out: &mut Vec<u8>) -> Result<(), WriteError>;
    /// Appends the value as MessagePack.
    fn messagepack(&self, out: &mut Vec<u8>) -> Result<(), WriteError>;
}

impl<T: Serialize + Send + Sync> Encode for T {
    fn json(&self, out: &mut Vec<u8>) -> Result<(), WriteError> {
        write_json(self, out)
    }

    fn messagepack(&self, out: &mut Vec<u8>) -> Result<(), WriteError> {
        write_messagepack(self, out)
    }
}

/// Appends a value as JSON.
pub(crate) fn write_json<T: Serialize + ?Sized>(
    value: &T,
    out: &mut Vec<u8>,
) -> Result<(), WriteError> {
    format::as_json(|| serde_json::to_writer(out, value)).map_err(Into::into)
}

/// Appends a value as MessagePack: structures as maps, in the human-readable form of types.
pub(crate) fn write_messagepack<T: Serialize + ?Sized>(
    value: &T,
    out: &mut Vec<u8>,
) -> Result<(), WriteError> {
    let mut serializer = rmp_serde::Serializer::new(out)
        .with_struct_map()
        .with_human_readable();
    format::as_messagepack(|| value.serialize(&mut serializer)).map_err(Into::into)
}

#[cfg(test)]
mod tests;
