//! The account's own log of events, `GET /v1/events`: ours, beside the published contract.
//!
//! The body of an event is the stored one, to the byte: what its webhooks carried.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::schema::describe;
use crate::time::Micros;

/// An event.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    /// Its number in the account, from 1, without gaps.
    pub sequence: i64,
    /// Its id, as receivers of webhooks see it.
    pub id: String,
    /// When it happened.
    pub created_at: Micros,
    /// The body of its webhooks: `{"event", "data"}`.
    pub body: Box<RawValue>,
}

impl Event {
    /// An event with its stored body; `None` when that is not JSON.
    #[must_use]
    pub fn stored(sequence: i64, id: String, created_at: Micros, body: &[u8]) -> Option<Self> {
        let body = serde_json::from_slice(body).ok()?;
        Some(Self {
            sequence,
            id,
            created_at,
            body,
        })
    }
}

/// Some events, in order.
#[derive(Debug, Clone, Serialize)]
pub struct EventPage {
    /// The events.
    pub data: Vec<Event>,
    /// What to ask for next: the last number that was seen.
    pub next_after: i64,
}

describe! { Event, "Event", flat [],
    sequence => "sequence",
    id => "id",
    created_at => "created_at",
    body => "body",
}

describe! { EventPage, "EventPage", flat [],
    data => "data",
    next_after => "next_after",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_bytes_are_shown_as_they_are() {
        let body = br#"{"event":"x","data":{"amount_sats":1.50,"b":"\u00e9"}}"#;
        let at = Micros::from_unix_micros(0);
        let event = Event::stored(7, "msg_1".to_owned(), at, body).expect("JSON");
        let text = serde_json::to_string(&event).expect("JSON");
        assert!(
            text.contains(std::str::from_utf8(body).expect("text")),
            "{text}"
        );
        assert!(Event::stored(7, String::new(), at, b"no").is_none());
    }
}
