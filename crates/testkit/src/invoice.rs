//! BOLT 11 invoices of other nodes, real and signed, with everything about them known to the test.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bitcoin::hashes::{Hash, sha256};
use bitcoin::secp256k1::{PublicKey, Secp256k1, SecretKey};
use jiff::Timestamp;
use lightning_invoice::{Currency, InvoiceBuilder, PaymentSecret};
use payments::payment_hash::{PaymentHash, PaymentPreimage};
use payments::ports::RailEvent;
use sha2::{Digest, Sha256};

/// The key of a test node: our own is 1, other nodes are 2 and up.
pub(crate) fn key(node: u8) -> SecretKey {
    SecretKey::from_slice(&[node; 32]).expect("32 equal bytes are a key")
}

/// The public key of a test node.
#[must_use]
pub fn payee(node: u8) -> PublicKey {
    PublicKey::from_secret_key(&Secp256k1::signing_only(), &key(node))
}

/// What an invoice says.
#[derive(Debug, Clone)]
pub struct InvoiceSpec {
    /// What it asks for; `None` leaves it to the payer.
    pub amount_msat: Option<u64>,
    /// The network of its prefix.
    pub currency: Currency,
    /// Which node signs it: 1 is our own.
    pub node: u8,
    /// The description.
    pub description: String,
    /// When it is made.
    pub created_at: Timestamp,
    /// How long it can be paid.
    pub expiry_seconds: u64,
}

impl InvoiceSpec {
    /// An invoice of another node on regtest, which can be paid for an hour.
    #[must_use]
    pub fn new(amount_msat: u64, created_at: Timestamp) -> Self {
        Self {
            amount_msat: Some(amount_msat),
            currency: Currency::Regtest,
            node: 2,
            description: "from another node".to_owned(),
            created_at,
            expiry_seconds: 3_600,
        }
    }

    /// Signs it, with a preimage that no other invoice of this process has.
    ///
    /// # Panics
    /// For what BOLT 11 cannot carry.
    #[must_use]
    pub fn sign(&self) -> ForeignInvoice {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        self.sign_with(Sha256::digest(format!("preimage {count}")).into())
    }

    /// Signs it, with this preimage.
    pub(crate) fn sign_with(&self, secret: [u8; 32]) -> ForeignInvoice {
        let preimage = PaymentPreimage::from_bytes(secret);
        self.sign_over(preimage.payment_hash(), preimage)
    }

    /// Signs it over a payment hash that was seen elsewhere, as a forger does: the preimage is not known.
    ///
    /// # Panics
    /// For what BOLT 11 cannot carry.
    #[must_use]
    pub fn forge(&self, payment_hash: PaymentHash) -> ForeignInvoice {
        self.sign_over(payment_hash, PaymentPreimage::from_bytes([0; 32]))
    }

    fn sign_over(&self, payment_hash: PaymentHash, preimage: PaymentPreimage) -> ForeignInvoice {
        let made = u64::try_from(self.created_at.as_second()).expect("a time after 1970");
        let builder = InvoiceBuilder::new(self.currency.clone())
            .description(self.description.clone())
            .payment_hash(sha256::Hash::from_byte_array(*payment_hash.as_bytes()))
            .payment_secret(PaymentSecret(*payment_hash.as_bytes()))
            .duration_since_epoch(Duration::from_secs(made))
            .expiry_time(Duration::from_secs(self.expiry_seconds))
            .min_final_cltv_expiry_delta(144);
        let builder = match self.amount_msat {
            Some(amount_msat) => builder.amount_milli_satoshis(amount_msat),
            None => builder,
        };
        let key = key(self.node);
        let signed = builder
            .build_signed(|digest| Secp256k1::signing_only().sign_ecdsa_recoverable(digest, &key))
            .expect("an invoice that BOLT 11 can carry");
        ForeignInvoice {
            bolt11: signed.to_string(),
            payment_hash,
            preimage,
        }
    }
}

/// A signed invoice.
#[derive(Debug, Clone)]
pub struct ForeignInvoice {
    /// Its encoded form.
    pub bolt11: String,
    /// Its payment hash.
    pub payment_hash: PaymentHash,
    /// The proof that paying it gives.
    pub preimage: PaymentPreimage,
}

impl ForeignInvoice {
    /// The node's word that it was paid, for a routing fee of `fee_msat`.
    ///
    /// # Panics
    /// For a fee above all bitcoin.
    #[must_use]
    pub fn succeeded(&self, fee_msat: u64) -> RailEvent {
        RailEvent::PaymentSucceeded {
            payment_hash: self.payment_hash,
            preimage: Some(self.preimage),
            fee_msat: Some(money::Msat::from_unsigned(fee_msat).expect("an amount")),
        }
    }

    /// The node's word that it will never be paid.
    #[must_use]
    pub const fn failed(&self, reason: payments::ports::PaymentFailure) -> RailEvent {
        RailEvent::PaymentFailed {
            payment_hash: self.payment_hash,
            reason,
        }
    }
}
