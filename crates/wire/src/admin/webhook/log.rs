//! The delivery log. What a receiver answered is untrusted text.

use serde::Serialize;

use crate::schema::describe;
use crate::time::Micros;

/// A delivery in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WebhookDelivery {
    /// The event's id, as receivers see it: `webhook-id`.
    pub id: String,
    /// What happened.
    pub event: String,
    /// When it happened.
    pub occurred_at: Micros,
    /// Where the delivery stands.
    pub state: &'static str,
    /// How many attempts were made.
    pub attempts: i64,
    /// When the next is due, while one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Micros>,
    /// The status of the last attempt, where one came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_status: Option<i64>,
    /// Why the last attempt failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

/// A page of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WebhookDeliveries {
    /// The deliveries, newest first.
    pub data: Vec<WebhookDelivery>,
    /// The `cursor` of the next page, while there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// An attempt in the log. What a receiver answered is untrusted text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WebhookAttempt {
    /// The how-manieth of its delivery, from 1.
    pub number: i64,
    /// When it was started; for a lost one, when that was found out.
    pub started_at: Micros,
    /// `delivered`, `failed` or `unknown`.
    pub outcome: String,
    /// The HTTP status, when one came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<i64>,
    /// Why none came, or why it is a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Where the time went, in microseconds.
    pub latency_us: AttemptLatency,
    /// The beginning of what the receiver answered.
    pub response: String,
}

/// Where the time of an attempt went. What set up the connection is absent where it was used before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct AttemptLatency {
    /// For the addresses of the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns: Option<i64>,
    /// For the TCP connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect: Option<i64>,
    /// For the TLS handshake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<i64>,
    /// From the start until the status came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_byte: Option<i64>,
    /// From the start to the end.
    pub total: i64,
}

/// A delivery with its attempts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WebhookDeliveryDetails {
    /// The delivery.
    #[serde(flatten)]
    pub delivery: WebhookDelivery,
    /// Its latest attempts, oldest first.
    pub log: Vec<WebhookAttempt>,
}

describe! { WebhookDelivery, "WebhookDelivery", flat [],
    id => "id",
    event => "event",
    occurred_at => "occurred_at",
    state => "state",
    attempts => "attempts",
    next_at => "next_at",
    last_status => "last_status",
    last_error => "last_error",
}

describe! { WebhookDeliveries, "WebhookDeliveries", flat [],
    data => "data",
    next_cursor => "next_cursor",
}

describe! { WebhookAttempt, "WebhookAttempt", flat [],
    number => "number",
    started_at => "started_at",
    outcome => "outcome",
    status => "status",
    error => "error",
    latency_us => "latency_us",
    response => "response",
}

describe! { AttemptLatency, "AttemptLatency", flat [],
    dns => "dns",
    connect => "connect",
    tls => "tls",
    first_byte => "first_byte",
    total => "total",
}

describe! { WebhookDeliveryDetails, "WebhookDeliveryDetails", flat [delivery],
    log => "log",
}
