//! What travels between processes: JSON, with each hub message in both protocols.
//!
//! A message is serialized where it is sent, because only there its types are known.

use axum::body::Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::UnknownMessage;
use crate::arguments::ArgumentList;
use crate::error::EncodeError;
use crate::protocol::{Outcome, Protocol};
use crate::registry::To;
use crate::transport::Frame;
use crate::value::Raw;

/// A message, and which process it comes from.
#[derive(Serialize, Deserialize)]
pub(super) struct Carried {
    pub(super) from: String,
    pub(super) errand: Errand,
}

impl Carried {
    pub(super) fn read(text: &str) -> Result<Self, UnknownMessage> {
        serde_json::from_str(text).map_err(|_| UnknownMessage)
    }
}

/// What another process is to do.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Errand {
    /// Send this to them.
    Send { to: Address, call: Serialized },
    /// End their connections.
    Abort { to: Address },
    /// Add a connection to a group.
    Join { connection: String, group: String },
    /// Take a connection out of a group.
    Leave { connection: String, group: String },
    /// Call this client and tell what it answers.
    Ask {
        connection: String,
        number: u64,
        call: Serialized,
    },
    /// What came of a call that the process `to` has asked for.
    Answer {
        to: String,
        number: u64,
        answer: Answer,
    },
}

/// Whom something is for, with names of its own.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Address {
    All,
    AllExcept(Vec<String>),
    Connections(Vec<String>),
    Groups(Vec<String>),
    GroupExcept(String, Vec<String>),
    Users(Vec<String>),
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

impl From<To<'_>> for Address {
    fn from(to: To<'_>) -> Self {
        match to {
            To::All => Self::All,
            To::AllBut(id) => Self::AllExcept(vec![id.to_owned()]),
            To::AllExcept(ids) => Self::AllExcept(owned(ids)),
            To::Connection(id) => Self::Connections(vec![id.to_owned()]),
            To::Connections(ids) => Self::Connections(owned(ids)),
            To::Groups(names, last) => {
                let names = names.iter().chain([&last]);
                Self::Groups(names.map(|name| (*name).to_owned()).collect())
            }
            To::GroupExcept(name, ids) => Self::GroupExcept(name.to_owned(), owned(ids)),
            To::User(id) => Self::Users(vec![id.to_owned()]),
            To::Users(ids) => Self::Users(owned(ids)),
        }
    }
}

impl Address {
    /// Gives it to `find` as the registry knows it.
    pub(super) fn with<R>(&self, find: impl FnOnce(To<'_>) -> R) -> R {
        let names = match self {
            Self::All => return find(To::All),
            Self::AllExcept(names)
            | Self::Connections(names)
            | Self::Groups(names)
            | Self::GroupExcept(_, names)
            | Self::Users(names) => names,
        };
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        find(match self {
            Self::All => To::All,
            Self::AllExcept(_) => To::AllExcept(&names),
            Self::Connections(_) => To::Connections(&names),
            Self::Groups(_) => match names.split_last() {
                Some((last, rest)) => To::Groups(rest, last),
                None => To::Connections(&[]),
            },
            Self::GroupExcept(name, _) => To::GroupExcept(name, &names),
            Self::Users(_) => To::Users(&names),
        })
    }
}

/// A call of a client method, in each protocol.
#[derive(Serialize, Deserialize)]
pub(super) struct Serialized {
    json: String,
    /// In Base64.
    messagepack: String,
}

impl Serialized {
    pub(super) fn of<A: ArgumentList + ?Sized>(
        id: Option<&str>,
        target: &str,
        arguments: &A,
    ) -> Result<Self, EncodeError> {
        let json = Protocol::Json.invocation(id, target, arguments)?;
        let messagepack = Protocol::MessagePack.invocation(id, target, arguments)?;
        Ok(Self::from_frames(&json, &messagepack))
    }

    /// Of frames of the two protocols.
    pub(super) fn from_frames(json: &Frame, messagepack: &Frame) -> Self {
        Self {
            json: String::from_utf8_lossy(&json.bytes).into_owned(),
            messagepack: STANDARD.encode(&messagepack.bytes),
        }
    }

    /// The frames for connections of either protocol.
    pub(super) fn frames(self) -> Result<impl Fn(Protocol) -> Frame, UnknownMessage> {
        let json: Bytes = self.json.into();
        let messagepack = STANDARD.decode(self.messagepack);
        let messagepack: Bytes = messagepack.map_err(|_| UnknownMessage)?.into();
        Ok(move |protocol: Protocol| {
            let bytes = match protocol {
                Protocol::Json => json.clone(),
                Protocol::MessagePack => messagepack.clone(),
            };
            protocol.frame(bytes, true)
        })
    }
}

/// What comes of a call that was asked for in another process.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Answer {
    /// The client is here; wait.
    Asked,
    Void,
    Json(Box<RawValue>),
    /// In Base64.
    Messagepack(String),
    Error(String),
    /// The client has left.
    Gone,
}

impl Answer {
    /// `None`: the client left before it answered.
    pub(super) fn of(outcome: Option<Outcome>) -> Self {
        match outcome {
            None => Self::Gone,
            Some(Outcome::Void) => Self::Void,
            Some(Outcome::Error(text)) => Self::Error(text),
            Some(Outcome::Result(Raw::Json(value))) => Self::Json(value),
            Some(Outcome::Result(Raw::MessagePack(bytes))) => {
                Self::Messagepack(STANDARD.encode(bytes))
            }
        }
    }

    /// What the client has answered; `None` if there is no answer.
    pub(super) fn outcome(self) -> Option<Outcome> {
        Some(match self {
            Self::Asked | Self::Gone => return None,
            Self::Void => Outcome::Void,
            Self::Error(text) => Outcome::Error(text),
            Self::Json(value) => Outcome::Result(Raw::Json(value)),
            Self::Messagepack(text) => {
                let bytes = STANDARD.decode(text).ok()?;
                Outcome::Result(Raw::MessagePack(bytes.into()))
            }
        })
    }
}
