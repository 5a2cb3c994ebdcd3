//! What a reservation is asked with, and how it is answered or refused.

use money::Msat;
use payments::fee_policy::FeePolicy;
use payments::ids::{AccountId, ApiKeyId};
use payments::metadata::Metadata;
use payments::withdrawal::{NewWithdrawal, Withdrawal, WithdrawalState};

use super::super::idempotency::IdempotencyKey;
use super::super::posting::PostError;
use crate::StoreError;

/// A withdrawal that passed the pure checks, with who asked for it.
#[derive(Debug, Clone)]
pub struct ReserveWithdrawal {
    /// Who pays.
    pub account_id: AccountId,
    /// The key that asked.
    pub api_key_id: ApiKeyId,
    /// The client's own id for it.
    pub client_id: Option<String>,
    /// The customer's notes.
    pub metadata: Option<Metadata>,
    /// What passed the checks.
    pub new: NewWithdrawal,
    /// The fees: of the recipient, when it is an account of ours, and of a withdrawal of all that there is.
    pub fees: FeePolicy,
    /// How a repeat is recognised.
    pub idempotency: Option<IdempotencyKey>,
}

/// Why nothing was reserved. Nothing changed.
#[derive(Debug, thiserror::Error)]
pub enum ReserveError {
    /// The key was used for another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// Money does not move now.
    #[error("the movement of money is stopped")]
    Halted,
    /// This invoice is being paid, or was paid.
    #[error("a withdrawal for this payment hash exists and is {}", .state.name())]
    Duplicate {
        /// Where that withdrawal stands.
        state: WithdrawalState,
    },
    /// This invoice was sent before and came back, and it is not proven yet that this failure is final.
    #[error("an earlier attempt to pay this invoice is being proven dead")]
    ResendBarred,
    /// Another request for this invoice was quicker, since this one looked. Asked again, it is told of that one.
    #[error("another request for this payment hash was quicker")]
    Overtaken,
    /// The API key was revoked, or has run out, since its caller was recognised.
    #[error("the API key has ended")]
    KeyEnded,
    /// The API key may not pay.
    #[error("the API key may not pay")]
    MayNotSend,
    /// The API key may not pay this destination.
    #[error("the API key may not pay this destination")]
    DestinationForbidden,
    /// The API key may not pay so much at once.
    #[error("the API key may pay {maximum_msat} at once")]
    AboveKeyMaximum {
        /// What it may.
        maximum_msat: Msat,
    },
    /// A budget of the API key has too little left.
    #[error("the API key may spend {limit_msat} over time, and too little of it is left")]
    BudgetSpent {
        /// The whole budget.
        limit_msat: Msat,
    },
    /// The invoice names our node as its payee, and no invoice of ours has its payment hash.
    #[error("the invoice names this server's node, and is not known here")]
    UnknownInvoice,
    /// The invoice has the payment hash of an invoice of ours, and is not that invoice.
    #[error("the invoice carries the payment hash of another one")]
    ForgedInvoice,
    /// The invoice is ours, and was paid.
    #[error("the invoice of this server has been paid")]
    InvoiceSettled,
    /// All that the account can spend is not what the invoice states.
    #[error("all that can be sent is {most_msat}, the invoice is for {invoice_msat}")]
    NotAll {
        /// What the invoice states.
        invoice_msat: Msat,
        /// What would go.
        most_msat: Msat,
    },
    /// The invoice ran out.
    #[error("the invoice has expired")]
    Expired,
    /// The block of a deposit that was credited has left the chain: nothing goes out until it is in a block again.
    #[error("a credited deposit of the account is in no block now")]
    DepositDisputed,
    /// The account has too little.
    #[error("the account has {available_msat}, the withdrawal needs {required_msat}")]
    InsufficientFunds {
        /// What can be spent.
        available_msat: Msat,
        /// The amount and all that is held beside it.
        required_msat: Msat,
    },
    /// The books refused the posting: a fault of the program.
    #[error(transparent)]
    Post(PostError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What became of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserved {
    /// It is reserved now, or settled in the books; the bytes are the answer that a repeat will get.
    Now(Box<Withdrawal>, Vec<u8>),
    /// This account is paying this invoice, or has paid it: that payment as it stands, and the answer about it.
    Earlier(Box<Withdrawal>, Vec<u8>),
    /// The answer that the first request with this key got.
    Replay(Vec<u8>),
}
