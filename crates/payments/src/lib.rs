//! The domain: accounts, API keys, invoices, deposits, withdrawals, fees, events, and the ports.
//!
//! Everything here is decided from its arguments. This crate must know no SQL, HTTP, node, environment or
//! wall clock; what it needs of the world stands in [`ports`].

pub mod account;
pub mod api_key;
pub mod deposit;
pub mod event;
pub mod fee_policy;
pub mod ids;
pub mod invoice;
pub mod metadata;
pub mod network;
pub mod onchain;
pub mod payment_hash;
pub mod ports;
pub mod reconciliation;
pub mod reopening;
pub mod suspense;
pub mod webhook;
pub mod withdrawal;
