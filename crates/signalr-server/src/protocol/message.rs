//! Messages that clients send, as values. Follows `HubProtocol.md` of ASP.NET Core.
//!
//! Must never hold a decoded argument: arguments stay raw until the method asks, because a
//! failure to bind them ends the call and not the connection.

use serde_json::value::RawValue;

/// A message from the client.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// Type 1: call a method; without an id it is never answered.
    Invocation(Call),
    /// Type 2: an item of a stream that the client uploads.
    StreamItem,
    /// Type 3: the end of an upload stream, or the answer to a call from the server.
    Completion,
    /// Type 4: call a streaming method.
    StreamInvocation(Call),
    /// Type 5: stop a streaming method.
    CancelInvocation,
    /// Type 6: the client is alive.
    Ping,
    /// Type 7: the client ends the connection, with an error if something went wrong.
    Close {
        /// What went wrong on the client's side.
        error: Option<String>,
    },
    /// Types 8 and 9 (stateful reconnect) and every type that this server does not know.
    Ignored,
}

/// The call in an Invocation or a StreamInvocation.
#[derive(Debug)]
pub(crate) struct Call {
    /// Absent or empty in the message: `None`, and the call gets no answer.
    pub(crate) invocation_id: Option<String>,
    /// The method's name as the client wrote it; error texts repeat it.
    pub(crate) target: String,
    /// The arguments, each as raw JSON.
    pub(crate) arguments: Vec<Box<RawValue>>,
    /// How many upload streams the client announced.
    pub(crate) upload_streams: usize,
}

/// Bytes that are no message; they end the connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProtocolError {
    /// Not one JSON object.
    #[error("the message is not a JSON object")]
    NotAnObject,
    /// A member that the message type cannot do without.
    #[error("Missing required property '{0}'.")]
    Missing(&'static str),
    /// A member of the wrong JSON type.
    #[error("Expected '{name}' to be of type {expected}.")]
    WrongType {
        /// The member's name.
        name: &'static str,
        /// The type it should have.
        expected: &'static str,
    },
}
