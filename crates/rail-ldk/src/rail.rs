//! [`LdkRail`]: the port `Rail`, kept by an ldk-node.
//!
//! It must never answer `Rejected` for a payment that may be in flight: what it does not understand
//! is `Unknown`.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bitcoin::hashes::Hash;
use bitcoin::secp256k1::PublicKey;
use jiff::Timestamp;
use ldk_node::payment::{PaymentDetails, PaymentDirection, PaymentKind, PaymentStatus};
use ldk_node::{ChannelDetails, NodeError};
use lightning::ln::channelmanager::PaymentId;
use lightning::routing::router::RouteParametersConfig;
use lightning_invoice::{Bolt11Invoice, Bolt11InvoiceDescription, Description};
use money::Msat;
use payments::payment_hash::{PaymentHash, PaymentPreimage};
use payments::ports::{
    CreateInvoiceError, ForgetError, InvoiceRequest, PayAnswer, PayRequest, Rail, RailEvent,
    RailInvoice, RailPayment, RailRecord, Rejection,
};

use crate::failures::Failures;
use crate::node::LdkNode;
use crate::node_event::msat;
use crate::reach::Reach;

/// Lightning, by a node of ours.
#[derive(Clone)]
pub struct LdkRail {
    node: Arc<LdkNode>,
    failures: Arc<Failures>,
}

/// Whether the channels can carry an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    /// Now, as far as our own channels go.
    Now,
    /// When payments under way have ended.
    Later,
    /// Not as the channels stand.
    Never,
}

impl LdkRail {
    /// The rail of `node`.
    pub fn new(node: Arc<LdkNode>) -> Self {
        Self {
            node,
            failures: Arc::default(),
        }
    }

    /// The node below.
    pub fn node(&self) -> &Arc<LdkNode> {
        &self.node
    }

    /// What is decided before LDK is asked: `Err` is certain, because nothing was sent.
    fn check(&self, request: &PayRequest) -> Result<Bolt11Invoice, Rejection> {
        let invoice =
            Bolt11Invoice::from_str(&request.bolt11).map_err(|_| Rejection::InvalidInvoice)?;
        if invoice.payment_hash().as_byte_array() != request.payment_hash.as_bytes() {
            tracing::error!(payment_hash = %request.payment_hash, "the invoice has another hash");
            return Err(Rejection::InvalidInvoice);
        }
        // An amount is named when the invoice states none, and only then.
        if request.amount_msat.is_some() == invoice.amount_milli_satoshis().is_some() {
            tracing::error!(payment_hash = %request.payment_hash, "no amount to pay, or two");
            return Err(Rejection::InvalidInvoice);
        }
        // An invoice with the hash of one of our own would be paid in a circle, which ldk-node
        // refuses.
        let record = self.record(&request.payment_hash);
        if record.is_some_and(|record| record.direction == PaymentDirection::Inbound) {
            return Err(Rejection::InvalidInvoice);
        }
        let channels = self.node.node.list_channels();
        if !self.node.is_running() || !channels.iter().any(|channel| channel.is_usable) {
            return Err(Rejection::NotReady);
        }
        // Asking LDK would cost a search for a route and the write of a record, for nothing.
        let reach = Reach::of(&invoice, &self.node);
        let fee_limit_msat = request.fee_limit_msat.unsigned();
        if reach
            .as_ref()
            .is_some_and(|reach| reach.least_fee_msat > fee_limit_msat)
        {
            return Err(Rejection::FeeAboveLimit);
        }
        let channels = leading(channels, reach);
        match self.room(amount_msat(request, &invoice), &channels) {
            Room::Later => Err(Rejection::NoRoom),
            Room::Now | Room::Never => Ok(invoice),
        }
    }

    /// Whether `channels` of ours can carry `amount_msat`. It is a hint: what it says may change before LDK is asked.
    fn room(&self, amount_msat: u64, channels: &[ChannelDetails]) -> Room {
        let usable = || channels.iter().filter(|channel| channel.is_usable);
        let now_msat = usable().map(|channel| channel.next_outbound_htlc_limit_msat);
        if now_msat.fold(0, u64::saturating_add) >= amount_msat {
            return Room::Now;
        }
        let in_flight = self.node.node.list_payments_with_filter(|record| {
            record.direction == PaymentDirection::Outbound
                && record.status == PaymentStatus::Pending
                && !matches!(record.kind, PaymentKind::Onchain { .. })
        });
        let in_flight_msat = in_flight.iter().filter_map(|record| record.amount_msat);
        let own_msat = usable().map(|channel| channel.outbound_capacity_msat);
        let later_msat = own_msat.chain(in_flight_msat).fold(0, u64::saturating_add);
        if in_flight.is_empty() || later_msat < amount_msat {
            Room::Never
        } else {
            Room::Later
        }
    }

    /// Why LDK refused a payment at once, as far as our own channels tell.
    fn refusal(&self, request: &PayRequest, invoice: &Bolt11Invoice) -> Rejection {
        let fee_limit_msat = request.fee_limit_msat.unsigned();
        let amount_msat = amount_msat(request, invoice).saturating_add(fee_limit_msat);
        let channels = leading(
            self.node.node.list_channels(),
            Reach::of(invoice, &self.node),
        );
        match self.room(amount_msat, &channels) {
            Room::Later => Rejection::NoRoom,
            Room::Now | Room::Never => Rejection::NoRoute,
        }
    }

