//! REST: one file for each resource. A handler parses, calls a flow or a query, and maps the answer.
//!
//! Every answer is JSON, also for an unknown path, a wrong method, a body that is too large and a panic.

pub mod acting;
pub mod addresses;
pub mod admin;
pub mod answer;
pub mod auth;
pub mod balance;
pub mod body;
pub mod client_address;
pub mod declared;
pub mod description;
pub mod events;
pub mod export;
pub mod frame;
pub mod health;
pub mod idempotency;
pub mod invoices;
pub mod metrics;
pub mod on_behalf;
pub mod openapi;
pub mod query;
pub mod rate_limit;
pub mod router;
pub mod routes;
pub mod segment;
pub mod session;
pub mod transactions;
pub mod withdrawals;

use webhooks::{EgressPolicy, SealingKey, WebhookClient};

use crate::app::App;

/// What the handlers share.
#[derive(Clone)]
pub struct HttpState {
    /// The parts of the server.
    pub app: App,
    /// The SHA-256 of the admin token.
    pub admin_token_hash: auth::AdminTokenHash,
    /// Where webhooks may go.
    pub egress: EgressPolicy,
    /// Sends test messages.
    pub webhooks: WebhookClient,
    /// Counts the calls of keys.
    pub rate: rate_limit::RateLimit,
    /// What the secrets of webhooks are sealed with.
    pub sealing: SealingKey,
    /// Whether the process is of no use while no node runs anywhere.
    pub needs_node: bool,
    /// Whether it is a sandbox.
    pub is_sandbox: bool,
}
