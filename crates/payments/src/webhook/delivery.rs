//! One event on its way to one endpoint: its states, its claim and its attempts.
//!
//! [`transition`] is the one place that says what may follow on what. A final delivery is sent again only by a replay.

use jiff::Timestamp;

use crate::ids::{EndpointId, EventId};

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// An earlier event about the same object is not at its end, and the endpoint wants them in order.
    Blocked,
    /// It waits for its time, and then for a sender.
    Pending,
    /// A sender has it.
    Leased,
    /// The endpoint took it.
    Delivered,
    /// The schedule is used up.
    Exhausted,
    /// It cannot be sent at all: what is stored is damaged.
    FailedPermanent,
    /// The endpoint was disabled or deleted before it came to it.
    Cancelled,
}

impl DeliveryState {
    /// All states.
    pub const ALL: [Self; 7] = [
        Self::Blocked,
        Self::Pending,
        Self::Leased,
        Self::Delivered,
        Self::Exhausted,
        Self::FailedPermanent,
        Self::Cancelled,
    ];

    /// The name under which it is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Pending => "pending",
            Self::Leased => "leased",
            Self::Delivered => "delivered",
            Self::Exhausted => "exhausted",
            Self::FailedPermanent => "failed_permanent",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state with this stored name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether nothing but a replay leaves it.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Blocked | Self::Pending | Self::Leased)
    }
}

/// What happens to a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryInput {
    /// The events before it, about the same object, are at their end.
    Unblock,
    /// A sender takes it.
    Claim,
    /// The sender gives it back, or died: nothing is known of the attempt.
    Return,
    /// The endpoint took it.
    Succeed,
    /// An attempt failed, and another follows.
    Retry,
    /// The last attempt of the schedule failed.
    Exhaust,
    /// It cannot be sent.
    Spoil,
    /// The endpoint is disabled or deleted.
    Cancel,
    /// A person wants it sent again.
    Replay,
}

impl DeliveryInput {
    /// All inputs, with their names for people.
    pub const ALL: [(Self, &'static str); 9] = [
        (Self::Unblock, "unblock"),
        (Self::Claim, "claim"),
        (Self::Return, "return"),
        (Self::Succeed, "succeed"),
        (Self::Retry, "retry"),
        (Self::Exhaust, "exhaust"),
        (Self::Spoil, "spoil"),
        (Self::Cancel, "cancel"),
        (Self::Replay, "replay"),
    ];
}

/// The state that an input leads to; `None` when it changes nothing, because it comes too late or has happened.
pub const fn transition(state: DeliveryState, input: DeliveryInput) -> Option<DeliveryState> {
    use DeliveryInput as In;
    use DeliveryState as S;
    Some(match (state, input) {
        (S::Blocked, In::Unblock) => S::Pending,
        (S::Pending, In::Claim) => S::Leased,
        (S::Leased, In::Return | In::Retry) => S::Pending,
        (S::Leased, In::Succeed) => S::Delivered,
        (S::Leased, In::Exhaust) => S::Exhausted,
        (S::Leased, In::Spoil) => S::FailedPermanent,
        (S::Blocked | S::Pending | S::Leased, In::Cancel) => S::Cancelled,
        // It stands behind what is on its way about the same object; where nothing is, it is unblocked at once.
        (S::Delivered | S::Exhausted | S::FailedPermanent | S::Cancelled, In::Replay) => S::Blocked,
        _ => return None,
    })
}

/// Which delivery, and by which claim: a result is written only while the claim is the latest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryKey {
    /// The endpoint.
    pub endpoint_id: EndpointId,
    /// The event, whose id every attempt carries.
    pub event_id: EventId,
    /// The claim's number.
    pub lease_token: i64,
}

/// A delivery that was claimed: all that is needed to send it, once, beside what is its endpoint's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedDelivery {
    /// Which.
    pub key: DeliveryKey,
    /// The bytes to sign and send.
    pub body: Vec<u8>,
    /// How many attempts the schedule has counted before this one.
    pub tries: u32,
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
    /// It cannot be sent.
    Spoiled,
    /// The endpoint is gone (HTTP 410): it is disabled, and all that waits for it is cancelled.
    Gone,
}

impl DeliveryVerdict {
    /// What it does to the delivery.
    pub const fn input(self) -> DeliveryInput {
        match self {
            Self::Delivered => DeliveryInput::Succeed,
            Self::Retry { .. } => DeliveryInput::Retry,
            Self::Exhausted => DeliveryInput::Exhaust,
            Self::Spoiled => DeliveryInput::Spoil,
            Self::Gone => DeliveryInput::Cancel,
        }
    }
}

/// What is known of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AttemptOutcome {
    /// A status of 2xx came.
    Delivered,
    /// Another came, or none.
    Failed,
    /// Its sender died: it may have been made or not.
    Unknown,
}

impl AttemptOutcome {
    /// The name under which it is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// Where the time of an attempt went, in microseconds. What a connection took to set up is absent when it was used
/// before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AttemptTimes {
    /// For the addresses of the name.
    pub dns_us: Option<i64>,
    /// For the TCP connection.
    pub connect_us: Option<i64>,
    /// For the TLS handshake.
    pub tls_us: Option<i64>,
    /// From the start until the status came.
    pub first_byte_us: Option<i64>,
    /// From the start to the end.
    pub total_us: i64,
}

/// One attempt, as the delivery log keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryAttempt {
    /// When it was started.
    pub started_at: Timestamp,
    /// What is known of it.
    pub outcome: AttemptOutcome,
    /// The HTTP status, when one came.
    pub status: Option<u16>,
    /// Why none came, or why the status is a failure.
    pub error: Option<String>,
    /// Where its time went.
    pub times: AttemptTimes,
    /// The beginning of what the endpoint answered: untrusted.
    pub response_excerpt: Vec<u8>,
}
