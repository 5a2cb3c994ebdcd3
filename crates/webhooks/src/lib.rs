//! Webhooks on the wire: signing, the retry policy, the rules of egress, and the guarded client.
//!
//! It must never know a table, a delivery or an account: it signs bytes, sends them to where they
//! may go, and says what came of it. What is due, and what is written down, is for its caller.

pub mod client;
pub mod custom;
pub mod egress;
pub mod resolve;
pub mod schedule;
pub mod seal;
pub mod sign;

pub use client::{Answer, Attempt, ErrorClass, Latency, Limits, WebhookClient};
pub use egress::EgressPolicy;
pub use seal::SealingKey;
pub use sign::{MessageId, Secret, SigningKeys};
