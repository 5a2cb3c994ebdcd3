//! [`WebhookEndpoint`]: where a customer wants to be told, of what, and how.

use jiff::Timestamp;

use super::SealedSecret;
use crate::ids::{AccountId, EndpointId};

/// How many attempts may be under way to an endpoint at once, when nobody said.
pub const DEFAULT_MAX_IN_FLIGHT: u32 = 10;

/// Where an endpoint stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndpointState {
    /// It gets events.
    Active,
    /// It was stopped by hand: events are kept for it, and nothing is sent.
    Paused,
    /// It gets none, and nothing is kept for it. What it missed can be replayed once it is active again.
    Disabled,
    /// It is gone for good; only its log stays.
    Deleted,
}

impl EndpointState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Active, Self::Paused, Self::Disabled, Self::Deleted];

    /// The name under which it is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
            Self::Deleted => "deleted",
        }
    }

    /// The state with this stored name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// Why an endpoint is disabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DisableReason {
    /// A person switched it off.
    Operator,
    /// It answered 410 Gone.
    Gone,
    /// Nothing but failures for days.
    Failing,
}

impl DisableReason {
    /// All reasons.
    pub const ALL: [Self; 3] = [Self::Operator, Self::Gone, Self::Failing];

    /// The name under which it is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }

    /// The reason with this stored name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookEndpoint {
    /// Its id.
    pub id: EndpointId,
    /// Whose events it gets.
    pub account_id: AccountId,
    /// Where to.
    pub url: String,
    /// What people call it.
    pub description: String,
    /// The names of the events it gets.
    pub events: Vec<String>,
    /// Headers of its own: a JSON object of strings, as text.
    pub headers: String,
    /// Its current secret, sealed.
    pub secret: SealedSecret,
    /// Where it stands.
    pub state: EndpointState,
    /// Why it is disabled, while it is.
    pub reason: Option<DisableReason>,
    /// Whether the next event about an object waits for the end of the one before.
    pub ordered: bool,
    /// Its own schedule: the delays before the second attempt and those after it, in seconds with commas.
    pub retry_seconds: Option<String>,
    /// How many attempts may be under way to it at once.
    pub max_in_flight: u32,
    /// How many attempts may be begun in a second; `None`: as many as it takes.
    pub per_second: Option<u32>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it was disabled, while it is.
    pub disabled_at: Option<Timestamp>,
    /// Since when it has taken nothing, while its last attempt failed.
    pub failing_since: Option<Timestamp>,
}

impl WebhookEndpoint {
    /// An active endpoint with the usual settings, which gets no events yet.
    pub fn new(
        id: EndpointId,
        account_id: AccountId,
        url: String,
        secret: SealedSecret,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            account_id,
            url,
            description: String::new(),
            events: Vec::new(),
            headers: "{}".to_owned(),
            secret,
            state: EndpointState::Active,
            reason: None,
            ordered: true,
            retry_seconds: None,
            max_in_flight: DEFAULT_MAX_IN_FLIGHT,
            per_second: None,
            created_at: now,
            updated_at: now,
            disabled_at: None,
            failing_since: None,
        }
    }

    /// The same endpoint with these events.
    #[must_use]
    pub fn with_events(mut self, events: Vec<String>) -> Self {
        self.events = events;
        self
    }
}
