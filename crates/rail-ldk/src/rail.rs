//! [`LdkRail`]: the port `Rail`, kept by an ldk-node.
//!
//! It must never answer `Rejected` for a payment that may be in flight: what it does not understand
//! is `Unknown`.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bitcoin::hashes::Hash;
use bitcoin::secp256k1::PublicKey;
use ldk_node::NodeError;
use ldk_node::payment::{PaymentDetails, PaymentDirection, PaymentKind, PaymentStatus};
use lightning::ln::channelmanager::PaymentId;
use lightning::routing::router::RouteParametersConfig;
use lightning_invoice::{Bolt11Invoice, Bolt11InvoiceDescription, Description};
use payments::payment_hash::{PaymentHash, PaymentPreimage};
use payments::ports::{
    CreateInvoiceError, InvoiceRequest, PayAnswer, PayRequest, Rail, RailEvent, RailInvoice,
    RailPayment, Rejection,
};

use crate::node::LdkNode;
use crate::node_event::msat;

/// Lightning, by a node of ours.
#[derive(Clone)]
pub struct LdkRail {
    node: Arc<LdkNode>,
}

/// Why the record of an unsent payment was not removed.
#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    /// The record is of an inbound payment, or of one that succeeded: it is not stale.
    #[error("the record of payment {0} is not of an unsent payment")]
    NotUnsent(PaymentHash),
    /// The record could not be removed.
    #[error("the record of the payment could not be removed")]
    Node(#[source] NodeError),
}

impl LdkRail {
    /// The rail of `node`.
    pub fn new(node: Arc<LdkNode>) -> Self {
        Self { node }
    }

    /// The node below.
    pub fn node(&self) -> &Arc<LdkNode> {
        &self.node
    }

    /// Removes a stale record of a payment that [`never_sent`](crate::never_sent) has proven
    /// unsent.
    ///
    /// A crash can leave a record `Pending` of a payment that LDK knows nothing of, and then every
    /// `pay` of it would be a duplicate for ever. Without the proof this must not be called: it
    /// would take the guard against paying twice away from a payment in flight.
    ///
    /// # Errors
    /// [`ForgetError`].
    pub fn forget_unsent(&self, payment_hash: &PaymentHash) -> Result<(), ForgetError> {
        match self.record(payment_hash) {
            None => Ok(()),
            Some(record) if is_unsent(&record) => {
                let id = PaymentId(*payment_hash.as_bytes());
                self.node
                    .node
                    .remove_payment(&id)
                    .map_err(ForgetError::Node)
            }
            Some(_) => Err(ForgetError::NotUnsent(*payment_hash)),
        }
    }

    /// What is decided before LDK is asked: `Err` is certain, because nothing was sent.
    fn check(&self, request: &PayRequest) -> Result<Bolt11Invoice, Rejection> {
        let invoice =
            Bolt11Invoice::from_str(&request.bolt11).map_err(|_| Rejection::InvalidInvoice)?;
        if invoice.payment_hash().as_byte_array() != request.payment_hash.as_bytes() {
            tracing::error!(payment_hash = %request.payment_hash, "the invoice has another hash");
            return Err(Rejection::InvalidInvoice);
        }
        // An invoice with the hash of one of our own would be paid in a circle, which ldk-node
        // refuses.
        let record = self.record(&request.payment_hash);
        if record.is_some_and(|record| record.direction == PaymentDirection::Inbound) {
            return Err(Rejection::InvalidInvoice);
        }
        if self.node.is_running() && self.node.node.list_channels().iter().any(|c| c.is_usable) {
            Ok(invoice)
        } else {
            Err(Rejection::NotReady)
        }
    }

    fn record(&self, payment_hash: &PaymentHash) -> Option<PaymentDetails> {
        self.node.node.payment(&PaymentId(*payment_hash.as_bytes()))
    }
}

impl Rail for LdkRail {
    fn node_id(&self) -> PublicKey {
        self.node.node_id()
    }

    fn create_invoice(&self, request: &InvoiceRequest) -> Result<RailInvoice, CreateInvoiceError> {
        if !self.node.is_running() {
            return Err(CreateInvoiceError::Unavailable(Box::new(
                NodeError::NotRunning,
            )));
        }
        let description = Description::new(request.description.clone())
            .map(Bolt11InvoiceDescription::Direct)
            .map_err(|_| CreateInvoiceError::Refused)?;
        if request.expiry_seconds == 0 {
            return Err(CreateInvoiceError::Refused);
        }
        let bolt11 = self.node.node.bolt11_payment();
        let made = match request.amount_msat {
            Some(amount) => bolt11.receive(amount.unsigned(), &description, request.expiry_seconds),
            None => bolt11.receive_variable_amount(&description, request.expiry_seconds),
        };
        match made {
            Ok(invoice) => Ok(RailInvoice {
                payment_hash: PaymentHash::from_bytes(invoice.payment_hash().to_byte_array()),
                bolt11: invoice.to_string(),
            }),
            Err(NodeError::InvoiceCreationFailed | NodeError::InvalidAmount) => {
                Err(CreateInvoiceError::Refused)
            }
            Err(error) => Err(CreateInvoiceError::Unavailable(Box::new(error))),
        }
    }

