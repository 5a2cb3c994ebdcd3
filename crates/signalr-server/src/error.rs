//! Errors of methods and callbacks, and the texts that clients get for them.
//!
//! Clients' tests compare these texts, so they are ASP.NET Core's, letter by letter. A text
//! must never reveal more than the method chose to reveal, unless detailed errors are on.

use crate::arguments::BindError;
use crate::value::WriteError;

/// Why a method, or the connect callback, failed.
#[derive(Debug)]
pub struct HubException {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Public(String),
    Internal { name: String, message: String },
    Binding(BindError),
    Unauthorized,
}

impl HubException {
    /// An error whose message the client always gets:
    /// `An unexpected error occurred invoking 'X' on the server. HubException: <message>`.
    pub fn new(message: impl Into<String>) -> Self {
        Kind::Public(message.into()).into()
    }

    /// An error whose name and message the client gets only with
    /// [`detailed_errors`](crate::HubOptions::detailed_errors); otherwise it gets
    /// `An unexpected error occurred invoking 'X' on the server.`
    pub fn internal(name: impl Into<String>, message: impl Into<String>) -> Self {
        Kind::Internal {
            name: name.into(),
            message: message.into(),
        }
        .into()
    }

    /// The caller may not call this method:
    /// `Failed to invoke 'X' because user is unauthorized`.
    #[must_use]
    pub fn unauthorized() -> Self {
        Kind::Unauthorized.into()
    }

    /// The completion text for a call of `target`.
    pub(crate) fn text(&self, target: &str, detailed: bool) -> String {
        match &self.kind {
            Kind::Binding(_) => self.append(
                format!("Failed to invoke '{target}' due to an error on the server."),
                detailed,
            ),
            Kind::Unauthorized => {
                format!("Failed to invoke '{target}' because user is unauthorized")
            }
            Kind::Public(_) | Kind::Internal { .. } => self.append(unexpected(target), detailed),
        }
    }

    /// The completion text of a stream that failed after it had begun.
    pub(crate) fn stream_text(&self, detailed: bool) -> String {
        const FAILED: &str = "An error occurred on the server while streaming results.";
        self.append(FAILED.to_owned(), detailed)
    }

    /// The text of the Close message after a failed connect callback.
    pub(crate) fn close_text(&self, detailed: bool) -> String {
        self.append(CLOSED_WITH_ERROR.to_owned(), detailed)
    }

    fn append(&self, text: String, detailed: bool) -> String {
        match &self.kind {
            Kind::Public(message) => format!("{text} HubException: {message}"),
            Kind::Internal { name, message } if detailed => format!("{text} {name}: {message}"),
            Kind::Binding(_) if detailed => format!(
                "{text} InvalidDataException: Error binding arguments. Make sure that the types \
                 of the provided values match the types of the hub method being invoked."
            ),
            Kind::Internal { .. } | Kind::Binding(_) | Kind::Unauthorized => text,
        }
    }
}

impl From<Kind> for HubException {
    fn from(kind: Kind) -> Self {
        Self { kind }
    }
}

impl From<BindError> for HubException {
    fn from(error: BindError) -> Self {
        Kind::Binding(error).into()
    }
}

impl std::fmt::Display for HubException {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.kind {
            Kind::Public(message) => f.write_str(message),
            Kind::Internal { name, message } => write!(f, "{name}: {message}"),
            Kind::Binding(error) => error.fmt(f),
            Kind::Unauthorized => f.write_str("the user is unauthorized"),
        }
    }
}

impl std::error::Error for HubException {}

/// The Close text when the server ends a connection because of an error.
pub(crate) const CLOSED_WITH_ERROR: &str = "Connection closed with an error.";

/// The completion text of a method that failed without saying more, or panicked.
pub(crate) fn unexpected(target: &str) -> String {
    format!("An unexpected error occurred invoking '{target}' on the server.")
}

/// The arguments of a message to clients cannot be serialized; nothing was sent.
#[derive(Debug, thiserror::Error)]
#[error("the arguments for client method '{target}' cannot be serialized")]
pub struct EncodeError {
    target: String,
    source: WriteError,
}

impl EncodeError {
    pub(crate) fn new(target: &str, source: WriteError) -> Self {
        Self {
            target: target.to_owned(),
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_those_of_asp_net_core() {
        let base = "An unexpected error occurred invoking 'X' on the server.";
        let cases = [
            (
                HubException::new("m"),
                false,
                format!("{base} HubException: m"),
            ),
            (HubException::internal("E", "m"), false, base.to_owned()),
            (
                HubException::internal("E", "m"),
                true,
                format!("{base} E: m"),
            ),
            (
                HubException::unauthorized(),
                true,
                "Failed to invoke 'X' because user is unauthorized".to_owned(),
            ),
        ];
        for (error, detailed, text) in cases {
            assert_eq!(error.text("X", detailed), text);
        }
        assert_eq!(
            HubException::new("m").close_text(false),
            "Connection closed with an error. HubException: m"
        );
    }
}
