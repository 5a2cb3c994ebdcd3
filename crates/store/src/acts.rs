//! The business acts: each a synchronous function over an open transaction, named for what it does.
//!
//! An act writes the state, the books and the outbox together, and never begins or commits. It cannot await, so
//! no network call can stand inside a transaction. It may run twice (a serialisation error is retried), so it has
//! no effect outside its transaction. Acts take postings built by `ledger`; no accounting rule stands in SQL.

pub mod account;
pub mod admin;
pub mod approval;
mod budget;
pub mod capital;
pub mod channel;
pub mod console;
pub mod deposit;
pub mod dispatch;
pub mod halt;
pub mod idempotency;
pub mod internal;
pub mod invoice;
pub mod node_command;
pub mod onchain;
pub mod outbox;
pub mod outcome;
pub mod posting;
pub mod reconciliation;
pub mod reopening;
pub mod set_aside;
pub mod suspense;
pub mod webhook;
pub mod withdrawal;

use std::sync::Arc;

use jiff::Timestamp;
use payments::ids::Ids;
use payments::ports::EventBodies;

/// What an act needs of the world: taken before the transaction, so that running twice changes nothing.
#[derive(Clone)]
pub struct ActContext {
    /// Makes ids.
    pub ids: Ids,
    /// The time of the act.
    pub now: Timestamp,
    /// Renders events into the bytes that are stored.
    pub bodies: Arc<dyn EventBodies>,
}

/// Whether an act changed something, or found it already done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied<T> {
    /// It was done now.
    Now(T),
    /// It had been done before; nothing changed.
    Before(T),
}
