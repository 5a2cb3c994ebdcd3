//! The ids of the domain: one type each over UUIDv7, so that no id can stand in another's place.
//!
//! Ids are made from [`Clock`] and [`Entropy`]; they sort by time, and must never carry a meaning beyond that.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use uuid::Uuid;

use crate::ports::{Clock, Entropy};

/// A text that is no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID")]
pub struct ParseIdError;

/// An id that can be made from a fresh UUID.
pub trait Id: Sized {
    /// Wraps a UUID.
    fn from_uuid(uuid: Uuid) -> Self;
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// The id's 16 bytes, as they are stored.
            pub fn to_bytes(self) -> [u8; 16] {
                *self.0.as_bytes()
            }

            /// The id with these 16 bytes.
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }
        }

        impl Id for $name {
            fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                Uuid::parse_str(text).map(Self).map_err(|_| ParseIdError)
            }
        }
    )*};
}

ids! {
    /// An administrative act, in the log of such acts.
    AdminActId;
    /// A person who may administer the server.
    AdminUserId;
    /// A customer of the server: one balance, its own keys and webhooks.
    AccountId;
    /// An API key of an account.
    ApiKeyId;
    /// One claim of withdrawals by a dispatcher, which nobody else knows.
    ClaimId;
    /// A deposit.
    DepositId;
    /// An on-chain address that was given out.
    DepositAddressId;
    /// A webhook endpoint of an account.
    EndpointId;
    /// An event in the outbox.
    EventId;
    /// A Lightning invoice of ours.
    InvoiceId;
    /// What another process asks of the node's.
    NodeCommandId;
    /// A posting: the transfers of one business event.
    PostingId;
    /// Money in suspense.
    SuspendedId;
    /// A withdrawal.
    WithdrawalId;
}

/// Makes ids.
#[derive(Clone)]
pub struct Ids {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Ids {
    /// Ids from this clock and this randomness.
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { clock, entropy }
    }

    /// A fresh id (UUIDv7, RFC 9562 §5.7).
    pub fn fresh<I: Id>(&self) -> I {
        I::from_uuid(self.uuid())
    }

    /// The 16 bytes of a fresh UUIDv7, for rows whose ids have no type of their own.
    pub fn fresh_bytes(&self) -> [u8; 16] {
        *self.uuid().as_bytes()
    }

    fn uuid(&self) -> Uuid {
        let millis = u64::try_from(self.clock.now().as_millisecond()).unwrap_or(0);
        let mut random = [0; 10];
        self.entropy.fill(&mut random);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}
