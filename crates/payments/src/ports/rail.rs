//! What the domain asks of a payment network.
//!
//! A rail answers `Paid`, `Rejected` (certainly not sent) or `Unknown`. It must never turn an error it does
//! not understand into `Rejected`: only the first two move money.

use std::collections::HashSet;
use std::time::Duration;

use bitcoin::secp256k1::PublicKey;
use jiff::Timestamp;
use money::Msat;

use super::NodeStateError;
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
    /// The invoice to pay.
    pub bolt11: String,
    /// Its payment hash.
    pub payment_hash: PaymentHash,
    /// What to pay; `Some` only when the invoice states no amount.
    pub amount_msat: Option<Msat>,
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
    /// No route, or not connected now: worth another try while the invoice is valid.
    NoRoute,
    /// The channels would carry it, and are full of payments under way: worth waiting for their end.
    NoRoom,
    /// The node is not running; worth another try.
    NotReady,
    /// Every way to the payee asks more than the fee limit, now and later.
    FeeAboveLimit,
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
        /// What the payee got, when the record holds it.
        amount_msat: Option<Msat>,
    },
    /// The record says it failed.
    Failed,
}

/// Which way a payment went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To us.
    Inbound,
    /// From us.
    Outbound,
}

/// A record that a rail keeps of a payment. It proves what the rail saw, and never that nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RailRecord {
    /// Which payment.
    pub payment_hash: PaymentHash,
    /// Which way it went.
    pub direction: Direction,
    /// When the record was last changed.
    pub updated_at: Timestamp,
}

/// Why a rail's record of a payment was not removed.
#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    /// The record is of a payment that has reached its payee.
    #[error("the record of payment {0} says that it was paid")]
    Paid(PaymentHash),
    /// The rail could not remove it now.
    #[error("the record of the payment could not be removed")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
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
    /// A channel was closed, by whomever: what is ours in it comes over the chain.
    ChannelClosed {
        /// Which channel.
        channel_id: [u8; 32],
        /// The other side, when the node tells it.
        peer: Option<PublicKey>,
        /// Whether it was closed because our own stored state was stale after a crash.
        by_crash: bool,
        /// Why, in the node's words.
        reason: String,
    },
    /// Something that moves no customer's money (a channel is being opened): acknowledged and logged.
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

    /// Whether the failure that [`Rail::next_event`] gave for this payment is acknowledged and cannot come back,
    /// whatever crash follows: only then may the hash be sent again. It becomes true by itself, at the latest a
    /// little after the next block, and waits for nothing.
    fn failure_is_final(&self, payment_hash: &PaymentHash) -> bool;

    /// Removes the rail's record of an outbound payment that is proven not to be in flight: never sent
    /// ([`StoredPayments::never_sent`]), or failed for good ([`Rail::failure_is_final`]). Without the proof this
    /// must not be called: it would take the guard against paying twice away from a payment in flight. No record,
    /// and a record of an inbound payment, are left as they are.
    ///
    /// # Errors
    /// [`ForgetError`].
    fn forget_unsent(&self, payment_hash: &PaymentHash) -> Result<(), ForgetError>;

    /// The records that were last changed before `before`, whatever they say, in no particular order.
    fn old_records(&self, before: Timestamp) -> Vec<RailRecord>;

    /// Removes the record of a payment that is over, and whose books are final. No record is no error.
    ///
    /// # Errors
    /// [`ForgetError::Unavailable`].
    fn forget_record(&self, payment_hash: &PaymentHash) -> Result<(), ForgetError>;
}

/// What a rail has stored, looked at while it is off.
pub trait StoredPayments {
    /// The hashes among `payment_hashes` that were certainly never sent: the rail, started from what it has stored,
    /// knows nothing of them, and nobody else does.
    ///
    /// # Errors
    /// [`NodeStateError`]; then nothing is proven.
    fn never_sent(
        &self,
        payment_hashes: &[PaymentHash],
    ) -> Result<HashSet<PaymentHash>, NodeStateError>;
}
