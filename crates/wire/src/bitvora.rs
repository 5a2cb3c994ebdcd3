//! The Bitvora v1 API: envelopes, requests, responses, webhooks.
//!
//! Field names, field order and nullness follow the published clients, of which the Rust one is the
//! strictest. No field of a response may be left out or renamed; more may be added at the end.

mod address;
mod envelope;
mod event;
mod filter;
mod invoice;
mod lightning_payment;
mod names;
mod page;
mod pending;
mod request;
mod transaction;
mod webhook;

pub use address::{LightningAddress, OnChainAddress};
pub use envelope::Success;
pub use event::EventName;
pub use filter::{TransactionFilter, time};
pub use invoice::Invoice;
pub use lightning_payment::{LightningPayment, PaymentOutcome};
pub use names::{
    Currency, InvoiceState, NetworkType, RailType, RecipientType, TransactionStatus,
    TransactionType,
};
pub use page::PageQuery;
pub use pending::{Held, Pending, PendingHtlc, WithdrawalDetails};
pub use request::{
    EstimateRequest, LightningAddressRequest, LightningInvoiceRequest, MAX_AMOUNT_MSAT,
    OnChainAddressRequest, RequestedAmount, WithdrawRequest,
};
pub use transaction::{Balance, Deposit, Estimate, Transaction, Withdrawal};
pub use webhook::{deposit_event, withdrawal_event};

#[cfg(test)]
mod tests;
