//! [`Metadata`]: the customer's own notes, carried along with a payment.
//!
//! The domain never looks inside: it keeps the JSON text that the edge has checked and put in order.

use std::fmt;

/// A JSON object of strings, as the edge wrote it. `Debug` hides it: it may hold personal data.
#[derive(Clone, PartialEq, Eq)]
pub struct Metadata(String);

impl Metadata {
    /// The metadata with this JSON text, which the edge has checked.
    pub fn from_json(text: String) -> Self {
        Self(text)
    }

    /// The JSON text.
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Metadata({} bytes)", self.0.len())
    }
}
