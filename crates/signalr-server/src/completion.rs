//! What a method answers when it succeeds.
//!
//! The value is kept as a value until the protocol of the caller is known.

use serde::Serialize;

use crate::value::Encode;

/// The answer of a method: nothing, or a value.
pub struct Completion(Option<Box<dyn Encode>>);

impl Completion {
    /// A method without a result. The message has no `result` member; JavaScript sees
    /// `undefined`.
    #[must_use]
    pub const fn void() -> Self {
        Self(None)
    }

    /// A method with a result. `None` and `()` arrive as `null`, not as an absent result.
    pub fn value<T: Serialize + Send + Sync + 'static>(value: T) -> Self {
        Self(Some(Box::new(value)))
    }

    /// The result, `None` for a void answer.
    pub(crate) fn result(&self) -> Option<&dyn Encode> {
        self.0.as_deref()
    }
}

impl From<()> for Completion {
    fn from((): ()) -> Self {
        Self::void()
    }
}

/// What a method can answer: anything that serializes, or a [`Completion`].
pub trait IntoCompletion {
    /// The answer.
    fn into_completion(self) -> Completion;
}

impl IntoCompletion for Completion {
    fn into_completion(self) -> Completion {
        self
    }
}

impl<T: Serialize + Send + Sync + 'static> IntoCompletion for T {
    fn into_completion(self) -> Completion {
        Completion::value(self)
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