    /// Sends the payment.
    ///
    /// **Precondition**: the hash is proven not to be in flight. One of these holds:
    ///
    /// - it was never given to `pay`, or every answer for it so far was `Rejected`;
    /// - [`never_sent`](crate::never_sent) has proven it unsent, and it was not given to `pay` since;
    /// - it failed, the failure's event is acknowledged, and a later channel manager is durable
    ///   ([`NodeStateKv::channel_manager_mark`](crate::NodeStateKv::channel_manager_mark)).
    ///
    /// LDK looks for a route before it looks for a duplicate, so without this `PaymentSendingFailed`
    /// would not mean that nothing was sent, and the answer `Rejected(NoRoute)` would be wrong.
    fn pay(&self, request: &PayRequest) -> PayAnswer {
        let invoice = match self.check(request) {
            Ok(invoice) => invoice,
            Err(rejection) => return PayAnswer::Rejected(rejection),
        };
        let parameters = RouteParametersConfig {
            max_total_routing_fee_msat: Some(request.fee_limit_msat.unsigned()),
            ..RouteParametersConfig::default()
        };
        match self
            .node
            .node
            .bolt11_payment()
            .send(&invoice, Some(parameters))
        {
            Ok(_) => PayAnswer::Unknown,
            Err(error) => {
                tracing::info!(payment_hash = %request.payment_hash, %error, "not dispatched");
                answer(error, || self.payment(&request.payment_hash))
            }
        }
    }

    fn payment(&self, payment_hash: &PaymentHash) -> RailPayment {
        rail_payment(self.record(payment_hash))
    }

    fn next_event(&self, wait: Duration) -> Option<RailEvent> {
        self.node.next_node_event(wait).map(RailEvent::from)
    }

    fn acknowledge(&self) {
        self.node.acknowledge_event();
    }
}

/// What an error of `send` means, under the precondition of [`Rail::pay`] (ldk-node 0.7.1,
/// `bolt11.rs`).
fn answer(error: NodeError, record: impl FnOnce() -> RailPayment) -> PayAnswer {
    match error {
        NodeError::NotRunning => PayAnswer::Rejected(Rejection::NotReady),
        NodeError::InvalidInvoice => PayAnswer::Rejected(Rejection::InvalidInvoice),
        NodeError::PaymentSendingFailed => PayAnswer::Rejected(Rejection::NoRoute),
        NodeError::DuplicatePayment => match record() {
            RailPayment::Succeeded {
                preimage: Some(preimage),
                fee_msat: Some(fee_msat),
            } => PayAnswer::Paid { preimage, fee_msat },
            _ => PayAnswer::Unknown,
        },
        // `PersistenceFailed` above all: the HTLC may be on its way, and only its record was not
        // stored.
        _ => PayAnswer::Unknown,
    }
}

fn rail_payment(record: Option<PaymentDetails>) -> RailPayment {
    let Some(record) = record.filter(|r| r.direction == PaymentDirection::Outbound) else {
        return RailPayment::NotFound;
    };
    match record.status {
        PaymentStatus::Pending => RailPayment::Pending,
        PaymentStatus::Failed => RailPayment::Failed,
        PaymentStatus::Succeeded => RailPayment::Succeeded {
            preimage: preimage(&record.kind),
            fee_msat: record.fee_paid_msat.map(msat),
        },
    }
}

fn preimage(kind: &PaymentKind) -> Option<PaymentPreimage> {
    let preimage = match kind {
        PaymentKind::Bolt11 { preimage, .. }
        | PaymentKind::Bolt11Jit { preimage, .. }
        | PaymentKind::Bolt12Offer { preimage, .. }
        | PaymentKind::Bolt12Refund { preimage, .. }
        | PaymentKind::Spontaneous { preimage, .. } => *preimage,
        PaymentKind::Onchain { .. } => None,
    };
    preimage.map(|preimage| PaymentPreimage::from_bytes(preimage.0))
}

fn is_unsent(record: &PaymentDetails) -> bool {
    record.direction == PaymentDirection::Outbound && record.status != PaymentStatus::Succeeded
}

#[cfg(test)]
mod tests;
