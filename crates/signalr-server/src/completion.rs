//! What a method answers when it succeeds.
//!
//! The value is kept as a value until the protocol of the caller is known.

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

/// The answer of a method: nothing, or a value.
pub struct Completion(Option<Box<dyn Encode>>);

impl Completion {
    /// A method without a result. The message has no `result` member; JavaScript sees
    /// `undefined`.
    #[must_use]
    pub const fn void() -> Self {
        Self(None)
    }

    /// A method with a result. `None` arrives as `null`, not as an absent result.
    pub fn value<T: Serialize + Send + Sync + 'static>(value: T) -> Self {
        Self(Some(Box::new(value)))
    }

    /// The result as JSON, `None` for a void answer.
    pub(crate) fn json(&self) -> Result<Option<Box<RawValue>>, serde_json::Error> {
        self.0.as_ref().map(|value| value.json()).transpose()
    }
}

impl From<()> for Completion {
    fn from((): ()) -> Self {
        Self::void()
    }
}

impl std::fmt::Debug for Completion {
    /// Whether there is a value, not which: results may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() {
            "Completion::value(..)"
        } else {
            "Completion::void()"
        })
    }
}

/// Serialization with the type forgotten; one function for each protocol.
trait Encode: Send + Sync {
    fn json(&self) -> Result<Box<RawValue>, serde_json::Error>;
}

impl<T: Serialize + Send + Sync> Encode for T {
    fn json(&self) -> Result<Box<RawValue>, serde_json::Error> {
        to_raw_value(self)
    }
}
