//! Hub protocols: how messages look as bytes, and nothing about what they mean.
//!
//! A protocol is chosen once per connection, in the handshake. Only this module knows the
//! byte formats; it must never touch a connection, a clock or a socket.

mod handshake;
mod json;
mod message;
mod messagepack;
mod records;
mod shared;

pub(crate) use handshake::{Handshake, HandshakeError, parse_handshake, refusal, welcome};
pub(crate) use message::{Call, Incoming, Outcome};
pub(crate) use records::{Framing, RecordError, Records};
pub(crate) use shared::Shared;

use axum::body::Bytes;
use message::ProtocolError;

use crate::arguments::ArgumentList;
use crate::error::EncodeError;
use crate::transport::Frame;
use crate::value::{Encode, WriteError};

/// A hub protocol that this server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// `json`: one object per message, each ended by `0x1E`.
    Json,
    /// `messagepack`: one list per message, each after its length.
    MessagePack,
}

impl Protocol {
    /// Every protocol, for messages that are encoded before their receivers are known.
    const ALL: [Self; 2] = [Self::Json, Self::MessagePack];

    /// The protocol of that name in a handshake, in any letter case as in ASP.NET Core.
    pub(crate) fn by_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|protocol| protocol.name().eq_ignore_ascii_case(name))
    }

    /// The name that clients send in the handshake.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::MessagePack => "messagepack",
        }
    }

    /// Whether it needs a transport that carries bytes, not only text.
    pub(crate) const fn is_binary(self) -> bool {
        matches!(self, Self::MessagePack)
    }

    /// How messages are told apart.
    pub(crate) const fn framing(self) -> Framing {
        match self {
            Self::Json => Framing::Separated,
            Self::MessagePack => Framing::Prefixed,
        }
    }

    /// A frame of bytes that are counted by stateful reconnect, or not.
    pub(crate) const fn frame(self, bytes: Bytes, counted: bool) -> Frame {
        Frame {
            bytes,
            binary: self.is_binary(),
            counted,
        }
    }

    /// Reads one message, given with its framing removed.
    pub(crate) fn parse(self, record: &[u8]) -> Result<Incoming, ProtocolError> {
        match self {
            Self::Json => json::parse(record),
            Self::MessagePack => messagepack::parse(record),
        }
    }

    /// An Invocation; without an id the client does not answer it.
    pub(crate) fn invocation<A: ArgumentList + ?Sized>(
        self,
        id: Option<&str>,
        target: &str,
        arguments: &A,
    ) -> Result<Frame, EncodeError> {
        let bytes = match self {
            Self::Json => json::invocation(id, target, arguments),
            Self::MessagePack => messagepack::invocation(id, target, arguments),
        };
        bytes
            .map(|bytes| self.frame(bytes, true))
            .map_err(|source| EncodeError::new(target, source))
    }

    /// One item of a stream to the client.
    pub(crate) fn stream_item(self, id: &str, item: &dyn Encode) -> Result<Frame, WriteError> {
        let bytes = match self {
            Self::Json => json::stream_item(id, item),
            Self::MessagePack => messagepack::stream_item(id, item),
        };
        bytes.map(|bytes| self.frame(bytes, true))
    }

    /// The Completion of a call that succeeded.
    pub(crate) fn completion(
        self,
        id: &str,
        result: Option<&dyn Encode>,
    ) -> Result<Frame, WriteError> {
        let bytes = match self {
            Self::Json => json::completion(id, result),
            Self::MessagePack => messagepack::completion(id, result),
        };
        bytes.map(|bytes| self.frame(bytes, true))
    }

    /// The Completion of a call that failed.
    pub(crate) fn failure(self, id: &str, error: &str) -> Frame {
        let bytes = match self {
            Self::Json => json::failure(id, error),
            Self::MessagePack => messagepack::failure(id, error),
        };
        self.frame(bytes, true)
    }

    /// A Ping.
    pub(crate) const fn ping(self) -> Frame {
        let bytes = match self {
            Self::Json => json::ping(),
            Self::MessagePack => messagepack::ping(),
        };
        self.frame(bytes, false)
    }

    /// A Close, the last message of a connection.
    pub(crate) fn close(self, error: Option<&str>, allow_reconnect: bool) -> Frame {
        let bytes = match self {
            Self::Json => json::close(error, allow_reconnect),
            Self::MessagePack => messagepack::close(error, allow_reconnect),
        };
        self.frame(bytes, false)
    }

    /// Everything up to that message has been seen.
    pub(crate) fn ack(self, sequence_id: u64) -> Frame {
        self.numbered(8, sequence_id)
    }

    /// The number of the next message on this socket.
    pub(crate) fn sequence(self, sequence_id: u64) -> Frame {
        self.numbered(9, sequence_id)
    }

    fn numbered(self, kind: u8, sequence_id: u64) -> Frame {
        let bytes = match self {
            Self::Json => json::numbered(kind, sequence_id),
            Self::MessagePack => messagepack::numbered(kind, sequence_id),
        };
        self.frame(bytes, false)
    }
}
