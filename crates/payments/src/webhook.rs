//! Webhook endpoints, deliveries and attempts: the facts and their rules, without SQL and without HTTP.
//!
//! A secret is shown once, when it is made, and must never be logged: `Debug` hides it.

pub mod delivery;
pub mod endpoint;
pub mod health;

use std::fmt;

pub use delivery::{
    AttemptOutcome, ClaimedDelivery, DeliveryAttempt, DeliveryKey, DeliveryState, DeliveryVerdict,
};
pub use endpoint::{DisableReason, EndpointState, WebhookEndpoint};
pub use health::EndpointHealth;

/// A signing secret: 64 hex characters, used as text.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret(String);

impl SigningSecret {
    /// The secret with this text.
    pub fn from_text(text: String) -> Self {
        Self(text)
    }

    /// The secret itself, for signing and for the one time it is shown.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(hidden)")
    }
}
