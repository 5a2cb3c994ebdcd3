//! [`ApiError`]: domain errors as members of the published catalogue, the same for REST and for the hub.
//!
//! What happened inside is logged here, once, and never shown. A new error of an operation does not compile until it
//! has its place.

use payments::ports::NodeOperatorError;
use payments::withdrawal::{RequestWithdrawalError, WithdrawalState};
use store::StoreError;
use store::acts::account::{CloseAccountError, CreateKeyError};
use store::acts::approval::DecideError;
use store::acts::suspense::AssignError;
use store::acts::withdrawal::ReserveError;
use wire::Problem;

use crate::node_link::NodeKeyError;

/// A failure on its way to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// What the client is told.
    pub problem: Problem,
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self { problem }
    }
}

impl ApiError {
    /// A failure that the client can do nothing about; `source` goes to the log, with its causes.
    pub fn internal(source: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = %chain(source), "a request failed inside");
        Problem::Internal.into()
    }

    /// There is no such thing, or it belongs to somebody else.
    #[must_use]
    pub fn not_found(what: &'static str) -> Self {
        Problem::NotFound { what: what.into() }.into()
    }
}

/// An error and its causes in one line.
#[must_use]
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::Closed => {
                tracing::error!(error = %chain(&error), "the database is not available");
                Problem::Timeout.into()
            }
            other => Self::internal(&other),
        }
    }
}

impl From<NodeKeyError> for ApiError {
    fn from(error: NodeKeyError) -> Self {
        match error {
            NodeKeyError::Unknown => {
                tracing::error!(%error, "a request needs the Lightning node");
                Problem::RailUnavailable {
                    rail: "lightning".into(),
                }
                .into()
            }
            NodeKeyError::Store(error) => error.into(),
        }
    }
}

impl From<RequestWithdrawalError> for ApiError {
    fn from(error: RequestWithdrawalError) -> Self {
        match error {
            RequestWithdrawalError::InvalidInvoice => Problem::InvalidInvoice {
                why: "its form, checksum or signature is wrong".into(),
            },
            RequestWithdrawalError::WrongNetwork { expected, found } => Problem::WrongNetwork {
                expected: expected.name().into(),
                found: found.into(),
            },
            RequestWithdrawalError::Amountless => Problem::AmountlessInvoice,
            RequestWithdrawalError::AmountMismatch {
                invoice_msat,
                requested_msat,
            } => Problem::AmountMismatch {
                invoice_msat: invoice_msat.get(),
                requested_msat: requested_msat.get(),
            },
            RequestWithdrawalError::AmountTooLarge => Problem::AmountTooLarge {
                maximum_msat: money::MAX_MONEY_MSAT,
            },
        }
        .into()
    }
}

impl From<ReserveError> for ApiError {
    fn from(error: ReserveError) -> Self {
        match error {
            ReserveError::KeyReused => Problem::IdempotencyKeyReused.into(),
            ReserveError::Halted => Problem::ReadOnly.into(),
            ReserveError::InvoiceSettled
            | ReserveError::Duplicate {
                state: WithdrawalState::Settled,
            } => Problem::AlreadyPaid.into(),
            ReserveError::Duplicate { .. } | ReserveError::Overtaken => {
                Problem::PaymentInProgress.into()
            }
            ReserveError::KeyEnded => Problem::InvalidApiKey.into(),
            ReserveError::MayNotSend => Problem::Forbidden {
                scope: payments::api_key::Scope::Send.name().into(),
            }
            .into(),
            ReserveError::DestinationForbidden => Problem::DestinationForbidden.into(),
            ReserveError::AboveKeyMaximum { maximum_msat } => Problem::AmountTooLarge {
                maximum_msat: maximum_msat.get(),
            }
            .into(),
            ReserveError::BudgetSpent { limit_msat } => Problem::LimitReached {
                limit_msat: limit_msat.get(),
            }
            .into(),
            ReserveError::UnknownInvoice => Problem::UnknownInvoice.into(),
            ReserveError::ForgedInvoice => Problem::ForgedInvoice.into(),
            ReserveError::NotAll {
                invoice_msat,
                most_msat,
            } => Problem::AmountMismatch {
                invoice_msat: invoice_msat.get(),
                requested_msat: most_msat.get(),
            }
            .into(),
            ReserveError::ResendBarred => Problem::EarlierAttemptEnding.into(),
            ReserveError::Expired => Problem::InvoiceExpired.into(),
            ReserveError::DepositDisputed => Problem::DepositDisputed.into(),
            ReserveError::InsufficientFunds {
                available_msat,
                required_msat,
            } => Problem::InsufficientFunds {
                available_msat: available_msat.get(),
                required_msat: required_msat.get(),
            }
            .into(),
            ReserveError::Post(error) => Self::internal(&error),
            ReserveError::Store(error) => error.into(),
        }
    }
}

impl From<AssignError> for ApiError {
    fn from(error: AssignError) -> Self {
        match error {
            AssignError::UnknownItem => Self::not_found("item in suspense"),
            AssignError::UnknownAccount => Self::not_found("account"),
            AssignError::Assigned => Problem::AlreadyAssigned.into(),
            AssignError::Post(error) => Self::internal(&error),
            AssignError::Store(error) => error.into(),
        }
    }
}

impl From<NodeOperatorError> for ApiError {
    fn from(error: NodeOperatorError) -> Self {
        tracing::warn!(error = %chain(&error), "the node does not do what its operator asks");
        match error {
            NodeOperatorError::NotRunning => Problem::RailUnavailable {
                rail: "lightning".into(),
            },
            NodeOperatorError::InvalidAddress => Problem::InvalidParameter {
                name: "peer".into(),
                why: "it must be PUBKEY@HOST:PORT".into(),
            },
            NodeOperatorError::Unreachable(_) => Problem::PeerUnreachable,
            NodeOperatorError::InsufficientFunds { spendable_sat } => Problem::NodeFundsTooLow {
                spendable_sats: spendable_sat,
            },
            NodeOperatorError::UnknownChannel => return Self::not_found("channel"),
            NodeOperatorError::Refused(_) => Problem::NodeRefused,
        }
        .into()
    }
}

impl From<CreateKeyError> for ApiError {
    fn from(error: CreateKeyError) -> Self {
        match error {
            CreateKeyError::UnknownAccount(_) => Self::not_found("account"),
            CreateKeyError::Closed => Problem::AccountClosed.into(),
            CreateKeyError::Store(error) => error.into(),
        }
    }
}

impl From<CloseAccountError> for ApiError {
    fn from(error: CloseAccountError) -> Self {
        match error {
            CloseAccountError::Unknown => Self::not_found("account"),
            CloseAccountError::NotEmpty => Problem::AccountNotEmpty.into(),
            CloseAccountError::Store(error) => error.into(),
        }
    }
}

impl From<DecideError> for ApiError {
    fn from(error: DecideError) -> Self {
        match error {
            DecideError::Unknown => Self::not_found("withdrawal"),
            DecideError::Decided { .. } => Problem::AlreadyDecided.into(),
            DecideError::OwnRequest => Problem::OwnRequest.into(),
            DecideError::Halted => Problem::ReadOnly.into(),
            DecideError::Post(error) => Self::internal(&error),
            DecideError::Store(error) => error.into(),
        }
    }
}
