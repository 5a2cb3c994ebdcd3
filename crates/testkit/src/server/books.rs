//! What a test reads from the database itself: the audit, and whether an attempt is written down.

use std::time::Duration;

use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, Txid};
use jiff::Timestamp;
use money::Msat;
use payments::ports::{ChannelFunds, NodeFunds, NodePayment, NodePaymentState, NodePayments};
use serde_json::Value;
use server::workers::reconciler::Pace;
use store::StoreError;
use store::queries::audit::audit;
use store::queries::reconciliation::{booked, booked_since, totals};

use super::{ADMIN_TOKEN, TestServer};
use crate::patience::until;

impl TestServer {
    /// Audits the books in one snapshot, also while the server runs.
    ///
    /// # Panics
    /// When an invariant is broken; the message says by what.
    pub fn audit(&self) {
        let read = self.store.read(audit);
        let verdict = read.expect("the books can be read");
        let broken: Vec<_> = verdict
            .checks
            .iter()
            .filter(|check| !check.broken_by.is_empty())
            .collect();
        assert!(broken.is_empty(), "the books are broken: {broken:#?}");
    }

    /// Waits until no attempt to deliver a webhook is under way and the next one is due in `seconds` at most: a failed
    /// attempt has been written down.
    pub async fn until_next_delivery_within(&self, seconds: i64) {
        let limit = self.now().as_microsecond() + seconds * 1_000_000;
        until("a delivery that waits for its next attempt", async || {
            let waits =
                "SELECT CAST(MIN(next_at) AS BIGINT) FROM webhook_delivery WHERE state = 'pending'
                 AND NOT EXISTS (SELECT 1 FROM webhook_delivery WHERE state = 'leased')";
            let read = self
                .store
                .read_async(move |tx| tx.query(waits, &[])?[0].opt_int(0));
            let due: Result<Option<i64>, StoreError> = read.await;
            due.ok().flatten().filter(|due| *due <= limit)
        })
        .await;
    }

    /// Starts anew with a node that is compared with the books many times a second.
    pub async fn reconciled(&mut self) {
        self.let_the_node_agree();
        let often = Duration::from_millis(10);
        self.settings.reconcile = Some(Pace {
            every: often,
            again: often,
        });
        self.restart().await;
    }

    /// Gives the node the records and the funds that the books say it has.
    ///
    /// # Panics
    /// When the books hold less than nothing.
    pub fn let_the_node_agree(&self) {
        let everything = Timestamp::UNIX_EPOCH;
        let read = self.store.read(move |tx| {
            let hashes = booked_since(tx, everything)?;
            Ok::<_, StoreError>((booked(tx, &hashes, everything)?, totals(tx)?))
        });
        let (payments, totals) = read.expect("the books can be read");
        let mut node = NodePayments::default();
        for (payment_hash, payment) in payments {
            let record = |amount_msat| NodePayment {
                payment_hash,
                state: NodePaymentState::Succeeded,
                amount_msat: Some(amount_msat),
                fee_msat: Some(Msat::ZERO),
                preimage: None,
            };
            node.sent.extend(payment.sent.booked_msat.map(record));
            node.received
                .extend(payment.received_msat.last().copied().map(record));
        }
        let own_msat = Msat::new(totals.float_msat).expect("an amount");
        self.rail.set_payments(node);
        self.rail.set_funds(NodeFunds {
            channels: vec![ChannelFunds {
                channel_id: [1; 32],
                funding: Some(OutPoint::new(Txid::from_byte_array([1; 32]), 0)),
                is_outbound: false,
                is_announced: false,
                own_min_msat: own_msat,
                own_max_msat: own_msat,
                in_flight_msat: Msat::ZERO,
            }],
            wallet_msat: Msat::new(totals.wallet_msat).expect("an amount"),
            ..NodeFunds::default()
        });
    }

    /// Lets the node pay or be paid: its records and its channel say so, and no event does.
    ///
    /// # Panics
    /// When the channel has too little.
    pub fn node_alone(&self, payment: NodePayment, outbound: bool) {
        let (mut node, mut funds) = self.rail.node_says();
        let amount_msat = payment.amount_msat.unwrap_or(Msat::ZERO);
        let fee_msat = payment.fee_msat.unwrap_or(Msat::ZERO);
        let channel = funds.channels.first_mut().expect("a channel");
        let own_msat = if outbound {
            node.sent.push(payment);
            let left = channel.own_min_msat.checked_sub(amount_msat);
            left.and_then(|left| left.checked_sub(fee_msat))
        } else {
            node.received.push(payment);
            channel.own_min_msat.checked_add(amount_msat)
        };
        channel.own_min_msat = own_msat.expect("an amount");
        channel.own_max_msat = channel.own_min_msat;
        self.rail.set_funds(funds);
        self.rail.set_payments(node);
    }

    /// A fresh verdict of the books against the node.
    ///
    /// # Panics
    /// When the server gives none.
    pub async fn verdict(&self) -> Value {
        let path = "/admin/v1/reconciliation?everything=true";
        let answer = self.get(path).key(ADMIN_TOKEN).send().await;
        assert_eq!(answer.status, 200);
        answer.json()
    }
}
