//! Webhooks in the admin API: what requests say ([`request`]), and how webhooks and their log are shown.
//!
//! A secret is shown once, when it is made; no other body may hold it, nor the values of an endpoint's own headers.

mod log;
mod request;

use std::fmt;

use serde::Serialize;

pub use log::{
    AttemptLatency, WebhookAttempt, WebhookDeliveries, WebhookDelivery, WebhookDeliveryDetails,
};
pub use request::{CreateWebhookRequest, ReplayRequest, RotateRequest, WebhookSettings};

use crate::bitvora::EventName;
use crate::schema::describe;
use crate::time::Micros;

/// A webhook, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Webhook {
    /// Its id.
    pub id: String,
    /// The account whose events it gets.
    pub account_id: String,
    /// Where events are sent.
    pub url: String,
    /// What people call it.
    pub description: String,
    /// Which events are sent.
    pub events: Vec<EventName>,
    /// The names of its own headers: their values may be secrets.
    pub headers: Vec<String>,
    /// `active`, `paused` or `disabled`.
    pub state: &'static str,
    /// Whether it was switched off: by hand, by a `410 Gone`, or after five days of failures.
    pub disabled: bool,
    /// Why it is disabled, while it is: `operator`, `gone` or `failing`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_reason: Option<&'static str>,
    /// Whether events about the same object are sent one after the other.
    pub ordered: bool,
    /// Its own schedule, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_seconds: Option<Vec<u64>>,
    /// How many attempts may be under way at once.
    pub max_in_flight: u32,
    /// How many attempts may begin in a second, where that is limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_second: Option<u32>,
    /// When it was made.
    pub created_at: Micros,
    /// When it was last changed.
    pub updated_at: Micros,
    /// When it was disabled, while it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<Micros>,
    /// Since when it has taken nothing, while its last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Micros>,
}

/// The answer to whatever makes a secret.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct CreatedWebhook {
    /// The webhook.
    #[serde(flatten)]
    pub webhook: Webhook,
    /// The secret: 64 hexadecimal characters, used as text in `bitvora-signature`.
    pub secret: String,
    /// The same secret for Standard Webhooks: `whsec_` and the base64 of its 64 ASCII bytes.
    pub standard_secret: String,
}

impl fmt::Debug for CreatedWebhook {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("CreatedWebhook")
            .field("webhook", &self.webhook)
            .finish_non_exhaustive()
    }
}

/// The answer to a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Replayed {
    /// How many deliveries are on their way by it; what was on its way before is left as it is.
    pub replayed: u64,
}

/// The answer to a test message: its one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TestMessage {
    /// The id that it had: `webhook-id`.
    pub id: String,
    /// Whether it was taken.
    pub delivered: bool,
    /// The attempt.
    #[serde(flatten)]
    pub attempt: WebhookAttempt,
}

/// The body of a test message.
#[must_use]
pub fn test_event(webhook_id: &str, id: &str) -> Vec<u8> {
    #[derive(Serialize)]
    struct Data<'a> {
        id: &'a str,
        webhook_id: &'a str,
    }
    #[derive(Serialize)]
    struct Body<'a> {
        event: &'static str,
        data: Data<'a>,
    }
    let data = Data { id, webhook_id };
    let event = "webhook.test";
    serde_json::to_vec(&Body { event, data }).expect("strings always serialise")
}

describe! { Webhook, "Webhook", flat [],
    id => "id",
    account_id => "account_id",
    url => "url",
    description => "description",
    events => "events",
    headers => "headers",
    state => "state",
    disabled => "disabled",
    disabled_reason => "disabled_reason",
    ordered => "ordered",
    retry_seconds => "retry_seconds",
    max_in_flight => "max_in_flight",
    per_second => "per_second",
    created_at => "created_at",
    updated_at => "updated_at",
    disabled_at => "disabled_at",
    failing_since => "failing_since",
}

describe! { CreatedWebhook, "CreatedWebhook", flat [webhook],
    secret => "secret",
    standard_secret => "standard_secret",
}

describe! { Replayed, "Replayed", flat [],
    replayed => "replayed",
}

describe! { TestMessage, "TestMessage", flat [attempt],
    id => "id",
    delivered => "delivered",
}
