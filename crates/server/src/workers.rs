//! What runs beside the requests: the node's events, the dispatcher, webhooks, expiry, recovery.
//!
//! A worker never stops because one call failed: it logs, waits and goes on. It stops when it is told to.

pub mod dispatcher;
pub mod invoice_expiry;
pub mod rail_events;
pub mod recovery;
pub mod webhooks;
