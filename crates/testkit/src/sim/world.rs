//! [`World`]: the clients and the payers, what they asked for, and what they were told.
//!
//! It knows only what a client can know: a reply that was lost with the process is not known here either.

mod requests;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use money::Msat;
use payments::payment_hash::{PaymentHash, PaymentPreimage};
use payments::withdrawal::Asked;

use super::dice::Dice;
use super::place::Client;
use crate::invoice::InvoiceSpec;

/// An invoice of another node.
#[derive(Debug, Clone)]
pub(super) struct Bill {
    pub(super) bolt11: String,
    pub(super) payment_hash: PaymentHash,
    pub(super) preimage: PaymentPreimage,
    /// What it states.
    pub(super) stated_msat: Option<i64>,
    /// What is asked for beside it.
    pub(super) asked: Asked,
}

/// An invoice of ours that a client was given.
#[derive(Debug, Clone)]
pub(super) struct Issued {
    pub(super) client: usize,
    pub(super) bolt11: String,
    pub(super) amount_msat: i64,
}

/// A request for a withdrawal.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) client: usize,
    pub(super) bolt11: String,
    pub(super) payment_hash: PaymentHash,
    /// What the invoice states.
    pub(super) stated_msat: Option<i64>,
    /// What was asked for beside it.
    pub(super) asked: Asked,
    /// What the client could spend, each time it was asked.
    pub(super) spendable_msat: Vec<i128>,
    /// The client's own id for it; for a request with an idempotency key it is that key.
    pub(super) client_id: String,
    pub(super) has_key: bool,
    /// The id that was answered.
    pub(super) answered_id: Option<String>,
}

/// A request for an invoice, under an idempotency key.
#[derive(Debug, Clone)]
pub(super) struct InvoiceAsk {
    client: usize,
    amount_msat: i64,
    expiry_seconds: u64,
    key: String,
}

/// How a key was used: the request, and the first answer to it.
#[derive(Debug, Clone, Default)]
pub(super) struct KeyUse {
    requests: Vec<String>,
    pub(super) answer: Option<(String, Vec<u8>)>,
}

/// What the clients know.
pub(super) struct World {
    pub(super) clients: Vec<Client>,
    pub(super) asks: Vec<Ask>,
    pub(super) issued: BTreeMap<[u8; 32], Issued>,
    /// By client, scope and key.
    pub(super) keys: BTreeMap<(usize, &'static str, String), KeyUse>,
    /// What each client can spend, as the last audit found it.
    pub(super) spendable_msat: Vec<i128>,
    /// To whom a person gave what was in suspense, by the item's id.
    pub(super) assigned: BTreeMap<[u8; 16], Vec<usize>>,
    invoice_asks: Vec<InvoiceAsk>,
    runtime: tokio::runtime::Runtime,
    names: u64,
    pub(super) violations: Vec<String>,
}

impl World {
    pub(super) fn new(clients: &[Client], spendable_msat: Vec<i128>) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        Self {
            clients: clients.to_vec(),
            asks: Vec::new(),
            issued: BTreeMap::new(),
            keys: BTreeMap::new(),
            spendable_msat,
            assigned: BTreeMap::new(),
            invoice_asks: Vec::new(),
            runtime: runtime.expect("a runtime"),
            names: 0,
            violations: Vec::new(),
        }
    }

    /// An invoice of another node, made now.
    pub(super) fn bill(&self, client: usize, now: Timestamp, dice: &mut Dice) -> Bill {
        let spendable = self.spendable_msat.get(client).copied().unwrap_or(0);
        let spendable = u64::try_from(spendable).unwrap_or(0);
        let most = dice.weighted(&[
            (6, 50_000),
            (3, spendable / 3),
            (2, spendable),
            (1, spendable * 2),
        ]);
        let amount_msat = dice.between(1, most.max(1));
        let states_amount = dice.percent(80);
        let send_all = dice.percent(if states_amount { 1 } else { 40 });
        let amount = Msat::from_unsigned(amount_msat).ok();
        let asked = Asked {
            amount_msat: amount.filter(|_| !send_all && (!states_amount || dice.percent(50))),
            send_all,
            fee_limit_msat: dice
                .percent(15)
                .then(|| dice.below(9_000))
                .and_then(|msat| Msat::from_unsigned(msat).ok()),
        };
        let spec = InvoiceSpec {
            amount_msat: states_amount.then_some(amount_msat),
            expiry_seconds: *dice.pick(&[5, 60, 3_600, 86_400]).unwrap_or(&3_600),
            ..InvoiceSpec::new(amount_msat, now)
        };
        let hashes: Vec<[u8; 32]> = self.issued.keys().copied().collect();
        let forged = dice
            .percent(3)
            .then(|| dice.pick(&hashes).copied())
            .flatten();
        let signed = match forged {
            Some(hash) => spec.forge(PaymentHash::from_bytes(hash)),
            None => spec.sign_with(dice.bytes()),
        };
        Bill {
            bolt11: signed.bolt11,
            payment_hash: signed.payment_hash,
            preimage: signed.preimage,
            stated_msat: spec.amount_msat.and_then(|msat| i64::try_from(msat).ok()),
            asked,
        }
    }

    /// Which of our invoices somebody pays now, and what they pay.
    pub(super) fn paid_from_outside(&self, dice: &mut Dice) -> Option<(PaymentHash, Msat)> {
        let hashes: Vec<[u8; 32]> = self.issued.keys().copied().collect();
        let hash = dice.pick(&hashes)?;
        let asked_msat = self.issued.get(hash)?.amount_msat;
        // LDK takes up to twice the amount of an invoice.
        let more = if dice.percent(20) {
            dice.below(asked_msat.unsigned_abs())
        } else {
            0
        };
        let amount_msat = Msat::from_unsigned(asked_msat.unsigned_abs() + more).ok()?;
        Some((PaymentHash::from_bytes(*hash), amount_msat))
    }

    /// Whether this is an invoice of ours, to the letter.
    pub(super) fn is_ours(&self, payment_hash: &[u8; 32], bolt11: &str) -> bool {
        self.issued
            .get(payment_hash)
            .is_some_and(|issued| issued.bolt11 == bolt11)
    }

    fn fresh_name(&mut self, kind: &str) -> String {
        self.names += 1;
        format!("{kind}-{}", self.names)
    }
}

/// How far a clock jumps.
pub(super) fn clock_jump(dice: &mut Dice) -> SignedDuration {
    let seconds = dice.weighted(&[(6, 2), (3, 90), (2, 7_200), (1, 86_400)]);
    let millis = i64::try_from(dice.between(1, seconds * 1_000)).unwrap_or(1);
    SignedDuration::from_millis(if dice.percent(15) { -millis } else { millis })
}
