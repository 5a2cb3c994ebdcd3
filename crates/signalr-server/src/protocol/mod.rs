//! Hub protocols: how messages look as bytes, and nothing about what they mean.
//!
//! A protocol is chosen once per connection, in the handshake. Only this module knows the
//! byte formats; it must never touch a connection, a clock or a socket.

mod handshake;
mod json;
mod message;
mod records;

pub(crate) use handshake::{HandshakeError, parse_handshake, refusal, welcome};
pub(crate) use message::{Call, Incoming, ProtocolError};
pub(crate) use records::{Oversize, Records};

use crate::arguments::ArgumentList;
use crate::completion::Completion;
use crate::error::EncodeError;
use crate::transport::Frame;

/// A hub protocol that this server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// `json`: one object per message, each ended by `0x1E`.
    Json,
}

impl Protocol {
    /// Every protocol, for messages that are encoded before their receivers are known.
    const ALL: [Self; 1] = [Self::Json];

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
        }
    }

    /// Reads one message, given with its framing removed.
    pub(crate) fn parse(self, record: &[u8]) -> Result<Incoming, ProtocolError> {
        match self {
            Self::Json => json::parse(record),
        }
    }

    /// An Invocation without an id: the client will not answer it.
    pub(crate) fn invocation<A: ArgumentList + ?Sized>(
        self,
        target: &str,
        arguments: &A,
    ) -> Result<Frame, EncodeError> {
        match self {
            Self::Json => json::invocation(target, arguments)
                .map(Frame::Text)
                .map_err(|source| EncodeError::new(target, source)),
        }
    }

    /// The Completion of a call that succeeded.
    pub(crate) fn completion(
        self,
        id: &str,
        completion: &Completion,
    ) -> Result<Frame, serde_json::Error> {
        match self {
            Self::Json => json::completion(id, completion).map(Frame::Text),
        }
    }

    /// The Completion of a call that failed.
    pub(crate) fn failure(self, id: &str, error: &str) -> Frame {
        match self {
            Self::Json => Frame::Text(json::failure(id, error)),
        }
    }

    /// A Ping.
    pub(crate) fn ping(self) -> Frame {
        match self {
            Self::Json => Frame::Text(json::ping()),
        }
    }

    /// A Close, the last message of a connection.
    pub(crate) fn close(self, error: Option<&str>, allow_reconnect: bool) -> Frame {
        match self {
            Self::Json => Frame::Text(json::close(error, allow_reconnect)),
        }
    }
}

/// One message to many connections, encoded at most once for each protocol.
pub(crate) struct Shared<'a, A: ?Sized> {
    target: &'a str,
    arguments: &'a A,
    json: Option<Frame>,
}

impl<'a, A: ArgumentList + ?Sized> Shared<'a, A> {
    /// Nothing is encoded until a receiver asks.
    pub(crate) const fn new(target: &'a str, arguments: &'a A) -> Self {
        Self {
            target,
            arguments,
            json: None,
        }
    }

    /// The message for a connection that speaks `protocol`. Frames share their bytes.
    pub(crate) fn frame(&mut self, protocol: Protocol) -> Result<Frame, EncodeError> {
        let known = match protocol {
            Protocol::Json => &mut self.json,
        };
        if let Some(frame) = known {
            return Ok(frame.clone());
        }
        let frame = protocol.invocation(self.target, self.arguments)?;
        *known = Some(frame.clone());
        Ok(frame)
    }
}
