//! Accepted transactions that no block holds yet, in the order of their acceptance.
//!
//! Every entry passed `validate`. Parents stand before their children, because a child is accepted
//! only after its parents, and no two entries spend the same output.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bitcoin::hashes::sha256;
use bitcoin::{OutPoint, Transaction, TxOut, Txid, Weight};

use crate::index::{InputRef, scripts_touched};

/// A transaction with what its validation found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) tx: Arc<Transaction>,
    pub(crate) txid: Txid,
    /// The outputs spent, in the order of the inputs.
    pub(crate) spent: Vec<TxOut>,
    pub(crate) fee_sat: u64,
    pub(crate) weight: Weight,
    pub(crate) sigop_cost: usize,
    /// Virtual size in vB as the relay fee counts it: signature operations count as bytes too.
    pub(crate) vsize: u64,
    /// The entries that it takes the place of: those it conflicts with, and their descendants.
    pub(crate) replaces: Vec<Txid>,
}

/// The mempool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Mempool {
    accepted: BTreeMap<u64, Txid>,
    entries: HashMap<Txid, (u64, Entry)>,
    spends: HashMap<OutPoint, InputRef>,
    scripts: HashMap<sha256::Hash, Vec<Txid>>,
    next: u64,
}

impl Mempool {
    pub(crate) fn get(&self, txid: &Txid) -> Option<&Entry> {
        self.entries.get(txid).map(|(_, entry)| entry)
    }

    /// The output, if an entry makes it.
    pub(crate) fn output(&self, outpoint: &OutPoint) -> Option<&TxOut> {
        self.get(&outpoint.txid)?
            .tx
            .output
            .get(usize::try_from(outpoint.vout).ok()?)
    }

    pub(crate) fn spender(&self, outpoint: &OutPoint) -> Option<InputRef> {
        self.spends.get(outpoint).copied()
    }

    /// Entries in the order of acceptance: parents before children.
    pub(crate) fn in_order(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.accepted.values().filter_map(|txid| self.get(txid))
    }

    /// Entries that pay to or spend from the script, oldest first.
    pub(crate) fn history(&self, script: &sha256::Hash) -> &[Txid] {
        self.scripts.get(script).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn add(&mut self, entry: Entry) {
        let txid = entry.txid;
        for (vin, input) in (0u32..).zip(&entry.tx.input) {
            self.spends
                .insert(input.previous_output, InputRef { txid, vin });
        }
        for script in scripts_touched(&entry.tx, &entry.spent) {
            self.scripts.entry(script).or_default().push(txid);
        }
        self.accepted.insert(self.next, txid);
        self.entries.insert(txid, (self.next, entry));
        self.next += 1;
    }

    /// Takes out an entry that a block now holds, or that is replaced. Its children stay.
    pub(crate) fn remove(&mut self, txid: &Txid) {
        let Some((number, entry)) = self.entries.remove(txid) else {
            return;
        };
        self.accepted.remove(&number);
        for input in &entry.tx.input {
            self.spends.remove(&input.previous_output);
        }
        for script in scripts_touched(&entry.tx, &entry.spent) {
            if let Some(of_script) = self.scripts.get_mut(&script) {
                of_script.retain(|other| other != txid);
                if of_script.is_empty() {
                    self.scripts.remove(&script);
                }
            }
        }
    }
}
