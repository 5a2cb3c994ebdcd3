//! What the transactions of the node's own on-chain wallet did.
//!
//! ldk-node keeps a record of each, with what came or left. Which of them fetched a closed channel is told by its
//! sweeps, and otherwise by the chain itself (`wallet/origin.rs`). What cannot be found out now is left open: it must
//! never be taken for the operator's own money.

mod origin;

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, Txid};
use ldk_node::PendingSweepBalance;
use ldk_node::payment::{PaymentDetails, PaymentDirection, PaymentKind, PaymentStatus};
use money::{MSAT_PER_SAT, Msat};
use payments::ports::{WalletMove, WalletTransaction};

use self::origin::Origin;
use crate::node::LdkNode;
use crate::node_event::msat;

impl LdkNode {
    /// See [`payments::ports::NodeView::wallet_transactions`].
    pub(crate) fn wallet_transactions(
        &self,
        known: &BTreeSet<[u8; 32]>,
        fundings: &BTreeSet<OutPoint>,
    ) -> Vec<WalletTransaction> {
        let records = self
            .node
            .list_payments_with_filter(|record| match &record.kind {
                PaymentKind::Onchain { txid, .. } => !known.contains(txid.as_byte_array()),
                _ => false,
            });
        let swept = swept(
            &self
                .node
                .list_balances()
                .pending_balances_from_channel_closures,
        );
        let found = records
            .iter()
            .filter_map(|record| self.wallet_transaction(record, &swept, fundings));
        found.collect()
    }

    fn wallet_transaction(
        &self,
        record: &PaymentDetails,
        swept: &BTreeMap<Txid, u64>,
        fundings: &BTreeSet<OutPoint>,
    ) -> Option<WalletTransaction> {
        let PaymentKind::Onchain { txid, .. } = record.kind else {
            return None;
        };
        let amount_msat = msat(record.amount_msat.unwrap_or(0));
        let fee_msat = msat(record.fee_paid_msat.unwrap_or(0));
        let moved = match record.direction {
            PaymentDirection::Outbound => {
                Some(self.outbound(txid, fundings, amount_msat, fee_msat))
            }
            PaymentDirection::Inbound => match swept.get(&txid) {
                Some(inputs_sat) => Some(WalletMove::Swept {
                    arrived_msat: amount_msat,
                    fee_msat: msat(inputs_sat * MSAT_PER_SAT.unsigned_abs())
                        .checked_sub(amount_msat)
                        .unwrap_or(Msat::ZERO),
                }),
                None => self.origin(txid, fundings).map(|origin| match origin {
                    Origin::Channel { fee_msat } => WalletMove::Swept {
                        arrived_msat: amount_msat,
                        fee_msat,
                    },
                    Origin::Outside => WalletMove::Funded {
                        arrived_msat: amount_msat,
                    },
                }),
            },
        };
        let net_msat = match record.direction {
            PaymentDirection::Inbound => amount_msat.get(),
            PaymentDirection::Outbound => -(amount_msat.get() + fee_msat.get()),
        };
        Some(WalletTransaction {
            txid: txid.to_byte_array(),
            moved,
            net_msat,
            is_final: record.status == PaymentStatus::Succeeded,
        })
    }

    /// The wallet pays for channels only: it funds one, or brings a transaction of one into a block.
    fn outbound(
        &self,
        txid: Txid,
        fundings: &BTreeSet<OutPoint>,
        amount_msat: Msat,
        fee_msat: Msat,
    ) -> WalletMove {
        let channels = self.node.list_channels();
        let funded = channels.iter().any(|channel| {
            channel.is_outbound
                && channel
                    .funding_txo
                    .is_some_and(|funding| funding.txid == txid)
        });
        // A channel that is closed before its funding is final stands in no list of the node any more.
        if funded || fundings.iter().any(|funding| funding.txid == txid) {
            return WalletMove::Opened {
                channel_msat: amount_msat,
                fee_msat,
            };
        }
        let left_msat = amount_msat.checked_add(fee_msat).unwrap_or(amount_msat);
        WalletMove::Spent { left_msat }
    }
}

/// What the sweeps of closed channels spend, by the transaction that does.
fn swept(sweeps: &[PendingSweepBalance]) -> BTreeMap<Txid, u64> {
    let mut swept = BTreeMap::new();
    for sweep in sweeps {
        if let PendingSweepBalance::BroadcastAwaitingConfirmation {
            latest_spending_txid,
            amount_satoshis,
            ..
        }
        | PendingSweepBalance::AwaitingThresholdConfirmations {
            latest_spending_txid,
            amount_satoshis,
            ..
        } = sweep
        {
            *swept.entry(*latest_spending_txid).or_default() += amount_satoshis;
        }
    }
    swept
}
