//! What the hub can be asked, for the tester and the reference: `/hub.json`.
//!
//! It says what the code does: the tests call every command as it is described here.

use serde::Serialize;
use serde_json::value::RawValue;

use super::{EVENT_CHANNEL, Subject};
use crate::schema::describe;

/// The hub.
#[derive(Debug, Clone, Serialize)]
pub struct HubDescription {
    /// Where it is.
    pub path: &'static str,
    /// What it can be asked.
    pub commands: Vec<HubCommand>,
}

/// A command.
#[derive(Debug, Clone, Serialize)]
pub struct HubCommand {
    /// The method that is invoked.
    pub name: &'static str,
    /// What it does.
    pub description: &'static str,
    /// What it takes, in this order.
    pub arguments: Vec<HubArgument>,
    /// The method on which it is answered.
    pub event: &'static str,
    /// What an answer may be about.
    pub subjects: Vec<&'static str>,
    /// An answer.
    pub example_event: Box<RawValue>,
}

/// An argument of a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HubArgument {
    /// Its name.
    pub name: &'static str,
    /// Its JSON type.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Whether it must be there.
    pub required: bool,
    /// What it is.
    pub description: &'static str,
    /// One.
    pub example: &'static str,
}

/// Describes the hub at `path`; `created` is an event that answers a withdrawal.
#[must_use]
pub fn hub_description(path: &'static str, created: Box<RawValue>) -> HubDescription {
    let withdraw = HubCommand {
        name: "WithdrawLightning",
        description: "Pays a Lightning invoice. The answer says that it was accepted; how it ended is told later.",
        arguments: vec![
            HubArgument {
                name: "ClientId",
                kind: "string",
                required: true,
                description: "Your own id of the withdrawal, at most 36 characters. The same id never pays twice.",
                example: "my-withdrawal-123",
            },
            HubArgument {
                name: "PaymentRequestHash",
                kind: "string",
                required: true,
                description: "The encoded Lightning invoice (BOLT 11).",
                example: "lnbc1...",
            },
        ],
        event: EVENT_CHANNEL,
        subjects: vec![
            Subject::WithdrawalCreated.as_str(),
            Subject::WithdrawalCompleted.as_str(),
            Subject::WithdrawalFailed.as_str(),
            Subject::WithdrawalError.as_str(),
            Subject::PreChecksError.as_str(),
        ],
        example_event: created,
    };
    HubDescription {
        path,
        commands: vec![withdraw],
    }
}

describe! { HubDescription, "HubDescription", flat [],
    path => "path",
    commands => "commands",
}

describe! { HubCommand, "HubCommand", flat [],
    name => "name",
    description => "description",
    arguments => "arguments",
    event => "event",
    subjects => "subjects",
    example_event => "example_event",
}

describe! { HubArgument, "HubArgument", flat [],
    name => "name",
    kind => "type",
    required => "required",
    description => "description",
    example => "example",
}
