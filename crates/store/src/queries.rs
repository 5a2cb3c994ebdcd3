//! Reads: one module for each list or view. They change nothing, and none grows with history.
//!
//! What belongs to a tenant is always asked for with the tenant's id, so that no id of another's can be read.

pub mod account;
pub mod activity;
pub mod admin;
pub mod audit;
pub mod channel;
pub mod clock;
pub mod event;
pub mod invoice;
pub mod node;
pub mod node_record;
pub mod onchain;
pub mod payment;
pub mod reconciliation;
pub mod reopening;
pub mod statement;
pub mod story;
pub mod suspense;
pub mod transaction;
pub mod webhook;
