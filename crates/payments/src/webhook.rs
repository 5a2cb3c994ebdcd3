//! Webhook endpoints, deliveries and attempts: the facts, without policy and without HTTP.
//!
//! A secret is shown once, when its endpoint is made, and must never be logged: `Debug` hides it.

use std::fmt;

use jiff::Timestamp;

use crate::event::EventKind;
use crate::ids::{AccountId, AttemptId, EndpointId, EventId};

/// A signing secret: 64 hex characters, used as text.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret(String);

impl SigningSecret {
    /// The secret with this text.
    pub fn from_text(text: String) -> Self {
        Self(text)
    }

    /// The secret itself, for signing and for the one time it is shown.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(hidden)")
    }
}

/// Where an endpoint stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndpointState {
    /// It gets events.
    Active,
    /// It answered 410 Gone, or was switched off: it gets none.
    Disabled,
}

impl EndpointState {
    /// The name under which it is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }

    /// The state with this stored name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Active, Self::Disabled]
            .into_iter()
            .find(|state| state.name() == name)
    }
}

/// Where a customer wants to be told, and of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookEndpoint {
    /// Its id.
    pub id: EndpointId,
    /// Whose events it gets.
    pub account_id: AccountId,
    /// Where to.
    pub url: String,
    /// The names of the events it gets.
    pub events: Vec<String>,
    /// Its secret.
    pub secret: SigningSecret,
    /// Where it stands.
    pub state: EndpointState,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A delivery (one event to one endpoint) that was claimed: all that is needed to send it, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedDelivery {
    /// The endpoint.
    pub endpoint_id: EndpointId,
    /// Where to.
    pub url: String,
    /// The endpoint's secret.
    pub secret: SigningSecret,
    /// The event, whose id every attempt carries.
    pub event_id: EventId,
    /// What happened.
    pub kind: EventKind,
    /// The bytes to sign and send.
    pub body: Vec<u8>,
    /// How many attempts were made before this one.
    pub attempts: u32,
    /// The claim's number: a result is written only while it is the latest.
    pub lease_token: i64,
}

/// What became of a delivery after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryVerdict {
    /// The endpoint took it.
    Delivered,
    /// Try again then.
    Retry {
        /// When.
        next_at: Timestamp,
    },
    /// The schedule is used up.
    Exhausted,
    /// The endpoint is gone (HTTP 410): it is switched off, and all that waits for it is cancelled.
    Gone,
}

/// One attempt, as the delivery log keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryAttempt {
    /// Its id.
    pub id: AttemptId,
    /// When it was started.
    pub started_at: Timestamp,
    /// The HTTP status, when one came.
    pub status: Option<u16>,
    /// Why none came, or why the status is a failure.
    pub error: Option<String>,
    /// How long it took.
    pub duration_ms: i64,
    /// The beginning of what the endpoint answered: untrusted.
    pub response_excerpt: Vec<u8>,
}