    fn record(&self, payment_hash: &PaymentHash) -> Option<PaymentDetails> {
        self.node.node.payment(&PaymentId(*payment_hash.as_bytes()))
    }

    fn remove_record(&self, payment_hash: &PaymentHash) -> Result<(), ForgetError> {
        let id = PaymentId(*payment_hash.as_bytes());
        let removed = self.node.node.remove_payment(&id);
        removed.map_err(|error| ForgetError::Unavailable(Box::new(error)))
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
        self.node.kv.wait_until_durable();
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
    /// - [`StoredNode`](crate::StoredNode) has proven it unsent, and it was not given to `pay` since;
    /// - it failed, and [`Rail::failure_is_final`] says so.
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
        let hash = &request.payment_hash;
        let was_sent_before = self.node.kv.begin_attempt(hash);
        let bolt11 = self.node.node.bolt11_payment();
        let sent = match request.amount_msat {
            None => bolt11.send(&invoice, Some(parameters)),
            Some(amount) => bolt11.send_using_amount(&invoice, amount.unsigned(), Some(parameters)),
        };
        match sent {
            Ok(_) => PayAnswer::Unknown,
            Err(error) => {
                tracing::info!(payment_hash = %hash, %error, "not dispatched");
                let refused = || self.refusal(request, &invoice);
                let answer = answer(error, refused, || self.payment(hash));
                match answer {
                    PayAnswer::Rejected(_) if was_sent_before => self.node.kv.end_attempts(hash),
                    // LDK knows of an attempt that is not over.
                    _ => self.node.kv.forget_attempts(hash),
                }
                answer
            }
        }
    }

    fn payment(&self, payment_hash: &PaymentHash) -> RailPayment {
        rail_payment(self.record(payment_hash))
    }

    fn next_event(&self, wait: Duration) -> Option<RailEvent> {
        let event = RailEvent::from(self.node.next_node_event(wait)?);
        let failed = match &event {
            RailEvent::PaymentFailed { payment_hash, .. } => Some(*payment_hash),
            _ => None,
        };
        self.failures.given(&self.node.kv, failed);
        Some(event)
    }

    fn acknowledge(&self) {
        self.node.acknowledge_event();
        self.failures.acknowledged();
    }

    fn failure_is_final(&self, payment_hash: &PaymentHash) -> bool {
        self.failures.is_final(&self.node.kv, payment_hash)
    }

    // A crash can leave a record `Pending` of a payment that LDK knows nothing of, and a failure that comes faster than
    // the record does leaves one too; then every `pay` of it would be a duplicate for ever.
    fn forget_unsent(&self, payment_hash: &PaymentHash) -> Result<(), ForgetError> {
        match self.record(payment_hash) {
            Some(record) if is_unsent(&record) => self.remove_record(payment_hash)?,
            Some(record) if record.direction == PaymentDirection::Outbound => {
                return Err(ForgetError::Paid(*payment_hash));
            }
            Some(_) | None => {}
        }
        self.node.kv.end_attempts(payment_hash);
        Ok(())
    }

    fn old_records(&self, before: Timestamp) -> Vec<RailRecord> {
        self.node.old_records(before)
    }

    fn forget_record(&self, payment_hash: &PaymentHash) -> Result<(), ForgetError> {
        self.remove_record(payment_hash)?;
        self.node.kv.forget_attempts(payment_hash);
        Ok(())
    }
}

/// The channels that can be the first on the way.
fn leading(mut channels: Vec<ChannelDetails>, reach: Option<Reach>) -> Vec<ChannelDetails> {
    if let Some(reach) = reach {
        channels.retain(|channel| reach.neighbours.contains(&channel.counterparty_node_id));
    }
    channels
}

fn amount_msat(request: &PayRequest, invoice: &Bolt11Invoice) -> u64 {
    let named = request.amount_msat.map(Msat::unsigned);
    named
        .or_else(|| invoice.amount_milli_satoshis())
        .unwrap_or(0)
}

/// What an error of `send` means, under the precondition of [`Rail::pay`] (ldk-node 0.7.1,
/// `bolt11.rs`).
fn answer(
    error: NodeError,
    refusal: impl FnOnce() -> Rejection,
    record: impl FnOnce() -> RailPayment,
) -> PayAnswer {
    match error {
        NodeError::NotRunning => PayAnswer::Rejected(Rejection::NotReady),
        NodeError::InvalidInvoice => PayAnswer::Rejected(Rejection::InvalidInvoice),
        NodeError::PaymentSendingFailed => PayAnswer::Rejected(refusal()),
        NodeError::DuplicatePayment => match record() {
            RailPayment::Succeeded {
                preimage: Some(preimage),
                fee_msat: Some(fee_msat),
                ..
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
            amount_msat: record.amount_msat.map(msat),
        },
    }
}

pub(crate) fn preimage(kind: &PaymentKind) -> Option<PaymentPreimage> {
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
