//! The counterparty's invoices that do not simply get paid, with their preimages: kept, so that a payment held
//! before a kill can be released after it.

use std::sync::Arc;

use money::Msat;
use payments::payment_hash::{PaymentHash, PaymentPreimage};
use payments::ports::{NodeState, StateKey};
use serde::{Deserialize, Serialize};
use wire::sandbox::{Behaviour, ReleaseAction};

/// One such invoice.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct HeldInvoice {
    behaviour: String,
    preimage: String,
    /// What arrived, once it has.
    claimable_msat: Option<i64>,
    /// How it was told to end, once it was.
    released: Option<String>,
}

impl HeldInvoice {
    pub(super) fn new(behaviour: Behaviour, preimage: &PaymentPreimage) -> Self {
        Self {
            behaviour: behaviour.as_str().to_owned(),
            preimage: preimage.reveal(),
            claimable_msat: None,
            released: None,
        }
    }

    pub(super) fn behaviour(&self) -> Option<Behaviour> {
        self.behaviour.parse().ok()
    }

    pub(super) fn preimage(&self) -> Option<PaymentPreimage> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(&self.preimage, &mut bytes).ok()?;
        Some(PaymentPreimage::from_bytes(bytes))
    }

    pub(super) fn claimable_msat(&self) -> Option<Msat> {
        self.claimable_msat.and_then(|msat| Msat::new(msat).ok())
    }

    pub(super) fn released(&self) -> Option<ReleaseAction> {
        self.released
            .as_deref()
            .and_then(|action| action.parse().ok())
    }

    pub(super) fn arrived(mut self, amount_msat: Msat) -> Self {
        self.claimable_msat = Some(amount_msat.get());
        self
    }

    pub(super) fn end(mut self, action: ReleaseAction) -> Self {
        self.released = Some(action.as_str().to_owned());
        self
    }
}

/// The kept invoices.
#[derive(Clone)]
pub(super) struct HeldInvoices(pub(super) Arc<dyn NodeState>);

impl HeldInvoices {
    fn key(hash: &PaymentHash) -> StateKey {
        StateKey {
            primary: "sandbox".to_owned(),
            secondary: "held".to_owned(),
            key: hash.to_string(),
        }
    }

    /// Keeps an invoice; durable when this returns.
    pub(super) fn keep(&self, hash: &PaymentHash, invoice: &HeldInvoice) {
        let value = serde_json::to_vec(invoice).expect("strings and numbers always serialise");
        pollster::block_on(self.0.write(Self::key(hash), value));
    }

    pub(super) fn find(&self, hash: &PaymentHash) -> Option<HeldInvoice> {
        let value = self.0.read(&Self::key(hash)).ok().flatten()?;
        serde_json::from_slice(&value).ok()
    }

    /// Every kept invoice.
    pub(super) fn all(&self) -> Vec<(PaymentHash, HeldInvoice)> {
        let names = self.0.list("sandbox", "held").unwrap_or_default();
        names
            .iter()
            .filter_map(|name| name.parse().ok())
            .filter_map(|hash| Some((hash, self.find(&hash)?)))
            .collect()
    }
}
