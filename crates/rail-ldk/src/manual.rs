//! Payments by hand: what the sandbox's counterparty does with its node.
//!
//! The domain must never use these: they hold nothing, and keep no books. Our own rail goes through
//! [`LdkRail`](crate::LdkRail).

use bitcoin::hashes::Hash;
use ldk_node::NodeError;
use lightning::routing::router::RouteParametersConfig;
use lightning_invoice::{Bolt11Invoice, Bolt11InvoiceDescription, Description};
use money::Msat;
use payments::payment_hash::{PaymentHash, PaymentPreimage};

use crate::node::LdkNode;

/// Why no invoice was made.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// The description is longer than 639 bytes (BOLT 11).
    #[error("the description of an invoice has at most 639 bytes")]
    DescriptionTooLong,
    /// The node refused the amount or the hash, or could not store the invoice.
    #[error("the invoice was not made")]
    Node(#[source] NodeError),
}

/// Why a held payment was neither claimed nor failed.
#[derive(Debug, thiserror::Error)]
pub enum HeldPaymentError {
    /// No invoice of this node has the hash.
    #[error("no invoice of this node has the payment hash")]
    UnknownHash,
    /// Less is held than the invoice asks for.
    #[error("less is held than the invoice asks for")]
    TooLittle,
    /// The node failed.
    #[error("the Lightning node failed")]
    Node(#[source] NodeError),
}

/// Why a payment was not dispatched, or may not have been.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Not an invoice (BOLT 11).
    #[error("not a BOLT 11 invoice")]
    NotAnInvoice,
    /// The invoice states no amount, and none was given; or it asks for more than was given.
    #[error("the amount does not fit the invoice")]
    WrongAmount,
    /// Paid before, or being paid.
    #[error("the invoice is paid, or being paid")]
    Duplicate,
    /// No route, no room, or the invoice has expired.
    #[error("the payment could not be sent")]
    NotSent,
    /// The node failed; the payment may be on its way.
    #[error("the Lightning node failed")]
    Node(#[source] NodeError),
}

impl LdkNode {
    /// An invoice that the node claims by itself; without an amount, the payer names it.
    ///
    /// # Errors
    /// [`ReceiveError`].
    pub fn receive(
        &self,
        amount_msat: Option<Msat>,
        description: &str,
        expiry_seconds: u32,
    ) -> Result<Bolt11Invoice, ReceiveError> {
        let description = direct(description)?;
        let bolt11 = self.node.bolt11_payment();
        let made = match amount_msat {
            Some(amount) => bolt11.receive(amount.unsigned(), &description, expiry_seconds),
            None => bolt11.receive_variable_amount(&description, expiry_seconds),
        };
        self.kv.wait_until_durable();
        made.map_err(ReceiveError::Node)
    }

    /// An invoice whose payment is held: a `PaymentClaimable` event comes, and it waits for
    /// [`LdkNode::claim_for_hash`] or [`LdkNode::fail_for_hash`].
    ///
    /// # Errors
    /// [`ReceiveError`].
    pub fn receive_for_hash(
        &self,
        amount_msat: Option<Msat>,
        description: &str,
        expiry_seconds: u32,
        payment_hash: &PaymentHash,
    ) -> Result<Bolt11Invoice, ReceiveError> {
        let (description, hash) = (direct(description)?, ldk_hash(payment_hash));
        let bolt11 = self.node.bolt11_payment();
        let made = match amount_msat {
            Some(amount) => {
                bolt11.receive_for_hash(amount.unsigned(), &description, expiry_seconds, hash)
            }
            None => bolt11.receive_variable_amount_for_hash(&description, expiry_seconds, hash),
        };
        self.kv.wait_until_durable();
        made.map_err(ReceiveError::Node)
    }

    /// Takes a held payment. `claimable_msat` is what its event said. When it is done, a
    /// `PaymentReceived` event comes; a payment that is not held (any more) is left alone.
    ///
    /// # Errors
    /// [`HeldPaymentError`].
    pub fn claim_for_hash(
        &self,
        preimage: &PaymentPreimage,
        claimable_msat: Msat,
    ) -> Result<(), HeldPaymentError> {
        let hash = ldk_hash(&preimage.payment_hash());
        let preimage = lightning::types::payment::PaymentPreimage(*preimage.as_bytes());
        let bolt11 = self.node.bolt11_payment();
        bolt11
            .claim_for_hash(hash, claimable_msat.unsigned(), preimage)
            .map_err(held)
    }

    /// Sends a held payment back to its payer.
    ///
    /// # Errors
    /// [`HeldPaymentError`].
    pub fn fail_for_hash(&self, payment_hash: &PaymentHash) -> Result<(), HeldPaymentError> {
        self.node
            .bolt11_payment()
            .fail_for_hash(ldk_hash(payment_hash))
            .map_err(held)
    }

    /// Pays an invoice; the events tell how it ends. `amount_msat` is for an invoice that states
    /// none, and `fee_limit_msat` is LDK's default (1 % and 50 sat) when it is left out.
    ///
    /// # Errors
    /// [`SendError`].
    pub fn send(
        &self,
        bolt11: &str,
        amount_msat: Option<Msat>,
        fee_limit_msat: Option<Msat>,
    ) -> Result<PaymentHash, SendError> {
        let invoice: Bolt11Invoice = bolt11.parse().map_err(|_| SendError::NotAnInvoice)?;
        let parameters = fee_limit_msat.map(|limit| RouteParametersConfig {
            max_total_routing_fee_msat: Some(limit.unsigned()),
            ..RouteParametersConfig::default()
        });
        let payment = self.node.bolt11_payment();
        let sent = match amount_msat {
            Some(amount) => payment.send_using_amount(&invoice, amount.unsigned(), parameters),
            None => payment.send(&invoice, parameters),
        };
        match sent {
            Ok(_) => Ok(PaymentHash::from_bytes(
                invoice.payment_hash().to_byte_array(),
            )),
            Err(NodeError::InvalidAmount | NodeError::InvalidInvoice) => {
                Err(SendError::WrongAmount)
            }
            Err(NodeError::DuplicatePayment) => Err(SendError::Duplicate),
            Err(NodeError::PaymentSendingFailed) => Err(SendError::NotSent),
            Err(error) => Err(SendError::Node(error)),
        }
    }
}

fn direct(description: &str) -> Result<Bolt11InvoiceDescription, ReceiveError> {
    Description::new(description.to_owned())
        .map(Bolt11InvoiceDescription::Direct)
        .map_err(|_| ReceiveError::DescriptionTooLong)
}

fn ldk_hash(payment_hash: &PaymentHash) -> lightning::types::payment::PaymentHash {
    lightning::types::payment::PaymentHash(*payment_hash.as_bytes())
}

fn held(error: NodeError) -> HeldPaymentError {
    match error {
        NodeError::InvalidPaymentHash => HeldPaymentError::UnknownHash,
        NodeError::InvalidAmount => HeldPaymentError::TooLittle,
        error => HeldPaymentError::Node(error),
    }
}
