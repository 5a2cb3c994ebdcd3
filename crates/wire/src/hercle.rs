//! The Hercle hub and its Lightning REST: envelopes, subjects, arguments and payloads.
//!
//! An envelope has exactly six fields, and nothing ever follows under a `…created` subject.

mod arguments;
mod description;
mod envelope;
mod names;
mod rest;
mod withdrawal;

pub use arguments::{WithdrawLightningArguments, check_client_id, client_id_of};
pub use description::{HubArgument, HubCommand, HubDescription, hub_description};
pub use envelope::{DataFormat, Envelope};
pub use names::{EVENT_CHANNEL, FailureReason, Subject};
pub use rest::{RestWithdrawal, RestWithdrawalRequest};
pub use withdrawal::{WithdrawalCompleted, WithdrawalCreated, WithdrawalFailed};

#[cfg(test)]
mod tests;
