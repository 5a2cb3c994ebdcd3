//! The bodies in which a problem reaches a client, one for each contract, from the same value.
//!
//! It must never add a `data` member to a REST error: clients tell errors by its absence.

use serde::Serialize;

use super::{Class, Problem};
use crate::schema::describe;

/// The error body of the Bitvora API (section 1.3), with `code` as an extension. No `data`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BitvoraError {
    /// The HTTP status.
    pub status: u16,
    /// What is wrong and what to do.
    pub message: String,
    /// The stable name of the problem (extension).
    pub code: &'static str,
}

/// The `data` of an error event on the hub (Hercle section 4), with `code` as an extension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HubError {
    /// The HTTP status that the same problem has over REST.
    #[serde(rename = "httpStatusCode")]
    pub http_status_code: u16,
    /// What is wrong and what to do.
    pub message: String,
    /// The message again, on operational errors only.
    #[serde(rename = "statusError", skip_serializing_if = "Option::is_none")]
    pub status_error: Option<String>,
    /// The stable name of the problem (extension).
    pub code: &'static str,
}

/// The error body of the Hercle REST API (section 9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HercleError {
    /// The error; the body has no other member.
    pub error: HercleErrorDetail,
}

/// The one member of [`HercleError`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HercleErrorDetail {
    /// The stable name of the problem.
    pub code: &'static str,
    /// What is wrong and what to do.
    pub message: String,
    /// The parameter that it is about; absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub param: Option<String>,
    /// `invalid_request_error`, `authentication_error` or `api_error`.
    #[serde(rename = "type")]
    pub kind: &'static str,
}

impl Problem {
    /// The body for the Bitvora API and the admin API.
    #[must_use]
    pub fn to_bitvora(&self) -> BitvoraError {
        BitvoraError {
            status: self.status(),
            message: self.message(),
            code: self.code(),
        }
    }

    /// The `data` of the event for the hub; its subject is [`Problem::hub_subject`].
    #[must_use]
    pub fn to_hub(&self) -> HubError {
        let message = self.message();
        HubError {
            http_status_code: self.status(),
            status_error: (self.class() == Class::Operational).then(|| message.clone()),
            message,
            code: self.code(),
        }
    }

    /// The body for the Hercle REST API.
    #[must_use]
    pub fn to_hercle(&self) -> HercleError {
        let kind = match self.status() {
            401 | 403 => "authentication_error",
            500.. => "api_error",
            _ => "invalid_request_error",
        };
        HercleError {
            error: HercleErrorDetail {
                code: self.code(),
                message: self.message(),
                param: self.parameter().map(str::to_owned),
                kind,
            },
        }
    }
}

describe! { BitvoraError, "BitvoraError", flat [],
    status => "status",
    message => "message",
    code => "code",
}
