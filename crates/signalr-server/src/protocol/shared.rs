//! One message for many connections, encoded at most once for each protocol.

use super::Protocol;
use crate::arguments::ArgumentList;
use crate::error::EncodeError;
use crate::transport::Frame;

/// The message. Nothing is encoded until a receiver asks.
pub(crate) struct Shared<'a, A: ?Sized> {
    target: &'a str,
    arguments: &'a A,
    json: Option<Frame>,
    messagepack: Option<Frame>,
}

impl<'a, A: ArgumentList + ?Sized> Shared<'a, A> {
    pub(crate) const fn new(target: &'a str, arguments: &'a A) -> Self {
        Self {
            target,
            arguments,
            json: None,
            messagepack: None,
        }
    }

    /// The message for a connection that speaks `protocol`. Frames share their bytes.
    pub(crate) fn frame(&mut self, protocol: Protocol) -> Result<Frame, EncodeError> {
        let known = match protocol {
            Protocol::Json => &mut self.json,
            Protocol::MessagePack => &mut self.messagepack,
        };
        if let Some(frame) = known {
            return Ok(frame.clone());
        }
        let frame = protocol.invocation(None, self.target, self.arguments)?;
        *known = Some(frame.clone());
        Ok(frame)
    }
}
