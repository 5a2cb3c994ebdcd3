//! The `messagepack` hub protocol, byte by byte: a length, then a list.
//!
//! Elements that are missing at the end of a list are absent, and more than there should be
//! are ignored. Invocations are written with all six elements: signalrcore asks for the sixth.

mod cursor;

use axum::body::Bytes;
use rmp::encode as put;

use super::message::{Call, Incoming, Outcome, ProtocolError};
use super::records::prefixed;
use crate::arguments::ArgumentList;
use crate::value::{Encode, Raw, WriteError, write_messagepack};
use cursor::Cursor;

const NIL: u8 = 0xc0;
const NO_HEADERS: u8 = 0x80;
const NO_STREAMS: u8 = 0x90;

/// The list of a message and how many of its elements were not read yet.
struct Elements<'a> {
    cursor: Cursor<'a>,
    left: usize,
}

impl<'a> Elements<'a> {
    /// Whether there is one more; it counts as read.
    fn more(&mut self) -> bool {
        let more = self.left > 0;
        self.left = self.left.saturating_sub(1);
        more
    }

    fn skip(&mut self, name: &'static str) -> Result<(), ProtocolError> {
        if self.more() {
            self.cursor.value(name)?;
        }
        Ok(())
    }

    fn text(&mut self, name: &'static str) -> Result<Option<&'a str>, ProtocolError> {
        if self.more() {
            self.cursor.text(name)
        } else {
            Ok(None)
        }
    }

    fn required_text(&mut self, name: &'static str) -> Result<String, ProtocolError> {
        self.text(name)?
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
            .ok_or(ProtocolError::Missing(name))
    }

    fn unsigned(&mut self, name: &'static str) -> Result<u64, ProtocolError> {
        if !self.more() {
            return Err(ProtocolError::Missing(name));
        }
        self.cursor.unsigned(name)
    }

    fn raw(&mut self, name: &'static str) -> Result<Raw, ProtocolError> {
        if !self.more() {
            return Err(ProtocolError::Missing(name));
        }
        self.cursor.value(name).map(copy)
    }

    /// A list of values; `None` if it is missing.
    fn list(&mut self, name: &'static str) -> Result<Option<usize>, ProtocolError> {
        self.more().then(|| self.cursor.list(name)).transpose()
    }
}

/// A copy, because the message's buffer is about to be used again.
fn copy(bytes: &[u8]) -> Raw {
    Raw::MessagePack(Bytes::copy_from_slice(bytes))
}

/// Reads one message without its length.
pub(super) fn parse(record: &[u8]) -> Result<Incoming, ProtocolError> {
    let mut cursor = Cursor::new(record);
    let left = cursor.list("elements")?;
    let mut message = Elements { cursor, left };
    let kind = message.unsigned("messageType")?;
    if (1..=5).contains(&kind) {
        message.skip("headers")?;
    }
    Ok(match kind {
        1 => Incoming::Invocation(call(&mut message)?),
        2 => Incoming::StreamItem {
            id: message.required_text("invocationId")?,
            item: message.raw("item")?,
        },
        3 => Incoming::Completion {
            id: message.required_text("invocationId")?,
            outcome: outcome(&mut message)?,
        },
        4 => {
            let call = call(&mut message)?;
            if call.invocation_id.is_none() {
                return Err(ProtocolError::Missing("invocationId"));
            }
            Incoming::StreamInvocation(call)
        }
        5 => Incoming::CancelInvocation {
            id: message.required_text("invocationId")?,
        },
        6 => Incoming::Ping,
        7 => Incoming::Close {
            error: message.text("error")?.map(str::to_owned),
        },
        8 => Incoming::Ack(message.unsigned("sequenceId")?),
        9 => Incoming::Sequence(message.unsigned("sequenceId")?),
        _ => Incoming::Ignored,
    })
}

fn outcome(message: &mut Elements<'_>) -> Result<Outcome, ProtocolError> {
    Ok(match message.unsigned("resultKind")? {
        1 => Outcome::Error(message.text("error")?.unwrap_or_default().to_owned()),
        3 => Outcome::Result(message.raw("result")?),
        _ => Outcome::Void,
    })
}

fn call(message: &mut Elements<'_>) -> Result<Call, ProtocolError> {
    let invocation_id = message.text("invocationId")?.filter(|id| !id.is_empty());
    let target = message.required_text("target")?;
    let count = message
        .list("arguments")?
        .ok_or(ProtocolError::Missing("arguments"))?;
    let mut arguments = Vec::new();
    for _ in 0..count {
        arguments.push(copy(message.cursor.value("arguments")?));
    }
    let mut stream_ids = Vec::new();
    if message.more() {
        // Absent streams may be nil.
        let bytes = message.cursor.value("streamIds")?;
        if bytes != [NIL] {
            let mut ids = Cursor::new(bytes);
            for _ in 0..ids.list("streamIds")? {
                let id = ids.text("streamIds")?;
                stream_ids.push(id.ok_or(ProtocolError::Element("streamIds"))?.to_owned());
            }
        }
    }
    Ok(Call {
        invocation_id: invocation_id.map(str::to_owned),
        target,
        arguments,
        stream_ids,
    })
}

/// The first elements of a message of types 1 to 5, up to its id.
fn head(elements: u8, kind: u8, id: Option<&str>) -> Vec<u8> {
    let mut out = vec![0x90 | elements, kind, NO_HEADERS];
    text(&mut out, id);
    out
}

fn text(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        None => out.push(NIL),
        Some(text) => put::write_str(out, text).expect("a vector takes everything"),
    }
}

fn finish(body: &[u8]) -> Bytes {
    prefixed(body).into()
}

pub(super) fn invocation<A: ArgumentList + ?Sized>(
    id: Option<&str>,
    target: &str,
    arguments: &A,
) -> Result<Bytes, WriteError> {
    let mut out = head(6, 1, id);
    text(&mut out, Some(target));
    write_messagepack(arguments, &mut out)?;
    out.push(NO_STREAMS);
    Ok(finish(&out))
}

pub(super) fn stream_item(id: &str, item: &dyn Encode) -> Result<Bytes, WriteError> {
    let mut out = head(4, 2, Some(id));
    item.messagepack(&mut out)?;
    Ok(finish(&out))
}

pub(super) fn completion(id: &str, result: Option<&dyn Encode>) -> Result<Bytes, WriteError> {
    let mut out = head(if result.is_some() { 5 } else { 4 }, 3, Some(id));
    out.push(if result.is_some() { 3 } else { 2 });
    if let Some(result) = result {
        result.messagepack(&mut out)?;
    }
    Ok(finish(&out))
}

pub(super) fn failure(id: &str, error: &str) -> Bytes {
    let mut out = head(5, 3, Some(id));
    out.push(1);
    text(&mut out, Some(error));
    finish(&out)
}

pub(super) const fn ping() -> Bytes {
    Bytes::from_static(&[2, 0x91, 6])
}

pub(super) fn close(error: Option<&str>, allow_reconnect: bool) -> Bytes {
    let mut out = vec![0x93, 7];
    text(&mut out, error);
    out.push(if allow_reconnect { 0xc3 } else { 0xc2 });
    finish(&out)
}

/// An Ack (8) or a Sequence (9).
pub(super) fn numbered(kind: u8, sequence_id: u64) -> Bytes {
    let mut out = vec![0x92, kind];
    put::write_uint(&mut out, sequence_id).expect("a vector takes everything");
    finish(&out)
}

#[cfg(test)]
mod tests;
