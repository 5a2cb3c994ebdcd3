//! Messages that clients send, as values. Follows `HubProtocol.md` of ASP.NET Core.
//!
//! Must never hold a decoded argument: arguments stay raw until the method asks, because a
//! failure to bind them ends the call and not the connection.

use crate::value::Raw;

/// A message from the client.
pub(crate) enum Incoming {
    /// Type 1: call a method; without an id it is never answered.
    Invocation(Call),
    /// Type 2: an item of a stream that the client uploads.
    StreamItem {
        /// The stream's id.
        id: String,
        /// The item.
        item: Raw,
    },
    /// Type 3: the end of an upload stream, or the answer to a call from the server.
    Completion {
        /// The stream's or the call's id.
        id: String,
        /// How it ended.
        outcome: Outcome,
    },
    /// Type 4: call a streaming method.
    StreamInvocation(Call),
    /// Type 5: stop a streaming method, or cancel a plain one.
    CancelInvocation {
        /// The call's id.
        id: String,
    },
    /// Type 6: the client is alive.
    Ping,
    /// Type 7: the client ends the connection, with an error if something went wrong.
    Close {
        /// What went wrong on the client's side.
        error: Option<String>,
    },
    /// Type 8: the client has seen everything up to this message.
    Ack(u64),
    /// Type 9: the number of the next message on a new socket.
    Sequence(u64),
    /// Every type that this server does not know.
    Ignored,
}

impl Incoming {
    /// Whether stateful reconnect numbers it: types 1 to 5.
    pub(crate) const fn is_counted(&self) -> bool {
        matches!(
            self,
            Self::Invocation(_)
                | Self::StreamItem { .. }
                | Self::Completion { .. }
                | Self::StreamInvocation(_)
                | Self::CancelInvocation { .. }
        )
    }
}

/// How something that the client does has ended.
pub(crate) enum Outcome {
    /// Without a result.
    Void,
    /// With a result.
    Result(Raw),
    /// With an error's text.
    Error(String),
}

/// The call in an Invocation or a StreamInvocation.
pub(crate) struct Call {
    /// Absent or empty in the message: `None`, and the call gets no answer.
    pub(crate) invocation_id: Option<String>,
    /// The method's name as the client wrote it; error texts repeat it.
    pub(crate) target: String,
    /// The arguments, each as it came.
    pub(crate) arguments: Vec<Raw>,
    /// The streams that the client will upload.
    pub(crate) stream_ids: Vec<String>,
}

/// Bytes that are no message; they end the connection.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
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
    /// An element of a MessagePack message that is cut off or of the wrong type.
    #[error("Reading '{0}' failed.")]
    Element(&'static str),
}
