//! Where the coins of a transaction come from, told by the chain: a channel of ours, or outside.
//!
//! LDK pays to the wallet at once, with no sweep: our part of a channel that was closed together, and a payment of a
//! closed channel that it takes back or was given the key to. A peer may send us what it got of the same channel, so an
//! input counts only when it is spent as nobody but a party to the channel can. It must never guess.

use std::collections::BTreeSet;

use bitcoin::{OutPoint, Transaction, TxIn, Txid};
use money::{MSAT_PER_SAT, Msat};

use crate::node::LdkNode;
use crate::node_event::msat;
use crate::plain_thread::on_plain_thread;

/// Where the coins of a transaction come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// A closed channel, for this fee. What its closing transaction cost us stands in the channel's remainder.
    Channel { fee_msat: Msat },
    /// Anywhere else.
    Outside,
}

impl LdkNode {
    /// Where the coins of a transaction come from, when `fundings` are the funding outputs of our channels; `None`
    /// while the chain does not answer.
    pub(super) fn origin(&self, txid: Txid, fundings: &BTreeSet<OutPoint>) -> Option<Origin> {
        if fundings.is_empty() {
            return Some(Origin::Outside);
        }
        let traced = on_plain_thread(|| self.runtime().block_on(self.trace(txid, fundings)));
        traced.unwrap_or_else(|error| {
            tracing::warn!(%txid, %error, "the chain does not tell what a transaction spends");
            None
        })
    }

    async fn trace(
        &self,
        txid: Txid,
        fundings: &BTreeSet<OutPoint>,
    ) -> Result<Option<Origin>, esplora_client::Error> {
        let Some(transaction) = self.esplora.get_tx(&txid).await? else {
            return Ok(None);
        };
        let mut inputs = transaction.input.iter();
        if inputs.any(|input| fundings.contains(&input.previous_output)) {
            let fee_msat = Msat::ZERO;
            return Ok(Some(Origin::Channel { fee_msat }));
        }
        if !transaction.input.iter().any(is_of_a_party) {
            return Ok(Some(Origin::Outside));
        }
        let mut closings = BTreeSet::new();
        for funding in fundings {
            let vout = u64::from(funding.vout);
            let spent = self.esplora.get_output_status(&funding.txid, vout).await?;
            closings.extend(spent.and_then(|spent| spent.txid));
        }
        let mut parents = Vec::with_capacity(transaction.input.len());
        for input in &transaction.input {
            let Some(parent) = self.esplora.get_tx(&input.previous_output.txid).await? else {
                return Ok(None);
            };
            parents.push(parent);
        }
        Ok(Some(of_closings(&transaction, &parents, &closings)))
    }
}

/// Whether an input is spent as only a party to a channel can (BOLT 3): an HTLC, or what a revoked state has.
fn is_of_a_party(input: &TxIn) -> bool {
    const HTLC: [u8; 3] = [0x76, 0xa9, 0x14];
    const TO_LOCAL: u8 = 0x63;
    let witness = input.witness.to_vec();
    let [.., branch, script] = &witness[..] else {
        return false;
    };
    script.starts_with(&HTLC) || (script.first() == Some(&TO_LOCAL) && branch[..] == [1])
}

/// The origin of `transaction`, of whose inputs `parents` made the coins: a channel, when one was spent by a party to
/// a channel that `closings` closed.
fn of_closings(
    transaction: &Transaction,
    parents: &[Transaction],
    closings: &BTreeSet<Txid>,
) -> Origin {
    let mut spent_sat = 0;
    let mut is_of_a_channel = false;
    for (input, parent) in transaction.input.iter().zip(parents) {
        let of = &input.previous_output;
        let mut before = parent.input.iter();
        let descends = closings.contains(&of.txid)
            || before.any(|input| closings.contains(&input.previous_output.txid));
        is_of_a_channel |= descends && is_of_a_party(input);
        let output = usize::try_from(of.vout)
            .ok()
            .and_then(|vout| parent.output.get(vout));
        spent_sat += output.map_or(0, |output| output.value.to_sat());
    }
    if !is_of_a_channel {
        return Origin::Outside;
    }
    let left_sat: u64 = transaction
        .output
        .iter()
        .map(|output| output.value.to_sat())
        .sum();
    let fee_sat = spent_sat.saturating_sub(left_sat);
    Origin::Channel {
        fee_msat: msat(fee_sat.saturating_mul(MSAT_PER_SAT.unsigned_abs())),
    }
}

#[cfg(test)]
mod tests;
