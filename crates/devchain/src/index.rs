//! Where every confirmed transaction, spend and script is to be found.
//!
//! It is derived from the blocks alone and must never be the only place that knows something.

use std::collections::HashMap;

use bitcoin::hashes::sha256;
use bitcoin::{OutPoint, Transaction, TxOut, Txid};

use crate::utxo::script_hash;

/// The place of a transaction in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) height: u32,
    pub(crate) position: usize,
}

/// An input, named by its transaction and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InputRef {
    pub(crate) txid: Txid,
    pub(crate) vin: u32,
}

/// The index over confirmed transactions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Index {
    places: HashMap<Txid, Place>,
    spends: HashMap<OutPoint, InputRef>,
    scripts: HashMap<sha256::Hash, Vec<Txid>>,
}

impl Index {
    /// Enters a transaction of a block; `spent` are the outputs its inputs spend (none: coinbase).
    pub(crate) fn add(&mut self, txid: Txid, tx: &Transaction, spent: &[TxOut], place: Place) {
        self.places.insert(txid, place);
        if !spent.is_empty() {
            for (vin, input) in (0u32..).zip(&tx.input) {
                self.spends
                    .insert(input.previous_output, InputRef { txid, vin });
            }
        }
        for script in scripts_touched(tx, spent) {
            self.scripts.entry(script).or_default().push(txid);
        }
    }

    /// Takes a transaction of a block that leaves the chain out again, as it was entered.
    pub(crate) fn remove(&mut self, txid: Txid, tx: &Transaction, spent: &[TxOut]) {
        self.places.remove(&txid);
        if !spent.is_empty() {
            for input in &tx.input {
                self.spends.remove(&input.previous_output);
            }
        }
        for script in scripts_touched(tx, spent) {
            if let Some(of_script) = self.scripts.get_mut(&script) {
                of_script.retain(|other| *other != txid);
                if of_script.is_empty() {
                    self.scripts.remove(&script);
                }
            }
        }
    }

    pub(crate) fn place(&self, txid: &Txid) -> Option<Place> {
        self.places.get(txid).copied()
    }

    pub(crate) fn spender(&self, outpoint: &OutPoint) -> Option<InputRef> {
        self.spends.get(outpoint).copied()
    }

    /// The transactions that pay to or spend from the script, oldest first.
    pub(crate) fn history(&self, script: &sha256::Hash) -> &[Txid] {
        self.scripts.get(script).map_or(&[], Vec::as_slice)
    }
}

/// Each script that the transaction pays to or spends from, once.
pub(crate) fn scripts_touched(tx: &Transaction, spent: &[TxOut]) -> Vec<sha256::Hash> {
    let outputs = spent.iter().chain(&tx.output);
    let mut scripts: Vec<_> = outputs
        .map(|output| script_hash(&output.script_pubkey))
        .collect();
    scripts.sort_unstable();
    scripts.dedup();
    scripts
}
