//! How an event becomes bytes that clients read.
//!
//! The bytes are made once, in the transaction that writes the event, and kept: what is signed and sent, now and
//! on every retry, is what was stored. An implementation is pure: no clock, no randomness, no IO.

use crate::event::Event;

/// The stored forms of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventBody {
    /// The body of the webhook, exactly as it is signed and sent.
    pub webhook: Vec<u8>,
    /// The argument of the hub's event, as JSON.
    pub hub: Vec<u8>,
}

/// Renders events.
pub trait EventBodies: Send + Sync {
    /// The bytes of `event`; the same event always gives the same bytes.
    fn render(&self, event: &Event) -> EventBody;
}
