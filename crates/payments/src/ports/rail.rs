//! What the domain asks of a payment network.
//!
//! A rail answers `Paid`, `Rejected` (certainly not sent) or `Unknown`. It must never turn an error it does
//! not understand into `Rejected`: only the first two move money.

use std::time::Duration;

use bitcoin::secp256k1::PublicKey;
use money::Msat;

use crate::payment_hash::{PaymentHash, PaymentPreimage};

/// A BOLT 11 invoice to be made by our node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceRequest {
    /// What it asks for; `None` leaves the amount to the payer.
    pub amount_msat: Option<Msat>,
    /// The description (BOLT 11 tagged field `d`), at most 639 bytes.
    pub description: String,
    /// Seconds until it expires (tagged field `x`), at least 1.
    pub expiry_seconds: u32,
}

/// A BOLT 11 invoice our node made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RailInvoice {
    /// The invoice in its encoded form.
    pub bolt11: String,
    /// Its payment hash.
    pub payment_hash: PaymentHash,
}

/// Why our node made no invoice.
#[derive(Debug, thiserror::Error)]
pub enum CreateInvoiceError {
    /// The node is not running, or could not store the invoice.
    #[error("the Lightning node cannot make an invoice now")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The node refused the description or the amount.
    #[error("the Lightning node refused the invoice")]
    Refused,
}

/// A payment to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayRequest {
    /// The invoice to pay, which states its amount.
    pub bolt11: String,
    /// Its payment hash.
    pub payment_hash: PaymentHash,
    /// The most that may go to routing nodes: exactly the reserve that is held for it.
    pub fee_limit_msat: Msat,
}

/// What a rail says when it is asked to pay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PayAnswer {
    /// The payee has the money.
    Paid {
        /// The proof of payment.
        preimage: PaymentPreimage,
        /// What the routing nodes took.
        fee_msat: Msat,
    },
    /// Nothing was sent, for certain, and nothing will be.
    Rejected(Rejection),
    /// It was sent, or it may have been: only a later event or the rail's record tells.
    Unknown,
}

/// Why a payment was certainly not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejection {
    /// No route, no room on the channels, or not connected now: worth another try while the invoice is valid.
    NoRoute,
    /// The node is not running; worth another try.
    NotReady,
    /// The node refuses this invoice, now and later.
    InvalidInvoice,
}

/// What a rail's own records say about an outbound payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RailPayment {
    /// There is no record. That alone proves nothing (`ldk-node` writes it after it has sent).
    NotFound,
    /// Sent, and not ended.
    Pending,
    /// The payee has the money.
    Succeeded {
        /// The proof of payment, when the record holds it.
        preimage: Option<PaymentPreimage>,
        /// What the routing nodes took, when the record holds it.
        fee_msat: Option<Msat>,
    },
    /// The record says it failed.
    Failed,
}

/// Why a payment that was sent came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentFailure {
    /// The payee refused it.
    RecipientRejected,
    /// No route was left to try.
    RouteNotFound,
    /// The retries took too long.
    RetriesExhausted,
    /// The invoice expired while it was tried.
    Expired,
    /// Anything else.
    Unexpected,
}

/// Something that happened at the node. The same event comes again until it is acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RailEvent {
    /// An outbound payment has reached its payee.
    PaymentSucceeded {
        /// Which.
        payment_hash: PaymentHash,
        /// The proof, when the event carries it.
        preimage: Option<PaymentPreimage>,
        /// What the routing nodes took, when the event carries it.
        fee_msat: Option<Msat>,
    },
    /// An outbound payment has ended without reaching its payee.
    PaymentFailed {
        /// Which.
        payment_hash: PaymentHash,
        /// Why.
        reason: PaymentFailure,
    },
    /// An inbound payment has been claimed: the money is ours.
    PaymentReceived {
        /// The hash of the invoice it was for.
        payment_hash: PaymentHash,
        /// What came.
        amount_msat: Msat,
    },
    /// Something that moves no customer's money (a channel opened or closed): acknowledged and logged.
    Other(String),
}

/// A payment network, as one node of ours sees it. Every call is synchronous and may block: call it from a
/// plain thread, never from an async worker and never inside a database transaction.
pub trait Rail: Send + Sync {
    /// Our node's public key.
    fn node_id(&self) -> PublicKey;

    /// Makes an invoice.
    ///
    /// # Errors
    /// [`CreateInvoiceError`].
    fn create_invoice(&self, request: &InvoiceRequest) -> Result<RailInvoice, CreateInvoiceError>;

    /// Sends a payment whose hold is committed. Must be called at most once for each time the withdrawal
    /// entered the state `Dispatched`.
    fn pay(&self, request: &PayRequest) -> PayAnswer;

    /// What the rail's own records say about an outbound payment.
    fn payment(&self, payment_hash: &PaymentHash) -> RailPayment;

    /// The oldest event that is not acknowledged, waiting at most `wait` for one.
    fn next_event(&self, wait: Duration) -> Option<RailEvent>;

    /// Acknowledges the event that [`Rail::next_event`] gave last: it is written down.
    fn acknowledge(&self);
}
