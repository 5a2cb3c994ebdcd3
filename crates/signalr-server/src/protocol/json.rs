//! The `json` hub protocol, byte by byte.
//!
//! Members come in any order (the JavaScript client writes `type` last). Writing never
//! emits an absent member as `null`: clients reject `"invocationId":null`.

use axum::body::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::message::{Call, Incoming, ProtocolError};
use super::records::RECORD_SEPARATOR;
use crate::arguments::ArgumentList;
use crate::completion::Completion;

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
    #[serde(borrow)]
    item: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
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
    match kind {
        1 => members.call().map(Incoming::Invocation),
        2 => {
            members.required_id()?;
            members.item.ok_or(ProtocolError::Missing("item"))?;
            Ok(Incoming::StreamItem)
        }
        3 => members.required_id().map(|_| Incoming::Completion),
        4 => {
            let call = members.call()?;
            if call.invocation_id.is_none() {
                return Err(ProtocolError::Missing("invocationId"));
            }
            Ok(Incoming::StreamInvocation(call))
        }
        5 => members.required_id().map(|_| Incoming::CancelInvocation),
        6 => Ok(Incoming::Ping),
        7 => Ok(Incoming::Close {
            error: read("error", "String", members.error)?,
        }),
        _ => Ok(Incoming::Ignored),
    }
}

impl Members<'_> {
    fn id(&self) -> Result<Option<String>, ProtocolError> {
        let id: Option<String> = read("invocationId", "String", self.invocation_id)?;
        Ok(id.filter(|id| !id.is_empty()))
    }

    fn required_id(&self) -> Result<String, ProtocolError> {
        self.id()?.ok_or(ProtocolError::Missing("invocationId"))
    }

    fn call(&self) -> Result<Call, ProtocolError> {
        let target: String = read("target", "String", self.target)?
            .filter(|target: &String| !target.is_empty())
            .ok_or(ProtocolError::Missing("target"))?;
        let streams: Option<Vec<String>> = read("streamIds", "Array", self.stream_ids)?;
        Ok(Call {
            invocation_id: self.id()?,
            target,
            arguments: read("arguments", "Array", self.arguments)?
                .ok_or(ProtocolError::Missing("arguments"))?,
            upload_streams: streams.map_or(0, |ids| ids.len()),
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

#[derive(Serialize)]
struct Invocation<'a, A: ?Sized> {
    #[serde(rename = "type")]
    kind: u8,
    target: &'a str,
    arguments: &'a A,
}

#[derive(Serialize)]
struct Completed<'a> {
    #[serde(rename = "type")]
    kind: u8,
    #[serde(rename = "invocationId")]
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

#[derive(Serialize)]
struct Close<'a> {
    #[serde(rename = "type")]
    kind: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(rename = "allowReconnect", skip_serializing_if = "Option::is_none")]
    allow_reconnect: Option<bool>,
}

pub(super) fn invocation<A: ArgumentList + ?Sized>(
    target: &str,
    arguments: &A,
) -> Result<Bytes, serde_json::Error> {
    write(&Invocation {
        kind: 1,
        target,
        arguments,
    })
}

pub(super) fn completion(id: &str, completion: &Completion) -> Result<Bytes, serde_json::Error> {
    let result = completion.json()?;
    write(&Completed {
        kind: 3,
        id,
        result: result.as_deref(),
        error: None,
    })
}

pub(super) fn failure(id: &str, error: &str) -> Bytes {
    write(&Completed {
        kind: 3,
        id,
        result: None,
        error: Some(error),
    })
    .expect("strings always become JSON")
}

pub(super) fn ping() -> Bytes {
    Bytes::from_static(b"{\"type\":6}\x1e")
}

pub(super) fn close(error: Option<&str>, allow_reconnect: bool) -> Bytes {
    write(&Close {
        kind: 7,
        error,
        allow_reconnect: allow_reconnect.then_some(true),
    })
    .expect("strings and booleans always become JSON")
}

fn write<T: Serialize>(message: &T) -> Result<Bytes, serde_json::Error> {
    let mut bytes = serde_json::to_vec(message)?;
    bytes.push(RECORD_SEPARATOR);
    Ok(bytes.into())
}

#[cfg(test)]
mod tests;
