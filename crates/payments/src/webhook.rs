//! Webhook endpoints, deliveries and attempts: the facts and their rules, without SQL and without HTTP.
//!
//! A secret is shown once, when it is made, and kept sealed. It must never be logged: `Debug` hides it, sealed or not.

pub mod delivery;
pub mod endpoint;
pub mod health;

use std::fmt;

pub use delivery::{
    AttemptOutcome, ClaimedDelivery, DeliveryAttempt, DeliveryKey, DeliveryState, DeliveryVerdict,
};
pub use endpoint::{DisableReason, EndpointState, WebhookEndpoint};
pub use health::EndpointHealth;

/// A signing secret as it is kept: sealed with a key that is not in the database, for one endpoint alone.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSecret(String);

impl SealedSecret {
    /// What was sealed, or stored so before.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text to store, or to open.
    pub fn as_stored(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SealedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedSecret(hidden)")
    }
}
