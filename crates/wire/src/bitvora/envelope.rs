//! The envelope of every successful response (contract section 1.1).
//!
//! `message` must never be null and a list must never be null; errors have a body of their own
//! ([`crate::problem`]).

use serde::Serialize;

/// `{status, message, data}`, and `next_cursor` (extension) where a list goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Success<T> {
    /// The HTTP status: 201 for the four creating POSTs, 200 for the rest.
    pub status: u16,
    /// A sentence for people.
    pub message: &'static str,
    /// The object, or the array of a list.
    pub data: T,
    /// Where the next page begins; absent when there is none (extension).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

impl<T> Success<T> {
    /// The answer to a GET or an estimate: 200.
    pub const fn ok(message: &'static str, data: T) -> Self {
        Self {
            status: 200,
            message,
            data,
            next_cursor: None,
        }
    }

    /// The answer to a creating POST: 201.
    pub const fn created(message: &'static str, data: T) -> Self {
        Self {
            status: 201,
            message,
            data,
            next_cursor: None,
        }
    }

    /// The same answer with the place where the next page begins.
    #[must_use]
    pub fn with_next_cursor(mut self, next_cursor: Option<String>) -> Self {
        self.next_cursor = next_cursor;
        self
    }
}
