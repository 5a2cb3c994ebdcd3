//! Whether a transaction may take the place of others in the mempool (Core: full replace-by-fee, BIP 125 rules 2 to 5).
//!
//! Signalling is not asked for, as in Core since 28.0. It reads the mempool and never changes it.

use std::collections::HashSet;

use bitcoin::{Transaction, Txid};

use crate::mempool::{Entry, Mempool};
use crate::reject::Reject;

/// Core: `MAX_REPLACEMENT_CANDIDATES`.
const MAX_REPLACED: usize = 100;
/// Core: `DEFAULT_INCREMENTAL_RELAY_FEE`, 1,000 sat per 1,000 vB.
const INCREMENTAL_FEE_SAT_PER_KVB: u64 = 1_000;

/// What a transaction would take out of the mempool.
#[derive(Debug, Default)]
pub(super) struct Conflicts {
    /// Those that spend what it spends.
    direct: HashSet<Txid>,
    /// These and their descendants, parents first.
    pub(super) all: Vec<Txid>,
}

impl Conflicts {
    /// What stands in the way of `tx`.
    pub(super) fn of(mempool: &Mempool, tx: &Transaction) -> Self {
        let spenders = tx.input.iter();
        let direct: HashSet<Txid> = spenders
            .filter_map(|input| mempool.spender(&input.previous_output))
            .map(|spender| spender.txid)
            .collect();
        let mut gone = HashSet::new();
        let mut all = Vec::new();
        if direct.is_empty() {
            return Self { direct, all };
        }
        for entry in mempool.in_order() {
            let mut parents = entry.tx.input.iter();
            let orphaned = parents.any(|input| gone.contains(&input.previous_output.txid));
            if orphaned || direct.contains(&entry.txid) {
                gone.insert(entry.txid);
                all.push(entry.txid);
            }
        }
        Self { direct, all }
    }

    /// Whether `tx`, of `vsize` vB and for `fee_sat`, is worth more to miners than what it replaces.
    pub(super) fn check(
        &self,
        mempool: &Mempool,
        tx: &Transaction,
        fee_sat: u64,
        vsize: u64,
    ) -> Result<(), Reject> {
        if self.direct.is_empty() {
            return Ok(());
        }
        let gone: HashSet<&Txid> = self.all.iter().collect();
        if tx
            .input
            .iter()
            .any(|input| gone.contains(&input.previous_output.txid))
        {
            return Err(Reject::SpendsConflicting);
        }
        let direct = || self.direct.iter().filter_map(|txid| mempool.get(txid));
        // fee / vsize must be above that of each: compared without division.
        let is_dearer = |entry: &Entry| {
            u128::from(fee_sat) * u128::from(entry.vsize)
                > u128::from(entry.fee_sat) * u128::from(vsize)
        };
        if !direct().all(is_dearer) {
            return Err(Reject::InsufficientFee);
        }
        if self.all.len() > MAX_REPLACED {
            return Err(Reject::TooManyReplacements);
        }
        let spent_before: HashSet<Txid> = direct()
            .flat_map(|entry| &entry.tx.input)
            .map(|input| input.previous_output.txid)
            .collect();
        let adds_unconfirmed = tx.input.iter().any(|input| {
            let parent = input.previous_output.txid;
            mempool.get(&parent).is_some() && !spent_before.contains(&parent)
        });
        if adds_unconfirmed {
            return Err(Reject::AddsUnconfirmed);
        }
        let replaced = self.all.iter().filter_map(|txid| mempool.get(txid));
        let replaced_sat: u64 = replaced.map(|entry| entry.fee_sat).sum();
        let relay_sat = vsize
            .saturating_mul(INCREMENTAL_FEE_SAT_PER_KVB)
            .div_ceil(1_000);
        if fee_sat < replaced_sat.saturating_add(relay_sat) {
            return Err(Reject::InsufficientFee);
        }
        Ok(())
    }
}
