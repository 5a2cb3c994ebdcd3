//! What runs beside the requests: the node's events, the dispatcher, what may be sent again, webhooks, expiry,
//! recovery.
//!
//! A worker never stops because one call failed: it logs, waits and goes on. It stops when it is told to.

pub mod dispatcher;
pub mod invoice_expiry;
pub mod node_commands;
pub mod node_records;
pub mod onchain;
pub mod rail_events;
pub mod reconciler;
pub mod recovery;
pub mod reopening;
pub mod resend;
pub mod webhooks;
