//! The `json` hub protocol, byte by byte.
//!
//! Members come in any order (the JavaScript client writes `type` last). Writing never
//! emits an absent member as `null`: clients reject `"invocationId":null`.

use axum::body::Bytes;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::message::{Call, Incoming, Outcome, ProtocolError};
use super::records::RECORD_SEPARATOR;
use crate::arguments::ArgumentList;
use crate::value::{Encode, Raw, WriteError, write_json};

/// Every member that some message type reads. Values stay raw until the type is known,
/// because a member's type only matters to the messages that use it.
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow, rename = "invocationId")]
    invocation_id: Option<&'a RawValue>,
    #[serde(borrow)]
    target: Option<&'a RawValue>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
    #[serde(borrow, rename = "streamIds")]
    stream_ids: Option<&'a RawValue>,
    #[serde(borrow, default)]
    item: Present<'a>,
    #[serde(borrow, default)]
    result: Present<'a>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow, rename = "sequenceId")]
    sequence_id: Option<&'a RawValue>,
}

/// A member whose `null` is a value and not absence.
#[derive(Default, Deserialize)]
#[serde(from = "&RawValue", bound(deserialize = "'de: 'a"))]
struct Present<'a>(Option<&'a RawValue>);

impl<'a> From<&'a RawValue> for Present<'a> {
    fn from(value: &'a RawValue) -> Self {
        Self(Some(value))
    }
}

impl Present<'_> {
    fn raw(&self) -> Option<Raw> {
        self.0.map(|value| Raw::Json(value.to_owned()))
    }
}

/// Reads one message without its record separator.
pub(super) fn parse(record: &[u8]) -> Result<Incoming, ProtocolError> {
    // Checked as a whole: serde does not look into the members that it skips.
    let text = std::str::from_utf8(record).map_err(|_| ProtocolError::NotAnObject)?;
    // serde would also read a struct from an array; a message is an object.
    if !text.trim_ascii_start().starts_with('{') {
        return Err(ProtocolError::NotAnObject);
    }
    let members: Members<'_> =
        serde_json::from_str(text).map_err(|_| ProtocolError::NotAnObject)?;
    let kind: i64 = read("type", "Integer", members.kind)?.ok_or(ProtocolError::Missing("type"))?;
    Ok(match kind {
        1 => Incoming::Invocation(members.call()?),
        2 => Incoming::StreamItem {
            id: members.required_id()?,
            item: members.item.raw().ok_or(ProtocolError::Missing("item"))?,
        },
        3 => Incoming::Completion {
            id: members.required_id()?,
            outcome: members.outcome()?,
        },
        4 => {
            let call = members.call()?;
            if call.invocation_id.is_none() {
                return Err(ProtocolError::Missing("invocationId"));
            }
            Incoming::StreamInvocation(call)
        }
        5 => Incoming::CancelInvocation {
            id: members.required_id()?,
        },
        6 => Incoming::Ping,
        7 => Incoming::Close {
            error: read("error", "String", members.error)?,
        },
        8 => Incoming::Ack(members.sequence()?),
        9 => Incoming::Sequence(members.sequence()?),
        _ => Incoming::Ignored,
    })
}

impl Members<'_> {
    fn id(&self) -> Result<Option<String>, ProtocolError> {
        let id: Option<String> = read("invocationId", "String", self.invocation_id)?;
        Ok(id.filter(|id| !id.is_empty()))
    }

    fn required_id(&self) -> Result<String, ProtocolError> {
        self.id()?.ok_or(ProtocolError::Missing("invocationId"))
    }

    fn sequence(&self) -> Result<u64, ProtocolError> {
        read("sequenceId", "Integer", self.sequence_id)?.ok_or(ProtocolError::Missing("sequenceId"))
    }

    fn outcome(&self) -> Result<Outcome, ProtocolError> {
        // Real servers tolerate a result beside an error.
        if let Some(error) = read("error", "String", self.error)? {
            return Ok(Outcome::Error(error));
        }
        Ok(self.result.raw().map_or(Outcome::Void, Outcome::Result))
    }

    fn call(&self) -> Result<Call, ProtocolError> {
        let target: String = read("target", "String", self.target)?
            .filter(|target: &String| !target.is_empty())
            .ok_or(ProtocolError::Missing("target"))?;
        let streams: Option<Vec<String>> = read("streamIds", "Array", self.stream_ids)?;
        let arguments: Vec<Box<RawValue>> = read("arguments", "Array", self.arguments)?
            .ok_or(ProtocolError::Missing("arguments"))?;
        Ok(Call {
            invocation_id: self.id()?,
            target,
            arguments: arguments.into_iter().map(Raw::Json).collect(),
            stream_ids: streams.unwrap_or_default(),
        })
    }
}

/// A member's value; absent and `null` are the same.
fn read<T: DeserializeOwned>(
    name: &'static str,
    expected: &'static str,
    value: Option<&RawValue>,
) -> Result<Option<T>, ProtocolError> {
    value.map_or(Ok(None), |value| {
        serde_json::from_str(value.get()).map_err(|_| ProtocolError::WrongType { name, expected })
    })
}

/// Begins a message with its type and, if it has one, its id.
fn head(kind: u8, id: Option<&str>) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    out.extend_from_slice(b"{\"type\":");
    out.push(b'0' + kind);
    if let Some(id) = id {
        text(&mut out, "invocationId", id);
    }
    out
}

fn name(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

fn text(out: &mut Vec<u8>, member: &str, text: &str) {
    name(out, member);
    serde_json::to_writer(out, text).expect("strings always become JSON");
}

fn finish(mut out: Vec<u8>) -> Bytes {
    out.extend_from_slice(&[b'}', RECORD_SEPARATOR]);
    out.into()
}

pub(super) fn invocation<A: ArgumentList + ?Sized>(
    id: Option<&str>,
    target: &str,
    arguments: &A,
) -> Result<Bytes, WriteError> {
    let mut out = head(1, id);
    text(&mut out, "target", target);
    name(&mut out, "arguments");
    write_json(arguments, &mut out)?;
    Ok(finish(out))
}

pub(super) fn stream_item(id: &str, item: &dyn Encode) -> Result<Bytes, WriteError> {
    let mut out = head(2, Some(id));
    name(&mut out, "item");
    item.json(&mut out)?;
    Ok(finish(out))
}

pub(super) fn completion(id: &str, result: Option<&dyn Encode>) -> Result<Bytes, WriteError> {
    let mut out = head(3, Some(id));
    if let Some(result) = result {
        name(&mut out, "result");
        result.json(&mut out)?;
    }
    Ok(finish(out))
}

pub(super) fn failure(id: &str, error: &str) -> Bytes {
    let mut out = head(3, Some(id));
    text(&mut out, "error", error);
    finish(out)
}

pub(super) const fn ping() -> Bytes {
    Bytes::from_static(b"{\"type\":6}\x1e")
}

pub(super) fn close(error: Option<&str>, allow_reconnect: bool) -> Bytes {
    let mut out = head(7, None);
    if let Some(error) = error {
        text(&mut out, "error", error);
    }
    if allow_reconnect {
        out.extend_from_slice(b",\"allowReconnect\":true");
    }
    finish(out)
}

/// An Ack (8) or a Sequence (9).
pub(super) fn numbered(kind: u8, sequence_id: u64) -> Bytes {
    let mut out = head(kind, None);
    name(&mut out, "sequenceId");
    out.extend_from_slice(sequence_id.to_string().as_bytes());
    finish(out)
}

#[cfg(test)]
mod tests;
